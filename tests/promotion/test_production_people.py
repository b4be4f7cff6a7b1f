"""What people hear of a release, and what they say to it: held, stopped, mended, told late or not at all."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import anyio
from rich.console import Console

from ci.errors import ExitCode
from ci.journal import State, notices
from ci.journal.notices import Kind
from ci.journal.releases import Proof
from ci.promotion.carrying import due, waits_at
from ci.releases import tell_again
from tests.promotion.released import COUNTER, begins

if TYPE_CHECKING:
    import pytest

    from ci.journal import Flow
    from tests.promotion.released import Lender, Played, Released

EVERYBODY = ["issue", "mail", "page"]
NOBODY = {"kind": "status", "status": 403, "times": 10_000, "body": "{}"}


def kinds(place: Released) -> list[str]:
    """By which ways people were told, once for each time."""
    return [each.partition(":")[0] for each in place.news()]


def deafen(place: Released) -> None:
    """Have every way to people refuse."""
    place.resend.faults.add(**NOBODY)
    place.pager.faults.add(**NOBODY)
    place.town.github.faults.add(**NOBODY, method="POST", path="/issues$")


def hear(place: Released) -> None:
    """Have every way to people be open again."""
    for each in (place.resend, place.pager, place.town.github):
        each.faults.clear()


async def tick(place: Released) -> str:
    """Tell people again, as `shipway tick` does; return what that says."""
    console = Console(file=io.StringIO(), width=1000)
    await tell_again(place.town.settings, place.town.root, place.journal, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return str(text)


def pages(place: Released) -> list[str]:
    """How the newest page stands."""
    return [each["status"] for each in place.pager.incidents.values()][-1:]


def test_a_monitor_that_goes_down_holds_and_pages_and_a_persons_word_lets_it_through(town: Lender) -> None:
    async def scene(place: Released) -> None:
        place.watch(COUNTER, "alive = 1.0")
        new = await place.candidate()

        def down(_flow: Flow) -> None:
            place.town.sentry.faults.add(kind="status", status=503, path="^/api/0/", times=10_000)

        played = await place.promote(new, once={"mark": down})
        assert (played.code, played.ended.flow.state) == (ExitCode.HELD, State.PAUSED)
        assert (await place.serves(), place.proof(new)) == ({new}, Proof.SERVING)
        assert (place.journal.bars.pins(), kinds(place), pages(place)) == ((), EVERYBODY, ["triggered"])
        assert "the monitor could not be asked" in (played.ended.steps[-1].reason or "")
        flow = played.ended.flow
        place.journal.approvals.approve(flow.id, waits_at(place.journal, flow), by="ada", reason="I looked myself")
        approved = await place.carry(flow)
        assert (approved.refused, approved.code, place.proof(new)) == ("", ExitCode.PASSED, Proof.GOOD)
        assert "taken for good by ada: I looked myself" in approved.notes
        assert (kinds(place), pages(place)) == (EVERYBODY, ["resolved"])

    town.play(scene)


def test_a_monitor_that_gives_a_test_event_not_back_holds_until_it_is_mended_and_tells_even_late(
    town: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "FIRST_PAUSE", 0.0)

    async def scene(place: Released) -> None:
        secrets = place.town.directory / "secrets"
        place.watch(COUNTER, "alive = 1.0", dsn=f"file://{secrets}/other-dsn")
        new = await place.candidate()
        deafen(place)
        played = await place.promote(new, once={"mark": lambda flow: place.requests(220, begins=begins(place, flow))})
        assert (played.code, await place.serves()) == (ExitCode.ESCALATED, {new})
        said = str(played.ended.steps[-1].reason)
        assert "monitor: the test event did not come back in 1" in said
        assert f"nobody could be told of {played.ended.flow.id}-held" in said
        hear(place)
        place.watch(dsn=f"file://{secrets}/dsn")
        mended = await place.carry(played.ended.flow)
        assert (mended.refused, mended.code, place.proof(new)) == ("", ExitCode.PASSED, Proof.GOOD)

    town.play(scene)


def test_what_fails_long_after_the_window_is_found_by_whoever_comes_next(town: Lender) -> None:
    async def scene(place: Released) -> None:
        place.watch("armed = 60", "every = 0.5")
        old, new = place.served, await place.candidate()
        played = await place.promote(new, wait=False)
        flow = played.ended.flow
        assert (played.code, flow.state, place.proof(new)) == (ExitCode.HELD, State.WAITING, Proof.GOOD)
        place.fail(new, 5, begins=time.time(), kind="LateError")
        later: Played | None = None
        with anyio.fail_after(120):
            while later is None or later.ended.flow.state is State.WAITING:
                assert [each.id for each in due(place.journal)] == [flow.id]
                later = await place.carry(flow, wait=False)
        assert later.refused.startswith("armed watch: new_errors: 1 new error type")
        assert (later.code, await place.serves(), place.proof(new)) == (
            ExitCode.ROLLED_BACK,
            {old},
            Proof.ROLLED_BACK,
        )
        assert ([each.commit for each in place.journal.bars.pins()], kinds(place)) == ([new], EVERYBODY)

    town.play(scene)


def test_a_commit_that_names_the_incident_it_mends_is_released_and_ends_it(town: Lender) -> None:
    async def scene(place: Released) -> None:
        bad = await place.candidate("bad")
        played = await place.promote(bad, once={"mark": lambda _: place.lose(bad)})
        assert (played.code, pages(place)) == (ExitCode.ROLLED_BACK, ["triggered"])
        incident = played.ended.flow.id
        another = await place.promote(await place.candidate("Mend\n\nShipway-Fixes: another-incident"))
        assert (another.code, another.ended.flow.state) == (ExitCode.GATE_REFUSED, State.BLOCKED)
        assert f"holds {bad[:12]}, which is pinned out" in another.refused
        fix = await place.candidate(f"Mend it\n\nShipway-Fixes: {incident}")
        mended = await place.promote(fix)
        assert (mended.refused, await place.serves(), place.proof(fix)) == ("", {fix}, Proof.GOOD)
        assert (place.journal.incidents.going_on(), pages(place)) == ((), ["resolved"])

    town.play(scene)


def test_a_stop_before_the_switch_leaves_users_where_they_are_and_the_commit_may_come_again(town: Lender) -> None:
    async def scene(place: Released) -> None:
        old, new = place.served, await place.candidate()
        played = await place.promote(new, once={"staged smoke": lambda _: place.open_issue("shipway:stop")})
        assert played.refused.startswith("bars: promotions are stopped by issue #")
        assert (played.code, await place.serves(), place.proof(new)) == (ExitCode.GATE_REFUSED, {old}, None)
        assert (place.news(), place.journal.incidents.going_on()) == ([], ())
        await anyio.to_thread.run_sync(place.close_issues)
        again = await place.promote(new)
        assert (again.refused, await place.serves()) == ("", {new})

    town.play(scene)


def test_a_stop_after_the_switch_stops_no_rollback(town: Lender) -> None:
    async def scene(place: Released) -> None:
        old, new = place.served, await place.candidate()

        def once(_flow: Flow) -> None:
            place.open_issue("shipway:stop")
            place.lose(new)

        played = await place.promote(new, once={"mark": once})
        assert (played.code, await place.serves(), place.proof(new)) == (
            ExitCode.ROLLED_BACK,
            {old},
            Proof.ROLLED_BACK,
        )

    town.play(scene)


def test_where_every_way_to_people_refuses_that_is_said_and_they_are_told_once_when_one_is_open_again(
    town: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "FIRST_PAUSE", 0.0)

    async def scene(place: Released) -> None:
        old, new = place.served, await place.candidate()

        def once(_flow: Flow) -> None:
            deafen(place)
            place.lose(new)

        played = await place.promote(new, once={"change": once})
        incident = played.ended.flow.id
        assert (played.code, await place.serves()) == (ExitCode.ESCALATED, {old})
        assert f"nobody could be told of {incident}" in played.report.notices
        said = [each.partition(" could not be sent")[0] for each in played.report.notices]
        assert {f"the {way} about {incident}" for way in EVERYBODY} <= set(said)
        for _ in range(3):
            assert (await tick(place)).count("could not be sent") == len(EVERYBODY)
            assert place.news() == []
        hear(place)
        for _ in range(2):
            assert await tick(place) == ""
            assert kinds(place) == EVERYBODY
        assert {each.tries for each in place.journal.notices.of(incident, Kind.OPENED)} == {5}

    town.play(scene)


def test_a_page_that_is_limited_comes_after_the_time_that_is_asked_for(town: Lender) -> None:
    limited: dict[str, Any] = {"status": 429, "headers": {"retry-after": "1.5"}, "path": "^/v2/enqueue$"}

    async def scene(place: Released) -> None:
        new = await place.candidate()

        def once(_flow: Flow) -> None:
            place.lose(new)
            place.pager.faults.add(kind="status", **limited)

        played = await place.promote(new, once={"mark": once})
        assert (played.code, kinds(place)) == (ExitCode.ROLLED_BACK, EVERYBODY)
        entries = place.journal.flows.entries(played.ended.flow.id)
        began = next(each.moment for each in entries if each.step == "people told")
        assert list(place.pager.incidents.values())[-1]["moment"] - began >= 1.5

    town.play(scene)
