"""What an edit runs again, on either executor: the checks that may read what was edited, and no other."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from ci.executors.engine import RUNNER, Engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Ran

EVERYWHERE = {"lint/biome@.", "typecheck/strict@."}  # one over all packages


@pytest.fixture(params=["host", pytest.param("dagger", marks=pytest.mark.long)])
def run(
    request: pytest.FixtureRequest, shipway: Callable[..., Ran], subject: Callable[[str], Path]
) -> Callable[..., Ran]:
    """Run four stages of a workspace, where `report` depends on `core`, after an edit of the file that is named."""
    root = subject("turbo-biome")
    (root / "README.md").write_text("# Of nobody but Biome\n")
    variables: dict[str, str] = {}
    if request.param == "dagger":
        engine: Engine = request.getfixturevalue("engine")
        variables[RUNNER] = engine.address
    stages = [word for name in ("install", "lint", "typecheck", "unit") for word in ("--stage", name)]

    def again(edited: str | None = None, *more: str) -> Ran:
        if edited is not None:
            with (root / edited).open("a", encoding="utf-8") as file:
                file.write("\nA line.\n" if edited.endswith(".md") else f"\nexport const edit = '{uuid.uuid4()}';\n")
        return shipway("run", ".", "--executor", request.param, *stages, *more, cwd=root, env=variables, timeout=600)

    return again


def executed(ran: Ran) -> set[str]:
    """Return the checks that ran, but for those that ask a registry, whose answers are not kept for long."""
    assert ran.report is not None, ran.err
    checks = [(stage["name"], check) for stage in ran.report["stages"] for check in stage["checks"]]
    return {
        f"{stage}/{check['name']}@{check['package']}"
        for stage, check in checks
        if check["steps"] and check["cached_from"] is None and "audit" not in check["name"]
    }


def test_an_edit_runs_what_may_read_it_and_its_dependents_and_what_is_over_all(run: Callable[..., Ran]) -> None:
    run()
    assert executed(run()) == set()
    leaf = {"typecheck/tsc@packages/report", "unit/vitest@packages/report"}
    assert executed(run("packages/report/src/index.ts")) == leaf | EVERYWHERE
    base = {"typecheck/tsc@packages/core", "unit/vitest@packages/core"}
    assert executed(run("packages/core/src/index.ts")) == leaf | base | EVERYWHERE
    assert executed(run("README.md")) == {"lint/biome@."}


@pytest.mark.long
def test_a_new_cache_volume_gives_the_same_verdicts(
    engine: Engine, subject: Callable[[str], Path], shipway: Callable[..., Ran]
) -> None:
    root = subject("turbo-biome")
    statuses = []
    for volume in ("shipway-pnpm-store", f"shipway-test-{uuid.uuid4().hex}"):
        (root / "shipway.toml").write_text(f'[containers]\nvolume = "{volume}"\n')
        ran = shipway(
            "run", ".", "--executor", "dagger", "--no-cache", cwd=root, env={RUNNER: engine.address}, timeout=600
        )
        statuses.append((ran.code, ran.statuses))
    assert statuses[0] == statuses[1]
    assert statuses[0][0] == 0
