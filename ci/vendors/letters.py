"""A mail that arrived, read out of its source. Mails are written by strangers: nothing in one can make this fail."""

from __future__ import annotations

import contextlib
import email
import email.errors
import email.header
import email.message
import email.parser
import email.utils
from collections.abc import Iterator
from dataclasses import dataclass

UNREADABLE = (LookupError, ValueError, RecursionError)  # what the library raises at mails that are made to break it
FALLBACK = "latin-1"  # has a character for every byte


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What arrived. `id` is the mailbox's own, `message_id` the header's, in angle brackets."""

    id: str
    message_id: str
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str = ""
    html: str = ""

    def holds(self, token: str) -> bool:
        """Whether the token stands in it, for a reader to see."""
        return any(token in part for part in (self.subject, self.text, self.html))


def read(source: bytes, *, identity: str) -> Letter:
    """Return the mail of this source."""
    try:
        parsed = email.message_from_bytes(source)
        parts = list(parsed.walk())
    except UNREADABLE:  # parts in parts without end: its headers are read alone
        parsed = email.parser.BytesHeaderParser().parsebytes(source)
        parts = []
    texts: dict[str, list[str]] = {"plain": [], "html": []}
    for part in parts:
        with contextlib.suppress(*UNREADABLE):
            if part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
                texts.setdefault(part.get_content_subtype(), []).append(content(part))
    return Letter(
        id=identity,
        message_id=header(parsed, "message-id"),
        sender=header(parsed, "from"),
        to=tuple(address for _, address in addresses(parsed, "to", "cc", "bcc")),
        subject=header(parsed, "subject"),
        text="\n".join(texts["plain"]),
        html="\n".join(texts["html"]),
    )


def header(parsed: email.message.Message, name: str) -> str:
    """Return a header's text, decoded where it can be; empty where there is none."""
    try:
        return decoded(str(parsed.get(name, ""))).strip()
    except UNREADABLE:
        return ""


def addresses(parsed: email.message.Message, *names: str) -> Iterator[tuple[str, str]]:
    """Yield names and addresses of headers that list them."""
    for value in [value for name in names for value in parsed.get_all(name, [])]:
        try:
            found = email.utils.getaddresses([str(value)])
        except UNREADABLE:
            continue
        for name, address in found:
            if address:
                yield decoded(name), address


def content(part: email.message.Message) -> str:
    """Return a part's text in its own encoding, or byte by byte where that is none."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset() or "utf-8", errors="replace")
    except (LookupError, ValueError):  # no encoding at all, or one that is not for texts
        return payload.decode(FALLBACK)


def decoded(text: str) -> str:
    """Return a header's words as they are meant."""
    try:
        return str(email.header.make_header(email.header.decode_header(text)))
    except (*UNREADABLE, email.errors.HeaderParseError):
        return text  # as it was sent: its encoding is one that nobody knows
