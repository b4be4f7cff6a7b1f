"""Tests, settings and made files under names that do not say so: as edits."""

from __future__ import annotations

from tests.diagnosis.annex import STRANGE_TESTS
from tests.diagnosis.patches import Case, edited

CORE = "packages/core"
SUM = f"{CORE}/src/sum.ts"
EXPECT = "changes what they expect"

_BY_CONTENT = tuple(
    edited(f"test-by-content-{path.replace('/', '-')}", {f"{CORE}/{path}": (("[1, 2]", "[12]"),)}, 2, EXPECT)
    for path in STRANGE_TESTS
)
DISGUISES: tuple[Case, ...] = (
    *_BY_CONTENT,
    edited("test-in-source", {SUM: (("toBe(3)", "toBe(4)"),)}, 2, EXPECT),
    edited("test-in-source-taken-away",
           {SUM: (('  it("sums", () => {\n    expect(sum([1, 2])).toBe(3);\n  });\n', ""),)}, 2, "takes a test away"),
    edited("row-far-from-its-test", {f"{CORE}/qa/table.ts": (("[1, 2],", "[1, 3],"),)}, 2, "changes lines of a test"),
    edited("assertion-of-node-changed", {f"{CORE}/flows/till.ts": (("12.5)", "2.5)"),)}, 2, EXPECT),
    edited("assertion-of-node-gone", {f"{CORE}/flows/till.ts": (("  assert.equal(total([]), 12.5);\n", ""),)}, 2,
           "takes assertions away"),
    edited("text-in-an-expectation", {f"{CORE}/test/total.test.ts": (('"no items"', '"noitems"'),)}, 2, EXPECT),
    edited("threshold-in-a-base", {f"{CORE}/config/vitest.base.ts": (("90", "5"),)}, 2, "lowers a threshold"),
    edited("rule-in-a-base", {f"{CORE}/config/eslint/base.mjs": (('"error"', '"off"'),)}, 2, "a rule that is off"),
    edited("mocks-as-a-file", {f"{CORE}/src/mocks.ts": (("1", "2"),)}, 2, "a fixture"),
    edited("server-of-mocks", {f"{CORE}/src/mockServer.ts": (("1", "2"),)}, 2, "a fixture"),
    edited("fixture-in-camels", {f"{CORE}/src/userFixture.ts": (("1", "2"),)}, 2, "a fixture"),
    edited("handlers-of-mocks", {f"{CORE}/msw/handlers.ts": (("1", "2"),)}, 2, "a fixture"),
    edited("matchers-of-tests", {f"{CORE}/src/matchers.ts": (("1", "2"),)}, 2),
    edited("matcher-of-its-own",
           {f"{CORE}/src/more.ts": "declare const expect: { extend(x: object): void };\nexpect.extend({ toBe: f });\n"},
           1, "code of tests"),
    edited("expected-page", {f"{CORE}/expected/total.html": (("12.5", "2.5"),)}, 2, "a snapshot"),
    edited("approved-code", {f"{CORE}/approved/total.js": (("12.5", "2.5"),)}, 2, "a snapshot"),
    edited("expected-beside", {f"{CORE}/src/total.expected.json": "12.5\n"}, 2, "a snapshot"),
    edited("baseline", {f"{CORE}/baseline/total.txt": (("12.5", "2.5"),)}, 2, "a snapshot"),
    *(edited(f"made-{path.replace('/', '-')}", {f"{CORE}/{path}": "export const rate = 1;\n"}, 2)
      for path in ("src/gen/api.ts", "third_party/left.ts", "src/vendored/left.ts", "src/api.generated.ts",
                   "src/routes.gen.ts")),
    *(edited(f"of-tests-{path.replace('/', '-')}", {f"{CORE}/{path}": "export const rate = 1;\n"}, 2)
      for path in ("src/testUtils.ts", "src/testhelpers.ts", "src/setupMsw.ts", "src/globals.ts",
                   "src/jest-environment.ts", "src/fakeTimers.ts", "lib/vitestBase.ts", "src/stub.ts")),
)  # fmt: skip
