"""Envelopes as SDKs make them, by hand, for what a test wants exactly so; the SDKs themselves are in test_clients_*."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from ci.rehearsal.sentry import Sentry


def error(kind: str = "TypeError", said: str = "x is undefined", **more: Any) -> dict[str, Any]:
    """Return an error event of one kind; `place` is the function that raised it."""
    place = more.pop("place", "pay")
    frames = [
        {"filename": "node:internal", "function": "run", "in_app": False},
        {"filename": "src/pay.ts", "function": place, "lineno": 7, "in_app": True, "context_line": "x.y()"},
        {"filename": "node_modules/hono.js", "function": "compose", "in_app": False},
    ]
    values = [{"type": kind, "value": said, "stacktrace": {"frames": frames}, "mechanism": {"handled": False}}]
    base = {"event_id": uuid.uuid4().hex, "timestamp": time.time(), "platform": "node", "level": "error"}
    return {**base, "exception": {"values": values}, "release": "api@1", "environment": "production", **more}


def transaction(
    name: str = "GET /receipts", milliseconds: float = 20, status: int = 200, **more: Any
) -> dict[str, Any]:
    """Return a transaction of one request, with one span of a query in it."""
    ended = more.pop("timestamp", time.time())
    started = ended - milliseconds / 1000
    trace = {"trace_id": uuid.uuid4().hex, "span_id": uuid.uuid4().hex[:16], "op": "http.server", "status": "ok"}
    span = {"span_id": uuid.uuid4().hex[:16], "op": "db", "description": "select 1", "start_timestamp": started}
    return {
        "event_id": uuid.uuid4().hex,
        "type": "transaction",
        "transaction": name,
        "start_timestamp": started,
        "timestamp": ended,
        "contexts": {"trace": trace, "response": {"status_code": status}},
        "spans": [{**span, "timestamp": ended}],
        "release": "api@1",
        "environment": "production",
        **more,
    }


def session(release: str, *, crashed: bool = False, **more: Any) -> dict[str, Any]:
    """Return a session that is over."""
    return {
        "sid": str(uuid.uuid4()),
        "init": True,
        "started": time.time(),
        "status": "crashed" if crashed else "exited",
        "errors": 1 if crashed else 0,
        "attrs": {"release": release, "environment": "production"},
        **more,
    }


def packed(*items: tuple[str, dict[str, Any]], headers: dict[str, Any] | None = None) -> bytes:
    """Return the envelope of the items."""
    lines = [json.dumps(headers or {})]
    for kind, payload in items:
        body = json.dumps(payload)
        lines += [json.dumps({"type": kind, "length": len(body.encode())}), body]
    return "\n".join(lines).encode()


async def send(stand_in: Sentry, address: str, *items: tuple[str, dict[str, Any]], project: str = "api") -> None:
    """Send each item in an envelope of its own, as an application of the project does."""
    async with httpx.AsyncClient(trust_env=False) as client:
        for item in items:
            answer = await deliver(client, stand_in.dsn(address, project), packed(item))
            assert answer.status_code == 200, answer.text


async def deliver(
    client: httpx.AsyncClient, dsn: str, body: bytes, *, encoding: str = "", key: str | None = None
) -> httpx.Response:
    """Post an envelope to where a DSN leads."""
    parts = urlsplit(dsn)
    headers = {"x-sentry-auth": f"Sentry sentry_version=7, sentry_key={key or parts.username}"}
    if encoding:
        headers["content-encoding"] = encoding
    address = f"{parts.scheme}://{parts.hostname}:{parts.port}/api{parts.path}/envelope/"
    return await client.post(address, content=body, headers=headers)
