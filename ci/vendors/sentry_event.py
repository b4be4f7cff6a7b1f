"""Events of Shipway's own, sent as an application's SDK would send them: test events, and what a drill pretends.

Before zero errors count as good news, a test event must come back through the API: `Sentry.arrived(event)`. What a
drill pretends is counted as what users met, unlike that; it bears a tag of its own, by which people know it. All are
made by sentry-sdk with a client of its own, so that nothing of Shipway's own set-up is in them, and are sent by us, so
that a refusal is told: an SDK keeps such things to itself.
"""

from __future__ import annotations

import gzip
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.errors import Trouble, VendorError
from ci.vendors.exchange import Exchange, Patience
from ci.vendors.sentry_calls import DIALECT
from ci.vendors.sentry_query import TAG

if TYPE_CHECKING:
    import httpx
    from sentry_sdk.envelope import Envelope

PROBE = "probe"  # the tag's value
DRILL = f"{TAG}.drill"  # the tag of what is pretended; TAG itself would leave it out of every count


@dataclass(frozen=True, kw_only=True)
class _Made:
    """An event in its envelope, where that goes, and what shows who sends it, with the key in it."""

    event: str
    envelope: Envelope
    address: str
    path: str
    shown: tuple[str, str]


async def send_probe(
    dsn: str,
    token: str,
    *,
    release: str,
    environment: str,
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> str:
    """Send a test event and return its id. `token` tells this try from others; all tries are one issue.

    Raises VendorError, ValueError for a DSN that is none.
    """
    event = {
        "level": "info",
        "logger": "shipway",
        "message": "Shipway asks whether errors of this environment are seen",
        "fingerprint": ["shipway", PROBE],
        "tags": {TAG: PROBE, f"{TAG}.token": token},
    }
    made = _made(dsn, event, release=release, environment=environment)
    return await _send(made, "the test event", patience=patience, transport=transport)


async def pretend_error(dsn: str, drill: str, user: str, *, release: str, environment: str) -> str:
    """Send an error that a user is pretended to have had, and return its id; all of one drill are one issue.

    Raises as `send_probe`.
    """
    said = "this error is part of a drill of Shipway: nothing is wrong"
    event = {
        "level": "error",
        "logger": "shipway",
        "exception": {"values": [{"type": "ShipwayDrill", "value": said}]},
        "fingerprint": ["shipway", "drill", drill],
        "user": {"id": user},
        "tags": {DRILL: drill},
    }
    return await _send(_made(dsn, event, release=release, environment=environment), "an error of a drill")


async def pretend_request(dsn: str, drill: str, user: str, *, seconds: float, release: str, environment: str) -> str:
    """Send a request that a user is pretended to have made, which took so long, and return its id.

    Raises as `send_probe`.
    """
    now = time.time()
    trace = {"trace_id": secrets.token_hex(16), "span_id": secrets.token_hex(8), "op": "http.server", "status": "ok"}
    event = {
        "type": "transaction",
        "transaction": "GET /shipway-drill",
        "transaction_info": {"source": "route"},
        "start_timestamp": now - seconds,
        "timestamp": now,
        "contexts": {"trace": trace},
        "spans": [],
        "user": {"id": user},
        "tags": {DRILL: drill},
    }
    return await _send(_made(dsn, event, release=release, environment=environment), "a request of a drill")


async def _send(
    made: _Made,
    what: str,
    *,
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> str:
    key = {"the DSN's key": made.shown[1]}
    headers = {
        "x-sentry-auth": made.shown[0],
        "content-type": "application/x-sentry-envelope",
        "content-encoding": "gzip",
    }
    exchange = Exchange(DIALECT, made.address, secrets=key, patience=patience, transport=transport)
    async with exchange.client:
        content = gzip.compress(made.envelope.serialize())
        # An event that comes twice is kept once, by its id.
        answer = await exchange.ask("POST", made.path, content=content, headers=headers, repeatable=True)
        taken = exchange.read(answer, dict[str, Any], what=f"what became of {what}").get("id")
    if taken != made.event:
        told = f"Sentry {Trouble.UNREADABLE.value}: it does not say that it took {what}"
        raise VendorError(told, trouble=Trouble.UNREADABLE)
    return made.event


def _made(dsn: str, event: dict[str, Any], *, release: str, environment: str) -> _Made:
    """Have the SDK make an event. Raises ValueError for a DSN that is none."""
    import sentry_sdk  # noqa: PLC0415 - it costs a fifth of a second, which other commands must not pay
    from sentry_sdk.consts import EndpointType  # noqa: PLC0415 - as above
    from sentry_sdk.transport import Transport  # noqa: PLC0415 - as above
    from sentry_sdk.utils import BadDsn, Dsn  # noqa: PLC0415 - as above

    kept: list[Envelope] = []

    class Keeping(Transport):
        """Sends nothing: what the client made is kept."""

        def capture_envelope(self, envelope: Envelope) -> None:
            kept.append(envelope)

    try:
        known = Dsn(dsn)
    except BadDsn:
        raise ValueError("the DSN of Sentry is not of the form https://KEY@HOST/PROJECT") from None
    client = sentry_sdk.Client(
        dsn=dsn,
        release=release,
        environment=environment,
        server_name="shipway",
        transport=Keeping,
        default_integrations=False,  # they would hook into this process
        auto_session_tracking=False,
        send_client_reports=False,
        spotlight=False,
        traces_sample_rate=0,
        sample_rate=1.0,
    )
    try:
        identity = client.capture_event(event)  # type: ignore[arg-type]  # its fields, all known to Sentry
    finally:
        client.close(timeout=0)
    if identity is None or len(kept) != 1:
        raise AssertionError("the SDK made no event")  # pragma: no cover - nothing in its options lets it drop one
    auth = known.to_auth("shipway")
    whole = auth.get_api_url(EndpointType.ENVELOPE)
    address, _, path = whole.partition("/api/")
    return _Made(
        event=identity,
        envelope=kept[0],
        address=address,
        path=f"/api/{path}",
        shown=(str(auth.to_header()), str(known.public_key)),
    )
