"""Stripe's events and webhooks: each event is kept, signed with its endpoint's secret, and delivered, again if need be.

https://docs.stripe.com/webhooks. What is not delivered when the stand-in ends is delivered after its next start.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import math
import random
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import httpx

from ci.rehearsal.stripe_forms import Form, RefusedError
from ci.rehearsal.stripe_store import PAGING, new_id, now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.rehearsal.memory import Memory
    from ci.rehearsal.stripe_store import Store

AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
WAIT = 10.0  # seconds that an app has to answer
ENDPOINT = ("url", "enabled_events", "description", "metadata", "disabled", "expand")


def signature(secret: str, payload: bytes, moment: int) -> str:
    """Return the header that proves to an app who sent this: https://docs.stripe.com/webhooks#verify-manually."""
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={moment},v1={signed}"


def create_endpoint(store: Store, form: Form) -> dict[str, Any]:
    """Make a webhook endpoint; its secret is told here, and never again."""
    form.allow((*ENDPOINT, "api_version"))
    url, kinds = form.needed("url"), form.several("enabled_events")
    if not kinds:
        message = "Missing required param: enabled_events."
        raise RefusedError(message, code="parameter_missing", param="enabled_events")
    _check(url)
    made: dict[str, Any] = {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": form.text("api_version"),
        "application": None,
        "created": now(),
        "description": form.text("description"),
        "enabled_events": kinds,
        "livemode": store.live,
        "metadata": form.metadata(),
        "status": "enabled",
        "url": url,
    }
    secret = f"whsec_{secrets.token_hex(16)}"
    store.shelf("secrets")[made["id"]] = secret
    return {**store.put(made), "secret": secret}


def update_endpoint(store: Store, form: Form, identity: str) -> dict[str, Any]:
    """Change one."""
    form.allow(ENDPOINT)
    known = store.get(identity, "we")
    _check(form.text("url") or known["url"])
    disabled = form.truth("disabled", fallback=known["status"] == "disabled")
    changes = {
        "url": form.text("url") or known["url"],
        "enabled_events": form.several("enabled_events") or known["enabled_events"],
        "status": "disabled" if disabled else "enabled",
        "metadata": form.metadata(known["metadata"]),
    }
    return store.put({**known, **changes})


def list_endpoints(store: Store, form: Form) -> dict[str, Any]:
    """List them."""
    form.allow(PAGING)
    return store.listed("/v1/webhook_endpoints", list(store.shelf("endpoints").values()), form)


def delete_endpoint(store: Store, form: Form, identity: str) -> dict[str, Any]:
    """Take one away."""
    form.allow(())
    store.get(identity, "we")
    del store.shelf("endpoints")[identity]
    return {"id": identity, "object": "webhook_endpoint", "deleted": True}


def list_events(store: Store, form: Form) -> dict[str, Any]:
    """List what happened, by type."""
    form.allow((*PAGING, "type", "types"))
    kinds = [*form.several("types"), *filter(None, [form.text("type")])]
    known = [each for each in store.shelf("events").values() if not kinds or each["type"] in kinds]
    return store.listed("/v1/events", known, form)


def _check(url: str) -> None:
    """Refuse an endpoint anywhere but here: a rehearsal sends nothing over a network."""
    host = urlsplit(url).hostname or ""
    try:
        near = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = False
    if urlsplit(url).scheme not in {"http", "https"} or not near:
        raise RefusedError("Invalid URL: the stand-in delivers to http addresses of this machine only.", param="url")


class Deliveries:
    """What is still to be delivered. `pauses` are the seconds before each further try; after them it is given up.

    Each endpoint has its own, one after the other, so that none waits for another one. With `unruly` each event comes
    twice, at any two moments within these seconds, as Stripe reserves the right to: in no order, and more than once.
    """

    def __init__(self, memory: Memory, pauses: Sequence[float], unruly: float = 0.0) -> None:
        """Know what was left undelivered."""
        self._waiting = memory.shelf("deliveries")
        self._pauses = pauses
        self._unruly = unruly
        self._at_work: set[str] = set()  # endpoints that are being delivered to
        self._woken: anyio.Event | None = None

    def tell(self, store: Store, kind: str, about: dict[str, Any], before: dict[str, Any] | None) -> None:
        """Keep an event, and have it delivered to the endpoints that want it."""
        endpoints = [
            each
            for each in store.shelf("endpoints").values()
            if each["status"] == "enabled" and ("*" in each["enabled_events"] or kind in each["enabled_events"])
        ]
        data = {"object": about, **({"previous_attributes": before} if before and ".updated" in kind else {})}
        event: dict[str, Any] = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": store.version,
            "created": now(),
            "data": data,
            "livemode": store.live,
            "pending_webhooks": len(endpoints),
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        store.shelf("events")[event["id"]] = event
        for each in endpoints:
            secret = store.shelf("secrets")[each["id"]]
            payload = json.dumps({**event, "api_version": each["api_version"] or store.version}, indent=2)
            for again in ("", " again") if self._unruly else ("",):
                self._waiting[f"{event['id']} {each['id']}{again}"] = {
                    "url": each["url"],
                    "secret": secret,
                    "payload": payload,
                    "tries": 0,
                    "next": time.time() + random.uniform(0.0, self._unruly),  # noqa: S311 - nothing hangs on it
                }
        self._wake()

    async def deliver(self) -> None:
        """Deliver what waits and what comes meanwhile, until it is cancelled."""
        async with httpx.AsyncClient(timeout=WAIT, trust_env=False) as client, anyio.create_task_group() as group:
            while True:
                self._woken = anyio.Event()
                times: dict[str, float] = {}
                for key, waiting in self._waiting.items():
                    times[_endpoint(key)] = min(times.get(_endpoint(key), math.inf), waiting["next"])
                for endpoint, moment in times.items():
                    if moment <= time.time() and endpoint not in self._at_work:
                        self._at_work.add(endpoint)
                        group.start_soon(self._deliver_to, client, endpoint)
                later = min((moment for each, moment in times.items() if each not in self._at_work), default=math.inf)
                with anyio.move_on_after(max(0.0, later - time.time())):
                    await self._woken.wait()

    async def _deliver_to(self, client: httpx.AsyncClient, endpoint: str) -> None:
        """Deliver to an endpoint what it is time for."""
        try:
            while found := self._due(endpoint):
                key, waiting = found
                if await _post(client, waiting) or waiting["tries"] >= len(self._pauses):
                    self._waiting.pop(key, None)
                else:
                    later = time.time() + self._pauses[waiting["tries"]]
                    self._waiting[key] = {**waiting, "tries": waiting["tries"] + 1, "next": later}
        finally:
            self._at_work.discard(endpoint)
            self._wake()

    def _due(self, endpoint: str) -> tuple[str, dict[str, Any]] | None:
        known = [each for each in self._waiting.items() if _endpoint(each[0]) == endpoint]
        due = [each for each in known if each[1]["next"] <= time.time()]
        return min(due, key=lambda each: each[1]["next"], default=None)

    def _wake(self) -> None:
        if self._woken is not None:
            self._woken.set()


def _endpoint(key: str) -> str:
    return key.split(" ")[1]


async def _post(client: httpx.AsyncClient, waiting: dict[str, Any]) -> bool:
    """Deliver once, and say whether the app took it: any 2xx."""
    payload = waiting["payload"].encode()
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": AGENT,
        "stripe-signature": signature(waiting["secret"], payload, now()),
    }
    try:
        answer = await client.post(waiting["url"], content=payload, headers=headers)
    except httpx.HTTPError:
        return False
    return answer.is_success
