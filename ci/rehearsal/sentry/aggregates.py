"""Functions over rows: `count()`, `count_unique(user)`, `p95(span.duration)`, `count_if(span.duration,greater,300)`."""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.rehearsal.sentry.columns import column
from ci.rehearsal.sentry.search import QueryError
from ci.rehearsal.sentry.store import written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ci.rehearsal.sentry.columns import Row

FUNCTION = re.compile(r"(\w+)\((.*)\)")
PERCENTILE = re.compile(r"p(50|75|90|95|99|100)")
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": operator.eq,
    "notEquals": operator.ne,
    "less": operator.lt,
    "greater": operator.gt,
    "lessOrEquals": operator.le,
    "greaterOrEquals": operator.ge,
}
FAILED = 500  # the statuses of servers' failures begin here


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """A function of rows. `kind` is Sentry's word for what comes out."""

    kind: str
    of: Callable[[Sequence[Row]], Any]


def is_function(field: str) -> bool:
    """Whether a field is a function of rows, not a value of each."""
    return FUNCTION.fullmatch(field) is not None


def aggregate(dataset: str, field: str, seconds: float) -> Aggregate:
    """Return the function that a field names; `seconds` is the time that rates are of. Raises QueryError."""
    found = FUNCTION.fullmatch(field)
    if found is None:
        raise QueryError(f"{field} is not a valid function")
    name, given = found[1], [each.strip() for each in found[2].split(",") if each.strip()]
    if not given and name in {"count", "epm", "eps", "failure_rate", "last_seen"}:
        return _plain(name, seconds)
    if name == "count" and given == ["span.duration"]:  # as the UI has it for spans
        return _plain(name, seconds)
    if name == "count_if" and len(given) == 3:  # noqa: PLR2004 - a field, a comparison, a value
        return _count_if(dataset, *given)
    if len(given) == 1:
        return _over(dataset, name, given[0])
    raise QueryError(f"{field} is not a valid function")


def _plain(name: str, seconds: float) -> Aggregate:
    if name == "count":
        return Aggregate(kind="integer", of=len)
    if name == "last_seen":
        return Aggregate(kind="date", of=lambda rows: written(max((row["timestamp"] for row in rows), default=None)))
    if name == "failure_rate":
        return Aggregate(kind="percentage", of=lambda rows: sum(map(_failed, rows)) / len(rows) if rows else 0.0)
    unit = 60.0 if name == "epm" else 1.0
    return Aggregate(kind="rate", of=lambda rows: len(rows) / max(seconds, 1.0) * unit)


def _failed(row: Row) -> bool:
    return (row.get("http_status") or 0) >= FAILED or row.get("status") in {"internal_error", "error", "unknown_error"}


def _over(dataset: str, name: str, field: str) -> Aggregate:
    value = column(dataset, field)

    def values(rows: Sequence[Row]) -> list[Any]:
        return [each for each in map(value.get, rows) if each is not None]

    if name == "count_unique":
        return Aggregate(kind="integer", of=lambda rows: len(set(values(rows))))
    if value.kind == "date" and name in {"min", "max"}:
        edge = min if name == "min" else max
        return Aggregate(kind="date", of=lambda rows: written(edge(values(rows), default=None)))
    if value.kind not in {"integer", "number", "duration"}:
        raise QueryError(f"{name}({field}): {field} is not a numeric column")
    if found := PERCENTILE.fullmatch(name):
        share = int(found[1]) / 100
        return Aggregate(kind=value.kind, of=lambda rows: _percentile(sorted(map(float, values(rows))), share))
    if name in {"sum", "avg", "min", "max"}:
        return Aggregate(kind=value.kind, of=lambda rows: _folded(name, [float(each) for each in values(rows)]))
    raise QueryError(f"{name} is not a valid function")


def _folded(name: str, values: list[float]) -> float | None:
    if name == "sum":
        return sum(values)
    if not values:
        return None
    return {"avg": sum(values) / len(values), "min": min(values), "max": max(values)}[name]


def _percentile(values: list[float], share: float) -> float | None:
    return values[max(0, math.ceil(share * len(values)) - 1)] if values else None


def _count_if(dataset: str, field: str, comparison: str, value: str) -> Aggregate:
    found = column(dataset, field)
    if comparison not in COMPARISONS:
        raise QueryError(f"{comparison} is not a valid condition")
    numeric = found.kind in {"integer", "number", "duration"}

    def holds(row: Row) -> bool:
        given = found.get(row)
        if given is None:
            return comparison == "notEquals"
        mine: Any = float(given) if numeric else str(given)
        other: Any = float(value) if numeric else value.strip('"')
        return bool(COMPARISONS[comparison](mine, other))

    if numeric and re.fullmatch(r"-?\d+(\.\d+)?", value) is None:
        raise QueryError(f"{value} is not a number")
    return Aggregate(kind="integer", of=lambda rows: sum(map(holds, rows)))
