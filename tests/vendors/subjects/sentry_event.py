from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from ci.rehearsal.sentry import Sentry
from ci.vendors.sentry_event import send_probe
from tests.vendors.hostile import Asked, Subject

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from ci.vendors.exchange import Patience

KEY = "a" * 32


def standing(directory: Path) -> Sentry:
    """Return a Sentry whose first project has the key that is known here."""
    stand_in = Sentry(directory)
    stand_in.store.projects["api"] = {**stand_in.store.projects["api"], "key": KEY}
    return stand_in


class Sender:
    """What is asked to send a test event."""

    def __init__(self, address: str, patience: Patience, transport: httpx.AsyncBaseTransport | None) -> None:
        """Take the address, of which a DSN is made."""
        self.dsn = address.replace("://", f"://{KEY}@") + "/1"
        self.patience = patience
        self.transport = transport

    async def __aenter__(self) -> Self:
        """Nothing to do."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""

    async def probe(self) -> str:
        """Send a test event."""
        return await send_probe(
            self.dsn, "t", release="api@1", environment="production", patience=self.patience, transport=self.transport
        )


def events(stand_in: Any) -> int:
    """Count the events that it has."""
    return len(stand_in.store.events)


SUBJECT = Subject(
    name="sentry event",
    stand_in=standing,
    connect=Sender,
    secrets=(KEY,),
    asked={"probe": Asked(run=lambda it: it.probe(), effects=events)},
)
