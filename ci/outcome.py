"""From check runs to stage runs, to a run's verdict, its line in the history and the exit code; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.errors import ExitCode
from ci.model import STAGES, CheckRun, HistoryEntry, RunReport, RunVerdict, Skip, Stage, StageRun, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

GREEN = frozenset({Status.PASSED, Status.FLAKY})
NOT_ASKED = "not asked for"


def stage_runs(
    checks: tuple[CheckRun, ...],
    skips: tuple[Skip, ...],
    *,
    unselected: Iterable[str] = (),
) -> tuple[StageRun, ...]:
    """Return all seven stages. `unselected` were not asked for."""
    left_out = frozenset(unselected)
    return tuple(
        _stage_run(
            stage,
            tuple(check for check in checks if check.stage == stage.name),
            tuple(skip for skip in skips if skip.stage == stage.name),
            selected=stage.name not in left_out,
        )
        for stage in STAGES
    )


def _stage_run(
    stage: Stage,
    checks: tuple[CheckRun, ...],
    skips: tuple[Skip, ...],
    *,
    selected: bool,
) -> StageRun:
    parts = tuple(
        CheckRun(stage=skip.stage, name=skip.name, package=skip.package, status=Status.SKIPPED, reason=skip.reason)
        for skip in skips
        if skip.name is not None
    )
    status, reason = _status(checks)
    if not checks:
        whole = next((skip.reason for skip in skips if skip.name is None), None)
        reason = whole or next((skip.reason for skip in skips), None) or "nothing to run"
    if not checks and not selected:
        reason = NOT_ASKED
    executed = [check for check in checks if check.cached_from is None and check.steps]
    seconds = _covered([(check.began, check.began + check.seconds) for check in executed])
    cached = sum(check.seconds for check in checks if check.cached_from is not None)
    return StageRun(
        name=stage.name,
        status=status,
        target=stage.target,
        seconds=round(seconds, 3),
        full_seconds=round(seconds + cached, 3),
        began=min((check.began for check in checks), default=0.0),
        reason=reason,
        checks=(*checks, *parts),
    )


def _status(checks: tuple[CheckRun, ...]) -> tuple[Status, str | None]:
    """The worst of the checks; a check that was skipped for a red need keeps its stage from being called passed."""
    for status in (Status.FAILED, Status.ERROR):
        found = [check for check in checks if check.status is status]
        if found:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            return status, f"{found[0].id}: {found[0].reason}{more}"
    blocked = [check for check in checks if check.blocked]
    if blocked:
        return Status.SKIPPED, blocked[0].reason
    if any(check.status in GREEN for check in checks):
        return Status.PASSED, None
    return Status.SKIPPED, next((check.reason for check in checks), None)


def _covered(spans: list[tuple[float, float]]) -> float:
    """Return the length of the union: wall time from first to last, less the gaps of waiting for slots."""
    total, until = 0.0, float("-inf")
    for began, end in sorted(spans):
        total += max(0.0, end - max(began, until))
        until = max(until, end)
    return total


def verdict(stages: tuple[StageRun, ...], *, unselected: Iterable[str] = ()) -> RunVerdict:
    """Return a run's verdict: one failed stage fails it; an error alone makes it an error.

    Where no stage that was asked for verified anything, it is held: there is nothing to pass and nothing to fail.
    """
    statuses = {stage.status for stage in stages}
    if Status.FAILED in statuses:
        return RunVerdict.FAILED
    if Status.ERROR in statuses:
        return RunVerdict.ERROR
    left_out = frozenset(unselected)
    verified = any(stage.status in GREEN for stage in stages if stage.name not in left_out)
    return RunVerdict.PASSED if verified else RunVerdict.HELD


def entry(report: RunReport) -> HistoryEntry:
    """Return the line of a run in the history."""
    checks = [check for stage in report.stages for check in stage.checks]
    return HistoryEntry(
        id=report.id,
        started=report.started,
        verdict=report.verdict.value,
        seconds=report.seconds,
        commit=report.commit,
        stages={stage.name: stage.status.value for stage in report.stages},
        flaky=tuple(check.id for check in checks if check.status is Status.FLAKY),
    )


def exit_code(report: RunReport) -> ExitCode:
    """Return what the process ends with: an error with a code of its own (tool, vendor) only where nothing failed."""
    if report.verdict is RunVerdict.PASSED:
        return ExitCode.PASSED
    if report.verdict is RunVerdict.HELD:
        return ExitCode.HELD
    if report.verdict is RunVerdict.ERROR:
        checks = [check for stage in report.stages for check in stage.checks if check.status is Status.ERROR]
        codes = {check.code for check in checks}
        if len(codes) == 1 and (code := codes.pop()) is not None:
            return ExitCode(code)
    return ExitCode.STAGE_FAILED
