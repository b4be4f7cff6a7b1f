from __future__ import annotations

import functools
import json
import time
from typing import TYPE_CHECKING, Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest

from ci import config
from ci.errors import ExitCode, VendorError
from ci.journal import State, leases
from ci.journal.timings import DRILL
from ci.promoted import exit_code
from ci.promotion.carrying import abort, begin, carry_on, due, unfinished
from ci.promotion.drills import planting
from ci.promotion.drills.beginning import going_on, refuse_busy, refuse_production
from ci.promotion.drills.scenario import SCENARIOS, lacking
from ci.promotion.flow import RESULT, SKIPPED, BlockedError, BusyError
from ci.promotion.rollback.rolling_back import BACK, MIXED
from tests.promotion import toy
from tests.promotion.drilled import PROBES, Place, asked, drilled, killed, marked, play, promotion_of
from tests.promotion.live import stop
from tests.promotion.town import promote, promotion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ci.journal import Entry, Flow, Journal, Refusal
    from ci.promotion.flow import Ended

SOAK = 12.0  # seconds
PARTS = 3  # of a sweep, each in a town of its own


def played(directory: Path, scene: Callable[[Place], Awaitable[None]], **given: Any) -> None:
    """Play a scene in a place whose staging can be drilled."""

    async def run() -> None:
        async with drilled(directory, **given) as place:
            await scene(place)

    anyio.run(run)


async def left(place: Place) -> dict[str, Any]:
    """What a drill must leave as it was."""
    journal = place.journal
    return {
        "served": await place.served(),
        "branches": place.town.branches(),
        "pulls": place.town.made()["pulls"],
        "pins": journal.bars.pins(),
        "frozen": journal.bars.frozen("staging"),
        "incidents": journal.incidents.going_on(),
        "releases": journal.releases.of("staging"),
        "lease": journal.leases.of("staging"),
    }


def hearing(place: Place, step: str, does: Callable[[Entry], object]) -> Journal:
    """The journal, and something that happens once a step is done."""
    journal = place.journal

    def heard(entry: Entry) -> None:
        if (entry.step, entry.kind) == (step, RESULT):
            does(entry)

    journal.flows.heard = heard
    return journal


FOUND = {
    "failing-smoke": ("smoke", "health: shipway-drill: GET / answered 200, expected 299"),
    "error-spike": ("window", "ShipwayDrill"),
    "slow": ("window", "slo: "),
}


@pytest.mark.parametrize(
    "scenarios", [("failing-smoke", "error-spike"), pytest.param(("slow",), marks=pytest.mark.long)]
)
def test_what_is_planted_is_found_by_the_step_that_is_for_it_and_staging_is_put_back(
    tmp_path: Path, scenarios: tuple[str, ...]
) -> None:
    async def scene(place: Place) -> None:
        before = await left(place)
        for number, scenario in enumerate(scenarios, 1):
            ended = await play(place, scenario)
            step, says = FOUND[scenario]
            assert ended.refusal is not None
            assert (ended.refusal.step, says in ended.refusal.message) == (step, True), ended.refusal
            assert (ended.flow.state, exit_code(ended)) == (State.DONE, ExitCode.PASSED), ended.facts["times"]
            assert ended.facts["rollback"]["said"] == []  # nobody else moved users
            assert await left(place) == before
            assert place.journal.servings.of("staging")[-1].commit == place.town.first
            kept = place.journal.timings.recent(DRILL)
            assert (len(kept), kept[0].scenario, kept[0].expected) == (number, scenario, True)
            assert kept[0].reason == ended.refusal.message
            assert kept[0].detected is not None
            assert kept[0].recovered is not None
            for channel, state in (("mails", "sent"), ("pages", "resolved"), ("issues", "closed")):
                told = place.told()[channel]
                assert {(said.startswith("DRILL: "), how) for said, how in told} == {(True, state)}
                assert len(told) == number
        for each in place.resend.mails.values():
            assert "This is a drill: nothing is wrong, and nothing is to be done." in str(each["text"])
        async with promotion_of(place.town) as made:
            assert made.made.sentry is not None
            issues = await made.made.sentry.issues("ShipwayDrill")
        assert [each.status for each in issues] == ["resolved"] * scenarios.count("error-spike")

    played(tmp_path, scene)


def test_whatever_ends_a_drill_staging_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(place: Place) -> None:
        before = await left(place)
        aborted = hearing(place, "fault", lambda entry: abort(place.journal, flow_of(place, entry), "a demo begins"))
        ended = await play(place, "failing-smoke", journal=aborted)
        assert (ended.flow.state, BACK in ended.facts["rollback"]) == (State.ABORTED, True)
        assert exit_code(ended) == ExitCode.STAGE_FAILED
        assert await left(place) == before

        monkeypatch.setattr(planting, "UNMET", 200)  # the probe that nothing should meet is met
        ended = await play(place, "failing-smoke")
        assert ended.refusal is not None
        assert (ended.refusal.step, ended.flow.state) == ("found", State.BLOCKED)
        assert exit_code(ended) == ExitCode.STAGE_FAILED
        assert await left(place) == before
        kept = place.journal.timings.recent(DRILL)[0]
        assert (kept.expected, kept.detected) == (False, None)
        assert kept.recovered is not None
        assert "smoke was to find what was planted" in kept.reason
        assert SKIPPED in ended.facts["people told"]  # staging has no way to tell them, which bars nothing

    played(tmp_path, scene, notify=False)


def flow_of(place: Place, entry: Entry) -> Flow:
    return place.journal.flows.flow(entry.flow)


def test_a_staging_that_cannot_be_put_back_is_told_as_what_it_is_and_not_as_a_drill(tmp_path: Path) -> None:
    async def scene(place: Place) -> None:
        web = (place.town.vercel.account.project("web") or {})["id"]
        path = f"{web}/rollback/"
        place.town.vercel.faults.add(kind="status", method="POST", path=path, status=400, times=1000, body="{}")
        ended = await play(place, "failing-smoke")
        assert (MIXED in ended.facts["rollback"], exit_code(ended)) == (True, ExitCode.MIXED)
        [kept] = place.journal.timings.recent(DRILL)
        assert (kept.expected, kept.recovered) == (False, None)
        for channel, state in (("mails", "sent"), ("pages", "triggered"), ("issues", "open")):
            [(said, how)] = place.told()[channel]
            assert ("DRILL" in said, how) == (False, state)
        [text] = [str(each["text"]) for each in place.resend.mails.values()]
        assert "a drill could not put everything back: web: " in text

    played(tmp_path, scene)


def test_a_drill_is_refused_where_it_would_disturb_or_must_not_be(tmp_path: Path) -> None:
    async def scene(place: Place) -> None:
        journal, before = place.journal, await left(place)

        async def refused(**given: Any) -> str:
            ended = await play(place, "failing-smoke", **given)
            assert ended.refusal is not None
            assert (exit_code(ended), "switch" in ended.facts) == (ExitCode.GATE_REFUSED, False)
            assert await left(place) == {**before, "frozen": journal.bars.frozen("staging")}
            return f"{ended.refusal.step}: {ended.refusal.message}"

        assert "isolation: isolation: " in await refused(rehearsal=False)  # a stand-in, and no rehearsal
        journal.bars.freeze("staging", "a demo")
        assert await refused() == "admission: staging is frozen: a demo"
        journal.bars.unfreeze("staging")
        soaking = begin(journal, "staging", place.town.second)
        assert "is not finished" in await refused()
        with pytest.raises(BusyError, match="is not finished"):
            refuse_busy(journal, anyway=True)
        journal.flows.move(soaking.id, State.WAITING)
        assert "is in its testing window, which a drill would break" in await refused()
        refuse_busy(journal, anyway=True)
        journal.flows.move(soaking.id, State.DONE)
        await anyio.to_thread.run_sync(stop, place.town, "shipway:stop")
        assert "promotions are stopped by issue #" in await refused()
        assert journal.timings.recent(DRILL) == ()
        assert place.told()["mails"] == []

    played(tmp_path, scene)


def test_a_staging_that_is_served_where_production_is_is_never_drilled() -> None:
    apart = """
[[apps]]
name = "web"
path = "."
[environments.staging]
addresses = { web = "https://staging.example" }
[environments.production]
addresses = { web = "https://example" }
"""
    refuse_production(config.loads(apart))
    with pytest.raises(BlockedError, match="staging and production are both at https://example: production is never"):
        refuse_production(config.loads(apart.replace("https://staging.example", "https://example")))


MONITOR = """
[[apps]]
name = "api"
path = "."
[environments.staging.sentry]
token = "env://TOKEN"
organization = "acme"
projects = ["api"]
"""
DSN = 'dsn = "env://DSN"\n'


@pytest.mark.parametrize(
    ("scenario", "settings", "why"),
    [
        ("failing-smoke", MONITOR, "shipway.toml has no [[smoke]] that is made in staging"),
        ("crash", MONITOR, "shipway.toml has no [[smoke]] that is made in staging"),
        ("failing-smoke", MONITOR + PROBES, "[environments.staging] addresses lacks api, which the probe closed asks"),
        ("error-spike", "", "[environments.staging.sentry] is not connected: nobody sees what users meet there"),
        ("error-spike", MONITOR, "[environments.staging.sentry] has no `dsn`: nothing can be sent there"),
        ("error-spike", MONITOR + DSN, None),
        ("slow", MONITOR + DSN, None),
        (
            "slow",
            MONITOR + DSN + "[watch]\nspans = false\n",
            "requests are counted by nobody ([watch] spans is false): none can be pretended",
        ),
    ],
)
def test_what_staging_lacks_for_a_scenario_is_said(scenario: str, settings: str, why: str | None) -> None:
    assert lacking(SCENARIOS[scenario], config.loads(settings)) == why


def test_a_drill_that_lost_its_process_bars_promotions_and_whoever_ticks_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "GRACE", 0.2)

    async def scene(place: Place) -> None:
        journal, before = place.journal, await left(place)
        kill = functools.partial(killed, place, "crash", "never")
        assert await anyio.to_thread.run_sync(kill) == -9  # by itself
        flow = going_on(journal)
        assert flow is not None
        assert (await place.served())["api"][0] == flow.commit
        with pytest.raises(BusyError, match="a drill in staging is not finished"):
            begin(journal, "staging", place.town.second)
        assert unfinished(journal, "staging") == flow
        with anyio.fail_after(60):
            while not (known := due(journal)):  # noqa: ASYNC110 - it stands in a file
                await anyio.sleep(0.2)
        assert known == (flow,)
        ended = await play(place, "crash")
        assert (ended.facts["crash"], exit_code(ended)) == ({"killed": True}, ExitCode.PASSED)
        assert await left(place) == before
        assert due(journal) == ()

    played(tmp_path, scene, notify=False)


def outline(ended: Ended, place: Place) -> tuple[object, ...]:
    """How a drill ended, and what there is of it."""
    told = {channel: [how for _, how in every] for channel, every in place.told().items()}
    came = (ended.flow.state, ended.refusal and ended.refusal.step, BACK in ended.facts["rollback"], exit_code(ended))
    return (*came, {channel: (len(every), set(every)) for channel, every in told.items()})


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.long
def test_killed_behind_any_entry_and_gone_on_with_it_ends_as_if_undisturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(leases, "GRACE", 0.2)

    async def scene(place: Place) -> None:
        before = await left(place)
        undisturbed = await play(place, "failing-smoke")
        entries = len(place.journal.flows.entries(undisturbed.flow.id))
        count, (state, step, back, code, _) = 1, outline(undisturbed, place)
        assert (entries > 30, back, code) == (True, True, ExitCode.PASSED)
        for number in range(1 + part, entries + 1, PARTS):
            made = len(place.town.vercel.account.deployments)
            kill = functools.partial(killed, place, "failing-smoke", str(number))
            assert await anyio.to_thread.run_sync(kill) == -9, number
            ended = await play(place, "failing-smoke")
            count += 1
            assert outline(ended, place)[:-1] == (state, step, back, code), number
            told = outline(ended, place)[-1]
            assert told == {
                "mails": (count, {"sent"}),
                "pages": (count, {"resolved"}),
                "issues": (count, {"closed"}),
            }, number
            assert len(place.town.vercel.account.deployments) == made + 2, number
            assert await left(place) == before, number
            assert len(place.journal.timings.recent(DRILL, limit=100)) == count, number

    played(tmp_path, scene)


def test_the_command_plays_it_says_both_times_and_keeps_them_for_the_status_and_every_report(tmp_path: Path) -> None:
    async def scene(place: Place) -> None:
        root, report = str(place.town.root), tmp_path / "report"
        with marked(place) as around:
            done = await asked(place, around, "drill", "failing-smoke", root, "--json", "--report", str(report))
            assert done.returncode == ExitCode.PASSED, done.stderr
            told = json.loads(done.stdout)
            assert (told["scenario"], told["expected"], told["history"]) == ("failing-smoke", True, [])
            assert told["detected"] > 0
            assert told["recovered"] > 0
            written = json.loads((report / "report.json").read_text())
            assert (written["kind"], written["verdict"]) == ("drill", "passed")
            assert written["timings"][0]["detected"] == told["detected"]
            page = (report / "index.html").read_text()
            assert "Found after" in page
            assert "What to fix first" not in page
            replayed = await asked(place, around, "replay", str(report / "report.json"))
            assert replayed.returncode == ExitCode.PASSED, replayed.stdout
            status = await asked(place, around, "status", root)
            assert "last drill  failing-smoke as expected " in status.stdout
            again = await asked(place, around, "drill", "failing-smoke", root, "--report", str(report))
            assert "PASSED drill failing-smoke in staging: found after " in again.stdout
            assert (report / "index.html").read_text().count("failing-smoke</td>") == 2
            skipped = await asked(place, around, "drill", "error-spike", root)
            assert skipped.returncode == ExitCode.HELD
            assert "skipped drill error-spike: [environments.staging.sentry] has no `dsn`" in skipped.stdout
        around.pop("SHIPWAY_REHEARSAL")
        refused = await asked(place, around, "drill", root)
        assert refused.returncode == ExitCode.USAGE  # that is no scenario
        refused = await asked(place, around, "drill", "failing-smoke", root, "--report", str(report))
        assert (refused.returncode, "isolation" in refused.stdout) == (ExitCode.GATE_REFUSED, True)

    played(tmp_path, scene, notify=False, dsn=False)


@pytest.mark.long
def test_the_command_that_is_about_a_crash_has_one_and_ends_it_itself(tmp_path: Path) -> None:
    async def scene(place: Place) -> None:
        before = await left(place)
        with marked(place) as around:
            done = await asked(place, around, "drill", "crash", str(place.town.root), "--json")
        assert done.returncode == ExitCode.PASSED, done.stderr
        told = json.loads(done.stdout)
        assert told["expected"]
        assert told["detected"] > 60  # until the lease of the one who was killed was over
        assert await left(place) == before

    played(tmp_path, scene, notify=False)


@pytest.mark.long
def test_a_drill_in_a_testing_window_has_it_begin_anew_and_voids_it_for_nobody_who_looks_meanwhile(
    tmp_path: Path,
) -> None:
    async def scene(place: Place) -> None:
        waiting = await promote(place.town, place.town.second, wait=False)
        assert waiting.flow.state is State.WAITING, waiting.refusal
        states: list[tuple[Refusal | None, State]] = []

        async def tick() -> None:
            async with promotion(place.town.root, place.journal, place.town.second) as (made, fence):
                seen = await carry_on(made, waiting.flow, fence, toy.Quiet(), wait=False)
                states.append((seen.refusal, seen.flow.state))

        journal = hearing(place, "fault", lambda _entry: anyio.from_thread.run(tick))
        ended = await play(place, "failing-smoke", journal=journal, anyway=True)
        assert exit_code(ended) == ExitCode.PASSED, ended.refusal
        assert {commit for commit, _ in (await place.served()).values()} == {place.town.second}
        began = place.journal.servings.of("staging")[-1]
        assert (began.commit, began.flow) == (place.town.second, f"{ended.flow.id}-back")
        assert states == [(None, State.WAITING)]
        again = await promote(place.town, place.town.second)
        assert again.flow.state is State.DONE, again.refusal
        assert time.time() - began.moment >= SOAK

    played(tmp_path, scene, notify=False, soak=SOAK)


def test_a_github_that_is_away_at_the_end_keeps_nobody_from_being_told_and_whoever_goes_on_removes_the_branch(
    tmp_path: Path,
) -> None:
    async def scene(place: Place) -> None:
        before = await left(place)
        faults = place.town.github.faults
        faults.add(kind="status", method="DELETE", path="/git/refs/", status=403, times=1000, body="{}")
        with pytest.raises(VendorError):
            await play(place, "failing-smoke")
        assert await place.served() == before["served"]
        assert [how for _, how in place.told()["pages"]] == ["resolved"]
        faults.clear()
        ended = await play(place, "failing-smoke")
        assert exit_code(ended) == ExitCode.PASSED
        assert await left(place) == before

    played(tmp_path, scene)
