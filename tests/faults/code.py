"""Rows for lint, typecheck and unit: what is wrong stands in the code or in a tool's configuration."""

from __future__ import annotations

from tests.faults.planting import Added, Change, Fault, Said, stages

ESLINT, BIOME, IMPORTS = "lint/eslint@.", "lint/biome@.", "lint/imports@."
TSC, STRICT, UNIT = "typecheck/tsc@.", "typecheck/strict@.", "unit/vitest@."
MAIN, PLAN, API = "apps/web/src/main.tsx", "packages/core/src/plan.ts", "apps/web/src/api/receipts.ts"
MONEY_TEST, PLAN_TEST = "packages/core/test/money.test.ts", "packages/core/test/plan.test.ts"

ROWS = (
    Fault(
        name="an ESLint error",
        edits=(Change(MAIN, "createRoot(root,", "console.log('starting');\ncreateRoot(root,"),),
        stages=stages(lint="failed"),
        failures=(Said(check=ESLINT, words="Unexpected console", file=MAIN, at="console.log", rule="no-console"),),
    ),
    Fault(
        name="a file that is not formatted",
        edits=(Change(PLAN, "const ladder = [plans.free,", "const ladder = [ plans.free,"),),
        stages=stages(lint="failed"),
        failures=(Said(check=BIOME, words="is not formatted as configured", file=PLAN, rule="format"),),
        reasons={BIOME: f"would reformat 1 file: {PLAN}"},
    ),
    Fault(
        name="the web app imports the database, and its author has silenced ESLint",
        edits=(
            Change(
                API,
                "import { request }",
                "// eslint-disable-next-line no-restricted-imports -- only a type\n"
                "import type { Receipt as Row } from '@receipts/db';\n"
                "import { request }",
            ),
            Change(API, "readonly fileName: string | null;", "readonly fileName: Row['fileName'];"),
            Change(
                "apps/web/package.json",
                '"@receipts/core": "workspace:*",',
                '"@receipts/core": "workspace:*",\n    "@receipts/db": "workspace:*",',
            ),
            Change(
                "apps/web/tsconfig.json",
                '"../../packages/core" },',
                '"../../packages/core" },\n    { "path": "../../packages/db" },',
            ),
            Change("apps/web/tsconfig.json", '"types": ["vite/client"]', '"types": ["vite/client", "node"]'),
            Change(
                "pnpm-lock.yaml",
                "  apps/web:\n    dependencies:\n      '@receipts/core':\n        specifier: workspace:*\n"
                "        version: link:../../packages/core\n",
                "  apps/web:\n    dependencies:\n      '@receipts/core':\n        specifier: workspace:*\n"
                "        version: link:../../packages/core\n      '@receipts/db':\n        specifier: workspace:*\n"
                "        version: link:../../packages/db\n",
            ),
        ),
        stages=stages(lint="failed"),
        failures=(
            Said(check=IMPORTS, words="the browser must not get the database", file=API, at="from '@receipts/db'"),
        ),
    ),
    Fault(
        name="a type error in a package that all others use",
        edits=(Change(PLAN, "const ladder", "export const trial: number = plans.free.name;\n\nconst ladder"),),
        stages=stages(typecheck="failed"),
        failures=(
            Said(
                check=TSC,
                words="Type 'string' is not assignable to type 'number'",
                file=PLAN,
                at="trial",
                rule="TS2322",
            ),
        ),
    ),
    Fault(
        name="strict is off in one package",
        edits=(
            Change("packages/email/tsconfig.json", '{ "types": ["node"] }', '{ "strict": false, "types": ["node"] }'),
        ),
        stages=stages(typecheck="failed"),
        failures=(
            Said(
                check=STRICT,
                words="packages/email is not strict: `strict` is off",
                file="packages/email/tsconfig.json",
                at='"strict": false',
                rule="strict",
            ),
            Said(
                check=TSC,
                words="'exactOptionalPropertyTypes' cannot be specified without specifying option 'strictNullChecks'",
                file="packages/email/tsconfig.json",
                rule="TS5052",
            ),
        ),
    ),
    Fault(
        name="a unit test that fails",
        edits=(Change(MONEY_TEST, "€1,234.56", "€1,234.57"),),
        stages=stages(unit="failed"),
        failures=(Said(check=UNIT, words="expected '€1,234.56' to be '€1,234.57'", file=MONEY_TEST, at="€1,234.57"),),
        reasons={UNIT: "1 of 173 tests failed"},
        long=False,
    ),
    Fault(
        name="a test left focused with .only",
        edits=(Change(MONEY_TEST, "it('follows the currency'", "it.only('follows the currency'"),),
        stages=stages(lint="failed", unit="failed"),
        failures=(
            Said(check=BIOME, words="focus", file=MONEY_TEST, at="it.only", rule="lint/suspicious/noFocusedTests"),
            Said(check=UNIT, words=".only", file=MONEY_TEST, at="it.only"),
        ),
    ),
    Fault(
        name="a pattern with a typing error: no test runs, and Vitest is content",
        edits=(
            Change(
                "vitest.config.ts", "  test: {\n    projects", "  test: {\n    passWithNoTests: true,\n    projects"
            ),
            Change("vitest.config.ts", "/test/**/*.test.{ts,tsx}", "/tests/**/*.test.{ts,tsx}"),
        ),
        stages=stages(unit="failed"),
        failures=(Said(check=UNIT, words="0 tests ran although there are test files"),),
    ),
    Fault(
        name="a test that never ends",
        edits=(
            Change(
                "shipway.toml", "[stages.integration]\n", '[stages.unit]\ntimeout = "20s"\n\n[stages.integration]\n'
            ),
            Added(
                "packages/db/test/forever.test.ts",
                "import { setTimeout } from 'node:timers/promises';\n"
                "import { expect, it } from 'vitest';\n\n"
                "it('comes back', { timeout: 0 }, async () => {\n"
                "  await setTimeout(3_600_000);\n"
                "  expect(1).toBe(1);\n"
                "});\n",
            ),
        ),
        stages=stages(unit="failed"),
        failures=(Said(check=UNIT, words="vitest timed out after 20 s"),),
    ),
)
