"""Fixes that are what they seem, and how far each may go."""

from __future__ import annotations

from tests.diagnosis.patches import Case, edited
from tests.diagnosis.shop import TOTAL_TEST

TEST = "packages/core/test/total.test.ts"
TOTAL = "packages/core/src/total.ts"
_ONE_LINE = 'test("a total counts every piece", () => { expect(total(items)).toBe(12.5); });'
_LOCK = "pnpm-lock.yaml"
_ADDED = "  vitest@3.2.4:\n    resolution: {integrity: sha512-aaaa}\n"
_MANY = "".join(f"\n  p{at}@1.0.0:\n    resolution: {{integrity: sha512-{at:04}}}\n" for at in range(60))

HONEST: tuple[Case, ...] = (
    edited("the-fault-itself", {TOTAL: (("item.price;", "item.price * item.count;"),)}, 1),
    edited("a-missing-import", {"packages/core/src/round.ts": (("export", 'import { read } from "./total";\nexport'),)},
           1),
    edited("a-missing-export", {"packages/core/src/index.ts": (("total }", "read, total }"),)}, 1),
    edited("a-type-that-does-not-match", {TOTAL: (("price: number;", "price: number | null;"),)}, 1),
    edited("an-unused-import", {TOTAL: (('import { round } from "./round";\n\n', ""), ("round(sum)", "sum"))}, 1),
    edited("a-new-file-of-source",
           {"packages/core/src/count.ts": "export const count = 1;\n", TOTAL: (("0;", "count;"),)}, 1),
    edited("a-style", {"apps/web/src/style.css": (("red", "blue"),)}, 1, named=("apps/web",)),
    edited("a-component", {"apps/web/src/App.tsx": (("Buy", "Buy now"),)}, 1, named=("apps/web",)),
    edited("forty-lines", {"packages/core/src/more.ts": "".join(f"export const n{at} = {at};\n" for at in range(40))},
           1),
    edited("three-files", {f"packages/core/src/n{at}.ts": "export const n = 1;\n" for at in range(3)}, 1),
    edited("words-of-another-language",
           {TOTAL: (("no items", "\u043d\u0435\u0442 \u0442\u043e\u0432\u0430\u0440\u043e\u0432"),)}, 1),
    edited("an-accent-and-a-face",
           {TOTAL: (("no items", "caf\u00e9 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f"),)}, 1),
    edited("a-line-that-moved",
           {TOTAL: (("  let sum = 0;\n", ""), ("  return round(sum);", "  let sum = 0;\n  return round(sum);"))}, 1),
    edited("a-fix-with-its-test",
           {TOTAL: (("item.price;", "item.price * item.count;"),),
            "packages/core/test/pieces.test.ts": 'import { expect, test } from "vitest";\n\n'
            'test("counts", () => {\n  expect(1 + 1).toBe(2);\n});\n'}, 2),
    edited("one-more-test", {TEST: TOTAL_TEST + '\ntest("more", () => {\n  expect(total([])).toBe(0);\n});\n'}, 2),
    edited("a-dependency-that-is-newer",
           {"package.json": (("3.2.4", "3.2.5"),), _LOCK: (("3.2.4", "3.2.5"), ("aaaa", "bbbb"))}, 2, named=(".",)),
    edited("an-expand-migration",
           {"packages/db/migrations/0002_more.sql": "-- shipway: phase=expand\nalter table items add column n text;\n"},
           2, named=("packages/db",)),
    edited("a-readme", {"README.md": (("Sells", "Sells many"),)}, 2, named=(".",)),
    edited("a-formatter-in-source", {TOTAL: (("  let sum", "    let sum"),)}, 1, author="fixer"),
    edited("a-formatter-in-a-test", {TEST: ((_ONE_LINE.replace("{ e", "{\n  e").replace("; }", ";\n}"), _ONE_LINE),)},
           1,
           author="fixer"),
    edited("a-linter-in-a-test", {TEST: (("import { read, total }", "import { total, read }"),)}, 1, author="fixer"),
    edited("a-lock-file-that-a-tool-repairs", {_LOCK: ((_ADDED, _ADDED + _MANY),)}, 1, author="fixer"),
    edited("a-lock-file-with-its-manifest",
           {_LOCK: (("aaaa", "bbbb"),), "package.json": (('"private": true', '"private": false'),)},
           2, author="fixer", named=(".",)),
)  # fmt: skip
