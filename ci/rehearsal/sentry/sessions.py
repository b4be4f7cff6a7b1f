"""Release health: sessions, counted by release, environment, project or status, over hours."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.sentry.asking import PERIOD, SCOPE, Where, bad, only, where
from ci.rehearsal.sentry.columns import SPAN_OF
from ci.rehearsal.sentry.filters import understood
from ci.rehearsal.sentry.search import Term, Words, holds, matches, terms
from ci.rehearsal.sentry.series import MOST_POINTS, TOO_MANY
from ci.rehearsal.sentry.store import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ci.rehearsal.sentry.columns import Row
    from ci.rehearsal.sentry.store import Store

HOUR, DAY = SPAN_OF["h"], SPAN_OF["d"]
BY = {"release": "release", "environment": "environment", "project": "project", "session.status": "status"}
FIELDS = (
    "sum(session)",
    "count_unique(user)",
    "crash_free_rate(session)",
    "crash_rate(session)",
    "crash_free_rate(user)",
)


def health(store: Store, request: Request) -> Response:
    """Answer with sessions by group and by hour. Raises RefusalError."""
    only(request, *PERIOD, *SCOPE, "field", "groupBy", "interval", "query", "includeTotals", "includeSeries")
    place = where(store, request)
    fields = request.query_params.getlist("field")
    names = request.query_params.getlist("groupBy")
    if not fields:
        raise bad('Request is missing a "field"')
    for name in fields:
        if name not in FIELDS:
            raise bad(f"Invalid field: {name!r}. Must be one of: {', '.join(FIELDS)}")
    for name in names:
        if name not in BY:
            raise bad(f"Invalid groupBy: {name!r}. Must be one of: {', '.join(BY)}")
    step = _interval(request)
    since, until = math.floor(place.since / step) * step, math.ceil(place.until / step) * step
    if (until - since) / step > MOST_POINTS:
        raise bad(TOO_MANY)
    rows = _rows(store, request.query_params.get("query", ""), place, since, until)
    groups: dict[tuple[Any, ...], list[Row]] = {} if names else {(): []}
    for row in rows:
        groups.setdefault(tuple(_by(store, row, name) for name in names), []).append(row)
    starts = range(since, until, step)
    answer = {
        "start": written(since),
        "end": written(until),
        "intervals": [written(start) for start in starts],
        "groups": [
            {
                "by": dict(zip(names, key, strict=True)),
                "totals": {field: _value(field, members) for field in fields},
                "series": {
                    field: [
                        _value(field, [row for row in members if start <= row["started"] < start + step])
                        for start in starts
                    ]
                    for field in fields
                },
            }
            for key, members in groups.items()
        ],
        "query": request.query_params.get("query", ""),
    }
    return JSONResponse(answer)


def _interval(request: Request) -> int:
    given = request.query_params.get("interval", "1h")
    found = re.fullmatch(r"(\d+)([mhd])", given)
    step = int(found[1]) * SPAN_OF[found[2]] if found else 0
    if step < HOUR or step > DAY or DAY % step:
        raise bad(
            "The interval has to be at least one hour, at most one day, and has to divide one day without remainder."
        )
    return step


def _rows(store: Store, query: str, place: Where, since: float, until: float) -> list[Row]:
    node = understood(store, query, place)
    for each in terms(node):
        if isinstance(each, Words) or each.key not in {"release", "environment"} or each.operator:
            raise bad(f"Invalid query. Sessions are not known by {each.text if isinstance(each, Words) else each.key}")

    def judge(row: Row) -> bool:
        return holds(node, lambda term: isinstance(term, Term) and _is(term, row))

    rows = (row for row in store.seen("sessions") if since <= row["started"] < until and place.around(row))
    return [row for row in rows if judge(row)]


def _is(term: Term, row: Row) -> bool:
    return any(matches(value, row[term.key] or "") for value in term.values) is not term.negated


def _by(store: Store, row: Row, name: str) -> Any:
    return int(store.projects[row["project"]]["id"]) if name == "project" else row[BY[name]] or ""


def _value(field: str, rows: Sequence[Row]) -> float | None:
    total: int = sum(row["count"] for row in rows)
    crashed: int = sum(row["count"] for row in rows if row["status"] == "crashed")
    users = {row["user_key"] for row in rows if row["user_key"]}
    if field == "sum(session)":
        return total
    if field == "count_unique(user)":
        return len(users)
    if field == "crash_free_rate(user)":
        hit = {row["user_key"] for row in rows if row["user_key"] and row["status"] == "crashed"}
        return 1 - len(hit) / len(users) if users else None
    if not total:
        return None
    return crashed / total if field == "crash_rate(session)" else 1 - crashed / total
