"""PagerDuty's Events API v2, standing in: queues events as the real one does, and has a page to look at them.

What the real one drops silently with 202 is dropped here too: an acknowledgement or a resolution without an open alert.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.rehearsal.standin import StandIn, body_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.requests import Request

ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
KEY_LENGTH = 32
LONGEST_SUMMARY, LONGEST_KEY = 1024, 255


class PagerDuty(StandIn):
    """Alerts by routing key and dedup key; changes in their order."""

    def __init__(self, directory: Path) -> None:
        """Know what it knew before."""
        routes = [
            Route("/v2/enqueue", self._enqueue, methods=["POST"]),
            Route("/v2/change/enqueue", self._change, methods=["POST"]),
        ]
        super().__init__("pagerduty", directory, routes)
        self.alerts = self.memory.shelf("alerts")
        self.changes = self.memory.shelf("changes")

    async def _enqueue(self, request: Request) -> Response:
        body = await body_of(request)
        if wrong := list(_wrong(body)):
            return _invalid(wrong)
        key = body.get("dedup_key") or uuid.uuid4().hex
        place = f"{body['routing_key']} {key}"
        alert = self.alerts.get(place)
        action = body["event_action"]
        if action == "trigger":
            events = alert["events"] if alert and alert["status"] != "resolved" else 0
            self.alerts[place] = {**body["payload"], "status": "triggered", "events": events + 1, "key": key}
        elif alert is not None and alert["status"] != "resolved":
            self.alerts[place] = {**alert, "status": f"{action.removesuffix('e')}ed"}
        answer = {"status": "success", "message": "Event processed", "dedup_key": key}
        return JSONResponse(answer, status_code=202)

    async def _change(self, request: Request) -> Response:
        body = await body_of(request)
        if wrong := [*_unkeyed(body), *_unsummed(body)]:
            return _invalid(wrong)
        self.changes[str(self.memory.number("change"))] = body["payload"]
        return JSONResponse({"status": "success", "message": "Change event processed"}, status_code=202)


def _wrong(body: Any) -> Iterator[str]:
    """Yield what the real one complains about."""
    yield from _unkeyed(body)
    if not isinstance(body, dict):
        return
    action = body.get("event_action")
    if action not in ACTIONS:
        yield f"'event_action' must be one of {', '.join(ACTIONS)}"
    key = body.get("dedup_key")
    if action in ACTIONS[1:] and not key:
        yield "'dedup_key' is missing or blank"
    if key and len(key) > LONGEST_KEY:
        yield "'dedup_key' is too long"
    if action == "trigger":
        yield from _unsummed(body)
        payload = body.get("payload") or {}
        if not payload.get("source"):
            yield "'payload.source' is missing or blank"
        if payload.get("severity") not in SEVERITIES:
            yield f"'payload.severity' must be one of {', '.join(SEVERITIES)}"


def _unkeyed(body: Any) -> Iterator[str]:
    if not isinstance(body, dict):
        yield "The body is no JSON object"
    elif not isinstance(body.get("routing_key"), str) or len(body["routing_key"]) != KEY_LENGTH:
        yield "'routing_key' must be 32 characters long"


def _unsummed(body: Any) -> Iterator[str]:
    payload = body.get("payload") if isinstance(body, dict) else None
    summary = payload.get("summary") if isinstance(payload, dict) else None
    if not isinstance(summary, str) or not summary:
        yield "'payload.summary' is missing or blank"
    elif len(summary) > LONGEST_SUMMARY:
        yield "'payload.summary' is too long"


def _invalid(errors: list[str]) -> Response:
    return JSONResponse(
        {"status": "invalid event", "message": "Event object is invalid", "errors": errors}, status_code=400
    )
