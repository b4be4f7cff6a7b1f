"""Issues: groups of events, listed by a query, shown, resolved. Their numbers are of the rows that are asked for."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.sentry.asking import PERIOD, SCOPE, RefusalError, Where, bad, count_of, missing, only, paged, where
from ci.rehearsal.sentry.columns import compared
from ci.rehearsal.sentry.filters import rows_that, understood
from ci.rehearsal.sentry.forms import Issue, details, row_of, users_of
from ci.rehearsal.sentry.search import Both, QueryError, Term, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from ci.rehearsal.sentry.columns import Row
    from ci.rehearsal.sentry.search import Node
    from ci.rehearsal.sentry.store import Store

IS = ("resolved", "unresolved", "ignored", "archived", "new", "ongoing", "regressed", "unassigned", "for_review")
STATUSES = ("resolved", "unresolved", "ignored", "resolvedInNextRelease")
UNSETTLED = frozenset({"unassigned"})


def issues_of(store: Store, place: Where, judge: Callable[[Row], bool] = lambda _row: True) -> list[Issue]:
    """Return the issues that have an event in the period for which `judge` holds."""
    members: dict[str, list[Row]] = {}
    for row in sorted(store.seen("events"), key=lambda row: row["timestamp"]):
        if row["type"] != "transaction" and place.around(row):
            members.setdefault(row["group"], []).append(row)
    found = []
    for group in store.groups.values():
        rows = members.get(group["id"], [])
        within = [row for row in rows if place.has(row)]
        matching = [row for row in within if judge(row)]
        if matching:
            found.append(Issue(group=group, rows=rows, within=within, found=matching))
    return found


def listed(store: Store, request: Request) -> Response:
    """Answer with the issues that a query asks for: without one, those that are unresolved. Raises RefusalError."""
    only(request, *PERIOD, *SCOPE, "query", "sort", "limit", "cursor", "per_page")
    place = where(store, request)
    node = understood(store, request.query_params.get("query", "is:unresolved"), place, boolean=False)
    conditions = node.parts if isinstance(node, Both) else (node,)
    own = [each for each in conditions if isinstance(each, Term) and each.key in OF_ISSUES]
    others: list[Node] = [each for each in conditions if each not in own]
    judge = rows_that("errors", Both(parts=tuple(others)))
    now = time.time()
    try:
        for term in own:
            OF_ISSUES[term.key](term, None, now)
        found = [
            issue
            for issue in issues_of(store, place, judge)
            if all(OF_ISSUES[term.key](term, issue, now) for term in own)
        ]
    except QueryError as error:
        raise bad(str(error)) from error
    ordered = sorted(found, key=_order(request), reverse=True)
    address = str(request.base_url).rstrip("/")
    rows = [row_of(store, issue, address, filtered=bool(others)) for issue in ordered]
    return paged(request, rows, size=count_of(request, "limit"))


def _order(request: Request) -> Callable[[Issue], Any]:
    orders: dict[str, Callable[[Issue], Any]] = {
        "date": lambda issue: issue.within[-1]["timestamp"],
        "new": lambda issue: issue.first["timestamp"],
        "freq": lambda issue: len(issue.within),
        "user": lambda issue: users_of(issue.within),
    }
    name = request.query_params.get("sort", "date")
    if name not in orders:
        raise bad(f"Invalid sort: here there is {', '.join(orders)}")
    return orders[name]


def _is(term: Term, issue: Issue | None, _now: float) -> bool:
    for value in term.values:
        if value not in IS or term.operator:
            raise QueryError(f'Invalid value for "is" search, valid values are {list(IS)}')
    if issue is None:
        return True
    status = {issue.group["status"], issue.group["substatus"], *UNSETTLED}
    status |= {"archived"} if issue.group["status"] == "ignored" else set()
    status |= {"for_review"} if issue.group["substatus"] in {"new", "regressed"} else set()
    return any(value in status for value in term.values) is not term.negated


def _moment(get: Callable[[Issue], float]) -> Callable[[Term, Issue | None, float], bool]:
    return lambda term, issue, now: compared("date", term, get(issue) if issue else None, now=now)


def _first_release(term: Term, issue: Issue | None, _now: float) -> bool:
    if term.operator:
        raise QueryError(f"Invalid query. firstRelease cannot be compared with {term.operator}")
    release = issue.first["release"] if issue else None
    return (release is not None and any(matches(value, release) for value in term.values)) is not term.negated


def _count(term: Term, issue: Issue | None, now: float) -> bool:
    return compared("integer", term, len(issue.within) if issue else None, now=now)


def _short(term: Term, issue: Issue | None, _now: float) -> bool:
    return issue is not None and (issue.group["short"] in term.values) is not term.negated


OF_ISSUES: Mapping[str, Callable[[Term, Issue | None, float], bool]] = {
    "is": _is,
    "firstSeen": _moment(lambda issue: issue.first["timestamp"]),
    "age": _moment(lambda issue: issue.first["timestamp"]),
    "lastSeen": _moment(lambda issue: issue.last["timestamp"]),
    "firstRelease": _first_release,
    "times_seen": _count,
    "issue": _short,
}


def find(store: Store, key: str, place: Where) -> Issue:
    """Return an issue by its id. Raises RefusalError."""
    for issue in issues_of(store, place):
        if issue.group["id"] == key:
            return issue
    raise missing()


def shown(store: Store, request: Request) -> Response:
    """Answer with one issue. Raises RefusalError."""
    only(request, "environment")
    issue = find(store, request.path_params["issue"], where(store, request))
    return JSONResponse(details(store, issue, str(request.base_url).rstrip("/")))


def changed(store: Store, request: Request, body: Any) -> Response:
    """Change an issue's status. Raises RefusalError."""
    issue = find(store, request.path_params["issue"], where(store, request))
    if not isinstance(body, dict):
        raise bad("JSON parse error")
    if unknown := set(body) - {"status", "statusDetails", "substatus", "hasSeen"}:
        raise RefusalError(HTTPStatus.BAD_REQUEST, {name: ["This stand-in does not know it."] for name in unknown})
    status = body.get("status", issue.group["status"])
    if status not in STATUSES:
        raise RefusalError(HTTPStatus.BAD_REQUEST, {"status": [f'"{status}" is not a valid choice.']})
    given = body.get("statusDetails") or {}
    details_of: dict[str, Any] = {}
    if "inRelease" in given:
        version = given["inRelease"]
        latest = store.latest(frozenset({issue.group["project"]}))
        version = latest if version == "latest" else version
        if version not in store.releases:
            raise RefusalError(
                HTTPStatus.BAD_REQUEST,
                {"statusDetails": {"inRelease": ["Unable to find a release with the given version."]}},
            )
        details_of = {"inRelease": version}
    elif given.get("inNextRelease") or status == "resolvedInNextRelease":
        details_of = {"after": store.latest(frozenset({issue.group["project"]}))}
    status = "resolved" if status == "resolvedInNextRelease" else status
    default = {"resolved": None, "ignored": "archived_until_escalating"}.get(status, "ongoing")
    group = {**issue.group, "status": status, "details": details_of, "substatus": body.get("substatus", default)}
    place = next(key for key, known in store.groups.items() if known["id"] == group["id"])
    store.groups[place] = group
    again = Issue(group=group, rows=issue.rows, within=issue.within, found=issue.found)
    return JSONResponse(details(store, again, str(request.base_url).rstrip("/")))
