"""PagerDuty's Events API v2: pages people, and is told of changes.

https://developer.pagerduty.com/docs/events-api-v2-overview. It has no read side: 202 means that an event was queued.
Our own `dedup_key` is what makes a page one page, however often it is sent; a change event has none, and is sent once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ci.text import clean
from ci.vendors.adapter import Adapter, short_key
from ci.vendors.answers import UNDONE, Answer, Dialect, pause
from ci.vendors.exchange import Exchange, Patience

if TYPE_CHECKING:
    import httpx

ADDRESS = "https://events.pagerduty.com/v2"
LONGEST_SUMMARY = 1024
LONGEST_KEY = 255
KEY_LENGTH = 32  # of a routing key
LONGEST_DETAILS = 100_000  # characters, four bytes each at most: an event has at most 512 KB
PAUSE = 30.0  # seconds after 429, which is not told how long to wait
PATIENCE = Patience(whole=100.0)  # for three such pauses: a page is worth them
CLIENT = "Shipway"


class Severity(enum.StrEnum):
    """How bad it is, in PagerDuty's words."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """What a person is woken for. `key` is the incident's own: all events with it are one alert.

    `source` is what is ill (an environment's address), `links` are (address, text), `details` are shown as a table.
    """

    key: str
    summary: str
    source: str
    severity: Severity
    links: tuple[tuple[str, str], ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


def _said(answer: Answer) -> tuple[str, str | None]:
    try:
        body = answer.json()
    except ValueError:
        return "", None
    if not isinstance(body, dict):
        return "", None
    errors = body.get("errors")
    more = "; ".join(map(str, errors)) if isinstance(errors, list) else ""
    return ": ".join(filter(None, (str(body.get("message", "")), more))), None


def _pause(answer: Answer) -> float | None:
    asked = pause(answer)
    return PAUSE if asked is None and answer.status in UNDONE else asked


DIALECT = Dialect(vendor="PagerDuty", said=_said, pause=_pause)


def _fitting(details: Mapping[str, str]) -> dict[str, str]:
    """Return the details, the long ones cut, so that all of them together go into one event."""
    most = LONGEST_DETAILS // max(1, len(details))
    cleaned = {name: clean(value) for name, value in details.items()}
    return {name: value if len(value) <= most else f"{value[: most - 1]}…" for name, value in cleaned.items()}


class PagerDuty(Adapter):
    """Sends events through one integration, whose routing key is the secret in every body."""

    def __init__(self, exchange: Exchange, routing_key: str) -> None:
        """Take the way there and the key."""
        super().__init__(exchange)
        self._key = routing_key

    @property
    def has_a_key(self) -> bool:
        """Whether the key looks like one."""
        return len(self._key) == KEY_LENGTH and self._key.isascii() and self._key.isalnum()

    @property
    def takes_changes(self) -> bool:
        """Whether changes can be recorded by this key: by that of a ruleset they cannot."""
        return not self._key.startswith("R")

    async def trigger(self, alert: Alert) -> None:
        """Open the alert, or add to it where it is open. Raises VendorError."""
        payload: dict[str, Any] = {
            "summary": alert.summary[:LONGEST_SUMMARY],
            "source": alert.source[:LONGEST_SUMMARY],
            "severity": alert.severity.value,
            "custom_details": _fitting(alert.details),
        }
        links = [{"href": address, "text": text} for address, text in alert.links]
        await self._enqueue("trigger", alert.key, payload=payload, links=links, client=CLIENT)

    async def acknowledge(self, key: str) -> None:
        """Say that somebody is at it. PagerDuty drops it silently where no alert is open. Raises VendorError."""
        await self._enqueue("acknowledge", key)

    async def resolve(self, key: str) -> None:
        """Close the alert. PagerDuty drops it silently where none is open. Raises VendorError."""
        await self._enqueue("resolve", key)

    async def change(self, summary: str, *, source: str, moment: str, links: tuple[tuple[str, str], ...] = ()) -> None:
        """Record a deployment, without paging. `moment` is RFC 3339, in UTC with Z. Raises VendorError."""
        body = {
            "routing_key": self._key,
            "payload": {"summary": summary[:LONGEST_SUMMARY], "source": source, "timestamp": moment},
            "links": [{"href": address, "text": text} for address, text in links],
        }
        await self.exchange.ask("POST", "/change/enqueue", body=body, accept=(202,), repeatable=False)

    async def _enqueue(self, action: str, key: str, **more: Any) -> None:
        body = {"routing_key": self._key, "event_action": action, "dedup_key": short_key(key, LONGEST_KEY), **more}
        await self.exchange.ask("POST", "/enqueue", body=body, accept=(202,), repeatable=True)


def connect(
    routing_key: str,
    *,
    address: str = ADDRESS,
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> PagerDuty:
    """Return the client of an integration. Accounts in Europe have another address: events.eu.pagerduty.com."""
    secrets = {"PagerDuty's routing key": routing_key}
    patience = patience or PATIENCE
    return PagerDuty(Exchange(DIALECT, address, secrets=secrets, patience=patience, transport=transport), routing_key)
