"""A mail, whoever carries it.

A carrier sends it by a key of ours, the incident's or the step's: two mails with one key are one mail.
"""

from __future__ import annotations

import email.policy
import email.utils
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Protocol

from ci.text import clean, encodable, first_line

UNKNOWN = "application/octet-stream"
_POLICY = email.policy.SMTP.clone(cte_type="7bit")  # any server takes it


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that goes with a mail; its kind is told by its name."""

    name: str
    content: bytes

    @property
    def kind(self) -> str:
        """Its media type."""
        return mimetypes.guess_type(self.name, strict=True)[0] or UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Mail:
    """What is sent. `sender`, `to`: addresses, `Name <address>` too; `text` stands alone; `html` says it again."""

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The subject as one clean line: a line break in a header is a header more."""
        return first_line(clean(self.subject))


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A mail that a carrier has taken: its id there, and by address why some of those it is for do not get it."""

    id: str
    refused: Mapping[str, str] = field(default_factory=dict)


class Carrier(Protocol):
    """Sends mails."""

    async def send(self, mail: Mail, *, key: str) -> Posted:
        """Send it, once for a key. Raises VendorError where nobody gets it."""
        ...


def message_id(key: str, sender: str) -> str:
    """Return the Message-ID of the mail with this key, in angle brackets: the same one at each repetition."""
    domain = email.utils.parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def message(mail: Mail, *, key: str) -> EmailMessage:
    """Return the mail as RFC 5322 has it. Raises ValueError where an address or a header holds a line break."""
    made = EmailMessage(policy=_POLICY)
    made["From"] = mail.sender
    made["To"] = ", ".join(mail.to)
    made["Subject"] = mail.title
    made["Date"] = email.utils.localtime()
    made["Message-ID"] = message_id(key, mail.sender)
    for name, value in mail.headers.items():
        made[name] = value
    made.set_content(encodable(mail.text))
    if mail.html is not None:
        made.add_alternative(encodable(mail.html), subtype="html")
    for each in mail.attachments:
        main, _, sub = each.kind.partition("/")
        made.add_attachment(each.content, maintype=main, subtype=sub, filename=each.name)
    return made
