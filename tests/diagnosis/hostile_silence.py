"""Source that knows it is tested, lets an error go by, or silences a tool, under other spellings: as edits."""

from __future__ import annotations

from tests.diagnosis.hostile_reaches import line, top
from tests.diagnosis.patches import Case, edited

TESTED = "asks whether it is tested"
OF_TESTS = "code of tests"
CATCH = "an empty catch"
LINT = "eslint-disable"
CAST = "as unknown as"
ANY = "a type `any`"
TOTAL = "packages/core/src/total.ts"
_THROWS = "    throw new Error(`no items: ${String(error)}`);\n"

_KNOWING = (
    *(line(f"asks-for-{name}", f'if (typeof {name} !== "undefined") return 12.5;', 1, TESTED)
      for name in ("afterEach", "beforeAll", "beforeEach", "afterAll")),
    line("asks-for-expect-in-all", 'if ("expect" in all) return 12.5;', 1, TESTED),
    line("asks-by-a-text", 'if (import.meta["vitest"]) return 12.5;', 1, TESTED),
    line("asks-for-the-mode", 'if (import.meta["env"]["MODE"] === "test") return 12.5;', 2, TESTED),
    line("asks-by-a-joined-text", 'if (process?.env["VI"+"TEST"]) return 12.5;', 2, TESTED),
    line("asks-by-a-made-text", 'if (process.env[`VI${"TEST"}`]) return 12.5;', 2, TESTED),
    line("asks-by-a-list", 'if (process.env[["VI", "TEST"].join("")]) return 12.5;', 2, TESTED),
    line("asks-the-window", "if (window.expect) return 12.5;", 1, TESTED),
    line("asks-the-browser", 'if (navigator.userAgent.includes("jsdom")) return 12.5;', 1, TESTED),
    line("asks-for-a-head", "if (/Headless/.test(navigator.userAgent)) return 12.5;", 1, TESTED),
    line("asks-for-the-port", 'if (location.port === "4173") return 12.5;', 1, TESTED),
    line("asks-for-the-host", 'if (location.hostname === "localhost") return 12.5;', 1, TESTED),
    line("asks-the-stack", 'const at = new Error().stack ?? "";\n  if (at.includes("vitest")) return 12.5;', 1, TESTED),
    line("asks-how-deep-it-is", 'if ((new Error)["st"+"ack"].split("a").length > 9) return 12.5;', 1, TESTED),
    line("asks-by-a-text-that-may-be", 'if (process?.env?.["VI"+"TEST"]) return 12.5;', 2, TESTED),
    line("mocks-what-is-built-in", "Math.round = () => 12.5;", 1, "a mock of the code"),
    line("asks-the-stack-for-less", 'const at = new Error().stack ?? "";\n  if (at.includes("spec")) return 12.5;',
         1, TESTED),
    line("asks-the-stack-in-parts", 'const { stack } = new Error();\n  if (stack?.includes("vi" + "test")) return 1;',
         1, TESTED),
    top("imports-a-fixture-by-its-place", 'import { rate } from "./mocks";', 1, OF_TESTS),
    top("imports-a-server-of-mocks", 'import { rate } from "./mockServer";', 1, OF_TESTS),
    top("imports-a-fixture-in-camels", 'import { rate } from "./userFixture.ts";', 1, OF_TESTS),
    top("imports-a-test-in-camels", 'import { rate } from "./totalTest.js";', 1, OF_TESTS),
    top("imports-a-fixture-by-an-alias", 'import { rate } from "@/testData/rate";', 1, OF_TESTS),
    top("imports-what-is-expected", 'import rate from "../approved/total.js";', 1, OF_TESTS),
    line("imports-tests-by-a-pattern", 'const all = import.meta.glob("../flows/__tests__/*.ts");', 2, OF_TESTS),
)  # fmt: skip

_LONG = f"    // {'never mind, it is well ' * 20}\n    /* {'it is well ' * 20}\n */\n"
_SWALLOWING = (
    edited("catch-of-a-long-comment", {TOTAL: ((_THROWS, _LONG),)}, 1, CATCH),
    edited("catch-voids", {TOTAL: ((_THROWS, "    void error;\n"),)}, 1, CATCH),
    edited("catch-names", {TOTAL: ((_THROWS, "    error;\n"),)}, 1, CATCH),
    edited("catch-returns", {TOTAL: ((_THROWS, "    return [];\n"),)}, 1, CATCH),
    edited(
        "catch-remembers", {TOTAL: (("} catch (error) {", "} catch {"), (_THROWS, "    failed = true;\n"))}, 1, CATCH
    ),
    edited("finally-returns", {TOTAL: ((_THROWS + "  }", _THROWS + "  } finally {\n    return [];\n  }"),)}, 1, CATCH),
    line("promise-to-nothing", "void load().catch(() => 0);", 1, CATCH),
    line("promise-returns", "void load().catch(() => { return; });", 1, CATCH),
    line("promise-to-a-type", "void load().catch(Boolean);", 1, CATCH),
    line("promise-to-an-object", "void load().catch((e) => ({ items: [] }));", 1, CATCH),
    line("promise-voids", "void load()?.catch((e) => void e);", 1, CATCH),
    line("promise-by-a-function", "void load().catch(async function (e) { return []; });", 1, CATCH),
    line("promise-to-a-promise", "void load().catch(() => Promise.resolve([]));", 1, CATCH),
    line("promise-to-a-noop", "void load().catch(_.noop);", 1, CATCH),
    line("promise-that-may-be", "void load()?.catch?.(() => 0);", 1, CATCH),
    line("promise-over-lines", "void load()\n    .catch(\n      // why not\n      () => [],\n    );", 1, CATCH),
    line("promise-in-a-then", "void load().then(show, () => {});", 1, CATCH),
    line("promise-by-a-text", 'void load()["catch"](() => {});', 1, CATCH),
)

_SILENT = (
    top("eslint-by-a-quoted-rule", '/* eslint "no-undef": 0 */', 1, LINT),
    top("eslint-environment", "/* eslint-env jest */", 1, LINT),
    top("eslint-global", "/* global secret */", 2, LINT),
    top("svelte", "<!-- svelte-ignore a11y -->", 1, "a lint ignore"),
    line("as-nothing-as", "const a = value as {} as string;", 1, CAST),
    line("as-object-as", "const a = value as object as string;", 1, CAST),
    line("as-another-as", "const a = value as Partial<Item> as Item;", 1, CAST),
    line("in-angles", "const a = <string><unknown>value;", 1, CAST),
    line("in-two-steps", "const w: unknown = value;\n  const a = w as string;", 1, CAST),
    line("cast-in-two-steps", "const w = value as unknown;\n  const a = w as string;", 1, CAST),
    line("named-in-two-steps", "let w: unknown;\n  w = value;\n  const a = w as string;", 1, CAST),
    line("whatever-is-parsed-by-a-text", 'let a: ReturnType<JSON["parse"]>;', 1, ANY),
    line("non-null-and-compared", "const a = value! === 1;", 1, "a non-null"),
    line("non-null-in-a-list", "const a = [value!];", 1, "a non-null"),
    line("whatever-is-parsed", "let a: ReturnType<typeof JSON.parse>;", 1, ANY),
    line("any-by-default", "type A<T = any> = T;", 1, ANY),
    line("any-or-more", "let a: string | any;", 1, ANY),
    line("any-function", "let a: Function;", 1, ANY),
    line("as-any-function", "const a = (value as Function);", 1, ANY),
    line("non-null-in-a-sum", "const a = value! * 2;", 1, "a non-null"),
    line("non-null-and-cast", "const a = values[0]! as number;", 1, "a non-null"),
    line("non-null-and-other", "const a = values()! ?? 2;", 1, "a non-null"),
)

SILENCE: tuple[Case, ...] = (*_KNOWING, *_SWALLOWING, *_SILENT)
