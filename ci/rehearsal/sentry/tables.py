"""Rows, or functions of them by group, as a table (`events`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.sentry.aggregates import aggregate, is_function
from ci.rehearsal.sentry.asking import PAGED, PERIOD, SCOPE, Where, bad, count_of, only, page, where
from ci.rehearsal.sentry.columns import DATASETS, column
from ci.rehearsal.sentry.filters import wanted
from ci.rehearsal.sentry.search import QueryError
from ci.rehearsal.sentry.store import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ci.rehearsal.sentry.columns import Row
    from ci.rehearsal.sentry.store import Store

MOST_FIELDS = 20
SAME = frozenset({"disableAggregateExtrapolation", "preventMetricAggregates", "allowAggregateConditions"})


def table(store: Store, request: Request) -> Response:
    """Answer with rows, or with functions of them by all fields that are none. Raises RefusalError."""
    only(request, *PERIOD, *SCOPE, *PAGED, *SAME, "field", "dataset", "query", "sort")
    dataset, place = dataset_of(request), where(store, request)
    fields = request.query_params.getlist("field")
    if not fields:
        raise bad("No columns selected")
    if len(fields) > MOST_FIELDS:
        raise bad(f"You can view up to {MOST_FIELDS} fields at a time. Please delete some and try again.")
    rows = rows_of(store, dataset, request.query_params.get("query", ""), place)
    try:
        kinds, data = tabled(dataset, fields, rows, place.until - place.since)
        data = ranked(data, fields, request.query_params.get("sort"))
    except QueryError as error:
        raise bad(str(error)) from error
    shown = [{name: _shown(kinds[name], value) for name, value in each.items()} for each in data]
    found, headers = page(request, shown, size=count_of(request))
    meta = {"fields": kinds, "units": dict.fromkeys(kinds), "dataset": dataset, "isMetricsData": False, "tips": {}}
    return JSONResponse({"data": found, "meta": meta}, headers=headers)


def dataset_of(request: Request) -> str:
    """Return which rows are meant. Raises RefusalError."""
    found = request.query_params.get("dataset", "")
    if found not in DATASETS:
        raise bad(f"dataset must be one of: {', '.join(DATASETS)}")
    return found


def rows_of(store: Store, dataset: str, query: str, place: Where) -> list[Row]:
    """Return the rows that a query asks for; transactions are there as spans. Raises RefusalError."""
    judge = wanted(store, dataset, query, place)
    shelf = "events" if dataset == "errors" else "spans"
    return [row for row in store.seen(shelf) if place.has(row) and row.get("type") != "transaction" and judge(row)]


def tabled(
    dataset: str, fields: Sequence[str], rows: Sequence[Row], seconds: float
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Return the kinds of the fields, and the rows or the groups of them. Raises QueryError."""
    if unknown := next((field for field in fields if field.startswith("equation|")), None):
        raise QueryError(f"{unknown}: equations are not known here")
    functions = {field: aggregate(dataset, field, seconds) for field in fields if is_function(field)}
    columns = {field: column(dataset, field) for field in fields if field not in functions}
    kinds = {field: (functions.get(field) or columns[field]).kind for field in fields}
    if not functions:
        newest = sorted(rows, key=lambda row: -row["timestamp"])
        shown = {"id": column(dataset, "id"), "project.name": column(dataset, "project.name"), **columns}
        return {name: each.kind for name, each in shown.items()}, [
            {name: each.get(row) for name, each in shown.items()} for row in newest
        ]
    groups: dict[tuple[Any, ...], list[Row]] = {} if columns else {(): []}
    for row in rows:
        groups.setdefault(tuple(each.get(row) for each in columns.values()), []).append(row)
    return kinds, [
        dict(zip(columns, key, strict=True)) | {name: each.of(members) for name, each in functions.items()}
        for key, members in groups.items()
    ]


def ranked(data: list[dict[str, Any]], fields: Sequence[str], sort: str | None) -> list[dict[str, Any]]:
    """Return the rows in the order that is asked for. Raises QueryError."""
    if not sort:
        return data
    name = sort.removeprefix("-")
    field = next((each for each in fields if name in {each, each.replace("()", ""), _alias(each)}), None)
    if field is None:
        raise QueryError("Cannot sort by a field that is not selected.")
    return sorted(data, key=lambda row: (row[field] is not None, row[field]), reverse=sort.startswith("-"))


def _alias(field: str) -> str:
    return re.sub(r"\W+", "_", field).strip("_")


def _shown(kind: str, value: Any) -> Any:
    if kind == "date" and isinstance(value, float):
        return written(value)
    return int(value) if kind == "integer" and value is not None else value
