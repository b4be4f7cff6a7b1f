"""Idempotency keys, as vendors keep them: the same request gets the same answer for a day, and is carried out once."""

from __future__ import annotations

import enum
import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

DAY = 24 * 3600  # seconds


class Clash(enum.Enum):
    """Why a key cannot be used for this request."""

    IN_FLIGHT = "a request with this key is under way"
    OTHERWISE = "the key was used for another request"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The answer that a key has had."""

    status: int
    body: Any


class Once:
    """The keys of one stand-in, on a shelf of its memory."""

    def __init__(self, shelf: MutableMapping[str, Any]) -> None:
        """Know the keys of before."""
        self._shelf = shelf
        self._in_flight: dict[str, str] = {}

    def begin(self, key: str, request: bytes) -> Kept | Clash | None:
        """Return the answer that there is for the key, why there can be none, or None: it is to be carried out."""
        print_ = hashlib.sha256(request).hexdigest()
        kept = self._shelf.get(key)
        if kept is not None and time.time() - kept["moment"] < DAY:
            return Kept(status=kept["status"], body=kept["body"]) if kept["print"] == print_ else Clash.OTHERWISE
        if key in self._in_flight:
            return Clash.IN_FLIGHT
        self._in_flight[key] = print_
        return None

    def end(self, key: str, status: int, body: Any) -> None:
        """Keep the answer that the request has got."""
        self._shelf[key] = {
            "print": self._in_flight.pop(key),
            "moment": time.time(),
            "status": status,
            "body": body,
        }

    def give_up(self, key: str) -> None:
        """Keep nothing: the request was not carried out."""
        self._in_flight.pop(key, None)
