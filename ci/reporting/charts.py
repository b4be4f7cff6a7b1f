"""Geometry of the page's charts: positions in per cent of their box, which the template puts into SVG."""

from __future__ import annotations

from dataclasses import dataclass

from ci import outcome
from ci.model import CheckRun, HistoryEntry, Measure, RunReport, StageRun, Status
from ci.reporting.promotion import is_flow
from ci.reporting.wording import spent

THINNEST = 1.0  # per cent: a cached check took no time and still must be seen


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A stretch from `x`, `width` wide, in per cent; `kind` is a CSS class, `title` what it stands for."""

    x: float
    width: float
    kind: str
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class StageBars:
    """A row of the waterfall: the checks as they ran, the part over target, and the target where it is in sight."""

    checks: tuple[Bar, ...]
    late: Bar | None = None
    target: float | None = None


def span(report: RunReport) -> float:
    """Return the seconds that the time axis is long: those of the run; a promotion's stages are a part of it alone."""
    ends = [check.began + spent(check) for stage in report.stages for check in stage.checks]
    return max(0.0 if is_flow(report) else report.seconds, *ends, 0.001)


def waterfall(report: RunReport) -> dict[str, StageBars]:
    """Return a row for each stage that ran, on one time axis."""
    whole = span(report)
    return {stage.name: _row(stage, whole) for stage in report.stages if stage.status is not Status.SKIPPED}


def _row(stage: StageRun, whole: float) -> StageBars:
    ran = [check for check in stage.checks if check.status is not Status.SKIPPED]
    began = min((check.began for check in ran), default=stage.began)
    end = max((check.began + spent(check) for check in ran), default=stage.began + stage.seconds)
    bars = [_bar(began, end, whole, f"span {stage.status.value}")]
    bars += [_bar(check.began, check.began + spent(check), whole, _kind(check)) for check in ran]
    over = stage.seconds - stage.target
    due = end - over if over > 0 else began + stage.target
    return StageBars(
        checks=tuple(bars),
        late=_bar(due, end, whole, "late") if over > 0 else None,
        target=round(100 * due / whole, 2) if due < whole else None,
    )


def lanes(report: RunReport) -> tuple[tuple[Bar, ...], ...]:
    """Return what each slot was busy with; checks that were not run, or were cached, take no slot."""
    whole = span(report)
    ran = [
        check
        for stage in report.stages
        for check in stage.checks
        if check.status is not Status.SKIPPED and spent(check) > 0
    ]
    free: list[float] = []
    rows: list[list[Bar]] = []
    for check in sorted(ran, key=lambda check: check.began):
        lane = next((number for number, since in enumerate(free) if since <= check.began + 0.05), len(free))
        if lane == len(free):
            free.append(0.0)
            rows.append([])
        free[lane] = check.began + check.seconds
        bar = _bar(check.began, check.began + check.seconds, whole, _kind(check))
        rows[lane].append(Bar(x=bar.x, width=bar.width, kind=bar.kind, title=f"{check.id}, {check.seconds:.1f} s"))
    return tuple(tuple(row) for row in rows)


def _kind(check: CheckRun) -> str:
    return f"check {'cached' if check.cached_from else check.status.value}"


def _bar(began: float, end: float, whole: float, kind: str) -> Bar:
    x = min(100 * began / whole, 100 - THINNEST)
    return Bar(x=round(x, 2), width=round(max(100 * (end - began) / whole, THINNEST), 2), kind=kind)


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """A measure as a bar, with the places of its budget and of the last green run on the same scale."""

    value: float
    limit: float | None
    baseline: float | None


def gauge(measure: Measure) -> Gauge:
    """Return the bar of a measure: scores from 0 to 1, all else up to the largest of its numbers."""
    known = [number for number in (measure.value, measure.limit, measure.baseline) if number is not None]
    top = 1.0 if measure.unit == "score" else max(0.001, *known) * 1.08

    def at(number: float | None) -> float | None:
        return None if number is None else round(min(max(100 * number / top, 0), 100), 2)

    return Gauge(value=at(measure.value) or 0.0, limit=at(measure.limit), baseline=at(measure.baseline))


@dataclass(frozen=True, kw_only=True)
class Column:
    """A run of the history: where it stands and how high, in per cent."""

    x: float
    width: float
    height: float
    entry: HistoryEntry


def columns(report: RunReport, limit: int = 50) -> tuple[Column, ...]:
    """Return the last runs, this one at the right end, high as they were long. A promotion is none of them."""
    known = {entry.id: entry for entry in sorted(report.history, key=lambda entry: entry.started)}
    if not is_flow(report):
        mine = known.pop(report.id) if report.id in known else outcome.entry(report)
        known[report.id] = mine
    entries = [*known.values()][-limit:]
    top = max((entry.seconds for entry in entries), default=0.0) or 0.001
    width = 100 / limit
    return tuple(
        Column(
            x=round(100 - width * (len(entries) - number), 2),
            width=round(width * 0.72, 2),
            height=round(max(100 * entry.seconds / top, 4), 1),
            entry=entry,
        )
        for number, entry in enumerate(entries)
    )
