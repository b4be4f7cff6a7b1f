"""Functions of rows over time (`events-timeseries`), of all rows or of those of the top groups."""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.sentry.aggregates import aggregate, is_function
from ci.rehearsal.sentry.asking import PERIOD, SCOPE, Where, bad, only, where
from ci.rehearsal.sentry.columns import SPAN_OF, column
from ci.rehearsal.sentry.search import QueryError
from ci.rehearsal.sentry.tables import SAME, dataset_of, ranked, rows_of, tabled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ci.rehearsal.sentry.columns import Row
    from ci.rehearsal.sentry.store import Store

MOST_POINTS = 10_000
TOO_MANY = "Your interval and date range would create too many results. Use a larger interval, or a smaller date range."
MOST_SERIES = 10
INGESTION = 90.0  # seconds; a newer point is marked as incomplete


def series(store: Store, request: Request) -> Response:
    """Answer with functions of rows over time. Raises RefusalError."""
    only(
        request,
        *PERIOD,
        *SCOPE,
        *SAME,
        "dataset",
        "query",
        "yAxis",
        "interval",
        "groupBy",
        "topEvents",
        "sort",
        "excludeOther",
    )
    dataset, place = dataset_of(request), where(store, request)
    step = _interval(request, place.until - place.since)
    axes = request.query_params.getlist("yAxis") or ["count()"]
    rows = rows_of(store, dataset, request.query_params.get("query", ""), place)
    try:
        found = [
            _one(dataset, axis, members, place, step) | ({} if keys is None else {"groupBy": keys})
            for keys, members in _groups(request, dataset, rows, axes)
            for axis in axes
        ]
    except QueryError as error:
        raise bad(str(error)) from error
    for order, each in enumerate(found):
        if "groupBy" in each:
            each["meta"] |= {"order": order, "isOther": not each["groupBy"]}
    meta = {"dataset": dataset, "start": place.since * 1000, "end": place.until * 1000}
    return JSONResponse({"timeSeries": found, "meta": meta})


def _interval(request: Request, seconds: float) -> int:
    found = re.fullmatch(r"(\d+)([smhdw]?)", request.query_params.get("interval", ""))
    step = int(found[1]) * SPAN_OF[found[2] or "s"] if found else 0
    if step < 1 or step >= seconds:  # as documented: one is chosen where the one that is asked for cannot be
        step = 60 if seconds <= SPAN_OF["h"] else 300 if seconds <= SPAN_OF["d"] else 3600
    if seconds / step > MOST_POINTS:
        raise bad(TOO_MANY)
    return step


def _number(request: Request, name: str) -> int | None:
    given = request.query_params.get(name)
    if given is None:
        return None
    if not given.isdigit():
        raise bad(f"{name} must be an integer")
    return int(given)


def _groups(
    request: Request, dataset: str, rows: list[Row], axes: Sequence[str]
) -> list[tuple[list[dict[str, Any]] | None, list[Row]]]:
    top = _number(request, "topEvents")
    names = request.query_params.getlist("groupBy")
    if top is None:
        if names:
            raise bad("groupBy is only known here together with topEvents")
        return [(None, rows)]
    if not 1 <= top <= MOST_SERIES:
        raise bad(f"Can only get up to {MOST_SERIES} top events")
    if not names:
        raise bad("groupBy is a required parameter when doing topEvents")
    sort = request.query_params.get("sort") or f"-{axes[0]}"
    fields = [*names, *dict.fromkeys([*axes, *filter(is_function, [sort.removeprefix("-")])])]
    _, data = tabled(dataset, fields, rows, 60)
    best = ranked(data, fields, sort)[:top]
    columns = [column(dataset, name) for name in names]
    found: list[tuple[list[dict[str, Any]] | None, list[Row]]] = []
    taken: list[tuple[Any, ...]] = []
    for each in best:
        key = tuple(each[name] for name in names)
        taken.append(key)
        members = [row for row in rows if tuple(one.get(row) for one in columns) == key]
        found.append(([{"key": name, "value": each[name]} for name in names], members))
    rest = [row for row in rows if tuple(one.get(row) for one in columns) not in taken]
    if rest and request.query_params.get("excludeOther") != "1":
        found.append(([], rest))
    return found


def _one(dataset: str, axis: str, rows: Sequence[Row], place: Where, step: int) -> dict[str, Any]:
    found = aggregate(dataset, axis, step)
    first = math.floor(place.since / step) * step
    now = time.time()
    buckets: dict[int, list[Row]] = {}
    for row in rows:
        buckets.setdefault(int((row["timestamp"] - first) // step), []).append(row)
    values = []
    for number in range(math.ceil((place.until - first) / step)):
        moment = first + number * step
        late = {"incompleteReason": "INCOMPLETE_BUCKET"} if moment + step >= now - INGESTION else {}
        value = found.of(buckets.get(number, [])) or 0
        values.append({"timestamp": moment * 1000, "value": value, "incomplete": bool(late), **late})
    meta = {"valueType": found.kind, "valueUnit": None, "interval": step * 1000}
    return {"yAxis": axis, "values": values, "meta": meta}
