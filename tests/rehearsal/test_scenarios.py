"""Every scenario in which something is planted, played in one world: who must say no does, for the reason planted.

The seven stages are told green by a table, but for the one of them that a scenario is about. All else is really run.
"""

from __future__ import annotations

import dataclasses
import functools
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.from_thread
import pytest
from rich.console import Console

from ci import config, promoted
from ci.commits import Commits
from ci.errors import ToolError
from ci.executors.cache import cache_directory
from ci.journal import Journal
from ci.promotion.carrying import begin, carry_on
from ci.promotion.connected import connected
from ci.promotion.footprint import isolate
from ci.promotion.work import Asked, What
from ci.rehearsal.anthropic import Anthropic
from ci.rehearsal.candidates import Candidate, Change
from ci.rehearsal.playing import Ended, differences, planted
from ci.rehearsal.pushing import push_commit
from ci.rehearsal.resend import Resend
from ci.rehearsal.scenarios import SCENARIOS, End, Scenario
from ci.rehearsal.serving import serving
from ci.rehearsal.tenancy import APPS, DEVELOPMENT, ENVIRONMENTS
from ci.rehearsal.vercel import Vercel
from ci.rehearsal.world import Place, World, world
from tests.conftest import ROOT
from tests.promotion.town import Table, promotion
from tests.promotion.toy import Quiet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anyio.from_thread import BlockingPortal

    from ci.model import RunReport

EXAMPLE = ROOT / "examples/receipts"
PLANTED = [each for each in SCENARIOS.values() if each.end.step is not None]
# Fewer pairs tell as much where a route takes several times as long, and take less of the time.
QUICK = Candidate(
    message="Fewer pairs",
    changes=(Change(path="shipway.toml", old="pairs = 100\n", new="pairs = 40\n"),),
)


OTHER_END = End(step="switch", says=("never said",))


@dataclass(kw_only=True)
class MostlyTold:
    """Runs what it is asked for, but for the stages: of them nothing, or stage 5 with the environment's services."""

    table: Table
    commits: Commits
    really: bool

    async def run(self, asked: Asked) -> RunReport:
        """Run it, or have the table tell."""
        if asked.what is not What.STAGES:
            return await self.commits.run(asked)
        if asked.environment is not None and self.really:
            report = await self.commits.run(dataclasses.replace(asked, what=What.INTEGRATION))
            if report.verdict != "passed":
                return report
        return await self.table.run(asked)


@dataclass(kw_only=True)
class Stage:
    """A world that is up, in a thread of its own, and a journal."""

    made: World
    portal: BlockingPortal
    journal: Journal

    @property
    def root(self) -> Path:
        """Where a user works."""
        assert self.made.checkout is not None
        return self.made.checkout

    def push(self, candidate: Candidate) -> tuple[str, dict[str, str | None]]:
        """Push a commit to main; return it, and what takes it back."""
        edits = candidate.edits(self.root)
        before = {path: text.read_text() if (text := self.root / path).exists() else None for path in edits}
        return self.portal.call(functools.partial(push_commit, self.made, edits, candidate.message)), before

    def take_back(self, before: dict[str, str | None]) -> None:
        """Push what was there before."""
        self.portal.call(functools.partial(push_commit, self.made, before, "As it was"))

    def promote(self, commit: str, *, really: bool) -> Ended:
        """Promote it as far as it goes."""
        work = MostlyTold(
            table=Table(journal=self.journal),
            commits=Commits(
                root=self.root,
                journal=self.journal,
                console=Console(file=io.StringIO(), width=200),
                executor="host",
            ),
            really=really,
        )

        async def calls() -> Ended:
            flow = begin(self.journal, "staging", commit)
            async with promotion(self.root, self.journal, commit, work) as (made, fence):
                ended = await carry_on(made, flow, fence, Quiet(), wait=False)
            code, refusal = promoted.exit_code(ended), ended.refusal
            if refusal is None:
                return Ended(code=code)
            return Ended(code=code, step=refusal.step, reason=refusal.message)

        return anyio.run(calls)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Start a world, once, in which nobody but whoever promotes deploys."""
    directory = tmp_path_factory.mktemp("scenarios")
    began = world(directory / "world", example=EXAMPLE, cache=cache_directory(), note=lambda _: None, staged=True)
    with anyio.from_thread.start_blocking_portal() as portal, portal.wrap_async_context_manager(began) as made:
        assert made.checkout is not None
        place = Stage(made=made, portal=portal, journal=Journal.local(made.checkout, directory=directory / "state"))
        portal.call(_still, made)
        anyio.run(_record, place)
        place.push(QUICK)
        yield place


async def _still(made: World) -> None:
    """Have development stay as it is: what it would build is of no use here."""
    vercel = made.stand_ins["vercel"]
    assert isinstance(vercel, Vercel)
    for app in APPS:
        vercel.set_project(app.project(DEVELOPMENT), creating="disabled")


async def _record(place: Stage) -> None:
    """Have each environment record what it has, as its own process does."""
    settings = config.load(place.root)
    for each in ENVIRONMENTS:
        async with connected(settings, each.name, root=place.root) as made:
            await isolate(settings, made, place.journal, rehearsal=True)


@pytest.mark.long
@pytest.mark.parametrize("scenario", PLANTED, ids=lambda each: each.name)
def test_who_must_say_no_does_and_staging_stays_as_it_is(
    scenario: Scenario, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with stage.portal.wrap_async_context_manager(planted(scenario.plants, stage.made)):
        commit, before = stage.push(scenario.candidate)
        try:
            ended = stage.promote(commit, really=scenario.end.step == "stages")
        finally:
            stage.take_back(before)
    assert stage.portal.call(differences, scenario.end, ended, stage.made, commit) == ()
    otherwise = "\n".join(stage.portal.call(differences, OTHER_END, ended, stage.made, commit))
    for each in ("0 is expected", "switch is expected to", "does not say 'never said'", "says why switch said no"):
        assert each in otherwise
    assert "is expected" in "\n".join(stage.portal.call(differences, End(), ended, stage.made, commit))


@pytest.mark.parametrize("scenario", [each for each in PLANTED if each.plants], ids=lambda each: each.name)
def test_what_is_planted_is_there_as_long_as_it_is_meant_to_be(scenario: Scenario, tmp_path: Path) -> None:
    resend, model = Resend(tmp_path), Anthropic(tmp_path)

    def known() -> int:
        return len(resend.fates.known) + len(model.script.rules) + len(model.faults.waiting)

    async def calls() -> None:
        async with serving(resend) as mails, serving(model) as messages:
            places = (
                Place(name="Resend", address=mails, what=""),
                Place(name="Anthropic", address=messages, what=""),
            )
            made = World(apps={}, places=places, stand_ins={}, commit="")
            async with planted(scenario.plants, made):
                assert known() == len(scenario.plants)
            assert known() == 0
            wrong = dataclasses.replace(scenario.plants[0], words={"nothing": "known"})
            with pytest.raises(ToolError, match="does not take"):
                async with planted((*scenario.plants, wrong), made):
                    pytest.fail("it was taken")
            assert known() == 0

    anyio.run(calls)


@pytest.mark.parametrize("scenario", PLANTED, ids=lambda each: each.name)
def test_a_scenarios_commit_fits_the_example_and_no_other(scenario: Scenario, tmp_path: Path) -> None:
    changed = {each.path for each in scenario.candidate.changes} - {"shipway.toml"}
    for path in changed:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text((EXAMPLE / path).read_text())
    (tmp_path / "shipway.toml").write_text("[environments.staging.tests.variables]\nA = 'b'\n")
    assert set(scenario.candidate.edits(tmp_path)) >= changed
    for path in changed:
        (tmp_path / path).write_text("")
        with pytest.raises(ToolError, match="does not fit"):
            scenario.candidate.edits(tmp_path)
