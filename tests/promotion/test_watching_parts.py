"""The parts of the watch, each by itself: what was counted before, what is ruled, when is looked, what is asked."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci import config
from ci.gates.replay import replay
from ci.journal import Look
from ci.model import Outcome, Ruling
from ci.promotion.watch.alive import PROBE, prove
from ci.promotion.watch.looking import baseline, look
from ci.promotion.watch.synthetic import Visits, lacking
from ci.promotion.watch.verdicts import (
    ALIVE,
    ARMED,
    SYNTHETIC,
    WINDOW,
    Plan,
    notices,
    rule_armed,
    rule_window,
    together,
    tripped,
    waits,
)
from ci.promotion.watch.watching import armed_until, due, is_over, look_if_due
from tests.promotion.watched import BEFORE, LOOKS, NEW, OLD, world
from tests.vendors.envelopes import error, transaction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROUTES = '[[apps]]\nname = "api"\npath = "."\n[watch]\napp = "api"\n{}\n[[watch.routes]]\nname = "a"\npath = "/"\n'
UNREAD = {"unread": "503"}


def plan(more: str = "", **facts: Any) -> Plan:
    """Return what is ruled by with the times of production, moved to at 1000."""
    before = {**BEFORE, "since": -2600.0, "until": 1000.0, **facts}
    watch = config.loads(ROUTES.format(more)).watch
    return Plan(environment="production", commit=NEW, switched=1000.0, deployed=900.0, watch=watch, baseline=before)


def seen(number: int, *, kind: str = WINDOW, after: float | None = None, **parts: Any) -> Look:
    """Return a look at a release that does as the one before."""
    until = 30.0 * number if after is None else after
    document = {
        "after": until,
        "span": until,
        "until": 1060 + until,
        "errors": {"errors": 0, "users": 0},
        "requests": {"requests": 20 * number, "slow": 0},
        "types": {"types": []},
        "known": {"users": 30},
        **parts,
    }
    return Look(flow="f", kind=kind, number=number, moment=1150 + until, document=document)


def alive(came_back: float | None = 3.0) -> Look:
    """Return what became of the test event."""
    document = {"came_back": came_back, "waited": 180.0, "error": None}
    return Look(flow="f", kind=ALIVE, number=1, moment=1, document=document)


def by_gate(rulings: Sequence[Ruling]) -> dict[str, Ruling]:
    return {each.gate: each for each in rulings}


def outcomes(rulings: Sequence[Ruling]) -> dict[str, str]:
    return {each.gate: each.ruling.value for each in rulings}


def test_all_is_well_after_ten_looks_and_each_ruling_can_be_made_again() -> None:
    looks = [alive(), *(seen(number) for number in range(1, 11))]
    rulings = rule_window(plan(), looks)
    assert set(outcomes(rulings).values()) == {"PASS"}
    assert set(outcomes(rulings)) == {"monitor", "error_rate", "new_errors", "slo"}
    assert together(rulings) is Outcome.PASS
    assert all(replay(each) == each for each in rulings)
    assert rule_window(plan(), list(reversed(looks))) == rulings  # whatever order they are handed over in
    assert together(rule_window(plan(), looks[:-1])) is Outcome.INCONCLUSIVE


def test_fail_goes_first_then_error_then_too_little() -> None:
    def ruling(outcome: Outcome) -> Ruling:
        return Ruling(gate="slo", environment="production", ruling=outcome, reason="")

    order = [Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.PASS]
    for place, first in enumerate(order):
        assert together([ruling(each) for each in reversed(order[place:])]) is first
    assert together([ruling(Outcome.PASS), ruling(Outcome.NODATA)]) is Outcome.INCONCLUSIVE
    assert together([]) is Outcome.INCONCLUSIVE


def test_errors_of_which_no_request_is_counted_are_seen_by_the_minute() -> None:
    silent = [
        seen(number, errors={"errors": 9 * number, "users": 5}, requests={"requests": 0, "slow": 0})
        for number in (1, 2)
    ]
    found = by_gate(rule_window(plan(), silent))["error_rate"]
    assert found.ruling is Outcome.FAIL
    assert "minutes before" in found.reason
    counted = [
        seen(number, errors={"errors": 9 * number, "users": 5}, requests={"requests": 90 * number, "slow": 0})
        for number in (1, 2)
    ]
    assert "requests before" in by_gate(rule_window(plan(), counted))["error_rate"].reason


def test_an_hour_without_a_request_is_no_baseline_for_one_with_many() -> None:
    quiet = plan(requests={"requests": 0, "slow": 0}, errors={"errors": 0, "users": 0})
    busy = [
        seen(number, errors={"errors": 6, "users": 6}, requests={"requests": 9000, "slow": 0}) for number in (1, 2, 10)
    ]
    found = by_gate(rule_window(quiet, busy))["error_rate"]
    assert found.ruling is Outcome.PASS
    assert "no baseline" in found.reason
    hard = [seen(number, errors={"errors": 6, "users": 6}) for number in (1,)]
    assert by_gate(rule_window(quiet, hard))["error_rate"].ruling is Outcome.FAIL


@pytest.mark.parametrize("part", ["errors", "requests"])
def test_four_looks_that_could_not_be_read_are_an_error_and_one_more_that_could_is_none(part: str) -> None:
    unread: dict[str, Any] = {part: UNREAD}
    looks = [seen(number, **unread) for number in range(1, 5)]
    assert outcomes(rule_window(plan(), looks))["error_rate"] == "ERROR"
    assert outcomes(rule_window(plan(), looks[1:]))["error_rate"] == "NODATA"
    assert outcomes(rule_window(plan(), [*looks, seen(5)]))["error_rate"] == "INCONCLUSIVE"
    assert together(rule_window(plan(), looks)) is Outcome.ERROR


def test_a_list_of_error_types_that_was_read_counts_until_the_next_one() -> None:
    bad = {
        "title": "RangeError",
        "first_seen": 1100.0,
        "release": OLD,
        "events": 3,
        "users": 2,
        "link": "",
    }
    looks = [seen(1, types={"types": [bad]}), seen(2, types=UNREAD)]
    assert outcomes(rule_window(plan(), looks))["new_errors"] == "FAIL"  # though an app serves an older commit
    assert outcomes(rule_window(plan(), [seen(1), *looks[1:]]))["new_errors"] == "INCONCLUSIVE"
    older = {**bad, "first_seen": 899.0}
    assert outcomes(rule_window(plan(), [seen(1, types={"types": [older]})]))["new_errors"] == "PASS"


def test_the_end_of_the_window_is_judged_once_and_the_longer_one_once_more() -> None:
    def slow(number: int, count: int) -> Look:
        return seen(number, requests={"requests": 100, "slow": count})

    assert outcomes(rule_window(plan(), [slow(10, 12)]))["slo"] == "FAIL"  # p = 0.004
    assert outcomes(rule_window(plan(), [slow(10, 11), slow(11, 12)]))["slo"] == "INCONCLUSIVE"
    assert outcomes(rule_window(plan(), [slow(10, 11), slow(30, 12)]))["slo"] == "FAIL"


def test_without_a_monitor_each_gate_says_so_and_nothing_is_waited_for() -> None:
    alone = plan("spans = false", connected=False, source="minutes", errors=None, requests=None, users=None)
    look = seen(10, errors=None, requests=None, types=None, known=None)
    batch = {"after": 300.0, "requests": 100, "slow": 0, "failed": 0, "answered": 100, "error": None}
    ours = Look(flow="f", kind=SYNTHETIC, number=1, moment=1, document=batch)
    rulings = rule_window(alone, [look, ours])
    assert outcomes(rulings) == {
        "monitor": "NODATA",
        "error_rate": "NODATA",
        "new_errors": "NODATA",
        "slo": "PASS",
    }
    assert not waits(alone, rulings)
    assert waits(plan(), rule_window(plan(), [alive(), seen(10, requests={"requests": 3, "slow": 0})]))
    untried = plan(untried="no `dsn`")
    assert by_gate(rule_window(untried, [seen(10)]))["monitor"].ruling is Outcome.NODATA
    assert not waits(untried, rule_window(untried, [seen(10)]))


def test_requests_of_our_own_that_nobody_answers_are_slow_only_where_somebody_else_was_heard() -> None:
    alone = plan("spans = false", source="minutes", requests=None)
    lost = {"after": 300.0, "requests": 40, "slow": 40, "failed": 40, "answered": 0, "error": None}
    ours = Look(flow="f", kind=SYNTHETIC, number=10, moment=1, document=lost)
    heard, deaf = seen(10, requests=None), seen(10, requests=None, errors=UNREAD)
    assert outcomes(rule_window(alone, [heard, ours]))["slo"] == "FAIL"
    assert outcomes(rule_window(alone, [deaf, ours]))["slo"] == "NODATA"
    met = dataclasses.replace(ours, document={**lost, "answered": 1})
    assert outcomes(rule_window(alone, [deaf, met]))["slo"] == "FAIL"


def test_what_only_the_literal_rule_refuses_is_told_with_the_way_back() -> None:
    late = [seen(30, errors={"errors": 17, "users": 9}, requests={"requests": 900, "slow": 0}, after=900.0), alive()]
    found = notices(plan(), rule_window(plan(), late))
    assert len(found) == 1
    assert found[0].startswith("error_rate: only the literal rule says FAIL: 17 errors in 900 requests after")
    assert found[0].endswith("`shipway rollback production` moves users back")


def test_a_look_that_tripped_at_the_very_end_is_followed_by_one_that_decides() -> None:
    last = seen(30, errors={"errors": 60, "users": 9}, requests={"requests": 900, "slow": 0}, after=900.0)
    assert tripped(rule_window(plan(), [seen(10), last, alive()]))
    assert not tripped(rule_window(plan(), [seen(10), alive()]))
    assert not tripped(())
    assert [plan().after(number) for number in (1, 10, 30, 31)] == [30, 300, 900, 930]
    assert plan("looks = 7").after(7) == 300


def test_a_late_spike_is_seen_by_the_armed_watch_against_the_last_minutes_alone() -> None:
    quiet = {"errors": {"errors": 5, "users": 4}, "requests": {"requests": 900, "slow": 0}, "span": 300.0}
    spike = {"errors": {"errors": 60, "users": 9}, "requests": {"requests": 900, "slow": 0}, "span": 300.0}

    def armed(number: int, recent: dict[str, Any], errors: int) -> Look:
        requests = {"requests": 9000 + 900 * number, "slow": 0}
        return seen(
            number,
            kind=ARMED,
            after=300.0 + 300 * number,
            errors={"errors": errors, "users": 9},
            requests=requests,
            recent=recent,
        )

    window = [seen(10), alive()]
    calm = rule_armed(plan(), [*window, armed(1, quiet, 100), armed(2, quiet, 105)])
    assert Outcome.FAIL not in {each.ruling for each in calm}
    found = rule_armed(plan(), [*window, armed(1, quiet, 100), armed(2, spike, 160), armed(3, spike, 220)])
    assert next(each.ruling for each in found if each.gate == "error_rate") is not Outcome.FAIL
    assert found[-1].ruling is Outcome.FAIL
    assert "since the look before" in str(found[-1].values["observed"])


def test_the_armed_watch_looks_every_five_minutes_until_its_end_whoever_comes() -> None:
    made = plan()
    window = [seen(10)]  # at 1450
    assert armed_until(made) == 4600
    assert due(made, window, 1749) is None
    assert due(made, window, 1750) == 1
    assert due(made, [*window, seen(1, kind=ARMED)], 2049) is None
    assert due(made, [*window, seen(1, kind=ARMED)], 3300) == 6  # nobody came for long
    assert due(made, window, 9999) == 11
    assert not is_over(made, [*window, seen(10, kind=ARMED)])
    assert is_over(made, [*window, seen(11, kind=ARMED)])
    assert due(made, [*window, seen(11, kind=ARMED)], 9999) is None
    extended = [dataclasses.replace(seen(30), moment=2060.0)]
    assert due(made, extended, 2055) is None  # the window itself lasted until then
    assert due(made, extended, 2350) == 3
    late = [dataclasses.replace(seen(30), moment=9000.0)]  # nobody was there until then
    assert due(made, late, 9001) == 11
    assert due(made, [*late, seen(11, kind=ARMED)], 9999) is None


def test_the_armed_watch_ends_though_the_window_lasted_longer_than_it_would_have() -> None:
    made = plan()
    late = [dataclasses.replace(seen(10), moment=4700.0)]  # who was to look was away for an hour
    assert due(made, late, 4701) == 11
    assert is_over(made, [*late, seen(11, kind=ARMED)])
    assert due(made, [*late, seen(11, kind=ARMED)], 9999) is None


def test_the_last_armed_look_reads_no_less_than_the_window_did(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            subject = dataclasses.replace(place.subject(), switched=time.time() - 40)
            place.plant_requests(subject, 100)
            reached = time.time() - 1
            await look(subject, WINDOW, LOOKS, until=reached)
            found = await look_if_due(subject)
            assert found is not None
            assert found.outcome is not None
            assert [each.document["until"] for each in found.looks if each.kind == ARMED] == [reached]

    anyio.run(play)


def test_requests_of_our_own_are_made_where_fewer_real_ones_come_than_are_needed() -> None:
    busy, quiet = {"requests": 4000, "slow": 0}, {"requests": 40, "slow": 0}
    assert lacking(plan(requests=busy), []) == 0
    assert lacking(plan(requests=quiet), []) == 10
    assert lacking(plan(requests=None), []) == 10
    assert lacking(plan(requests=quiet), [seen(1)]) == 0  # 20 of 10 by then
    assert lacking(plan(requests=busy), [seen(1, requests={"requests": 9, "slow": 0})]) == 10
    assert lacking(plan(requests=busy), [seen(1, requests=UNREAD)]) == 10
    assert lacking(plan("spans = false", source="minutes"), [seen(10)]) == 10
    bare = plan().watch.model_copy(update={"routes": ()})
    assert lacking(dataclasses.replace(plan(requests=quiet), watch=bare), []) == 0


def test_the_baseline_is_what_was_counted_before_up_to_the_lag_without_another_release(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            now = time.time()
            for number in range(4):
                told: dict[str, Any] = {"release": OLD, "timestamp": now - 30 - number, "user": {"id": f"u{number}"}}
                place.plant(("transaction", transaction(milliseconds=900 if number else 20, spans=[], **told)))
                place.plant(("event", error(**told)))
            place.plant(("event", error(release=OLD, timestamp=now + 5)))  # it will be in no baseline
            settings, journal = place.settings(), place.journal

            async def taken(*releases: str) -> dict[str, Any]:
                return await baseline(settings, place.made, journal=journal, root=tmp_path, releases=releases)

            found = await taken(OLD)
            assert (found["source"], found["errors"], found["requests"], found["users"]) == (
                "Sentry spans",
                {"errors": 5, "users": 4},
                {"requests": 4, "slow": 3},
                4,
            )
            assert 599 < found["until"] - found["since"] < 601
            assert found["until"] < time.time() - 0.25
            assert found["notices"] == []
            assert "untried" not in found
            journal.servings.record("production", OLD, flow="one")
            short = await taken(OLD)
            assert short["errors"] is None  # it was moved to only now
            assert any("another release was served before" in each for each in short["notices"])
            assert (await taken())["errors"] is None
            place.sentry.faults.add(path="^/api/0/", times=1000, kind="status", status=500)
            other = dataclasses.replace(place, directory=tmp_path / "other")
            journal = other.journal
            blind = await taken(OLD)
            assert "unread" in blind["errors"]
            assert any("could not be read" in each for each in blind["notices"])

    anyio.run(play)


def test_an_environment_that_sentry_never_heard_of_is_no_environment_without_errors(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            place.sentry.store.environments.clear()
            subject = place.subject()
            found = await look(subject, WINDOW, 1, until=subject.plan.begins + 0.5)
            assert "nothing was ever sent to it" in found.document["errors"]["unread"]
            assert outcomes(rule_window(subject.plan, [found]))["error_rate"] == "NODATA"

    anyio.run(play)


def test_a_look_is_in_the_journal_and_what_it_says_first_stays(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            subject = place.subject()
            first = await look(subject, WINDOW, 1, until=subject.plan.begins + 0.5)
            place.plant_errors(subject, 5)
            again = await look(subject, WINDOW, 1, until=subject.plan.begins + 0.5)
            assert first == again == (await subject.looks())[0]
            assert first.document["errors"] == {"errors": 0, "users": 0}

    anyio.run(play)


def test_who_takes_over_waits_for_the_event_that_was_sent_and_a_dead_monitor_is_asked_again(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path, alive=20.0) as place:
            subject, hasty = place.subject(), place.subject(more="alive = 0.6")
            sent = subject.journal.looks.record(subject.flow, PROBE, 1, {"event": "0" * 32})
            found = await prove(hasty)  # nothing of that id comes
            assert found is not None
            assert (found.number, found.document["came_back"]) == (1, None)
            assert found.document["waited"] >= 0.6
            again = await prove(subject)
            assert again is not None
            assert again.number == 2
            assert again.document["came_back"] is not None
            assert await prove(subject) == again  # alive is alive
            probes = [each for each in await subject.looks() if each.kind == PROBE]
            assert [each.number for each in probes] == [1, 2]
            assert probes[0] == sent

    anyio.run(play)


def test_what_is_no_dsn_and_a_key_that_is_refused_are_told_without_their_values(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path, alive=2.0) as place:
            subject = place.subject()
            at = "environments.production.sentry.dsn"
            address = place.made.secrets[at].partition("@")[2]
            for dsn, said in (("hunter2", "is not of the form"), (f"http://{'f' * 32}@{address}", "403")):
                made = dataclasses.replace(place.made, secrets={**place.made.secrets, at: dsn})
                found = await prove(dataclasses.replace(subject, made=made))
                assert found is not None
                assert said in found.document["error"]
                assert dsn not in str(found.document)
                assert "f" * 32 not in str(found.document)

    anyio.run(play)


def test_our_own_requests_sign_in_once_and_tell_why_where_they_cannot(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            subject = place.subject()
            async with Visits(subject=subject) as visits:
                found = await visits.make(3, within=1.5)
                assert (found["requests"], found["answered"], found["error"]) == (3, 3, None)
                place.app.status = 503
                assert (await visits.make(2, within=1.0))["failed"] == 2
                assert sum("authorization" in each for each in place.app.seen) == 1
                place.app.status, place.app.seconds = 200, 30.0
                stuck = await visits.make(5, within=0.7)
                assert (stuck["requests"], stuck["slow"], stuck["answered"]) == (1, 1, 0)
            (tmp_path / "key").write_text("another key")
            async with Visits(subject=subject) as visits:
                refused = await visits.make(2, within=1.0)
                assert (refused["requests"], refused["error"]) == (
                    0,
                    'GET /sign-in answered 401, expected 200; {"id":7}',
                )

    anyio.run(play)


def test_an_armed_look_is_taken_when_it_is_due_and_not_after_another_release(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            subject = dataclasses.replace(place.subject(), switched=time.time() - 8)
            place.plant_requests(subject, 100)
            place.plant_errors(subject, 1)
            first = await look_if_due(subject)
            assert first is not None
            assert (first.outcome, len(first.looks)) == (None, 1)
            moment = time.time() - 0.4
            for number in range(90):
                told: dict[str, Any] = {"release": NEW, "timestamp": moment, "user": {"id": f"u{number % 7}"}}
                place.plant(("event", error(**told)))
                place.plant(("transaction", transaction(spans=[], **told)))
            found = None
            with anyio.fail_after(30):
                while found is None or found.outcome is None:
                    found = await look_if_due(subject) or found
                    await anyio.sleep(0.1)
            assert found.outcome is Outcome.FAIL, found.rulings
            subject.journal.servings.record("production", OLD, flow="another")
            await anyio.sleep(1.1)
            assert await look_if_due(subject) is None

    anyio.run(play)
