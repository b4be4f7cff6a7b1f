"""A tagged test event, sent as an application's SDK would send it, to prove that the monitor is alive.

Before zero errors count as good news, this event must come back through the API: `Sentry.arrived(event)`. It is made
by sentry-sdk with a client of its own, so that nothing of Shipway's own set-up is in it, and is sent by us, so that a
refusal is told: an SDK keeps such things to itself.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

from ci.errors import Trouble, VendorError
from ci.vendors.exchange import Exchange, Patience
from ci.vendors.sentry_calls import DIALECT
from ci.vendors.sentry_query import TAG

if TYPE_CHECKING:
    import httpx
    from sentry_sdk.envelope import Envelope

PROBE = "probe"  # the tag's value


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
    event, envelope, address, path, shown = _made(dsn, token, release=release, environment=environment)
    key = {"the DSN's key": shown[1]}
    headers = {
        "x-sentry-auth": shown[0],
        "content-type": "application/x-sentry-envelope",
        "content-encoding": "gzip",
    }
    exchange = Exchange(DIALECT, address, secrets=key, patience=patience, transport=transport)
    async with exchange.client:
        content = gzip.compress(envelope.serialize())
        # An event that comes twice is kept once, by its id.
        answer = await exchange.ask("POST", path, content=content, headers=headers, repeatable=True)
        taken = exchange.read(answer, dict[str, Any], what="what became of the test event").get("id")
    if taken != event:
        told = f"Sentry {Trouble.UNREADABLE.value}: it does not say that it took the test event"
        raise VendorError(told, trouble=Trouble.UNREADABLE)
    return event


def _made(dsn: str, token: str, *, release: str, environment: str) -> tuple[str, Envelope, str, str, tuple[str, str]]:
    """Return the event's id, the envelope, its address and path, and what shows who sends it, with the key in it."""
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
        event = client.capture_event(
            {
                "level": "info",
                "logger": "shipway",
                "message": "Shipway asks whether errors of this environment are seen",
                "fingerprint": ["shipway", PROBE],
                "tags": {TAG: PROBE, f"{TAG}.token": token},
            }
        )
    finally:
        client.close(timeout=0)
    if event is None or len(kept) != 1:
        raise AssertionError("the SDK made no event")  # pragma: no cover - nothing in its options lets it drop one
    auth = known.to_auth("shipway")
    whole = auth.get_api_url(EndpointType.ENVELOPE)
    address, _, path = whole.partition("/api/")
    return event, kept[0], address, f"/api/{path}", (str(auth.to_header()), str(known.public_key))
