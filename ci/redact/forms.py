"""A secret's value -> all the forms in which it may be met."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ci.redact.view import QUOTING, squeeze, undo

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = 6  # of a value: a shorter one would be found everywhere
_LONG_LINE = 16  # of a line or a member that is a secret by itself
_PLAIN = re.compile(r"[A-Z]?[a-z]*|[A-Z]*|[0-9]{1,5}")


@dataclass(frozen=True, kw_only=True)
class Forms:
    """What to search for: in the text as it is, in its view, and in its view without quoting characters."""

    written: frozenset[str]
    seen: frozenset[str]
    squeezed: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Every form."""
        return self.written | self.seen | self.squeezed


def is_plain(value: str) -> bool:
    """Tell whether a value is a mere word or a small number, which is no secret and stands in every log."""
    return _PLAIN.fullmatch(value) is not None


def forms(value: str) -> Forms:
    """Return all forms of a value of at least SHORTEST characters, and of the secrets inside it."""
    written: set[str] = set()
    seen: set[str] = set()
    squeezed: set[str] = set()
    for part in (value, *_parts(value)):
        written.add(part)
        # A value may look escaped itself: it is met with that undone, and as it is where all of it was escaped.
        bare = part.replace("\\", "")
        met = {undo(text, edges="\n\r").text for text in (part, bare)} | {bare.replace("\n", "")}
        seen |= {*met, *(text.replace(" ", "+") for text in met), undo(part).text, *_encoded(part)}
        squeezed |= {*_spaced(part), *(squeeze(text) for text in met if any(mark in part for mark in QUOTING))}
    return Forms(written=_long(written), seen=_long(seen), squeezed=_long(squeezed))


def _long(found: set[str]) -> frozenset[str]:
    return frozenset(form for form in found if len(form) >= SHORTEST)


def _parts(value: str) -> Iterator[str]:
    """Yield what is secret by itself: lines of a key, the password of a URL, the texts of a JSON document."""
    if "\n" in value:
        yield from _long_lines(value)
    for secret in (*_password(value), *_members(value)):
        if len(secret) >= SHORTEST and not is_plain(secret):
            yield secret


def _long_lines(value: str) -> Iterator[str]:
    for line in map(str.strip, value.split("\n")):
        if len(line) >= _LONG_LINE and not line.startswith("-----"):
            yield line


def _password(value: str) -> Iterator[str]:
    try:
        url = urlsplit(value)
        secret = url.password or (url.username if url.scheme in ("http", "https") else None)
    except ValueError:
        return
    if "://" in value and secret:
        yield secret
        yield unquote(secret)


def _members(value: str) -> Iterator[str]:
    if not value.lstrip().startswith(("{", "[")):
        return
    try:
        waiting: list[Any] = [json.loads(value)]
    except (ValueError, RecursionError):
        return
    while waiting:
        member = waiting.pop()
        if isinstance(member, str) and len(member) >= _LONG_LINE:
            yield member
            yield from _long_lines(member)
        elif isinstance(member, dict | list):
            waiting += member.values() if isinstance(member, dict) else member


def _encoded(value: str) -> Iterator[str]:
    raw = value.encode(errors="surrogateescape")
    for core in _base64_cores(raw):
        yield core
        yield core.translate(str.maketrans("+/", "-_"))
    yield raw.hex()
    yield raw.hex().upper()
    yield raw.hex(":")


def _spaced(value: str) -> Iterator[str]:
    """Yield what is written with spaces between: the bytes as hexadecimal and as decimal numbers."""
    raw = value.encode(errors="surrogateescape")
    yield raw.hex()
    yield raw.hex().upper()
    yield ",".join(map(str, raw))


def _base64_cores(raw: bytes) -> Iterator[str]:
    """Yield, for each place at which the value may begin in what is encoded, the characters that it alone decides."""
    for before in range(3):
        encoded = binascii.b2a_base64(b"\0" * before + raw, newline=False).decode().rstrip("=")
        certain = (before + len(raw)) * 8 // 6
        yield encoded[(before * 8 + 5) // 6 : certain]


def decode_base64(text: str) -> str | None:
    """Return the text that is encoded here, if one is."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (ValueError, UnicodeDecodeError):
        return None
