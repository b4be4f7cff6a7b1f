"""Resend: sends mails by an API, tells what became of them, and takes mails in for an inbound address.

https://resend.com/docs/api-reference. A mail is sent once for an `Idempotency-Key`, which Resend keeps for 24 hours:
who resumes later than that looks with `find` first. "delivered" means that the receiving server took it, not that it is
in an inbox; that is what ci/vendors/mailbox.py is for.
"""

from __future__ import annotations

import base64
import datetime
import enum
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AwareDatetime, BeforeValidator, Field

from ci.vendors import answers
from ci.vendors.adapter import Adapter, short_key
from ci.vendors.answers import Answer, Dialect
from ci.vendors.exchange import Exchange, Patience, segment
from ci.vendors.mail import Mail, Posted

if TYPE_CHECKING:
    import httpx

ADDRESS = "https://api.resend.com"
PAGE = 100  # the most that a list gives at once
MOST_PAGES = 100  # of one question; more would be no answer
MOST_ADDRESSES = 50  # of one mail
LONGEST_KEY = 256
SENT_OTHERWISE = "invalid_idempotent_request"  # the code of a refusal: the key was used for another mail today
QUOTAS = frozenset({"daily_quota_exceeded", "monthly_quota_exceeded"})
IN_FLIGHT = "concurrent_idempotent_requests"

T = TypeVar("T")


class Outcome(enum.Enum):
    """What `last_event` comes to."""

    UNDERWAY = "underway"
    ACCEPTED = "accepted by the receiving server"
    LOST = "lost"


_OUTCOMES = {
    Outcome.ACCEPTED: frozenset({"delivered", "opened", "clicked", "complained"}),
    Outcome.LOST: frozenset({"bounced", "failed", "suppressed", "canceled"}),
}


def _moment(value: object) -> object:
    """Complete the offset: Resend writes "2023-04-03 22:13:42.674981+00", which is no ISO 8601."""
    return re.sub(r"([+-]\d\d)$", r"\1:00", value) if isinstance(value, str) else value


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A mail that Resend has taken. `last_event` is its newest event alone."""

    id: str
    sender: Annotated[str, Field(alias="from")]
    to: tuple[str, ...]
    subject: str
    created: Annotated[Moment, Field(alias="created_at")]
    last_event: str
    message_id: str | None = None

    @property
    def outcome(self) -> Outcome:
        """Whether it arrived, by the newest event; a word that is not known yet leaves it underway."""
        return next((each for each, events in _OUTCOMES.items() if self.last_event in events), Outcome.UNDERWAY)


@dataclass(frozen=True, kw_only=True)
class Received:
    """A mail that came in, as the list has it. `message_id` is its header's, in angle brackets."""

    id: str
    sender: Annotated[str, Field(alias="from")]
    to: tuple[str, ...]
    created: Annotated[Moment, Field(alias="created_at")]
    message_id: str
    subject: str | None = None


@dataclass(frozen=True, kw_only=True)
class Incoming(Received):
    """The same with its text."""

    text: str | None = None
    html: str | None = None


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a domain may be used for: "enabled" or "disabled"."""

    sending: str = "enabled"
    receiving: str = "disabled"


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A domain of the account. One that is not "verified" sends nothing."""

    id: str
    name: str
    status: str
    capabilities: Capabilities = Capabilities()


@dataclass(frozen=True, kw_only=True)
class _Page:
    data: tuple[dict[str, Any], ...]
    has_more: bool = False


@dataclass(frozen=True, kw_only=True)
class _Made:
    id: str


def _pause(answer: Answer) -> float | None:
    """Return what `retry-after` or `ratelimit-reset` asks for, both in seconds."""
    return answers.pause(answer) or answers.number(answer.headers.get("ratelimit-reset", ""))


def _code(answer: Answer) -> str | None:
    return answers.said(answer)[1]


DIALECT = Dialect(
    vendor="Resend",
    pause=_pause,
    undone_by=lambda answer: answer.status == 409 and _code(answer) == IN_FLIGHT,  # noqa: PLR2004 - HTTP's conflict
    final=lambda answer: _code(answer) in QUOTAS,  # not before tomorrow, or next month
)


class Resend(Adapter):
    """One account, by an API key. A key that may only send gets 401 `restricted_api_key` for all else."""

    async def send(self, mail: Mail, *, key: str) -> Posted:
        """Send the mail; what is returned has the same id for the same key. Raises VendorError.

        Another mail with a key of the last 24 hours is refused, code SENT_OTHERWISE: the first one went out. For more
        than 50 addresses it is several mails, with keys that come of this one; the first one's id is returned.
        """
        posted = await self._send(mail, mail.to[:MOST_ADDRESSES], key)
        for first in range(MOST_ADDRESSES, len(mail.to), MOST_ADDRESSES):
            await self._send(mail, mail.to[first : first + MOST_ADDRESSES], f"{key} from {first}")
        return posted

    async def _send(self, mail: Mail, to: tuple[str, ...], key: str) -> Posted:
        body: dict[str, Any] = {"from": mail.sender, "to": list(to), "subject": mail.title, "text": mail.text}
        if mail.html is not None:
            body["html"] = mail.html
        if mail.headers:
            body["headers"] = dict(mail.headers)
        if mail.attachments:
            body["attachments"] = [
                {"filename": each.name, "content": base64.b64encode(each.content).decode(), "content_type": each.kind}
                for each in mail.attachments
            ]
        headers = {"idempotency-key": short_key(key, LONGEST_KEY)}
        answer = await self.exchange.ask("POST", "/emails", body=body, headers=headers, repeatable=True)
        return Posted(id=self.exchange.read(answer, _Made, what="a sent mail").id)

    async def sent(self, identity: str) -> Sent | None:
        """Return a mail and what became of it, None where there is none of this id. Raises VendorError."""
        return await self._one(f"/emails/{segment(identity)}", Sent, "a sent mail")

    async def find(self, *, to: str, subject: str, since: datetime.datetime) -> Sent | None:
        """Return the newest mail to an address with a subject, sent at `since` or later. Raises VendorError."""
        async for each in self._all("/emails", Sent, "the sent mails"):
            if each.created < since:
                return None
            if each.subject == subject and to in each.to:
                return each
        return None

    async def received(self, *, since: datetime.datetime, most: int = PAGE) -> tuple[Received, ...]:
        """Return the mails that came in at `since` or later, the newest first, `most` at most. Raises VendorError."""
        found: list[Received] = []
        async for each in self._all("/emails/receiving", Received, "the received mails"):
            if each.created < since or len(found) == most:
                break
            found.append(each)
        return tuple(found)

    async def incoming(self, identity: str) -> Incoming | None:
        """Return a mail that came in, with its text, None where there is none of this id. Raises VendorError."""
        return await self._one(f"/emails/receiving/{segment(identity)}", Incoming, "a received mail")

    async def domains(self) -> tuple[Domain, ...]:
        """Return the account's domains. Raises VendorError."""
        return tuple([each async for each in self._all("/domains", Domain, "the domains")])

    async def _one(self, path: str, kind: type[T], what: str) -> T | None:
        answer = await self.exchange.ask("GET", path, accept=(200, 404))
        return None if answer.status == 404 else self.exchange.read(answer, kind, what=what)  # noqa: PLR2004 - HTTP

    async def _all(self, path: str, kind: type[T], what: str) -> AsyncIterator[T]:
        """Yield what a list holds, page by page, the newest first."""
        query: dict[str, str | int] = {"limit": PAGE}
        for _ in range(MOST_PAGES):
            answer = await self.exchange.ask("GET", path, query=query)
            page = self.exchange.read(answer, _Page, what=what)
            for each in page.data:
                yield self.exchange.value(each, kind, what=what)
            last = page.data[-1].get("id") if page.data else None
            if not page.has_more or not isinstance(last, str):
                return
            if query.get("after") == last:
                break
            query["after"] = last
        raise self.exchange.wrong(what, "its pages have no end")


def connect(
    key: str,
    *,
    address: str = ADDRESS,
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Resend:
    """Return the client of an account, by its API key."""
    authorization = {"authorization": f"Bearer {key}"}
    return Resend(Exchange(DIALECT, address, authorization=authorization, patience=patience, transport=transport))
