"""PagerDuty's Events API v2, standing in: queues events as the real one does; its page, `/`, shows the incidents.

What the real one drops silently with 202 is dropped here too: an acknowledgement or a resolution without an open alert.
"""

from __future__ import annotations

import datetime
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.rehearsal.pages import page
from ci.rehearsal.standin import StandIn, body_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from starlette.requests import Request

ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
KEY_LENGTH = 32
LONGEST_SUMMARY, LONGEST_KEY = 1024, 255
LARGEST = 512 * 1024  # bytes of an event
CALLS, WINDOW = 120, 60.0  # for each routing key
TEXTS = ("component", "group", "class")


class PagerDuty(StandIn):
    """Alerts by routing key and dedup key, each as its last incident; all incidents, and changes, in their order.

    `keys` are the routing keys of the account; without them it is any that could be one. `calls` are what each may ask
    for in a minute.
    """

    def __init__(self, directory: Path, *, keys: Collection[str] | None = None, calls: int = CALLS) -> None:
        """Know what it knew before."""
        routes = [
            Route("/v2/enqueue", self._enqueue, methods=["POST"]),
            Route("/v2/change/enqueue", self._change, methods=["POST"]),
            Route("/", self._page, methods=["GET"]),
        ]
        super().__init__("pagerduty", directory, routes, hosts=("events.pagerduty.com",))
        self.keys = keys
        self.allowed = calls
        self.alerts = self.memory.shelf("alerts")
        self.incidents = self.memory.shelf("incidents")
        self.changes = self.memory.shelf("changes")
        self._asked: dict[str, list[float]] = {}

    async def _enqueue(self, request: Request) -> Response:
        body = await body_of(request)
        if (refused := await self._refusal(request, body, list(_wrong(body)))) is not None:
            return refused
        key = body.get("dedup_key") or uuid.uuid4().hex
        place = f"{body['routing_key']} {key}"
        alert = self.alerts.get(place)
        open_ = alert if alert is not None and alert["status"] != "resolved" else None
        action = body["event_action"]
        if action == "trigger":
            opened = {"status": "triggered", "events": 0, "key": key, "moment": time.time()}
            known = open_ or {**opened, "incident": str(self.memory.number("incident"))}
            # One that is being looked at stays so: it takes no second page.
            self._keep(place, {**known, **body["payload"], "events": known["events"] + 1})
        elif open_ is not None:
            self._keep(place, {**open_, "status": f"{action.removesuffix('e')}ed"})
        answer = {"status": "success", "message": "Event processed", "dedup_key": key}
        return JSONResponse(answer, status_code=HTTPStatus.ACCEPTED)

    async def _change(self, request: Request) -> Response:
        body = await body_of(request)
        wrong = [*_unkeyed(body), *_unsummed(body)]
        if not wrong and body["routing_key"].startswith("R"):
            wrong = ["'routing_key' is that of a ruleset, which takes no changes"]
        if (refused := await self._refusal(request, body, wrong)) is not None:
            return refused
        self.changes[str(self.memory.number("change"))] = body["payload"]
        answer = {"status": "success", "message": "Change event processed"}
        return JSONResponse(answer, status_code=HTTPStatus.ACCEPTED)

    async def _page(self, _request: Request) -> Response:
        found = [self.incidents[number] for number in reversed(list(self.incidents))]
        shown = [{**each, "moment": _written(each["moment"])} for each in found]
        return page("alerts.html", incidents=shown)

    def _keep(self, place: str, alert: dict[str, Any]) -> None:
        self.alerts[place] = alert
        self.incidents[alert["incident"]] = alert

    async def _refusal(self, request: Request, body: Any, wrong: list[str]) -> Response | None:
        """Return what an event is refused with."""
        if len(await request.body()) > LARGEST:
            wrong = ["The event is larger than 512 KB"]
        if not wrong and self.keys is not None and body["routing_key"] not in self.keys:
            wrong = ["'routing_key' is none of this account"]
        if wrong:
            return _invalid(wrong)
        now, key = time.monotonic(), body["routing_key"]
        recent = [moment for moment in self._asked.get(key, ()) if now - moment < WINDOW]
        self._asked[key] = [*recent, now] if len(recent) < self.allowed else recent
        if len(recent) < self.allowed:
            return None
        told = "Requests for this service are arriving too quickly. Please retry later."
        answer = {"status": "throttle exceeded", "message": told, "errors": ["Enhance Your Calm."]}
        return JSONResponse(answer, status_code=HTTPStatus.TOO_MANY_REQUESTS)


def _wrong(body: Any) -> Iterator[str]:
    """Yield what the real one complains about."""
    yield from _unkeyed(body)
    if not isinstance(body, dict):
        return
    action, key = body.get("event_action"), body.get("dedup_key")
    if action not in ACTIONS:
        yield f"'event_action' must be one of {', '.join(ACTIONS)}"
    if action in ACTIONS[1:] and not key:
        yield "'dedup_key' is missing or blank"
    if key is not None and not isinstance(key, str):
        yield "'dedup_key' must be a string"
    elif key and len(key) > LONGEST_KEY:
        yield "'dedup_key' is too long"
    for name in ("links", "images"):
        listed = body.get(name) or []
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            yield f"'{name}' must be a list of objects"
    if action == "trigger":
        yield from _unsummed(body)
        yield from _unsound(body.get("payload"))


def _unsound(payload: Any) -> Iterator[str]:
    """Yield what is wrong with an alert beside its summary."""
    if not isinstance(payload, dict):
        return
    if not isinstance(payload.get("source"), str) or not payload["source"]:
        yield "'payload.source' is missing or blank"
    if payload.get("severity") not in SEVERITIES:
        yield f"'payload.severity' must be one of {', '.join(SEVERITIES)}"
    for name in TEXTS:
        if not isinstance(payload.get(name) or "", str):
            yield f"'payload.{name}' must be a string"


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
    moment = payload.get("timestamp") if isinstance(payload, dict) else None
    if moment is not None and not _is_moment(moment):
        yield "'payload.timestamp' is no time of ISO 8601"


def _is_moment(given: Any) -> bool:
    try:
        datetime.datetime.fromisoformat(given)
    except (TypeError, ValueError):
        return False
    return True


def _written(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _invalid(errors: list[str]) -> Response:
    answer = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
    return JSONResponse(answer, status_code=HTTPStatus.BAD_REQUEST)
