"""Scenarios of a rehearsal as data: what a person pushes and asks for, what goes wrong, and how it must end."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import httpx

from ci.errors import ExitCode
from ci.processes import attached, inherited, run
from ci.rehearsal.neon import Neon
from ci.rehearsal.pushing import push_commit
from ci.rehearsal.tenancy import APPS, ENVIRONMENTS, STAGING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.rehearsal.world import World

MIGRATION = "packages/db/migrations/0007_receipt_tags.sql"
TAGS = """-- shipway: phase=expand

alter table receipts add column tags text[] not null default '{}';
"""
VERSIONS = {"api": "/version", "web": "/version.json"}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`edits` are pushed to main as one commit, which `words` of the command line are then about.

    The process must end with `code`; `moved` says whether users of staging then get the commit.
    """

    name: str
    message: str
    edits: Mapping[str, str]
    words: tuple[str, ...] = ("promote", "staging", ".")
    code: ExitCode = ExitCode.PASSED
    moved: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)


SCENARIOS: Mapping[str, Scenario] = {
    each.name: each for each in (Scenario(name="staging", message="Receipts have tags", edits={MIGRATION: TAGS}),)
}


async def play(
    scenario: Scenario, world: World, state: Path, report: Path, note: Callable[[str], None]
) -> tuple[str, ...]:
    """Play it in a world that is up and staged; return what is other than expected, nothing where it ended well.

    `state` is where the journal is kept. Raises ToolError.
    """
    if world.checkout is None:
        raise ValueError("the world is not staged")
    environment = {
        **inherited("TERM", "COLORTERM", "FORCE_COLOR", "NO_COLOR", "COLUMNS", "SHIPWAY_CACHE", "XDG_CACHE_HOME"),
        **world.variables,
        **scenario.variables,
        "SHIPWAY_STATE": str(state),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    command = (sys.executable, "-P", "-m", "ci.cli")
    note("each environment records what it has, so that they can be told apart")
    async with anyio.create_task_group() as group:
        for each in ENVIRONMENTS:
            doctor = (*command, "doctor", ".", "--env", each.name)
            group.start_soon(functools.partial(run, doctor, cwd=world.checkout, environment=environment))
    note(f"pushing to main: {scenario.message}")
    commit = await push_commit(world, scenario.edits, scenario.message)
    note(f"$ shipway {' '.join(scenario.words)}")
    argv = (*command, *scenario.words, "--report", str(report))
    code = await attached(argv, cwd=world.checkout, environment=environment)
    wrong = [] if code == scenario.code else [f"it ended with {code}, and {int(scenario.code)} is expected"]
    expected = commit if scenario.moved else world.commit
    for app, found in (await _served(world)).items():
        if found != expected:
            wrong.append(f"staging serves {found[:12]} of {app}, and {expected[:12]} is expected")
    return (*wrong, *_left(world))


async def _served(world: World) -> dict[str, str]:
    async with httpx.AsyncClient(trust_env=False) as client:
        return {
            app.name: (await client.get(f"{world.apps[STAGING.name][app.name]}{VERSIONS[app.name]}")).json()["commit"]
            for app in APPS
        }


def _left(world: World) -> list[str]:
    """Return what was made for tests and is there still."""
    neon = world.stand_ins["neon"]
    if not isinstance(neon, Neon):
        return []
    names = [str(each["told"]["name"]) for each in neon.account.branches.values()]
    return [f"the branch {name} is left at Neon" for name in names if "-test-" in name or "-run-" in name]
