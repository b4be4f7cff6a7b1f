"""The evidence gate: a whole green report for exactly this commit, made by trusted code, and not too old."""

from __future__ import annotations

from dataclasses import dataclass

from ci.gates.recording import Count, Moment, Seconds, decide, joined, number
from ci.model import STAGE_NAMES, Outcome, Ruling, Status

_GREEN = frozenset({Status.PASSED, Status.FLAKY})


@dataclass(frozen=True, kw_only=True)
class StageEvidence:
    """How a stage ended, and how many of its checks were taken from cache."""

    name: str
    status: Status
    cached: Count = 0
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a report says of itself. `untrusted` is a pull request of somebody without rights to the repository."""

    id: str
    commit: str | None
    ended: Moment
    dirty: bool
    untrusted: bool
    stages: tuple[StageEvidence, ...]


@dataclass(frozen=True, kw_only=True)
class EvidenceObserved:
    """The commit that is to be promoted, the report that was found for it, and what is asked of that.

    `executed` asks that no check came from cache, as a promotion does; `max_age` is `evidence_max_age` in seconds.
    """

    commit: str
    report: Report | None
    now: Moment
    max_age: Seconds
    executed: bool = False
    allow_empty: tuple[str, ...] = ()


def rule(observed: EvidenceObserved, *, environment: str) -> Ruling:
    """FAIL names everything that the report lacks; NODATA where there is none."""
    report = observed.report
    if report is None:
        reason = f"there is no report of the seven stages for {observed.commit[:12]}"
        return decide("evidence", environment, Outcome.NODATA, reason, observed)
    age = max(0.0, observed.now - report.ended)
    wrong = [*_of_report(report, observed, age), *_of_stages(report, observed)]
    if wrong:
        reason = f"report {report.id} is no evidence for {observed.commit[:12]}: {joined(wrong)}"
        return decide("evidence", environment, Outcome.FAIL, reason, observed, age=age, wrong=wrong)
    empty = [stage.name for stage in report.stages if stage.status is Status.SKIPPED]
    reason = f"report {report.id}: all {len(STAGE_NAMES) - len(empty)} stages green for {observed.commit[:12]}"
    if empty:
        reason += f", {', '.join(empty)} empty as allowed"
    reason += f"; {number(age)} s old, at most {number(observed.max_age)} s"
    return decide("evidence", environment, Outcome.PASS, reason, observed, age=age, wrong=wrong)


def _of_report(report: Report, observed: EvidenceObserved, age: float) -> list[str]:
    wrong = []
    if not observed.commit or report.commit != observed.commit:
        wrong.append(f"it is of {(report.commit or 'no commit')[:12]}")
    if report.dirty:
        wrong.append("its files were not those of the commit (dirty)")
    if report.untrusted:
        wrong.append("it was made by an untrusted pull request")
    if report.ended > observed.now:
        wrong.append("it ended in the future")
    if age > observed.max_age:
        wrong.append(f"it is {number(age)} s old, at most {number(observed.max_age)} s")
    return wrong


def _of_stages(report: Report, observed: EvidenceObserved) -> list[str]:
    wrong = []
    for name in STAGE_NAMES:
        runs = [stage for stage in report.stages if stage.name == name]
        if not runs:
            wrong.append(f"{name} is missing")
        for stage in runs:
            why = f" ({stage.reason})" if stage.reason else ""
            if stage.status is Status.SKIPPED:
                if name not in observed.allow_empty:
                    wrong.append(f"{name} skipped{why}")
            elif stage.status not in _GREEN:
                wrong.append(f"{name} {stage.status}{why}")
            if observed.executed and stage.cached:
                wrong.append(f"{name} has {number(stage.cached)} checks from cache")
    return wrong
