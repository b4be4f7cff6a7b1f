"""Spans, out of transactions and out of streams of spans, as rows of one form."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ci.rehearsal.sentry.store import moment_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def of_transaction(event: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the transaction itself and the spans in it. `row` is the event's own."""
    trace = (event.get("contexts") or {}).get("trace") or {}
    started = moment_of(event.get("start_timestamp")) or row["timestamp"]
    shared = {
        "project": row["project"],
        "received": row["received"],
        "transaction": row["transaction"],
        "release": row["release"],
        "environment": row["environment"],
        "user_key": row["user_key"],
        "trace": str(trace.get("trace_id") or row["id"]),
        "level": row["level"],
    }
    root = {**trace, "description": row["transaction"], "start_timestamp": started, "timestamp": row["timestamp"]}
    yield _row(root, shared, whole=True, status=row["http_status"], tags=row["tags"])
    for span in event.get("spans") or ():
        if isinstance(span, dict):
            yield _row(span, shared, whole=False, status=None, tags=span.get("tags") or {})


def _row(
    span: Mapping[str, Any], shared: Mapping[str, Any], *, whole: bool, status: int | None, tags: Mapping[str, Any]
) -> dict[str, Any]:
    data = span.get("data") or {}
    ended = moment_of(span.get("timestamp")) or time.time()
    started = moment_of(span.get("start_timestamp")) or ended
    return {
        **shared,
        "id": str(span.get("span_id")),
        "timestamp": ended,
        "duration": (ended - started) * 1000,
        "op": span.get("op") or "default",
        "description": span.get("description") or "",
        "status": span.get("status") or "unknown",
        "whole": whole,
        "http_status": _number(status if status is not None else data.get("http.response.status_code")),
        "tags": {name: str(value) for name, value in {**data, **tags}.items() if isinstance(value, str | int | float)},
    }


def of_stream(body: Mapping[str, Any], project: str) -> Iterator[dict[str, Any]]:
    """Yield the spans of a container: https://develop.sentry.dev/sdk/telemetry/spans/span-protocol/."""
    for span in body.get("items") or ():
        attributes = {name: (each or {}).get("value") for name, each in (span.get("attributes") or {}).items()}
        ended = moment_of(span.get("end_timestamp")) or time.time()
        started = moment_of(span.get("start_timestamp")) or ended
        user = attributes.get("user.id") or attributes.get("user.email")
        yield {
            "project": project,
            "received": time.time(),
            "transaction": attributes.get("sentry.segment.name")
            or (span.get("name") if span.get("is_segment") else ""),
            "release": attributes.get("sentry.release"),
            "environment": attributes.get("sentry.environment"),
            "user_key": f"id:{user}" if user else None,
            "trace": str(span.get("trace_id")),
            "level": "info",
            "id": str(span.get("span_id")),
            "timestamp": ended,
            "duration": (ended - started) * 1000,
            "op": attributes.get("sentry.op") or "default",
            "description": span.get("name") or "",
            "status": span.get("status") or "unknown",
            "whole": bool(span.get("is_segment")),
            "http_status": _number(attributes.get("http.response.status_code")),
            "tags": {name: str(value) for name, value in attributes.items() if isinstance(value, str | int | float)},
        }


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else None
