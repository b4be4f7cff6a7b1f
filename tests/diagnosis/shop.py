"""A small pnpm workspace, as files, and a git repository of it: what patches are tried on."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.conftest import IDENTITY
from tests.diagnosis.annex import ANNEX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TOTAL = """\
import { round } from "./round";

export interface Item {
  price: number;
  count: number;
}

export function total(items: Item[]): number {
  let sum = 0;
  for (const item of items) {
    sum += item.price;
  }
  return round(sum);
}

export function read(text: string): Item[] {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`no items: ${String(error)}`);
  }
}
"""
ROUND = """\
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
"""
TOTAL_TEST = """\
import { expect, test } from "vitest";
import { read, total } from "../src/total";
import { items } from "./fixtures/items";

test("a total counts every piece", () => {
  expect(total(items)).toBe(12.5);
});

test("a total of nothing is nothing", () => {
  expect(total([])).toEqual(0);
  expect(read("[]")).toStrictEqual([]);
});

test("what is no list of items is refused by name", () => {
  expect(() => read("{")).toThrow("no items");
});
"""
FILES: Mapping[str, str] = {
    **ANNEX,
    ".changeset/config.json": "{}\n",
    ".env.example": "DATABASE_URL=\n",
    ".gitattributes": "* text=auto\n",
    ".github/CODEOWNERS": "* @owner\n",
    ".github/workflows/ci.yml": "on: push\njobs:\n  check:\n    runs-on: ubuntu\n    steps:\n      - run: shipway\n",
    ".gitignore": "node_modules\ndist\n",
    ".gitlab-ci.yml": "check:\n  script: shipway run .\n",
    ".npmrc": "engine-strict=true\n",
    ".vscode/settings.json": "{}\n",
    "AGENTS.md": "Run the tests.\n",
    "Dockerfile": "FROM scratch\n",
    "README.md": "# Shop\n\nSells things.\n",
    "apps/api/package.json": '{\n  "name": "@shop/api",\n  "dependencies": {\n    "@shop/core": "*"\n  }\n}\n',
    "apps/api/src/auth.ts": "export function check(token: string): boolean {\n  return token.length > 20;\n}\n",
    "apps/api/src/billing/charge.ts": "export const fee = 3;\n",
    "apps/api/src/server.ts": (
        'import { total } from "@shop/core";\n\nexport const port = 3000;\nexport const show = total;\n'
    ),
    "apps/api/src/rls.ts": 'export const setting = "app.tenant";\n',
    "apps/api/test/server.test.ts": (
        'import { expect, it } from "vitest";\nimport { port } from "../src/server";\n\n'
        'it("listens", () => {\n  expect(port).toBe(3000);\n});\n'
    ),
    "apps/web/e2e/shop.spec.ts": (
        'import { expect, test } from "@playwright/test";\n\n'
        'test("sells", async ({ page }) => {\n  await page.goto("/");\n'
        '  await expect(page.getByRole("button")).toHaveText("Buy", { timeout: 5000 });\n});\n'
    ),
    "apps/web/package.json": '{\n  "name": "@shop/web",\n  "scripts": {\n    "build": "vite build"\n  }\n}\n',
    "apps/web/playwright.config.ts": "export default { retries: 0, timeout: 30_000 };\n",
    "apps/web/src/App.tsx": "export function App() {\n  return <button>Buy</button>;\n}\n",
    "apps/web/src/load.ts": 'export const load = () => fetch("/items");\n',
    "apps/web/src/style.css": "button { color: red; }\n",
    "biome.json": '{ "linter": { "enabled": true } }\n',
    "eslint.config.js": "export default [];\n",
    "openapi.yaml": "openapi: 3.1.0\npaths: {}\n",
    "package.json": (
        '{\n  "name": "shop",\n  "private": true,\n  "scripts": {\n    "test": "vitest run"\n  },\n'
        '  "devDependencies": {\n    "vitest": "3.2.4"\n  },\n  "pnpm": {\n    "onlyBuiltDependencies": [\n'
        '      "esbuild"\n    ]\n  }\n}\n'
    ),
    "packages/core/package.json": '{\n  "name": "@shop/core"\n}\n',
    "packages/core/src/index.ts": 'export { total } from "./total";\n',
    "packages/core/src/round.ts": ROUND,
    "packages/core/src/total.ts": TOTAL,
    "packages/core/test/__snapshots__/total.test.ts.snap": "exports[`total 1`] = `12.5`;\n",
    "packages/core/test/fixtures/items.ts": "export const items = [{ price: 2.5, count: 5 }];\n",
    "packages/core/test/total.test.ts": TOTAL_TEST,
    "packages/core/tsconfig.json": '{ "compilerOptions": { "strict": true } }\n',
    "packages/core/vitest.config.ts": (
        "export default {\n  test: {\n    coverage: { thresholds: { lines: 90, branches: 80 } },\n"
        "    testTimeout: 5000,\n  },\n};\n"
    ),
    "packages/db/migrations/0001_items.sql": "-- shipway: phase=expand\ncreate table items (id int);\n",
    "packages/db/package.json": '{\n  "name": "@shop/db"\n}\n',
    "packages/db/src/schema.ts": 'export const items = "items";\n',
    "pnpm-lock.yaml": (
        "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    devDependencies:\n      vitest:\n"
        "        specifier: 3.2.4\n        version: 3.2.4\n\npackages:\n\n  vitest@3.2.4:\n"
        "    resolution: {integrity: sha512-aaaa}\n"
    ),
    "pnpm-workspace.yaml": "packages:\n  - apps/*\n  - packages/*\n",
    "shipway.toml": '[run]\nbudget = 300\n\n[audit]\nbundle = "200 kB"\n',
    "tsconfig.base.json": "{}\n",
    "turbo.json": "{}\n",
    "windows.txt": "one\r\ntwo\r\nthree\r\n",
}  # fmt: skip
PACKAGES = (".", "apps/api", "apps/web", "packages/core", "packages/db")
APPS = ("apps/api", "apps/web")


def git(root: Path, *arguments: str) -> str:
    """Run git in a repository of a test and return what it says."""
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def make_repository(root: Path, files: Mapping[str, str] = FILES) -> str:
    """Make a repository with one commit of some files, and return that."""
    root.mkdir(exist_ok=True)
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "core.autocrlf", "false")
    git(root, "add", "--all", "--force")
    git(root, "commit", "--quiet", "--message=The shop")
    return git(root, "rev-parse", "HEAD")
