"""Mailpit: a mailbox for tests, which takes every mail that is handed to its SMTP side.

https://mailpit.axllent.org/docs/api-v1/. A mail's source is read, not the mail itself: that would mark it as read.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import AliasPath, AwareDatetime, Field

from ci.vendors.adapter import Adapter
from ci.vendors.answers import Answer, Dialect
from ci.vendors.exchange import Exchange, Patience, segment

if TYPE_CHECKING:
    import httpx

PAGE = 50
DONE, GONE = b"ok", b"404 page not found"


@dataclass(frozen=True, kw_only=True)
class About:
    """What runs there, and how many mails it has."""

    version: Annotated[str, Field(alias="Version")]
    mails: Annotated[int, Field(alias="Messages")]
    unread: Annotated[int, Field(alias="Unread")]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A mail as a search tells of it. `message_id` is without angle brackets; `size` is of its source, in bytes."""

    id: Annotated[str, Field(alias="ID")]
    message_id: Annotated[str, Field(alias="MessageID")]
    subject: Annotated[str, Field(alias="Subject")]
    sender: Annotated[str, Field(validation_alias=AliasPath("From", "Address"))]
    created: Annotated[AwareDatetime, Field(alias="Created")]
    size: Annotated[int, Field(alias="Size")]
    read: Annotated[bool, Field(alias="Read")]


@dataclass(frozen=True, kw_only=True)
class _Page:
    messages: tuple[Summary, ...]
    messages_count: int


def _said(answer: Answer) -> tuple[str, str | None]:
    """Its errors are plain text."""
    return answer.content.decode(errors="replace"), None


DIALECT = Dialect(vendor="Mailpit", said=_said)


class Mailpit(Adapter):
    """One mailbox."""

    async def about(self) -> About:
        """Return what runs there. Raises VendorError."""
        return self.exchange.read(await self.exchange.ask("GET", "/api/v1/info"), About, what="about Mailpit")

    async def search(self, query: str, *, most: int = PAGE) -> tuple[Summary, ...]:
        """Return the mails that meet a query, the newest first. Raises VendorError.

        https://mailpit.axllent.org/docs/usage/search-filters/ has what a query can be.
        """
        found: list[Summary] = []
        while True:
            asked: dict[str, str | int] = {"query": query, "start": len(found), "limit": min(PAGE, most - len(found))}
            answer = await self.exchange.ask("GET", "/api/v1/search", query=asked)
            page = self.exchange.read(answer, _Page, what="a search")
            found += page.messages
            if not page.messages or len(found) >= min(most, page.messages_count):
                return tuple(found)

    async def source(self, mail: Summary) -> bytes | None:
        """Return a mail's source, None where it is gone. It stays unread. Raises VendorError."""
        path = f"/api/v1/message/{segment(mail.id)}/raw"
        answer = await self.exchange.ask("GET", path, accept=(200, 404), plain=True)
        if answer.status == 404 and answer.content.strip() == GONE:  # noqa: PLR2004 - HTTP's
            return None
        if len(answer.content) != mail.size:
            raise self.exchange.wrong(f"GET {path}", f"{len(answer.content)} bytes instead of {mail.size}")
        return answer.content

    async def remove(self, ids: Iterable[str]) -> None:
        """Delete these mails, and no others. Raises VendorError."""
        named = list(ids)
        if not named:  # Mailpit would empty the mailbox
            return
        answer = await self.exchange.ask("DELETE", "/api/v1/messages", body={"IDs": named}, plain=True)
        if answer.content != DONE:
            raise self.exchange.wrong("DELETE /api/v1/messages", "it does not say ok")


def connect(
    address: str,
    *,
    user: str = "",
    password: str = "",
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Mailpit:
    """Return the client of a mailbox; with a user where its interface asks for one."""
    given = base64.b64encode(f"{user}:{password}".encode()).decode()
    authorization = {"authorization": f"Basic {given}"} if user else None
    secrets = {"Mailpit's password": password} if password else None
    return Mailpit(
        Exchange(DIALECT, address, authorization=authorization, secrets=secrets, patience=patience, transport=transport)
    )
