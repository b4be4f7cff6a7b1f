"""What Mailpit keeps of a mail, how it numbers its parts, and how it searches."""

from __future__ import annotations

import datetime
import email
import email.message
import email.utils
import hashlib
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.vendors import letters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SNIPPET = 250  # characters
ACTIVE = {"text/html", "text/xml", "application/xhtml+xml", "image/svg+xml", "application/xml", "text/xsl"}
_FIELDS = {"to": ("To",), "from": ("From",), "cc": ("Cc",), "bcc": ("Bcc",), "reply-to": ("ReplyTo",)}
_ADDRESSED = ("To", "From", "Cc", "Bcc", "ReplyTo")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a mail that is no text of it."""

    identity: str
    name: str
    kind: str
    cid: str
    inline: bool
    content: bytes


def stored(source: bytes, *, identity: str, moment: float, user: str = "") -> dict[str, Any]:
    """Return what is kept of a mail: the summary as the API tells it, and the text that is searched."""
    parsed = email.message_from_bytes(source)
    letter = letters.read(source, identity=identity)
    files = [part for part in parts(parsed) if not part.inline]
    people = {name: _people(parsed, name) for name in ("From", "To", "Cc", "Bcc", "Reply-To")}
    text = letter.text or re.sub(r"<[^>]*>", " ", letter.html)
    everybody = [f"{each['Name']} {each['Address']}" for several in people.values() for each in several]
    searched = [letter.subject, *everybody, text]
    return {
        "ID": identity,
        "MessageID": letter.message_id.strip("<>"),
        "Read": False,
        "From": (people["From"] or [{"Name": "", "Address": ""}])[0],
        "To": people["To"],
        "Cc": people["Cc"],
        "Bcc": people["Bcc"],
        "ReplyTo": people["Reply-To"],
        "Subject": letter.subject,
        "Created": _written(moment),
        "Username": user,
        "Tags": [],
        "Size": len(source),
        "Attachments": len(files),
        "Snippet": " ".join(text.split())[:SNIPPET],
        "searched": " ".join(" ".join([*searched, *(part.name for part in files)]).lower().split()),
    }


def told(source: bytes, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole mail as the API tells it."""
    parsed = email.message_from_bytes(source)
    letter = letters.read(source, identity=summary["ID"])
    date = email.utils.parsedate_to_datetime(parsed["Date"]) if _dated(parsed) else None
    shared = ("ID", "MessageID", "From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "Tags", "Size", "Username")
    return {
        **{name: summary[name] for name in shared},
        "ReturnPath": str(parsed.get("Return-Path", "")).strip("<>") or summary["From"]["Address"],
        "Date": _iso(date) if date else summary["Created"],
        "Text": letter.text,
        "HTML": letter.html,
        "Inline": [_file(part) for part in parts(parsed) if part.inline],
        "Attachments": [_file(part) for part in parts(parsed) if not part.inline],
        "ListUnsubscribe": {"Header": "", "Links": [], "Errors": "", "HeaderPost": ""},
    }


def parts(parsed: email.message.Message) -> Iterator[Part]:
    """Yield attachments and inline parts, numbered as by Mailpit: "2.1" is the 1st of the 2nd, "0" the mail itself."""
    waiting = [("", parsed)]
    while waiting:
        place, part = waiting.pop(0)
        if part.is_multipart():
            inner = [each for each in part.get_payload() if isinstance(each, email.message.Message)]
            waiting += [(f"{place}.{number}".lstrip("."), each) for number, each in enumerate(inner, 1)]
            continue
        disposition = part.get_content_disposition()
        name, cid = letters.decoded(part.get_filename() or ""), str(part.get("Content-ID", "")).strip("<>")
        if disposition == "attachment" or name or cid:
            content = part.get_payload(decode=True)
            yield Part(
                identity=place or "0",
                name=name or cid,
                kind=part.get_content_type(),
                cid=cid,
                inline=disposition != "attachment",
                content=content if isinstance(content, bytes) else b"",
            )


class UnknownFilterError(Exception):
    """A filter that the real one has and the stand-in has not."""


def matches(summary: Mapping[str, Any], query: str) -> bool:
    """Whether a mail meets a search: https://mailpit.axllent.org/docs/usage/search-filters/. All of it must hold.

    Raises UnknownFilterError.
    """
    try:
        words = shlex.split(query)
    except ValueError:  # a quotation that does not end
        words = query.split()
    for word in words:
        without = len(word) > 1 and word[0] in "-!"
        wanted = word[1:] if without else word
        if re.search("[a-zA-Z0-9]", wanted) and _meets(summary, wanted) is without:
            return False
    return True


def _meets(summary: Mapping[str, Any], word: str) -> bool:
    name, colon, value = word.partition(":")
    name, value = name.lower(), value.strip().lower()
    if not colon:
        return word.lower() in summary["searched"]
    if name in _FIELDS or name == "addressed":
        fields = [summary[field] for field in _FIELDS.get(name, _ADDRESSED)]
        people = [each for field in fields for each in (field if isinstance(field, list) else [field])]
        return any(value in f"{each['Name']} {each['Address']}".lower() for each in people)
    if name == "subject":
        return value in summary["Subject"].lower()
    if name == "message-id":
        return value.strip("<>") in summary["MessageID"].lower()
    flags = {"is:read": summary["Read"], "is:unread": not summary["Read"], "has:attachment": summary["Attachments"] > 0}
    if word.lower() in flags:
        return bool(flags[word.lower()])
    if name in {"tag", "is", "has", "after", "before", "larger", "smaller"}:
        raise UnknownFilterError(f"the stand-in does not know the filter {name}:")
    return word.lower() in summary["searched"]


def _people(parsed: email.message.Message, name: str) -> list[dict[str, str]]:
    return [{"Name": who, "Address": address} for who, address in letters.addresses(parsed, name)]


def _file(part: Part) -> dict[str, Any]:
    return {
        "PartID": part.identity,
        "FileName": part.name,
        "ContentType": part.kind,
        "ContentID": part.cid,
        "Size": len(part.content),
        "Checksums": {
            "MD5": hashlib.md5(part.content, usedforsecurity=False).hexdigest(),
            "SHA1": hashlib.sha1(part.content, usedforsecurity=False).hexdigest(),
            "SHA256": hashlib.sha256(part.content).hexdigest(),
        },
    }


def _dated(parsed: email.message.Message) -> bool:
    try:
        return email.utils.parsedate_to_datetime(str(parsed["Date"])) is not None
    except ValueError:
        return False


def _written(moment: float) -> str:
    return _iso(datetime.datetime.fromtimestamp(moment, datetime.UTC))


def _iso(moment: datetime.datetime) -> str:
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).isoformat().replace("+00:00", "Z")
