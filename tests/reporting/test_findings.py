from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ci.model import RunVerdict, StageRun, Status
from ci.reporting.charts import columns, gauge, lanes, waterfall
from ci.reporting.findings import findings, headline, tally, totals, unproven

if TYPE_CHECKING:
    from ci.model import RunReport


def test_what_every_dependent_repeats_is_one_finding(red: RunReport) -> None:
    types = [finding for finding in findings(red) if finding.stage == "typecheck"]
    assert [(finding.place, finding.also) for finding in types] == [
        ("apps/api/src/routes/upload.ts:88:11", ("apps/web",))
    ]


def test_two_failures_without_a_place_are_two(red: RunReport) -> None:
    audit = red.stages[6]
    twice = replace(audit, checks=(audit.checks[0], replace(audit.checks[0], package="apps/admin")))
    assert len(findings(replace(red, stages=(twice,)))) == 2


def test_a_red_check_without_failures_is_a_finding_with_what_it_said_last(error: RunReport) -> None:
    (finding,) = findings(error)
    assert finding.message == "ERR_PNPM_FETCH_404 @receipts/private: Not Found - 404"
    assert finding.detail is not None
    assert "This error happened while installing" in finding.detail


def test_a_red_stage_without_a_red_check_is_a_finding(green: RunReport) -> None:
    stage = StageRun(name="unit", status=Status.FAILED, target=60, reason="0 tests ran although test files exist")
    report = replace(green, verdict=RunVerdict.FAILED, stages=(stage,))
    assert [finding.message for finding in findings(report)] == ["0 tests ran although test files exist"]
    assert headline(report) == "1 failure in unit"


def test_the_headline_says_how_it_ended(green: RunReport, error: RunReport, red: RunReport) -> None:
    assert headline(green) == "all 7 stages"
    assert headline(error) == "install could not be run"
    assert (
        headline(replace(red, stages=(*red.stages[:2], error.stages[0])))
        == "2 failures in lint, install could not be run"
    )
    skipped = replace(green.stages[5], status=Status.SKIPPED, reason="no Playwright", checks=())
    assert (
        headline(replace(green, stages=(*green.stages[:5], skipped, green.stages[6]))) == "6 of 7 stages, e2e skipped"
    )
    assert headline(replace(green, kind="another", verdict=RunVerdict.HELD)) == "no ruling could be made yet"


def test_a_run_that_verified_nothing_says_so_and_why(green: RunReport) -> None:
    def skipped(**reasons: str) -> RunReport:
        stages = tuple(
            replace(stage, status=Status.SKIPPED, reason=reasons.get(stage.name, "not asked for"), checks=())
            for stage in green.stages
        )
        return replace(green, stages=stages, verdict=RunVerdict.HELD)

    assert headline(skipped(e2e="no Playwright")) == "nothing was verified, e2e skipped: no Playwright"
    assert headline(skipped(e2e="no Playwright", unit="no tests")) == "nothing was verified, unit and e2e skipped"


def test_one_reason_for_many_skips_is_said_once(error: RunReport) -> None:
    assert unproven(error) == (("lint, typecheck, unit, integration, e2e and audit", "install failed"),)


def test_a_stage_never_hides_what_it_left_out(red: RunReport) -> None:
    assert tally(red.stages[4]) == "24 tests, 1 flaky, 1 skipped"
    assert tally(red.stages[3]) == "2 checks, 129 tests"


def test_a_green_run_shows_what_it_did(green: RunReport, cached: RunReport) -> None:
    shown = dict(totals(green))
    assert shown == {
        "Tests": "183 tests, 1 skipped",
        "Checks": "16 run",
        "Tightest": "lint, 7.4 s of 20 s",
        "Time": "42.1 s, 2.9 s less than the last green run",
    }
    assert dict(totals(cached))["Checks"] == "0 run, 16 cached"


def test_the_waterfall_stays_in_its_box_and_marks_what_is_late(red: RunReport) -> None:
    rows = waterfall(red)
    bars = [bar for row in rows.values() for bar in row.checks]
    assert all(bar.x >= 0 and bar.x + bar.width <= 100.5 for bar in bars)
    assert [name for name, row in rows.items() if row.late] == ["typecheck"]
    late = rows["typecheck"].late
    assert late is not None
    assert late.x == rows["typecheck"].target


def test_lanes_are_as_many_as_ran_at_once(green: RunReport, cached: RunReport) -> None:
    assert len(lanes(green)) == green.slots
    assert lanes(cached) == ()


def test_a_gauge_keeps_value_budget_and_baseline_on_one_scale(red: RunReport) -> None:
    vendor = red.stages[6].checks[0].measures[1]
    drawn = gauge(vendor)
    assert drawn.baseline is not None
    assert drawn.limit is not None
    assert drawn.baseline < drawn.limit < drawn.value <= 100


def test_the_history_is_sorted_and_ends_with_this_run(green: RunReport) -> None:
    drawn = columns(replace(green, history=tuple(reversed(green.history)) * 2))
    assert len(drawn) == 50
    assert drawn[-1].entry.id == green.id
    assert drawn[-1].x + drawn[-1].width <= 100
    assert [column.entry.started for column in drawn[:-1]] == sorted(column.entry.started for column in drawn[:-1])
