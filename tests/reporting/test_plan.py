# ruff: noqa: RUF001 - the dash that marks a skip
from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from ci.model import STAGE_NAMES, Check, Execution, Network, Plan, Reuse, Skip, Status, Step, Toolchain, Verdict
from ci.reporting.plan import plan_document, print_plan


def judge(_: Execution) -> Verdict:
    return Verdict(status=Status.PASSED)


TOOLS = Toolchain(name="node", tools={"node": "24.19.0"})


@pytest.fixture
def plan() -> Plan:
    """Two checks, a skipped stage, a skipped check, a notice; one name tries to be markup."""
    eslint = Check(
        stage="lint", name="eslint", toolchain=TOOLS, judge=judge, why="eslint.config.js is in the root",
        steps=(Step(argv=("eslint", "."), timeout=120),), repeat="pnpm exec eslint .",
    )  # fmt: skip
    vitest = Check(
        stage="unit", name="vitest", package="packages/[bold]core\x1b[31m", toolchain=TOOLS, judge=judge,
        steps=(Step(argv=("vitest", "run")),), needs=("install/pnpm@.",), network=Network.OUTSIDE, reuse=Reuse.NEVER,
    )  # fmt: skip
    return Plan(
        checks=(eslint, vitest),
        skips=(
            Skip(stage="e2e", reason="no package has a Playwright config"),
            Skip(stage="lint", name="biome", reason="biome.json is not there"),
        ),
        notices=("Node 24.19.0, because .nvmrc says 24",),
    )


def printed(plan: Plan, **options: int) -> str:
    stream = io.StringIO()
    print_plan(Console(file=stream, _environ={}, **options), plan)  # type: ignore[arg-type]
    return stream.getvalue()


def test_the_plan_says_what_why_and_the_command(plan: Plan) -> None:
    lines = printed(plan).splitlines()
    at = lines.index("lint  target 20 s  1 check")
    assert lines[at + 1 : at + 4] == [
        "  eslint  eslint.config.js is in the root",
        "    $ pnpm exec eslint .",
        "  – biome skipped: biome.json is not there",
    ]
    assert "e2e  target 120 s  skipped: no package has a Playwright config" in lines
    assert lines[-1] == "– Node 24.19.0, because .nvmrc says 24"


def test_the_plan_prints_strangers_text_as_it_is(plan: Plan) -> None:
    assert "  vitest packages/[bold]core\n    $ vitest run\n" in printed(plan)


def test_every_stage_is_there_even_an_empty_one(plan: Plan) -> None:
    said = printed(plan)
    assert all(f"{name}  target" in said for name in STAGE_NAMES)
    assert "audit  target 60 s  nothing planned" in said


def test_the_document_is_json_and_whole(plan: Plan) -> None:
    document = json.loads(json.dumps(plan_document(plan)))
    assert [stage["name"] for stage in document["stages"]] == list(STAGE_NAMES)
    lint, unit = document["stages"][1], document["stages"][3]
    assert lint["checks"][0]["id"] == "lint/eslint@."
    assert lint["checks"][0]["steps"] == [{"argv": ["eslint", "."], "cwd": ".", "timeout": 120, "background": False}]
    assert lint["skips"] == [{"name": "biome", "package": ".", "reason": "biome.json is not there"}]
    assert unit["checks"][0]["needs"] == ["install/pnpm@."]
    assert (unit["checks"][0]["outside"], unit["checks"][0]["cacheable"]) == (True, False)
    assert document["notices"] == ["Node 24.19.0, because .nvmrc says 24"]
