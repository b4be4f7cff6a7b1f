"""A whole promotion to production: what it does step by step, what has it put back, how that ends."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci import config, processes
from ci.errors import ExitCode
from ci.journal import State, leases
from ci.journal.releases import Proof
from ci.model import Status
from ci.promoted import exit_code
from ci.promotion.carrying import abort, begin_rollback, due, roll_back, waits_at
from ci.promotion.flow import RESULT
from ci.promotion.promoting import read
from ci.promotion.rollback.rolling_back import BACK, FAILED, MIXED, outcome, steps
from tests.conftest import ROOT
from tests.promotion import toy
from tests.promotion.live import LIVE, broken, jam, out, played, proofs, served, staged, stop, switched, together
from tests.promotion.town import Town, fail, promotion
from tests.promotion.townplan import POINTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ci.journal import Entry


def test_a_soaked_commit_goes_to_production_step_by_step_and_is_good_after_its_window(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        await staged(place, place.second)
        ended = await LIVE(place, place.second)
        assert (ended.refusal, ended.flow.state) == (None, State.DONE)
        assert not {run.status for run in ended.steps} - {Status.PASSED, Status.SKIPPED}
        assert await served(place) == {place.second}
        assert place.tree("prod") == place.tree(place.second)
        assert proofs(place) == [(place.second, Proof.GOOD), (place.first, Proof.GOOD)]
        gates = [ruling.gate for facts in ended.facts.values() for ruling in read(facts)]
        assert gates[:5] == ["soak", "evidence", "isolation", "migrations", "smoke"]
        assert {"smoke", "slo", "error_rate", "new_errors", "monitor"} <= set(gates[5:])

    played(tmp_path, scene)


@pytest.mark.parametrize("point", POINTS)
def test_a_release_that_fails_a_point_at_its_own_address_is_never_switched_to(tmp_path: Path, point: str) -> None:
    async def scene(place: Town) -> None:
        commit = await staged(place, broken(place, point))
        ended = await LIVE(place, commit)
        assert ended.refusal is not None
        assert (ended.refusal.step, ended.flow.state) == ("staged smoke", State.BLOCKED)
        assert f"{point}: " in ended.refusal.message
        assert (await served(place), outcome(ended.facts)) == ({place.first}, None)
        assert proofs(place) == [(place.first, Proof.GOOD)]

    played(tmp_path, scene)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Something that goes wrong once users have the release, and how it ends."""

    name: str
    does: Callable[[Town, str], Callable[[], None]]
    came: str = BACK
    code: ExitCode = ExitCode.ROLLED_BACK
    pinned: bool = True
    step: str = "smoke"
    told: str = "production was put back to what it served before"
    adopted: bool = True


SCENARIOS = [
    Scenario(name="the release fails where users are", does=out),
    Scenario(name="an outage that the build before has too", does=lambda place, _: out(place, "all"), pinned=False),
    Scenario(
        name="nothing was adopted that could be gone back to",
        does=out,
        adopted=False,
        came=FAILED,
        code=ExitCode.MIXED,
        pinned=False,
        told="production was NOT put back, and serves it",
    ),
    Scenario(
        name="a person stopped rollbacks too",
        does=lambda place, commit: together(out(place, commit), lambda: stop(place, "shipway:stop-all")),
        came=FAILED,
        code=ExitCode.MIXED,
        pinned=False,
        told="production was NOT put back, and serves it",
    ),
    Scenario(
        name="one app cannot be put back at first",
        does=lambda place, commit: together(out(place, commit), lambda: jam(place, times=2)),
    ),
    Scenario(
        name="one app cannot be put back at all",
        does=lambda place, commit: together(out(place, commit), lambda: jam(place, times=1000)),
        came=MIXED,
        code=ExitCode.MIXED,
        pinned=False,
        told="some apps of production are back to what they served before, and some are NOT",
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_fails_once_users_have_it_is_put_back(tmp_path: Path, scenario: Scenario) -> None:
    async def scene(place: Town) -> None:
        commit = await staged(place, place.second)
        ended = await LIVE(place, commit, journal=switched(place, scenario.does(place, commit)))
        assert ended.refusal is not None
        assert (ended.refusal.step, ended.flow.state) == (scenario.step, State.BLOCKED)
        assert (outcome(ended.facts), exit_code(ended)) == (scenario.came, scenario.code)
        (told,) = place.github.state.comments.values()
        assert scenario.told in told["body"]
        back = scenario.came == BACK
        assert await served(place) == {place.first if back else commit} or scenario.came == MIXED
        assert [each.commit for each in place.journal.bars.pins()] == ([commit] if scenario.pinned else [])
        assert place.branches()["prod"] == place.first
        if back:
            assert proofs(place) == [(commit, Proof.ROLLED_BACK), (place.first, Proof.GOOD)]
            assert place.journal.servings.of("production")[-1].commit == place.first

    played(tmp_path, scene, adopted=scenario.adopted)


def test_a_bad_commit_is_refused_from_then_on_and_one_that_reverts_it_is_not(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        bad = await staged(place, place.second)
        first = await LIVE(place, bad, journal=switched(place, out(place, bad)))
        assert outcome(first.facts) == BACK
        place.journal.incidents.close(first.flow.id)
        later = await staged(place, place.push(f"A revert\n\nThis reverts commit {bad}."))
        again = await LIVE(place, bad)
        assert again.refusal is not None
        assert (again.refusal.step, "is pinned out" in again.refusal.message) == ("admission", True)
        fixed = await LIVE(place, later)
        assert (fixed.refusal, fixed.flow.state, await served(place)) == (None, State.DONE, {later})

    played(tmp_path, scene)


def test_after_three_releases_in_a_row_that_were_put_back_production_is_frozen(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        journal = place.journal
        for number in range(3):
            journal.releases.record("production", f"{number}" * 40, flow=f"bad-{number}", deployments={})
            if number < 2:
                journal.releases.move(f"bad-{number}", Proof.ROLLED_BACK)
        journal.releases.move("bad-2", Proof.ROLLED_BACK)
        commit = await staged(place, place.second)
        await LIVE(place, commit, journal=switched(place, out(place, commit)))
        frozen = place.journal.bars.frozen("production")
        assert frozen is not None
        assert frozen.reason == "3 releases in a row were rolled back"

    played(tmp_path, scene)


def test_what_turns_out_bad_in_the_armed_watch_is_put_back_too(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        commit = await staged(place, place.second)
        journal = place.journal

        def heard(entry: Entry) -> None:
            if (entry.step, entry.kind) == ("people told", RESULT):
                fail(place.directory, commit)

        journal.flows.heard = heard
        ended = await LIVE(place, commit, journal=journal)
        assert ended.refusal is not None
        assert ended.refusal.step == "armed watch"
        assert "new_errors: 1 new error type" in ended.refusal.message
        assert (exit_code(ended), await served(place)) == (ExitCode.ROLLED_BACK, {place.first})
        assert proofs(place)[0] == (commit, Proof.ROLLED_BACK)

    played(tmp_path, scene)


@pytest.mark.parametrize("proven_good", [False, True])
def test_who_ends_a_promotion_has_put_back_what_is_not_proven_and_leaves_what_is(
    tmp_path: Path, *, proven_good: bool
) -> None:
    async def scene(place: Town) -> None:
        commit = await staged(place, place.second)
        journal = place.journal

        def heard(entry: Entry) -> None:
            if (entry.step, entry.kind) == ("people told" if proven_good else "mark", RESULT):
                abort(journal, journal.flows.flow(entry.flow), "we wait for the demo")

        journal.flows.heard = heard
        ended = await LIVE(place, commit, journal=journal)
        assert ended.flow.state is State.ABORTED
        assert outcome(ended.facts) == (None if proven_good else BACK)
        assert await served(place) == {commit if proven_good else place.first}
        assert place.journal.bars.pins() == ()  # nothing was wrong with it

    played(tmp_path, scene)


def test_a_promotion_waits_for_a_persons_approval_without_the_lease_and_goes_on_after_it(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        commit = await staged(place, place.second)
        waiting = await LIVE(place, commit)
        assert (waiting.flow.state, waiting.refusal) == (State.PAUSED, None)
        assert place.journal.leases.of("production") is None
        assert waits_at(place.journal, waiting.flow) == "approval"
        assert await served(place) == {place.first}
        place.journal.approvals.approve(waiting.flow.id, "approval", by="ada", reason="seen")
        ended = await LIVE(place, commit)
        assert (ended.flow.id, ended.flow.state, await served(place)) == (waiting.flow.id, State.DONE, {commit})

    played(tmp_path, scene, approval="person")


def test_whoever_ticks_goes_on_with_what_moved_users_and_lost_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "GRACE", 0.2)

    async def scene(place: Town) -> None:
        commit = await staged(place, place.second)
        argv = [sys.executable, "-P", "-m", "tests.promotion.town", "production"]
        argv += [str(place.directory), commit, "mark/result"]
        killed = await processes.run(argv, cwd=ROOT, environment={**os.environ, "PYTHONPATH": str(ROOT)})
        assert killed.code == -9, killed.stderr.decode()[-2000:]
        assert await served(place) == {commit}
        out(place, commit)()
        with anyio.fail_after(60):
            while not (left := due(place.journal)):  # noqa: ASYNC110 - it stands in a file
                await anyio.sleep(0.2)
        assert [flow.commit for flow in left] == [commit]
        ended = await LIVE(place, commit)
        assert (exit_code(ended), await served(place)) == (ExitCode.ROLLED_BACK, {place.first})

    played(tmp_path, scene)


def test_a_person_puts_production_back_to_what_was_good(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        commit = await staged(place, place.second)
        await LIVE(place, commit)
        flow = begin_rollback(place.journal, "production", to=None, reason="customers complain")
        async with promotion(place.root, place.journal, commit, environment="production") as (made, fence):
            ended = await roll_back(made, flow, fence, toy.Quiet())
        assert (outcome(ended.facts), exit_code(ended), ended.flow.state) == (BACK, ExitCode.ROLLED_BACK, State.DONE)
        assert await served(place) == {place.first}
        assert [(each.commit, each.reason) for each in place.journal.bars.pins()] == [(commit, "customers complain")]

    played(tmp_path, scene)


def test_two_rollbacks_may_be_further_apart_than_any_other_step_may_last() -> None:
    settings = config.loads('[promotion]\nrollbacks_apart = "1h"\n')
    promotion: Any = SimpleNamespace(environment="production", settings=settings)
    assert steps(promotion)[0].lasting > 3600
