"""Production with a vendor away for good, from some step on: how it ends, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

import pipeline
from ci.errors import ExitCode, VendorError
from ci.journal import State, notices
from ci.journal.notices import Channel, Sending
from ci.promoted import exit_code
from ci.promotion.carrying import abort, due
from ci.promotion.connected import connected
from ci.promotion.flow import INTENT, RESULT
from ci.promotion.notices.delivering import retry_due
from ci.promotion.rollback.rolling_back import BACK, FAILED, MIXED, outcome
from tests.promotion.census import untold
from tests.promotion.kills import QUICK as HASTE
from tests.promotion.kills import Life, live
from tests.promotion.live import LIVE, jam, out_where_users_are, played, proven, served
from tests.promotion.town import fail
from tests.promotion.townplan import SKIPPED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ci.journal import Entry, Journal
    from ci.journal.notices import Notice
    from ci.promotion.flow import Ended
    from ci.rehearsal.standin import StandIn
    from tests.promotion.town import Town

    Does = Callable[[], None]

QUICK: dict[str, Any] = {"apart": 0.001, "within": 0.5, "watch": (0.4, 0.4, 1.0), "mail": "resend"}
pytestmark = pytest.mark.long


def away(stand_in: StandIn, *, path: str = "") -> Does:
    """Have a vendor answer nothing any more but that it is not there."""

    def do() -> None:
        stand_in.faults.add(kind="status", status=503, times=10**6, path=path)

    return do


def at(place: Town, step: str, *does: Does, kind: str = INTENT) -> Journal:
    """The journal, and what happens at a step."""
    journal = place.journal

    def heard(entry: Entry) -> None:
        if (entry.step, entry.kind) == (step, kind):
            for each in does:
                each()

    journal.flows.heard = heard
    return journal


async def released(place: Town, journal: Journal, *, bad: bool = False) -> tuple[str, Ended]:
    """Release the next one, with little patience."""
    await place.record("staging")
    commit = await proven(place, place.second)
    if bad:
        out_where_users_are(place, commit)
    return commit, await LIVE(place, commit, skip_soak=SKIPPED, patience=HASTE, journal=journal)


async def again(place: Town) -> Ended:
    """Go on with it once the vendors are there again."""
    for each in (place.github, place.vercel, place.sentry, place.stripe):
        each.faults.clear()
    return await LIVE(place, place.second, skip_soak=SKIPPED, patience=HASTE)


def severities(place: Town) -> list[str]:
    """How loud the pages are."""
    assert place.people is not None
    return [each["severity"] for each in place.people.pagerduty.incidents.values()]


@pytest.mark.parametrize(("vendor", "step"), [("stripe", "gates"), ("github", "second look"), ("vercel", "deploy web")])
def test_what_is_away_before_the_switch_leaves_users_alone_and_can_be_resumed(
    tmp_path: Path, vendor: str, step: str
) -> None:
    async def scene(place: Town) -> None:
        with pytest.raises(VendorError):
            await released(place, at(place, step, away(getattr(place, vendor))))
        assert await served(place) == {place.first}
        assert place.journal.incidents.going_on() == ()
        ended = await again(place)
        assert (ended.flow.state, exit_code(ended), await served(place)) == (
            State.DONE,
            ExitCode.PASSED,
            {place.second},
        )

    played(tmp_path, scene, **QUICK)


def test_a_switch_that_vercel_never_hears_of_is_no_release_that_users_got(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        _, ended = await released(place, at(place, "switch", away(place.vercel)))
        assert ended.refusal is not None
        assert (ended.refusal.step, exit_code(ended)) == ("switch", ExitCode.ROLLED_BACK)
        assert (outcome(ended.facts), await served(place)) == (BACK, {place.first})
        assert (untold(place, ended.flow.id), place.journal.bars.pins()) == ([], ())

    played(tmp_path, scene, **QUICK)


def test_one_app_that_cannot_be_switched_has_the_other_put_back(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        web = (place.vercel.account.project("live-web") or {})["id"]
        _, ended = await released(place, at(place, "switch", away(place.vercel, path=f"live-web|{web}")))
        assert (outcome(ended.facts), await served(place)) == (BACK, {place.first})
        assert untold(place, ended.flow.id) == []

    played(tmp_path, scene, **QUICK)


def test_apps_that_are_left_mixed_wake_somebody(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        web = (place.vercel.account.project("live-web") or {})["id"]
        journal = place.journal

        def heard(entry: Entry) -> None:
            if (entry.step, entry.kind) == ("switch", INTENT):
                away(place.vercel, path=f"live-web|{web}")()
            if (entry.step, entry.kind) == ("rollback target", INTENT):
                away(place.vercel)()

        journal.flows.heard = heard
        _, ended = await released(place, journal)
        assert await served(place) == {place.first, place.second}
        assert (outcome(ended.facts), exit_code(ended)) == (MIXED, ExitCode.MIXED)
        assert untold(place, ended.flow.id) == []
        assert severities(place) == ["critical"]

    played(tmp_path, scene, **QUICK)


def test_a_bad_release_that_vercel_does_not_put_back_wakes_somebody(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        commit, ended = await released(place, at(place, "rollback target", away(place.vercel)), bad=True)
        assert (outcome(ended.facts), exit_code(ended), await served(place)) == (FAILED, ExitCode.MIXED, {commit})
        assert untold(place, ended.flow.id) == []
        assert severities(place) == ["critical"]

    played(tmp_path, scene, **QUICK)


def test_who_ends_a_promotion_that_is_left_mixed_wakes_somebody_too(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        journal = place.journal

        def heard(entry: Entry) -> None:
            if (entry.step, entry.kind) == ("mark", RESULT):
                jam(place, times=1000)
                abort(journal, journal.flows.flow(entry.flow), "it was not finished in time")

        journal.flows.heard = heard
        _, ended = await released(place, journal)
        assert (ended.flow.state, outcome(ended.facts), exit_code(ended)) == (State.ABORTED, MIXED, ExitCode.MIXED)
        assert untold(place, ended.flow.id) == []
        assert severities(place) == ["critical"]

    played(tmp_path, scene, **QUICK)


def test_a_bad_release_is_put_back_and_told_though_github_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(place: Town) -> None:
        with pytest.raises(VendorError, match="GitHub"):
            await released(place, at(place, "smoke", away(place.github)), bad=True)
        (flow,) = due(place.journal)
        assert await served(place) == {place.first}
        assert severities(place) == ["error"]
        told = {each.channel: each.state for each in place.journal.notices.of(flow.id) if each.kind == "opened"}
        assert told == {Channel.PAGE: Sending.SENT, Channel.MAIL: Sending.SENT, Channel.ISSUE: Sending.FAILED}
        ended = await again(place)
        assert (ended.flow.id, exit_code(ended), outcome(ended.facts)) == (flow.id, ExitCode.ROLLED_BACK, BACK)
        async with connected(place.settings, "production", root=place.root) as made:
            (issue,) = (await retry_due(made, place.journal, say=print)).notices
        assert (issue.channel, issue.state) == (Channel.ISSUE, Sending.SENT)
        assert untold(place, flow.id) == []

    monkeypatch.setattr(notices, "FIRST_PAUSE", 0.0)
    played(tmp_path, scene, **QUICK)


def test_a_good_release_that_github_cannot_merge_yet_serves_and_is_merged_later(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        with pytest.raises(VendorError, match="GitHub"):
            await released(place, at(place, "merge", away(place.github)))
        assert await served(place) == {place.second}
        assert place.branches()["prod"] == place.first
        ended = await again(place)
        assert (ended.flow.state, exit_code(ended)) == (State.DONE, ExitCode.PASSED)
        assert place.tree("prod") == place.tree(place.second)

    played(tmp_path, scene, **QUICK)


def test_a_monitor_that_is_away_holds_a_release_and_wakes_somebody_and_puts_nothing_back(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        commit, ended = await released(place, at(place, "window", away(place.sentry)))
        assert (ended.flow.state, exit_code(ended), await served(place)) == (State.PAUSED, ExitCode.HELD, {commit})
        assert outcome(ended.facts) is None
        assert untold(place, f"{ended.flow.id}-held") == []
        place.journal.approvals.approve(ended.flow.id, "window", by="ada", reason="seen")
        ended = await LIVE(place, commit, skip_soak=SKIPPED, patience=HASTE)
        assert (ended.flow.state, exit_code(ended), await served(place)) == (State.DONE, ExitCode.PASSED, {commit})
        assert place.people is not None
        assert place.people.pages(f"{ended.flow.id}-held") == ["resolved"]
        assert len(place.people.pagerduty.incidents) == 1  # who took it for good is not woken once more

    played(tmp_path, scene, **QUICK)


def test_people_who_cannot_be_reached_keep_nothing_from_being_put_back_and_are_told_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(place: Town) -> None:
        people = place.people
        assert people is not None
        journal = at(place, "switch", away(people.pagerduty), away(people.resend))
        _, ended = await released(place, journal, bad=True)
        assert (exit_code(ended), await served(place)) == (ExitCode.ROLLED_BACK, {place.first})
        assert people.pages(ended.flow.id) == people.mails(ended.flow.id) == []
        people.pagerduty.faults.clear()
        people.resend.faults.clear()
        async with connected(place.settings, "production", root=place.root) as made:
            await retry_due(made, place.journal, say=print)
        assert untold(place, ended.flow.id) == []

    monkeypatch.setattr(notices, "FIRST_PAUSE", 0.0)
    played(tmp_path, scene, **QUICK)


def test_a_good_release_that_github_refuses_to_merge_is_held_and_a_person_is_told(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        refusing = {"kind": "status", "method": "PUT", "path": "/merge$", "status": 405, "times": 100}
        place.github.faults.add(**refusing, body='{"message": "Not allowed"}')
        commit, ended = await released(place, place.journal)
        assert (ended.flow.state, exit_code(ended), await served(place)) == (State.HELD, ExitCode.HELD, {commit})
        assert untold(place, ended.flow.id) == []
        assert severities(place) == ["warning"]

    played(tmp_path, scene, **QUICK)


def test_a_monitor_that_is_away_in_the_armed_watch_wakes_somebody_and_is_looked_at_again(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        journal = at(place, "people told", away(place.sentry), kind=RESULT)

        def woken(notice: Notice) -> None:
            if notice.channel is Channel.PAGE and notice.state is Sending.SENT and notice.incident.endswith("unseen"):
                place.sentry.faults.clear()
                fail(place.directory, place.second)

        journal.notices.heard = woken
        _, ended = await released(place, journal)
        assert untold(place, f"{ended.flow.id}-unseen") == []
        assert ended.refusal is not None
        assert (ended.refusal.step, exit_code(ended)) == ("armed watch", ExitCode.ROLLED_BACK)
        assert await served(place) == {place.first}

    played(tmp_path, scene, **{**QUICK, "watch": (0.4, 0.4, 60.0)})


def test_a_tick_tells_people_though_it_cannot_go_on_with_a_promotion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(place: Town) -> None:
        people = place.people
        assert people is not None
        with pytest.raises(VendorError, match="GitHub"):
            await released(place, at(place, "smoke", away(place.github), away(people.pagerduty)), bad=True)
        (flow,) = due(place.journal)
        people.pagerduty.faults.clear()
        with pytest.raises(VendorError, match="GitHub"):
            await pipeline.tick(place.root, Console(quiet=True))
        assert people.pages(flow.id) == ["triggered"]

    monkeypatch.setattr(notices, "FIRST_PAUSE", 0.0)
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path / "journal"))
    played(tmp_path, scene, **QUICK)


def test_a_rollback_by_hand_that_leaves_apps_mixed_wakes_somebody(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        commit, _ = await released(place, place.journal)
        jam(place, times=1000)
        ended = await live(place.directory, Life(commit=commit, by_hand=True))
        assert (outcome(ended.facts), exit_code(ended)) == (MIXED, ExitCode.MIXED)
        assert await served(place) == {place.first, commit}
        assert untold(place, ended.flow.id) == []
        assert severities(place) == ["critical"]
        place.vercel.faults.clear()
        ended = await live(place.directory, Life(commit=commit, by_hand=True))
        assert (outcome(ended.facts), await served(place)) == (BACK, {place.first})

    played(tmp_path, scene, **QUICK)
