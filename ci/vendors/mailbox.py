"""Proof that a mail arrived: it is looked for in a mailbox, by a token that stands in it or by its Message-ID."""

from __future__ import annotations

import datetime
import email.utils
import re
from dataclasses import dataclass
from typing import Protocol

from ci.vendors import letters
from ci.vendors.letters import Letter
from ci.vendors.mailpit import Mailpit
from ci.vendors.pace import Pace, until
from ci.vendors.resend import Received, Resend

SKEW = datetime.timedelta(minutes=2)  # that two machines' clocks may differ
_PLAIN = re.compile(r"[A-Za-z0-9._%+@=-]{4,200}")  # nothing that a search could take for more than a word


@dataclass(frozen=True, kw_only=True)
class Sought:
    """The mail that must arrive: to this address, sent at `since` or later, with this token or this Message-ID.

    Raises ValueError where an address or a token is more than a plain word.
    """

    to: str
    since: datetime.datetime
    token: str = ""
    message_id: str = ""

    def __post_init__(self) -> None:
        """Refuse what a search could take for something else, or would find in any mail."""
        words = [self.to, *filter(None, (self.token, self.message_id.strip("<>")))]
        if len(words) < 2 or not all(_PLAIN.fullmatch(word) for word in words):  # noqa: PLR2004 - an address, one more
            raise ValueError("a mail is looked for by its address, and by a token or a Message-ID of plain letters")

    def is_met(self, letter: Letter) -> bool:
        """Whether this is the mail."""
        addressed = self.to.lower() in {address.lower() for address in letter.to}
        named = not self.message_id or letter.message_id.strip("<>") == self.message_id.strip("<>")
        return addressed and named and (not self.token or letter.holds(self.token))


class Mailbox(Protocol):
    """A place where mails arrive. `pause` are the seconds between two looks that it can bear."""

    pause: float

    async def look(self, sought: Sought) -> Letter | None:
        """Return the mail where it is there by now. Raises VendorError."""
        ...


async def arrival(mailbox: Mailbox, sought: Sought, *, within: float) -> Letter | None:
    """Return the mail as soon as it is there, None where it is not within that many seconds. Raises VendorError."""
    pace = Pace(first=mailbox.pause, most=mailbox.pause, whole=within)
    return await until(lambda: mailbox.look(sought), pace)


class MailpitMailbox:
    """Mailpit as a mailbox. It proves that a mail was handed in by SMTP, no more; nothing is marked as read."""

    pause = 0.5

    def __init__(self, mailpit: Mailpit) -> None:
        """Take the way there."""
        self.mailpit = mailpit

    async def look(self, sought: Sought) -> Letter | None:
        """Search, and read what is found."""
        # Its search covers subject, text and addresses, not headers: an id has a filter of its own.
        named = f'message-id:"{sought.message_id.strip("<>")}"' if sought.message_id else ""
        query = " ".join(filter(None, (f'addressed:"{sought.to}"', named, f'"{sought.token}"' if sought.token else "")))
        for summary in await self.mailpit.search(query):
            if summary.created < sought.since - SKEW:
                break
            source = await self.mailpit.source(summary)
            if source is not None and sought.is_met(letter := letters.read(source, identity=summary.id)):
                return letter
        return None


class ResendMailbox:
    """An inbound address of Resend. It proves that a mail went over the network and came in."""

    pause = 2.0  # an account may ask a few times a second, and it is not alone

    def __init__(self, resend: Resend) -> None:
        """Take the way there."""
        self.resend = resend
        self._others: set[tuple[Sought, str]] = set()

    async def look(self, sought: Sought) -> Letter | None:
        """Read what came in since for this address, each mail once."""
        for received in await self.resend.received(since=sought.since - SKEW):
            if (sought, received.id) in self._others or sought.to.lower() not in map(str.lower, _plain(received.to)):
                continue
            letter = await self._read(received)
            if letter is None:  # it is listed, and will be there
                continue
            if sought.is_met(letter):
                return letter
            self._others.add((sought, received.id))
        return None

    async def _read(self, received: Received) -> Letter | None:
        mail = await self.resend.incoming(received.id)
        if mail is None:
            return None
        return Letter(
            id=mail.id,
            message_id=mail.message_id,
            sender=mail.sender,
            to=_plain(mail.to),
            subject=mail.subject or "",
            text=mail.text or "",
            html=mail.html or "",
        )


def _plain(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Return addresses without the names before them."""
    return tuple(email.utils.parseaddr(each)[1] for each in addresses)
