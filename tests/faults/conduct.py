"""Rows about programs that misbehave: they watch, ask, stay, or write where nothing may be written."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.faults.planting import Added, Change, Fault, Said, stages

UNIT, TESTS = "unit/vitest@.", "packages/db/test/planted.test.ts"
SCRIPT = "unit/script@."
TEST = '"test": "vitest run --project unit"'
LINT = '"lint": "eslint . && biome ci ."'
SHORT = Change("shipway.toml", "[stages.integration]\n", '[stages.unit]\ntimeout = "15s"\n\n[stages.integration]\n')
HOME = Path.home() / ".shipway-planted"
CACHE = Path(os.environ.get("SHIPWAY_CACHE") or Path.home() / ".cache/shipway") / "tools/shipway-planted"


def test(body: str, *imports: str) -> Added:
    """Return a unit test with this body."""
    lines = "".join(f"{line}\n" for line in (*imports, "import { expect, it } from 'vitest';"))
    return Added(TESTS, f"{lines}\nit('is planted', () => {{\n{body}  expect(true).toBe(true);\n}});\n")


def writing(place: Path) -> Fault:
    """Return the row of a test that writes to a place of the machine."""
    return Fault(
        name=f"a test that writes to {'the home directory' if place == HOME else 'the cache of tools'}",
        edits=(
            test(
                f"  writeFileSync({json.dumps(str(place))}, 'x');\n".replace('"', "'"),
                "import { writeFileSync } from 'node:fs';",
            ),
        ),
        stages=stages(unit="failed"),
        failures=(Said(check=UNIT, words="E", file=TESTS, at="  writeFileSync"),),
        outside=(place,),
    )


ROWS = (
    Fault(
        name="a test script that watches",
        edits=(Change("package.json", TEST, '"test": "vitest --watch --project unit"'),),
        code=0,
    ),
    Fault(
        name="a watcher that nobody knows",
        edits=(
            SHORT,
            Change("package.json", TEST, '"test": "node tools/watch.mjs"'),
            Added("tools/watch.mjs", "import { setInterval } from 'node:timers';\n\nsetInterval(() => {}, 1000);\n"),
        ),
        stages=stages(unit="failed"),
        failures=(Said(check=SCRIPT, words="timed out after 15 s"),),
    ),
    Fault(
        name="a test script that asks",
        edits=(
            Change("package.json", TEST, '"test": "node tools/ask.mjs"'),
            Added(
                "tools/ask.mjs",
                "import process from 'node:process';\nimport { createInterface } from 'node:readline/promises';\n\n"
                "const asking = createInterface({ input: process.stdin, output: process.stdout });\n"
                "await asking.question('Really? ');\nasking.close();\n",
            ),
        ),
        stages=stages(unit="failed"),
        failures=(Said(check=SCRIPT, words="exit code 13"),),
    ),
    Fault(
        name="a test that leaves a process behind",
        edits=(
            test(
                "  spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }).unref();\n",
                "import { spawn } from 'node:child_process';",
            ),
        ),
        code=0,
        notices={UNIT: "left 1 process running, ended: sleep 600"},
    ),
    Fault(
        name="a lint script that writes",
        edits=(
            Change("package.json", LINT, '"lint": "eslint . && biome ci . && node tools/stamp.mjs"'),
            Added(
                "tools/stamp.mjs",
                "import { appendFileSync } from 'node:fs';\n\nappendFileSync('README.md', 'Linted.\\n');\n",
            ),
        ),
        stages=stages(lint="failed"),
        failures=(Said(check="lint/lint@.", words="would be rewritten by this command", file="README.md"),),
    ),
    Fault(
        name="a test that writes into the repository",
        edits=(
            test("  writeFileSync('packages/db/test/output.txt', 'x');\n", "import { writeFileSync } from 'node:fs';"),
        ),
        code=0,
        notices={UNIT: "changed 1 file, discarded: packages/db/test/output.txt"},
    ),
    writing(HOME),
    writing(CACHE),
)
