"""Plays a scenario in a world that is up, by Shipway's own commands, and tells what is other than expected."""

from __future__ import annotations

import contextlib
import functools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from ci.errors import ToolError
from ci.processes import attached, inherited, run
from ci.rehearsal.github import GitHub
from ci.rehearsal.neon import Neon
from ci.rehearsal.planned import OWN
from ci.rehearsal.pushing import push_commit
from ci.rehearsal.tenancy import APPS, ENVIRONMENTS, STAGING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ci.rehearsal.scenarios import End, Plant, Scenario
    from ci.rehearsal.world import World

VERSIONS = {"api": "/version", "web": "/version.json"}
REPORT = "report.json"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a promotion ended: the process' exit code, the step that said no and why."""

    code: int
    step: str | None = None
    reason: str = ""


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
    async with planted(scenario.plants, world):
        for plant in scenario.plants:
            note(f"told {plant.at} ({plant.what}): {json.dumps(plant.words)}")
        note(f"pushing to main: {scenario.candidate.message}")
        commit = await push_commit(world, scenario.candidate.edits(world.checkout), scenario.candidate.message)
        note(f"$ shipway {' '.join(scenario.words)}")
        argv = (*command, *scenario.words, "--report", str(report))
        code = await attached(argv, cwd=world.checkout, environment=environment)
    return await differences(scenario.end, _ended(code, report / REPORT), world, commit)


@contextlib.asynccontextmanager
async def planted(plants: tuple[Plant, ...], world: World) -> AsyncIterator[None]:
    """Tell stand-ins what goes wrong, for as long as the block lasts. Raises ToolError where one refuses it."""
    at = {place.name: place.address for place in world.places}
    places = [f"{at[plant.at]}{OWN}{plant.what}" for plant in plants]
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            for plant, place in zip(plants, places, strict=True):
                answer = await client.post(place, json=dict(plant.words))
                if not answer.is_success:
                    raise ToolError(f"{plant.at} does not take {plant.what}: {answer.text[:300]}")
            yield
        finally:
            for place in places:
                await client.delete(place)


async def differences(end: End, ended: Ended, world: World, commit: str) -> tuple[str, ...]:
    """Return in what a promotion of the commit ended otherwise than expected, in the world and in its own words."""
    wrong = []
    if ended.code != end.code:
        wrong.append(f"it ended with {ended.code}, and {int(end.code)} is expected")
    if ended.step != end.step:
        said = f": {ended.reason}" if ended.reason else ""
        wrong.append(f"{ended.step or 'nobody'} said no{said}; {end.step or 'nobody'} is expected to")
    wrong += [f"the reason does not say {words!r}: {ended.reason}" for words in end.says if words not in ended.reason]
    expected = commit if end.step is None else world.commit
    for app, found in (await _served(world)).items():
        if found != expected:
            wrong.append(f"staging serves {found[:12]} of {app}, and {expected[:12]} is expected")
    if end.step is not None and not _is_told(world, commit, end):
        wrong.append(f"no comment on the pull request of {commit[:12]} says why {end.step} said no")
    return (*wrong, *_left(world))


def _ended(code: int, report: Path) -> Ended:
    """Read who said no in the report, as a person would."""
    try:
        steps: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["steps"]
    except (OSError, ValueError, KeyError):
        return Ended(code=code, reason=f"there is no report at {report}")
    for step in steps:
        if step["status"] in {"failed", "error"}:
            return Ended(code=code, step=step["name"], reason=step["reason"] or "")
    return Ended(code=code)


async def _served(world: World) -> dict[str, str]:
    async with httpx.AsyncClient(trust_env=False) as client:
        return {
            app.name: (await client.get(f"{world.apps[STAGING.name][app.name]}{VERSIONS[app.name]}")).json()["commit"]
            for app in APPS
        }


def _is_told(world: World, commit: str, end: End) -> bool:
    """Whether the commit's pull request has a comment with what is expected of the reason."""
    hub = world.stand_ins["github"]
    if not isinstance(hub, GitHub):
        return False
    head = f"shipway/{STAGING.name}/{commit[:12]}"
    numbers = {int(number) for number, pull in hub.state.pulls.items() if pull["head"] == head}
    bodies = [each["body"] for each in hub.state.comments.values() if each["number"] in numbers]
    return any(all(words in body for words in (f"*{end.step}*", *end.says)) for body in bodies)


def _left(world: World) -> list[str]:
    """Return what was made for tests and is there still."""
    neon = world.stand_ins["neon"]
    if not isinstance(neon, Neon):
        return []
    names = [str(each["told"]["name"]) for each in neon.account.branches.values()]
    return [f"the branch {name} is left at Neon" for name in names if "-test-" in name or "-run-" in name]
