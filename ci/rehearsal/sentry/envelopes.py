"""What an SDK sends: an envelope of items, one JSON line of headers each: https://develop.sentry.dev/sdk/envelopes/."""

from __future__ import annotations

import importlib
import json
import zlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

LARGEST = 100 * 1024 * 1024  # bytes, unpacked: Relay's own limit
ZLIB, GZIP, RAW = zlib.MAX_WBITS, zlib.MAX_WBITS | 16, -zlib.MAX_WBITS


class EnvelopeError(Exception):
    """An envelope that is refused, with the status and the words of the refusal."""

    def __init__(self, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        """Keep the status beside the words."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing in an envelope."""

    kind: str
    headers: dict[str, Any]
    payload: bytes

    def json(self) -> Any:
        """The payload as JSON. Raises EnvelopeError."""
        try:
            return json.loads(self.payload)
        except ValueError as error:
            raise EnvelopeError(f"invalid JSON data: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """All that came in one request."""

    headers: dict[str, Any]
    items: tuple[Item, ...] = field(default=())


def unpack(body: bytes, encoding: str) -> bytes:
    """Return the body as it was before its content encoding. Raises EnvelopeError."""
    if encoding in {"", "identity"}:
        return body
    if encoding == "gzip":
        return _inflated(body, GZIP)
    if encoding == "deflate":
        try:
            return _inflated(body, ZLIB)
        except EnvelopeError:
            return _inflated(body, RAW)
    if encoding == "br":
        return _brotli(body)
    raise EnvelopeError(f"unsupported content encoding {encoding}", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def parse(body: bytes) -> Envelope:
    """Read an envelope. Raises EnvelopeError."""
    if not body:
        raise EnvelopeError("empty request body")
    line, _, rest = body.partition(b"\n")
    headers = _headers(line)
    items = []
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        if not line.strip():
            continue
        about = _headers(line)
        length = about.get("length")
        if isinstance(length, int):
            if len(rest) < length:
                raise EnvelopeError("invalid event envelope: unexpected end of file")
            payload, rest = rest[:length], rest[length:].removeprefix(b"\n")
        else:
            payload, _, rest = rest.partition(b"\n")
        items.append(Item(kind=str(about.get("type", "")), headers=about, payload=payload))
    return Envelope(headers=headers, items=tuple(items))


def _headers(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise EnvelopeError(f"invalid event envelope: {error}") from error
    if not isinstance(found, dict):
        raise EnvelopeError("invalid event envelope: the headers are no object")
    return found


def _inflated(body: bytes, bits: int) -> bytes:
    packed = zlib.decompressobj(bits)
    try:
        found = packed.decompress(body, LARGEST)
    except zlib.error as error:
        raise EnvelopeError(f"invalid request body: {error}") from error
    if packed.unconsumed_tail:
        raise EnvelopeError("envelope exceeded size limits", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if not packed.eof:
        raise EnvelopeError("invalid request body: it ends too soon")
    return found


def _brotli(body: bytes) -> bytes:
    """Unpack with the package that the Python SDK packs with: where it is not here, that SDK sends gzip."""
    try:
        brotli = importlib.import_module("brotli")
    except ImportError as error:
        message = "content encoding br needs the Python package brotli beside this stand-in"
        raise EnvelopeError(message, HTTPStatus.UNSUPPORTED_MEDIA_TYPE) from error
    try:
        found: bytes = brotli.decompress(body)
    except brotli.error as error:
        raise EnvelopeError(f"invalid request body: {error}") from error
    return found
