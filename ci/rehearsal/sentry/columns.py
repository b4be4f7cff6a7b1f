"""What a key of a query, or a field of a table, means in a row of events or spans, and when a condition holds in it."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.rehearsal.sentry.search import QueryError, Term, Words, matches
from ci.rehearsal.sentry.store import moment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Row = dict[str, Any]
COMPARING: Mapping[str, Callable[[Any, Any], bool]] = {
    "": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
SPAN_OF = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}  # seconds
MILLISECONDS = {"": 1.0, "us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "min": 60_000.0, "h": 3_600_000.0}
# Names of Sentry's own: what is not known of these is refused, all other unknown names are tags.
RESERVED = re.compile(
    r"(?:error|user|http|span|issue|device|os|geo|stack|app|measurements|sdk|trace|profile|replay|browser|ai)\.|"
    r"(?:assigned|assigned_or_suggested|bookmarks|subscribed|linked|for_review|detector|is|age|firstSeen|lastSeen|"
    r"firstRelease|first_release|times_seen|unreal|category|type|status|last_seen|first_seen)$"
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """A value of a row. `kind` is Sentry's word for what it is."""

    kind: str
    get: Callable[[Row], Any]


def _of(name: str, kind: str = "string") -> Column:
    return Column(kind=kind, get=lambda row: row.get(name))


def _user(name: str) -> Column:
    return Column(kind="string", get=lambda row: (row.get("user") or {}).get(name))


_SHARED = {
    "id": _of("id"),
    "release": _of("release"),
    "environment": _of("environment"),
    "transaction": _of("transaction"),
    "timestamp": _of("timestamp", "date"),
    "project": _of("project"),
    "project.name": _of("project"),
    "user": _of("user_key"),
    "level": _of("level"),
    "http.status_code": _of("http_status", "integer"),
}
ERRORS: Mapping[str, Column] = {
    **_SHARED,
    "event.type": _of("type"),
    "title": _of("title"),
    "message": _of("message"),
    "culprit": _of("culprit"),
    "dist": _of("dist"),
    "platform": _of("platform"),
    "platform.name": _of("platform"),
    "issue.id": _of("group", "integer"),
    "error.type": Column(kind="string", get=lambda row: (row.get("metadata") or {}).get("type")),
    "error.value": Column(kind="string", get=lambda row: (row.get("metadata") or {}).get("value")),
    "error.handled": _of("handled", "boolean"),
    "error.unhandled": Column(kind="boolean", get=lambda row: not row.get("handled")),
    "user.id": _user("id"),
    "user.email": _user("email"),
    "user.username": _user("username"),
    "user.ip": _user("ip_address"),
}
SPANS: Mapping[str, Column] = {
    **_SHARED,
    "trace": _of("trace"),
    "span.op": _of("op"),
    "span.description": _of("description"),
    "span.name": _of("description"),
    "span.status": _of("status"),
    "span.duration": _of("duration", "duration"),
    "span.status_code": _of("http_status", "integer"),
    "http.response.status_code": _of("http_status", "integer"),
    "is_transaction": _of("whole", "boolean"),
}
DATASETS = {"errors": ERRORS, "spans": SPANS}


def column(dataset: str, name: str) -> Column:
    """Return the column that a name stands for; names that are none of Sentry's are tags. Raises QueryError."""
    known = DATASETS[dataset].get(name)
    if known is not None:
        return known
    tagged = re.fullmatch(r"tags?\[\s*([^\],\s]+)\s*(?:,\s*(?:string|number)\s*)?\]", name)
    if tagged is None and RESERVED.match(name):
        raise QueryError(f"Invalid query. {name} is not known here")
    tag = tagged[1] if tagged else name
    return Column(kind="string", get=lambda row: row["tags"].get(tag))


def check(dataset: str, condition: Term | Words) -> None:
    """Raise QueryError where the condition could never be judged."""
    if isinstance(condition, Words):
        return
    if condition.key == "has":
        for name in condition.values:
            column(dataset, name)
    else:
        compared(column(dataset, condition.key).kind, condition, None, now=0.0)


def judge(dataset: str, condition: Term | Words, row: Row, *, now: float) -> bool:
    """Whether the condition holds in the row."""
    if isinstance(condition, Words):
        told = f"{row.get('title') or ''}\n{row.get('message') or ''}\n{row.get('description') or ''}"
        return condition.text.strip("*").lower() in told.lower()
    if condition.key == "has":
        there = all(column(dataset, name).get(row) not in {None, ""} for name in condition.values)
        return there is not condition.negated
    found = column(dataset, condition.key)
    return compared(found.kind, condition, found.get(row), now=now)


def compared(kind: str, term: Term, value: Any, *, now: float) -> bool:
    """Whether the value is as the term says; `now` is what its relative dates count from. Raises QueryError."""
    if kind == "date":
        holds = any(_dated(term, text, value, now) for text in term.values)
    elif kind in {"integer", "number", "duration"}:
        holds = any(_counted(kind, term, text, value) for text in term.values)
    elif kind == "boolean":
        if term.operator or any(text not in {"0", "1", "true", "false"} for text in term.values):
            raise QueryError(f"Invalid boolean: {term.values[0]}. Expected true, 1, false, or 0.")
        holds = any((text in {"1", "true"}) is bool(value) for text in term.values)
    else:
        if term.operator:
            raise QueryError(f"Invalid query. {term.key} cannot be compared with {term.operator}")
        holds = value is not None and any(matches(text, str(value)) for text in term.values)
    return holds is not term.negated


def _dated(term: Term, text: str, value: Any, now: float) -> bool:
    relative = re.fullmatch(r"([+-])(\d+)([smhdw])", text)
    if relative and not term.operator:
        edge = now - int(relative[2]) * SPAN_OF[relative[3]]
        return value is not None and (value >= edge if relative[1] == "-" else value <= edge)
    moment = moment_of(text) if re.match(r"\d{4}-\d\d-\d\d", text) else None
    if moment is None or not term.operator:
        raise QueryError(f"{term.key}: Invalid date: {text}. Expected +/-duration (e.g. +1h) or ISO 8601-like (e.g. >)")
    return value is not None and COMPARING[term.operator](value, moment)


def _counted(kind: str, term: Term, text: str, value: Any) -> bool:
    number = re.fullmatch(r"(-?\d+(?:\.\d+)?)([a-z]*)", text)
    units = MILLISECONDS if kind == "duration" else {"": 1.0}
    if number is None or number[2] not in units:
        raise QueryError(f"Invalid number: {text} for {term.key}")
    return value is not None and COMPARING[term.operator](float(value), float(number[1]) * units[number[2]])
