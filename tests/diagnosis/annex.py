"""More files of the shop: tests and settings whose names do not say so, and source that usual fixes are made in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SUM = """\
export function sum(values: number[]): number {
  return values.reduce((all, each) => all + each, 0);
}

if (import.meta.vitest) {
  const { expect, it } = import.meta.vitest;
  it("sums", () => {
    expect(sum([1, 2])).toBe(3);
  });
}
"""
CHECKED = """\
import { expect, test } from "vitest";
import { total } from "@shop/core";

test("a total", () => {
  expect(total([])).toEqual([1, 2]);
});
"""
ASSERTED = """\
import assert from "node:assert/strict";
import { total } from "@shop/core";

export function check(): void {
  assert.equal(total([]), 12.5);
}
"""
# Tests that no runner's default would find: settings of the repository's own name them.
STRANGE_TESTS = (
    "src/total.check.ts", "src/total.unit.ts", "src/total.integration.ts", "src/total.it.ts", "src/totalTest.ts",
    "flows/shop.ts", "qa/total.ts", "features/steps.ts",
)  # fmt: skip
TABLE = """\
import { expect, test } from "vitest";
import { total } from "@shop/core";

const rows = [
  [1, 2],
  [3, 4],
  [5, 6],
  [7, 8],
];

test.each(rows)("a total of %s", (one, other) => {
  expect(total(one)).toBe(other);
});
"""
CATALOG = """\
import type { Item } from "./total";
import { round } from "./round";
import { group } from "lodash-es";

const known = new Map<string, Item>();
const seen = new Set<string>();

export function forget(key: string): void {
  known.set(key, { price: 1, count: 1 });
}

export function find(key: string): Item | undefined {
  return known.get(key);
}

export async function all(keys: string[]): Promise<number[]> {
  const found: number[] = [];
  for (const key of keys) {
    const item = known.get(key);
    found.push(round(item.price));
  }
  return found;
}

export function names(items: Record<string, Item>): string[] {
  return Object.keys(items).map((name) => name.toLowerCase());
}

export const grouped = group;
"""
LIST = """\
import { useState } from "react";
import { Row } from "./Row";

export function List({ items }: { items: string[] }) {
  const [chosen, choose] = useState<string>();
  return (
    <ul>
      {items.map((item) => (
        <Row key={item} item={item} onClick={() => choose(item)} />
      ))}
    </ul>
  );
}
"""

ANNEX: Mapping[str, str] = {
    "packages/core/src/sum.ts": SUM,
    **{f"packages/core/{path}": CHECKED for path in STRANGE_TESTS},
    "packages/core/qa/table.ts": TABLE,
    "packages/core/flows/till.ts": ASSERTED,
    "packages/core/config/vitest.base.ts": "export const base = { coverage: { thresholds: { lines: 90 } } };\n",
    "packages/core/config/eslint/base.mjs": 'export default [{ rules: { "no-undef": "error" } }];\n',
    "packages/core/src/mocks.ts": "export const rate = 1;\n",
    "packages/core/src/mockServer.ts": "export const rate = 1;\n",
    "packages/core/src/userFixture.ts": "export const rate = 1;\n",
    "packages/core/src/matchers.ts": "export const rate = 1;\n",
    "packages/core/msw/handlers.ts": "export const rate = 1;\n",
    "packages/core/expected/total.html": "<p>12.5</p>\n",
    "packages/core/approved/total.js": "export default 12.5;\n",
    "packages/core/baseline/total.txt": "12.5\n",
    "packages/core/src/catalog.ts": CATALOG,
    "packages/core/src/stock.ts": (
        "export const ours = () => db.select().from(items).where(eq(items.shop, shop));\n"
        "export const mine = () => rows(and(eq(items.userId, user), one));\n"
    ),
    "packages/core/src/handlers.ts": "export const handle = (path: string) => path.length;\n",
    "apps/web/src/List.tsx": LIST,
    "apps/web/src/hooks/useList.ts": "export const useList = (items: string[]) => items.slice();\n",
}  # fmt: skip
