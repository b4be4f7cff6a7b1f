from __future__ import annotations

import dataclasses

import pytest

from ci import outcome
from ci.errors import ExitCode, graver
from ci.model import CheckRun, RunReport, RunVerdict, Skip, StageRun, Status, StepRun

STEP = StepRun(argv=("x",), cwd=".", seconds=1.0, exit_code=0)


def check(status: Status = Status.PASSED, **more: object) -> CheckRun:
    made = CheckRun(stage="unit", name="vitest", package=".", status=status, reason="why", steps=(STEP,))
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


def unit(*checks: CheckRun, skips: tuple[Skip, ...] = (), unselected: tuple[str, ...] = ()) -> StageRun:
    stages = outcome.stage_runs(checks, skips, unselected=unselected)
    assert len(stages) == 7
    return next(stage for stage in stages if stage.name == "unit")


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((Status.PASSED, Status.PASSED), Status.PASSED),
        ((Status.PASSED, Status.FLAKY), Status.PASSED),
        ((Status.PASSED, Status.FAILED), Status.FAILED),
        ((Status.ERROR, Status.FAILED), Status.FAILED),
        ((Status.PASSED, Status.ERROR), Status.ERROR),
        ((Status.PASSED, Status.SKIPPED), Status.PASSED),
        ((Status.SKIPPED, Status.SKIPPED), Status.SKIPPED),
    ],
)
def test_the_worst_check_decides(statuses: tuple[Status, ...], expected: Status) -> None:
    assert unit(*(check(status) for status in statuses)).status is expected


def test_nothing_to_run_is_skipped_with_its_reason_and_never_passed() -> None:
    stage = unit(skips=(Skip(stage="unit", reason="no test file"),))
    assert (stage.status, stage.reason) == (Status.SKIPPED, "no test file")


def test_a_check_that_could_not_start_for_a_red_need_keeps_its_stage_from_passing() -> None:
    blocked = check(Status.SKIPPED, blocked=True, reason="e2e/build@. failed")
    stage = unit(check(), blocked)
    assert (stage.status, stage.reason) == (Status.SKIPPED, "e2e/build@. failed")


def test_a_part_that_is_left_out_is_shown_beside_what_ran() -> None:
    stage = unit(check(), skips=(Skip(stage="unit", reason="not configured", name="coverage"),))
    assert stage.status is Status.PASSED
    assert [(run.name, run.status) for run in stage.checks][-1] == ("coverage", Status.SKIPPED)


def test_a_stage_that_was_not_asked_for_says_so() -> None:
    assert unit(unselected=("unit",)).reason == "not asked for"


def test_seconds_leave_out_the_gaps_in_which_nothing_of_the_stage_ran() -> None:
    stage = unit(check(began=1.0, seconds=2.0), check(began=2.0, seconds=2.0), check(began=10.0, seconds=1.0))
    assert stage.seconds == 4.0


def test_cached_checks_count_at_their_original_seconds_in_the_full_time_only() -> None:
    stage = unit(check(began=0.0, seconds=2.0), check(cached_from="run-1", seconds=5.0, steps=()))
    assert (stage.seconds, stage.full_seconds) == (2.0, 7.0)


def report(*checks: CheckRun) -> RunReport:
    stages = outcome.stage_runs(checks, ())
    return RunReport(
        id="r",
        kind="run",
        tool="shipway 0",
        repository="x",
        started="",
        verdict=outcome.verdict(stages),
        seconds=1,
        executor="host",
        executor_reason="",
        isolation=(),
        slots=1,
        stages=stages,
    )


@pytest.mark.parametrize(
    ("checks", "verdict", "code"),
    [
        ((check(),), RunVerdict.PASSED, ExitCode.PASSED),
        ((check(Status.FLAKY),), RunVerdict.PASSED, ExitCode.PASSED),
        ((check(Status.FAILED),), RunVerdict.FAILED, ExitCode.STAGE_FAILED),
        ((check(Status.ERROR),), RunVerdict.ERROR, ExitCode.STAGE_FAILED),
        ((check(Status.ERROR, code=4),), RunVerdict.ERROR, ExitCode.TOOL),
        ((check(Status.ERROR, code=4), check(Status.ERROR, code=5)), RunVerdict.ERROR, ExitCode.STAGE_FAILED),
        ((check(Status.ERROR, code=4), check(Status.FAILED)), RunVerdict.FAILED, ExitCode.STAGE_FAILED),
        ((check(Status.SKIPPED),), RunVerdict.HELD, ExitCode.HELD),
        ((), RunVerdict.HELD, ExitCode.HELD),
    ],
)
def test_the_exit_code_says_a_failure_first_and_a_missing_tool_by_its_own_code(
    checks: tuple[CheckRun, ...], verdict: RunVerdict, code: ExitCode
) -> None:
    made = report(*checks)
    assert (made.verdict, outcome.exit_code(made)) == (verdict, code)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [((0, 0), 0), ((0, 20), 20), ((20, 14), 14), ((14, 20), 14), ((20, 11), 11), ((11, 14), 14), ((0, 11), 11)],
)
def test_that_something_waits_hides_nothing_graver(codes: tuple[int, int], expected: int) -> None:
    one, other = map(ExitCode, codes)
    assert graver(one, other) == expected


def test_the_line_of_a_run_in_the_history_names_its_flaky_checks() -> None:
    entry = outcome.entry(report(check(), check(Status.FLAKY, package="packages/core")))
    assert entry.flaky == ("unit/vitest@packages/core",)
    assert (entry.verdict, entry.stages["unit"], entry.stages["e2e"]) == ("passed", "passed", "skipped")


def test_what_only_prepared_the_stages_that_were_asked_for_is_no_verdict_on_them() -> None:
    installed = dataclasses.replace(check(), stage="install")
    others = ("install", "lint", "typecheck", "integration", "e2e", "audit")
    stages = outcome.stage_runs((installed, check(Status.SKIPPED)), (), unselected=others)
    assert outcome.verdict(stages, unselected=others) is RunVerdict.HELD
    stages = outcome.stage_runs((installed, check()), (), unselected=others)
    assert outcome.verdict(stages, unselected=others) is RunVerdict.PASSED
    stages = outcome.stage_runs((dataclasses.replace(installed, status=Status.FAILED),), (), unselected=others)
    assert outcome.verdict(stages, unselected=others) is RunVerdict.FAILED
