from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from ci import processes
from ci.errors import ExitCode
from ci.journal import Journal, State, leases
from ci.journal.releases import Proof
from ci.model import Status
from ci.promoted import exit_code
from ci.promotion.adopting import adopt
from ci.promotion.carrying import abort, begin_rollback, due, roll_back, waits_at
from ci.promotion.flow import RESULT
from ci.promotion.promoting import read
from ci.promotion.rolling_back import BACK, FAILED, MIXED, outcome
from ci.promotion.work import Asked, What
from ci.rehearsal.github import PEOPLE, SLUG
from ci.rehearsal.sentry.envelopes import parse
from ci.rehearsal.sentry.intake import take
from tests.conftest import ROOT
from tests.promotion import toy
from tests.promotion.town import APPS, POINTS, SERVER, SKIPPED, Table, Town, promote, promotion, town
from tests.vendors.envelopes import error, packed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ci.journal import Entry
    from ci.promotion.flow import Ended

PARTS = 3  # of a sweep, each in a town of its own
LIVE = functools.partial(promote, environment="production")


def played(
    directory: Path,
    scene: Callable[[Town], Awaitable[None]],
    *,
    approval: str = "none",
    apart: float = 180.0,
    watch: tuple[float, float, float] = (1.0, 2.0, 4.0),
    adopted: bool = True,
) -> None:
    """Play a scene in a town whose production serves, and is adopted."""

    async def run() -> None:
        async with town(directory, live=True, approval=approval, apart=apart, watch=watch) as place:
            async with promotion(place.root, place.journal, place.first, environment="production") as (made, _):
                if adopted:
                    await adopt(
                        "production",
                        settings=made.settings,
                        journal=made.journal,
                        platform=made.platform,
                        history=made.history,
                    )
            await scene(place)

    anyio.run(run)


async def staged(place: Town, commit: str) -> str:
    """Promote a commit to staging, and wait for its window."""
    ended = await promote(place, commit)
    assert ended.flow.state is State.DONE, ended.refusal
    return commit


async def served(place: Town) -> set[str]:
    """Which commits users get."""
    async with httpx.AsyncClient(trust_env=False) as client:
        addresses = place.settings.environments.production.addresses
        return {(await client.get(f"{addresses[name]}/version")).json()["commit"] for name in APPS}


def broken(place: Town, *points: str) -> str:
    """Push a commit that fails these points in production alone."""
    text = SERVER.replace('BROKEN = ""', f'BROKEN = "{" ".join(points)}"')
    assert text != SERVER
    return place.push(f"breaks {points}", **{"server.py": text})


def proofs(place: Town) -> list[tuple[str, Proof]]:
    return [(each.commit, each.state) for each in place.journal.releases.of("production")]


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


def switched(place: Town, *does: Callable[[], None]) -> Journal:
    """The journal, and something that happens once users are moved."""
    journal = place.journal

    def heard(entry: Entry) -> None:
        if (entry.step, entry.kind) == ("mark", RESULT):
            for each in does:
                each()

    journal.flows.heard = heard
    return journal


def out(place: Town, name: str) -> Callable[[], None]:
    """Have all points fail in production: of a commit, or of "all"."""
    return (place.directory / "outages" / name).touch


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


def together(*does: Callable[[], None]) -> Callable[[], None]:
    def do() -> None:
        for each in does:
            each()

    return do


def jam(place: Town, *, times: int) -> None:
    """Have Vercel refuse to roll back the web app."""
    web = (place.vercel.account.project("live-web") or {})["id"]
    place.vercel.faults.add(kind="status", method="POST", path=f"{web}/rollback/", status=400, times=times, body="{}")


def stop(place: Town, label: str) -> None:
    """Open an issue of that label, as a person does."""
    told = {"title": "stop", "body": "we look into it", "labels": [label]}
    head = {"authorization": f"Bearer {PEOPLE[0].token}"}
    hub = place.settings.github
    assert hub is not None
    made = httpx.post(f"{hub.address}/repos/{SLUG}/issues", json=told, headers=head, trust_env=False)
    assert made.status_code == httpx.codes.CREATED, made.text


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
                for number in range(4):
                    fail(place, commit, user=f"user-{number}")

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


def fail(place: Town, commit: str, *, user: str) -> None:
    """Have the release meet an error that nobody saw before."""
    store = place.sentry.store
    event = error(release=commit, environment="production", user={"id": user})
    take(store, store.projects["api"], parse(packed(("event", event))))


async def proven(place: Town, commit: str) -> str:
    """Have a commit proven for production without staging: its report is told by a table."""
    await Table(journal=place.journal).run(Asked(what=What.STAGES, commit=commit, environment="staging"))
    return commit


def counted(place: Town) -> dict[str, int]:
    """How many there are at the vendors and in the journal."""
    made = {name: len(each) if isinstance(each, list) else each for name, each in place.made().items()}
    return {**made, "releases": len(proofs(place)), "servings": len(place.journal.servings.of("production"))}


@pytest.mark.parametrize("bad", [False, True], ids=["good", "put back"])
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.long
def test_killed_behind_any_entry_and_resumed_it_ends_as_if_undisturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int, *, bad: bool
) -> None:
    monkeypatch.setattr(leases, "GRACE", 0.2)

    async def scene(place: Town) -> None:
        async def candidate(message: str) -> str:
            commit = await proven(place, place.push(message))
            if bad:
                at = place.settings.environments.production.addresses.values()
                hosts = " ".join(each.removeprefix("http://") for each in at)
                (place.directory / "outages" / f"{commit}-at").write_text(hosts)
            return commit

        def forget(commit: str) -> None:
            """Let the next one go: what this one left behind bars it."""
            for each in place.journal.incidents.going_on():
                place.journal.incidents.close(each.id)
            place.journal.bars.unpin(commit)
            place.journal.bars.unfreeze("production")

        def ending(ended: Ended) -> tuple[object, ...]:
            return (ended.flow.state, ended.refusal and ended.refusal.step, outcome(ended.facts), exit_code(ended))

        await place.record("staging")
        first, before = await candidate("the first"), counted(place)
        undisturbed = await LIVE(place, first, skip_soak=SKIPPED)
        expected = {name: number - before[name] for name, number in counted(place).items()}
        entries = len(place.journal.flows.entries(undisturbed.flow.id))
        assert (entries > 40, outcome(undisturbed.facts)) == (True, BACK if bad else None), undisturbed.refusal
        forget(first)
        for number in range(1 + part, entries + 1, PARTS):
            good = await served(place)
            commit, before = await candidate(f"killed behind {number}"), counted(place)
            argv = [sys.executable, "-P", "-m", "tests.promotion.town", "production"]
            argv += [str(place.directory), commit, str(number)]
            killed = await processes.run(argv, cwd=ROOT, environment={**os.environ, "PYTHONPATH": str(ROOT)})
            assert killed.code == -9, (number, killed.stderr.decode()[-2000:])
            again = await LIVE(place, commit, skip_soak=SKIPPED)
            assert ending(again) == ending(undisturbed), number
            assert {name: count - before[name] for name, count in counted(place).items()} == expected, number
            assert await served(place) == (good if bad else {commit}), number
            forget(commit)

    played(tmp_path, scene, apart=0.001, watch=(0.4, 0.4, 1.0))
