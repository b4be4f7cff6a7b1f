"""The mail that Mailpit makes of what its `/send` is given."""

from __future__ import annotations

import base64
import binascii
import email.utils
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN_HEADERS = {"to", "from", "cc", "bcc", "reply-to", "date", "subject", "content-type", "mime-version"}


class InvalidError(Exception):
    """What is given makes no mail."""


def built(body: Any) -> tuple[EmailMessage, list[str]]:
    """Return the mail that `/send` asks for, and to whom it goes. Raises InvalidError."""
    try:
        return _made(body)
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:  # of a body of any shape
        raise InvalidError(f"{type(error).__name__}: {error}") from error


def _made(body: Any) -> tuple[EmailMessage, list[str]]:
    made = EmailMessage()
    made["From"] = _person(body["From"])
    made["Subject"] = body.get("Subject", "")
    made["Date"] = email.utils.localtime()
    to: list[str] = []
    for field, name in (("To", "To"), ("Cc", "Cc"), ("ReplyTo", "Reply-To")):
        people = body.get(field) or []
        if people:
            made[name] = ", ".join(_person(each) for each in people)
        to += [each["Email"] for each in people if field != "ReplyTo"]
    for name, value in (body.get("Headers") or {}).items():
        if name.lower() in OWN_HEADERS:
            raise ValueError(f'cannot overwrite header: "{name}"')
        made[name] = value
    made.set_content(body.get("Text", ""))
    if body.get("HTML"):
        made.add_alternative(body["HTML"], subtype="html")
    for each in body.get("Attachments") or []:
        kind = each.get("ContentType") or "application/octet-stream"
        main, _, sub = kind.partition("/")
        content = base64.b64decode(each["Content"].rpartition(",")[2])
        made.add_attachment(content, maintype=main, subtype=sub, filename=each["Filename"])
    return made, [*to, *(body.get("Bcc") or [])]


def _person(value: Mapping[str, str]) -> str:
    if "@" not in email.utils.parseaddr(value["Email"])[1]:
        raise ValueError(f"invalid address: {value['Email']}")
    return email.utils.formataddr((value.get("Name", ""), value["Email"]))
