"""What all adapters are, and how they write without writing twice."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

from ci.errors import Trouble, VendorError
from ci.vendors.exchange import Exchange
from ci.vendors.pace import Pace, until

LAG = Pace(first=0.25, most=2.0, whole=6.0)
BRIEF = Pace(first=0.1, most=0.5, whole=1.0)  # for a write that may be done twice, and that users await

T = TypeVar("T")


def short_key(key: str, longest: int) -> str:
    """Return a key of ours as it is, or its hash where it is longer than a vendor takes, or no word for a header.

    Cut, two keys could become one, and what they stand for with them.
    """
    if len(key) <= longest and key.isascii() and key.isprintable():
        return key
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


class Adapter:
    """What all adapters are: a way to one vendor, which is a context, or closed with `aclose`."""

    def __init__(self, exchange: Exchange) -> None:
        """Take the way there."""
        self.exchange = exchange

    async def __aenter__(self) -> Self:
        """Nothing to do."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self.exchange.client.aclose()


async def ensure(
    look: Callable[[], Awaitable[T | None]],
    write: Callable[[], Awaitable[T]],
    *,
    tries: int = 3,
    lag: Pace = LAG,
) -> T:
    """Return what `look` finds, or what `write` makes where there is none; where its answer is lost, look again.

    So that nothing is written twice, however often this is called. A vendor whose connection broke may still be at it,
    and its lists may be late: before a second write it is looked for during `lag`. Both raise VendorError; once an
    answer was lost, that is `unsettled`, whoever raises it.
    """
    if (found := await look()) is not None:
        return found
    for left in reversed(range(tries)):
        try:
            return await write()
        except VendorError as error:
            if not error.unsettled and error.trouble is not Trouble.UNREADABLE:
                raise
            lost = error
        try:
            if (found := await until(look, lag)) is not None:
                return found
        except VendorError as error:
            error.unsettled = True
            raise
        if left == 0:
            lost.unsettled = True
            raise lost
    raise AssertionError("unreachable")  # pragma: no cover - the last try returns or raises
