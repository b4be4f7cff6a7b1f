"""Every scenario in which something is planted, played in one world: who must say no does, for the reason planted.

The seven stages are told green by a table, but for the one of them that a scenario is about. All else is really run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.from_thread
import pytest
from rich.console import Console

from ci import config, promoted
from ci.commits import Commits
from ci.errors import ToolError, UsageError
from ci.executors.cache import cache_directory
from ci.journal import Journal
from ci.promotion.carrying import ROUTES, begin, carry_on
from ci.promotion.connected import connected
from ci.promotion.footprint import isolate
from ci.promotion.work import Asked, What
from ci.rehearsal.anthropic import Anthropic
from ci.rehearsal.pushing import push_commit
from ci.rehearsal.resend import Resend
from ci.rehearsal.sentry import Sentry
from ci.rehearsal.serving import serving
from ci.rehearsal.tenancy import APPS, DEVELOPMENT, ENVIRONMENTS, PRODUCTION, STAGING
from ci.rehearsal.vercel import Vercel
from ci.rehearsal.world import Place, World, world
from ci.scenarios import staging
from ci.scenarios.candidates import Candidate, Change
from ci.scenarios.catalogue import SCENARIOS, STORY, find_scenario
from ci.scenarios.customers import customers, those
from ci.scenarios.ending import Ended, Standing, differences, stand
from ci.scenarios.playing import Desk, planted
from ci.scenarios.production import STEPS as PRODUCTION_STEPS
from ci.scenarios.scenario import End, Scenario, Serves, Told
from ci.scenarios.staging import STEPS as STAGING_STEPS
from tests.conftest import ROOT
from tests.promotion.table import Table
from tests.promotion.town import promotion, town
from tests.promotion.townplan import SKIPPED
from tests.promotion.toy import Quiet
from tests.rehearsal.vercel_world import TOKEN, clone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anyio.from_thread import BlockingPortal

    from ci.model import RunReport

EXAMPLE = ROOT / "examples/receipts"
STAGED = [each for each in staging.SCENARIOS if each.acts[-1].commands[-1].end.step is not None]
RELEASED = [each for each in SCENARIOS.values() if each.live and each.name not in {STORY, "good"}]
PLANTED = [*STAGED, *RELEASED]
# Fewer pairs tell as much where a route takes several times as long, and take less of the time.
QUICK = Candidate(
    message="Fewer pairs, and rollbacks soon after one another",
    changes=(
        Change(path="shipway.toml", old="pairs = 100\n", new="pairs = 40\n"),
        Change(path="shipway.toml", old="[promotion]\n", new='[promotion]\nrollbacks_apart = "1s"\n'),
    ),
)


OTHER_END = End(step="switch", says=("never said",), pinned=True, told=Told(mails=2, pages=3, issues=4))


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
    state: Path

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

    def stand(self, environment: str) -> Standing:
        """How all stands."""
        return self.portal.call(stand, self.made, self.journal, environment)

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
    began = world(
        directory / "world", example=EXAMPLE, cache=cache_directory(), note=lambda _: None, staged=(STAGING, PRODUCTION)
    )
    with anyio.from_thread.start_blocking_portal() as portal, portal.wrap_async_context_manager(began) as made:
        assert made.checkout is not None
        state = directory / "state"
        journal = Journal.local(made.checkout, directory=state)
        place = Stage(made=made, portal=portal, journal=journal, state=state)
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


async def _never(_step: str) -> None:
    await anyio.sleep_forever()


@pytest.mark.long
@pytest.mark.parametrize("scenario", STAGED, ids=lambda each: each.name)
def test_who_must_say_no_does_and_staging_stays_as_it_is(
    scenario: Scenario, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    (act,) = scenario.acts
    (asked,) = act.commands
    standing = stage.stand("staging")
    with stage.portal.wrap_async_context_manager(planted(asked.plants, stage.made, _never)):
        commit, before = stage.push(act.candidate)
        try:
            ended = stage.promote(commit, really=asked.end.step == "stages")
        finally:
            stage.take_back(before)
    compare = functools.partial(
        differences,
        ended=ended,
        world=stage.made,
        commit=commit,
        environment="staging",
        before=standing,
        after=stage.stand("staging"),
    )
    assert compare(asked.end) == ()
    otherwise = "\n".join(compare(OTHER_END))
    for each in ("0 is expected", "switch is expected to", "does not say 'never said'", "says why switch said no"):
        assert each in otherwise
    for each in ("is not pinned out", "0 mails were sent, and 2", "0 pages were sent, and 3", "0 issues were sent"):
        assert each in otherwise
    assert "is expected" in "\n".join(compare(End()))


@pytest.fixture(scope="module")
def live(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Have production adopted, and its customers come."""
    directory = tmp_path_factory.mktemp("released")
    desk = Desk(
        world=stage.made,
        checkout=stage.root,
        state=stage.state,
        directory=directory,
        note=lambda _: None,
    )
    stage.portal.call(desk.have_said, "adopt", "production", ".")
    address = stage.made.apps["production"]["web"]
    with stage.portal.wrap_async_context_manager(customers(address, those(busy=True))):
        yield desk


def forgotten(journal: Journal) -> None:
    """Let the next one go: what was bad before bars it."""
    for each in journal.incidents.going_on():
        journal.incidents.close(each.id)
    for pin in journal.bars.pins():
        journal.bars.unpin(pin.commit)
    journal.bars.unfreeze("production")


@pytest.mark.long
@pytest.mark.parametrize("scenario", [*RELEASED, find_scenario("crash@window")], ids=lambda each: each.name)
def test_a_release_ends_as_its_scenario_says(scenario: Scenario, stage: Stage, live: Desk) -> None:
    """By the same commands and the same comparison as in a rehearsal, but for staging, which is told by a table.

    How it is mended then is played by test_loop.py, and in the village of tests/diagnosis.
    """
    commit, before = stage.push(scenario.acts[0].candidate)
    try:
        anyio.run(Table(journal=stage.journal).run, Asked(what=What.STAGES, commit=commit, environment="staging"))
        released = itertools.takewhile(lambda each: each.words[0] != "diagnose", scenario.acts[0].commands[1:])
        for number, asked in enumerate(released):
            more = ("--commit", commit, "--skip-soak", SKIPPED) if asked.words[0] == "promote" else ()
            given = dataclasses.replace(asked, words=(*asked.words, *more))
            name = f"{scenario.name}-{number}" if asked.reports else None
            assert stage.portal.call(live.type, given, commit, name).wrong == ()
    finally:
        stage.take_back(before)
        if asked.end.serves is Serves.MIXED:
            stage.portal.call(live.have_said, "rollback", "production", ".")
        forgotten(stage.journal)


@pytest.mark.parametrize("scenario", PLANTED, ids=lambda each: each.name)
def test_what_is_planted_is_there_as_long_as_it_is_meant_to_be(scenario: Scenario, tmp_path: Path) -> None:
    plants = [plant for asked in scenario.acts[-1].commands for plant in asked.plants]
    if not plants:
        pytest.skip("nothing is planted in it: its commit is what is bad")
    stand_ins = (Resend(tmp_path), Anthropic(tmp_path), Sentry(tmp_path), Vercel(tmp_path, token=TOKEN, build=clone))
    resend, model, sentry, vercel = stand_ins

    def known() -> int:
        faults = [*model.faults.waiting, *sentry.faults.waiting, *vercel.faults.waiting]
        return len(resend.fates.known) + len(model.script.rules) + len(faults)

    async def reached(_step: str) -> None:
        """Let it be at once."""

    async def calls() -> None:
        async with contextlib.AsyncExitStack() as stack:
            at = [await stack.enter_async_context(serving(each)) for each in stand_ins]
            places = tuple(
                Place(name=name, address=address, what="")
                for name, address in zip(("Resend", "Anthropic", "Sentry", "Vercel"), at, strict=True)
            )
            made = World(apps={}, places=places, stand_ins={}, commit="")
            async with planted(tuple(plants), made, reached):
                with anyio.fail_after(10):
                    while known() != len(plants):  # noqa: ASYNC110 - told over HTTP
                        await anyio.sleep(0.01)
            assert known() == 0
            wrong = dataclasses.replace(plants[0], words={"nothing": "known"}, step=None)
            with pytest.raises(ToolError, match="does not take"):
                async with planted((*plants, wrong), made, reached):
                    pytest.fail("it was taken")
            assert known() == 0

    anyio.run(calls)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda each: each.name)
def test_a_scenarios_commits_fit_the_example_and_no_other(scenario: Scenario, tmp_path: Path) -> None:
    for act in scenario.acts:
        candidate = act.candidate
        changed = {each.path for each in candidate.changes} - {"shipway.toml"}
        for path in changed:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text((EXAMPLE / path).read_text())
        (tmp_path / "shipway.toml").write_text("[environments.staging.tests.variables]\nA = 'b'\n")
        assert set(candidate.edits(tmp_path)) >= changed
        for path in changed:
            (tmp_path / path).write_text("")
            with pytest.raises(ToolError, match="does not fit"):
                candidate.edits(tmp_path)


@pytest.mark.parametrize("name", ["crash@tier-2", "crash@staged-smoke", "crash@pull-request"])
def test_a_promotion_can_be_killed_at_a_step_of_either_environment(name: str) -> None:
    found = find_scenario(name)
    killed = [asked for asked in found.acts[0].commands if asked.killed]
    assert [asked.killed for asked in killed] == [name.removeprefix("crash@").replace("-", " ")]
    assert found.live == (name != "crash@tier-2")


@pytest.mark.parametrize(
    ("name", "says"),
    [("goood", "there is no scenario 'goood'"), ("crash@nowhere", "no promotion has a step 'nowhere'")],
)
def test_a_scenario_that_there_is_not_is_refused_with_those_that_there_are(name: str, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)) as caught:
        find_scenario(name)
    assert "smoke" in str(caught.value.hint) or "story" in str(caught.value.hint)


def test_the_steps_at_which_a_promotion_can_be_killed_are_all_of_the_examples(tmp_path: Path) -> None:
    async def calls() -> None:
        async with town(tmp_path, live=True) as place:
            for environment, steps in (("staging", STAGING_STEPS), ("production", PRODUCTION_STEPS)):
                made_by = promotion(place.root, place.journal, place.second, environment=environment)
                async with made_by as (made, _):
                    assert tuple(each.name for each in ROUTES[environment].steps(made)) == steps

    anyio.run(calls)
