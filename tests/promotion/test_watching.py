"""A release is watched in a world in which users did things: what is rolled back, and what is not."""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci.gates.replay import replay
from ci.model import Outcome
from ci.promotion.watch.watching import Watched, watch
from tests.promotion import watched
from tests.promotion.toy import Quiet
from tests.promotion.watched import LOOKS, outline, world
from tests.vendors.envelopes import error

if TYPE_CHECKING:
    from pathlib import Path

    from ci.model import Ruling
    from ci.promotion.watch.looking import Subject


LONG = pytest.mark.long


class Hearing(Quiet):
    """Keeps what is said."""

    def __init__(self) -> None:
        """Have heard nothing."""
        self.notes: list[str] = []

    def note(self, line: str) -> None:
        """Keep it."""
        self.notes.append(line)


def gate(found: Watched, name: str) -> Ruling:
    return next(each for each in found.rulings if each.gate == name)


def numbers(found: Watched, kind: str = "window") -> list[int]:
    return [each.number for each in found.looks if each.kind == kind]


async def ended(subject: Subject) -> Watched:
    """Watch, and hold every ruling against what is made of it again."""
    found = await watch(subject, Quiet())
    assert all(replay(each) == each for each in found.rulings)
    return found


def test_a_release_that_does_as_before_passes_after_all_looks_and_says_so_of_every_gate(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            subject = place.subject(since=time.time() - 20)
            place.plant_requests(subject, 180)
            place.plant_errors(subject, 1)
            ours: dict[str, Any] = {"timestamp": subject.plan.begins + 0.3, "release": watched.NEW}
            for number in range(9):  # none of this counts: it is ours
                tags = {"synthetic": "true"}
                place.plant(("event", error("RangeError", user={"id": f"s{number}"}, tags=tags, **ours)))
            place.plant(("event", error("Slow", user={"id": "u1"}, level="warning", **ours)))  # no error
            found = await ended(subject)
            assert (found.outcome, found.passed, found.extended) == (Outcome.PASS, True, False), found
            assert numbers(found)[-1] == LOOKS
            assert {each.gate: each.ruling for each in found.rulings} == dict.fromkeys(
                ("monitor", "error_rate", "new_errors", "slo"), Outcome.PASS
            )
            last = found.looks[-1].document
            assert last["errors"] == {"errors": 1, "users": 1}
            assert 120 <= last["requests"]["requests"] <= 180
            assert last["types"] == {"types": []}
            assert gate(found, "error_rate").values["observed"]["known_users"] == 40  # type: ignore[index]
            assert numbers(found, "synthetic") == []  # enough real ones came
            assert found.notices == ()

    anyio.run(play)


def test_ten_times_the_errors_are_rolled_back_before_the_window_is_over(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            subject = place.subject()
            place.plant_requests(subject, 200)
            place.plant_errors(subject, 20)
            found = await ended(subject)
            assert found.outcome is Outcome.FAIL, found
            assert not found.passed
            assert gate(found, "error_rate").ruling is Outcome.FAIL
            assert len(numbers(found)) >= 2

    anyio.run(play)


def test_what_one_user_meets_over_and_over_is_watched_longer_and_told_but_not_rolled_back(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            subject, hearing = place.subject(), Hearing()
            place.plant_requests(subject, 220)
            place.plant_errors(subject, 20, users=1)
            found = await watch(subject, hearing)
            ruling = gate(found, "error_rate")
            assert found.outcome is Outcome.PASS, found
            assert found.looks[-1].document["after"] >= 3
            assert (ruling.values["exact"], ruling.values["literal"]) == ("PASS", "FAIL")
            assert "only the literal rule says FAIL" in found.notices[0]
            assert "shipway rollback production" in found.notices[0]
            assert hearing.notes == [] or hearing.notes[0].startswith("watched on to 3 s: error_rate: ")
            assert bool(hearing.notes) is found.extended

    anyio.run(play)


def test_a_new_error_type_is_bad_as_shipway_toml_says(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            found: dict[str, Watched] = {}
            subjects = {
                name: place.subject(name, more=f'new_errors = "{name}"') for name in ("strict", "confirmed", "notify")
            }
            subjects["one user"] = place.subject("one user")
            first = subjects["one user"]
            place.plant_requests(first, 180)
            place.plant_errors(first, 3, users=2, kind="RangeError")

            async def keep(name: str, subject: Subject) -> None:
                found[name] = await ended(subject)

            async with anyio.create_task_group() as group:
                for name, subject in subjects.items():
                    group.start_soon(keep, name, dataclasses.replace(subject, switched=first.switched))
            assert {name: each.outcome for name, each in found.items()} == {
                "strict": Outcome.FAIL,
                "confirmed": Outcome.FAIL,
                "one user": Outcome.FAIL,
                "notify": Outcome.PASS,
            }
            assert "RangeError" in gate(found["confirmed"], "new_errors").reason
            assert any("RangeError" in each for each in found["notify"].notices)

    anyio.run(play)


@pytest.mark.long
def test_a_new_error_type_of_one_user_is_told_and_only_strict_takes_it_as_bad(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            subject = place.subject()
            strict = place.subject("strict", more='new_errors = "strict"')
            place.plant_requests(subject, 180)
            place.plant_errors(subject, 2, users=1, kind="RangeError")
            found: list[Watched] = []

            async def keep(each: Subject) -> None:
                found.append(await ended(each))

            async with anyio.create_task_group() as group:
                group.start_soon(keep, subject)
                group.start_soon(keep, dataclasses.replace(strict, switched=subject.switched))
            outcomes = {each.looks[0].flow: each.outcome for each in found}
            assert outcomes == {"flow": Outcome.PASS, "strict": Outcome.FAIL}
            mild = next(each for each in found if each.outcome is Outcome.PASS)
            assert any("RangeError" in each for each in mild.notices)

    anyio.run(play)


@pytest.mark.long
def test_a_release_that_is_slow_is_rolled_back(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            subject = place.subject()
            place.plant_requests(subject, 180, slow=60)
            found = await ended(subject)
            assert found.outcome is Outcome.FAIL, found
            assert gate(found, "slo").ruling is Outcome.FAIL
            assert gate(found, "error_rate").ruling is not Outcome.FAIL

    anyio.run(play)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "status", "status": 500}, id="500"),
        pytest.param({"kind": "status", "status": 429, "headers": {"retry-after": "30"}}, id="429", marks=LONG),
        pytest.param({"kind": "reset"}, id="reset", marks=LONG),
    ],
)
def test_a_monitor_that_cannot_be_read_holds_and_rolls_nothing_back(tmp_path: Path, fault: dict[str, Any]) -> None:
    async def play() -> None:
        async with world(tmp_path, extended=20.0, alive=6.0) as place:
            subject = place.subject()
            place.plant_errors(subject, 30)
            place.sentry.faults.add(path="^/api/0/", times=10_000, **fault)
            found = await ended(subject)
            assert found.outcome is Outcome.ERROR, found
            assert all("unread" in each.document["errors"] for each in found.looks if each.kind == "window")
            assert not found.passed
            # Mended, and asked again: what could not be seen then is seen now.
            place.sentry.faults.clear()
            again = await ended(subject)
            assert gate(again, "error_rate").ruling is not Outcome.ERROR
            assert gate(again, "monitor").ruling is Outcome.PASS

    anyio.run(play)


def test_a_monitor_that_is_silent_holds(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path, alive=1.0, dsn="other-dsn") as place:
            subject = place.subject()
            place.plant_requests(subject, 180)
            found = await ended(subject)
            assert found.outcome is Outcome.ERROR
            assert "did not come back" in gate(found, "monitor").reason
            assert {each.gate for each in found.rulings if each.ruling is not Outcome.PASS} == {"monitor"}
            assert numbers(found)[-1] == LOOKS

    anyio.run(play)


def test_without_traffic_it_asks_by_itself_watches_longer_and_then_does_as_shipway_toml_says(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path, window=4.0, extended=5.0) as place:
            found: list[Watched] = []

            async def keep(subject: Subject) -> None:
                found.append(await ended(subject))

            async with anyio.create_task_group() as group:
                group.start_soon(keep, place.subject("accept"))
                group.start_soon(keep, place.subject("hold", more='inconclusive = "hold"'))
            by_flow = {each.looks[0].flow: each for each in found}
            assert [each.outcome for each in found] == [Outcome.INCONCLUSIVE] * 2
            assert {name: each.passed for name, each in by_flow.items()} == {"accept": True, "hold": False}
            assert all(each.extended for each in found)
            assert gate(found[0], "slo").ruling is Outcome.NODATA  # our own count apart
            assert "0 real requests" in gate(found[0], "error_rate").reason
            assert any("could not tell" in each for each in found[0].notices)
            ours = [each.document for one in found for each in one.looks if each.kind == "synthetic"]
            assert sum(each["requests"] for each in ours) > 0
            assert all(each["error"] is None for each in ours)
            assert {each["x-synthetic"] for each in place.app.seen} == {"1"}

    anyio.run(play)


@pytest.mark.parametrize(
    ("seconds", "status", "outcome"),
    [
        pytest.param(0.0, 200, Outcome.PASS, marks=LONG),
        (0.6, 200, Outcome.FAIL),
        pytest.param(0.0, 503, Outcome.FAIL, marks=LONG),
    ],
)
def test_where_nothing_counts_requests_the_slo_is_measured_by_our_own(
    tmp_path: Path, seconds: float, status: int, outcome: Outcome
) -> None:
    async def play() -> None:
        async with world(tmp_path, window=4.0, extended=5.0) as place:
            place.app.seconds, place.app.status = seconds, status
            subject = place.subject(more="spans = false", source="minutes", requests=None)
            found = await ended(subject)
            assert found.outcome is outcome, found.rulings
            assert gate(found, "slo").ruling is outcome
            assert "synthetic requests slower" in gate(found, "slo").reason
            assert gate(found, "error_rate").values["observed"]["unit"] == "minutes"  # type: ignore[index]

    anyio.run(play)


def test_an_app_counts_its_requests_by_itself(tmp_path: Path) -> None:
    counter = 'counter = { app = "api", path = "/counts?s={since}&u={until}&t={target}", users = "who" }'

    async def play() -> None:
        async with world(tmp_path, extended=20.0) as place:
            place.app.counts = {"requests": 400, "slow": 100, "who": 30}
            subject = place.subject(more=counter, source="the counter of api")
            found = await ended(subject)
            assert found.outcome is Outcome.FAIL
            assert gate(found, "slo").reason.startswith("100 of 400 requests slower than 0.5 s")
            window = found.looks[-1].document
            assert f"s={round(subject.plan.begins, 3)}&u={round(window['until'], 3)}&t=0.5" in place.app.asked
            place.app.counts = {"requests": "many"}
            blind = await ended(dataclasses.replace(subject, flow="blind", switched=time.time()))
            assert blind.outcome is Outcome.ERROR
            assert "nothing at slow" in gate(blind, "slo").reason

    anyio.run(play)


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=LONG)])
def test_one_that_is_killed_in_mid_window_goes_on_behind_its_last_look(tmp_path: Path, times: int) -> None:
    counter = 'counter = { app = "api", path = "/counts?s={since}&u={until}" }'

    async def play() -> None:
        async with world(tmp_path, window=4.0, extended=5.0, more=counter) as place:
            place.app.counts = {"requests": 400, "slow": 2}
            subject = place.subject(source="the counter of api")
            told: dict[str, Any] = {"flow": "flow", "commit": watched.NEW, "releases": [watched.NEW]}
            (tmp_path / "subject.json").write_text(json.dumps({**told, "baseline": dict(subject.baseline)}))
            with anyio.fail_after(60):
                argv = [sys.executable, "-m", "tests.promotion.watched", str(tmp_path), str(times)]
                done = await anyio.run_process(argv, check=False)
            assert done.returncode == -signal.SIGKILL, done.stderr.decode()
            subject = dataclasses.replace(subject, switched=float((tmp_path / "switched").read_text()))
            before = outline(await subject.looks())
            assert [each[0] for each in before].count("window") == times
            found = await ended(subject)
            assert set(before) <= set(outline(found.looks))
            assert found.outcome is Outcome.PASS, found.rulings
            assert numbers(found)[-1] == LOOKS
            assert len([each for each in found.looks if each.kind == "probe"]) == 1

    anyio.run(play)


def test_who_comes_when_the_time_is_over_and_can_read_nothing_takes_that_for_no_lack_of_traffic(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            made = dataclasses.replace(place.made, secrets={})  # no test event: that is another gate's
            subject = dataclasses.replace(place.subject(untried="no dsn"), switched=time.time() - 60, made=made)
            place.sentry.faults.add(path="^/api/0/.*/events", times=10_000, kind="status", status=503)
            found = await ended(subject)
            assert found.outcome is Outcome.ERROR, found.rulings
            assert numbers(found)[0] == LOOKS
            assert len(numbers(found)) == 4

    anyio.run(play)


@pytest.mark.long
def test_what_fails_before_a_kill_fails_after_it_without_another_look(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            subject = place.subject()
            place.plant_requests(subject, 200)
            place.plant_errors(subject, 20)
            first = await ended(subject)
            again = await ended(subject)
            assert first.outcome is again.outcome is Outcome.FAIL
            assert numbers(first) == numbers(again)

    anyio.run(play)


@pytest.mark.long
def test_who_has_no_more_time_leaves_the_rest_to_another(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as place:
            subject = place.subject()
            place.plant_requests(subject, 180)
            found = await watch(subject, Quiet(), until=subject.plan.begins + 1.4)
            assert (found.outcome, found.passed) == (None, False)
            assert numbers(found)
            assert (await ended(subject)).outcome is Outcome.PASS

    anyio.run(play)
