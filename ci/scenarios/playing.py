"""Plays a scenario in a world that is up, by Shipway's own commands, and tells what is other than expected."""

from __future__ import annotations

import contextlib
import functools
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import httpx

from ci.errors import ToolError
from ci.journal import Journal
from ci.processes import attached, inherited, run
from ci.promotion.rollback.timing import Times, times
from ci.rehearsal.planned import OWN
from ci.rehearsal.pushing import push_commit
from ci.rehearsal.tenancy import APPS, ENVIRONMENTS, PRODUCTION, WEB
from ci.rehearsal.vercel import Vercel
from ci.scenarios.customers import customers, those
from ci.scenarios.ending import differences, read_end, stand
from ci.scenarios.following import reached
from ci.scenarios.people import as_host, review
from ci.scenarios.scenario import Serves

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from ci.rehearsal.world import World
    from ci.scenarios.scenario import Command, Plant, Scenario

REPORT = "report.json"
UNTIMED = Times()


@dataclass(frozen=True, kw_only=True)
class Played:
    """A command as it was played: how long it took, how it `ended` in words, what was other than expected.

    `report` is the directory of its report below the rehearsal's, None where it makes none; `flow` is what it was about
    in the journal, `times` how soon a bad release was found in it, and put back.
    """

    words: tuple[str, ...]
    environment: str
    commit: str
    seconds: float
    ended: str
    wrong: tuple[str, ...]
    report: str | None = None
    flow: str | None = None
    times: Times = UNTIMED


async def play(
    scenario: Scenario, world: World, state: Path, directory: Path, note: Callable[[str], None]
) -> tuple[Played, ...]:
    """Play it in a world that is up and staged, and return its commands as they went, up to the first that went wrong.

    `state` is where the journal is kept, `directory` where reports go. Raises ToolError.
    """
    if world.checkout is None:
        raise ValueError("the world is not staged")
    desk = Desk(world=world, checkout=world.checkout, state=state, directory=directory, note=note)
    note("each environment records what it has, so that they can be told apart")
    async with anyio.create_task_group() as group:
        for each in ENVIRONMENTS:
            group.start_soon(desk.have_said, "doctor", ".", "--env", each.name)
    played: list[Played] = []
    async with contextlib.AsyncExitStack() as stack:
        if scenario.live:
            note("production serves already: that is taken for good, and customers use it")
            await desk.have_said("adopt", PRODUCTION.name, ".")
            address = world.apps[PRODUCTION.name][WEB.name]
            await stack.enter_async_context(customers(address, those(busy=scenario.busy)))
        for act in scenario.acts:
            note(f"pushing to main: {act.candidate.message}")
            commit = await push_commit(world, act.candidate.edits(world.checkout), act.candidate.message)
            pushed = time.monotonic()
            for command in act.commands:
                await anyio.sleep(command.after and max(0.0, pushed + command.after - time.monotonic()))
                named = "-".join(word for word in command.words[:2] if word[0] not in "{.")
                number = f"{len(played) + 1}-{named}" if command.reports else None
                played.append(await desk.type(command, commit, number))
                if played[-1].wrong:
                    return tuple(played)
    return tuple(played)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where a person types commands: a checkout, a journal, and a place for reports."""

    world: World
    checkout: Path
    state: Path
    directory: Path
    note: Callable[[str], None]

    @property
    def argv(self) -> tuple[str, ...]:
        """What starts Shipway."""
        return (sys.executable, "-P", "-m", "ci.cli")

    @functools.cached_property
    def journal(self) -> Journal:
        """The journal of the checkout."""
        return Journal.local(self.checkout, directory=self.state)

    @functools.cached_property
    def environment(self) -> dict[str, str]:
        """What its processes are given."""
        return {
            **inherited("TERM", "COLORTERM", "FORCE_COLOR", "NO_COLOR", "COLUMNS", "SHIPWAY_CACHE", "XDG_CACHE_HOME"),
            **self.world.variables,
            "SHIPWAY_STATE": str(self.state),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    async def have_said(self, *words: str) -> None:
        """Run a command of which nobody needs to see what it says."""
        await run((*self.argv, *words), cwd=self.checkout, environment=self.environment)

    async def type(self, command: Command, commit: str, report: str | None) -> Played:
        """Type a command as a person does, and compare how it ends."""
        if command.reviewed:
            await review(self.world, self.note)
        before = await stand(self.world, self.journal, command.environment)
        place = self.directory / report if report else None
        words = await anyio.to_thread.run_sync(self._filled, command.words)
        argv = (*self.argv, *words, *(("--report", str(place)) if place else ()))
        environment = {**self.environment, **(as_host(commit) if command.on_host else {})}
        self.note(f"{'as a CI host, for the push: ' if command.on_host else ''}$ shipway {' '.join(words)}")
        began, typed = time.monotonic(), time.time()
        async with planted(command.plants, self.world, functools.partial(self._reached, command, commit), self.note):
            if command.killed is None:
                code = await attached(argv, cwd=self.checkout, environment=environment)
            else:
                cut = functools.partial(self._reached, command, commit, command.killed)
                code = await attached(argv, cwd=self.checkout, environment=environment, cut=cut)
                self.note(f"killed at {command.killed}, as by a power cut")
        seconds = time.monotonic() - began
        ended = read_end(code, place / REPORT if place else None)
        after = await stand(self.world, self.journal, command.environment)
        mended = await anyio.to_thread.run_sync(self._mended)
        expected = mended if command.end.serves is Serves.MENDED and mended else commit
        wrong = differences(
            command.end, ended, self.world, expected, environment=command.environment, before=before, after=after
        )
        flow, found = await anyio.to_thread.run_sync(self._flow, command.environment, commit, typed)
        return Played(
            words=words,
            environment=command.environment,
            commit=commit,
            seconds=round(seconds, 3),
            ended=ended.words,
            wrong=wrong,
            report=report,
            flow=flow,
            times=found,
        )

    async def _reached(self, command: Command, commit: str, step: str) -> None:
        await reached(self.journal, command.environment, commit, step)

    def _filled(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return the words of a command, with the name of the newest incident that is open in its place."""
        open_ones = self.journal.incidents.going_on()
        name = open_ones[-1].id if open_ones else "none"
        return tuple(word.replace("{incident}", name) for word in words)

    def _mended(self) -> str | None:
        """Return the newest commit of main that is a fix."""
        found = [
            fix for each in self.journal.incidents.recent() for fix in self.journal.fixes.of(each.id) if fix.commit
        ]
        return max(found, key=lambda fix: fix.moment).commit if found else None

    def _flow(self, environment: str, commit: str, typed: float) -> tuple[str | None, Times]:
        """Return the newest flow of a commit, and how soon it was found bad and put back, if since that moment."""
        flows = self.journal.flows
        for flow in flows.recent(environment):
            if flow.commit == commit:
                over = flow.ended is not None and flow.ended < typed
                return flow.id, UNTIMED if over else times(flows.entries(flow.id), flows.refusal(flow.id))
        return None, UNTIMED


@contextlib.asynccontextmanager
async def planted(
    plants: tuple[Plant, ...],
    world: World,
    reached: Callable[[str], Any],
    note: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[None]:
    """Tell stand-ins what goes wrong, for as long as the block lasts; `reached` is awaited for a step of a promotion.

    Raises ToolError where one refuses it.
    """
    at = {place.name: place.address for place in world.places}
    ids = _projects(world)

    async def tell(client: httpx.AsyncClient, plant: Plant) -> None:
        if plant.step is not None:
            await reached(plant.step)
        words = {name: _filled(word, ids) for name, word in plant.words.items()}
        answer = await client.post(f"{at[plant.at]}{OWN}{plant.what}", json=words)
        if not answer.is_success:
            raise ToolError(f"{plant.at} does not take {plant.what}: {answer.text[:300]}")
        note(f"told {plant.at} ({plant.what}): {json.dumps(words)}")

    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            for plant in plants:
                if plant.step is None:
                    await tell(client, plant)
            async with anyio.create_task_group() as group:
                for plant in plants:
                    if plant.step is not None:
                        group.start_soon(tell, client, plant)
                yield
                group.cancel_scope.cancel()
        finally:
            for plant in plants:
                await client.delete(f"{at[plant.at]}{OWN}{plant.what}")


def _projects(world: World) -> Mapping[str, str]:
    """Return the ids of production's projects at Vercel by the names of their apps."""
    vercel = world.stand_ins.get("vercel")
    if not isinstance(vercel, Vercel):
        return {}
    found = {app.name: vercel.account.project(app.project(PRODUCTION)) for app in APPS}
    return {name: str(project["id"]) for name, project in found.items() if project}


def _filled(word: Any, ids: Mapping[str, str]) -> Any:
    """Return a word of a plant with what is named in it."""
    if isinstance(word, str):
        for name, identity in ids.items():
            word = word.replace(f"{{{name}}}", identity)
    return word
