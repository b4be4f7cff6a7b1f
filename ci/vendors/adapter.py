"""What all adapters are, and how they write without writing twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

from ci.errors import Trouble, VendorError
from ci.vendors.exchange import Exchange

T = TypeVar("T")


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


async def ensure(look: Callable[[], Awaitable[T | None]], write: Callable[[], Awaitable[T]], *, tries: int = 3) -> T:
    """Return what `look` finds, or what `write` makes where there is none; where its answer is lost, look again.

    So that nothing is written twice, however often this is called. Both raise VendorError.
    """
    for left in reversed(range(tries)):
        if (found := await look()) is not None:
            return found
        try:
            return await write()
        except VendorError as error:
            lost = error.unsettled or error.trouble is Trouble.UNREADABLE
            if not lost or left == 0:
                raise
    raise AssertionError("unreachable")  # pragma: no cover - the last try returns or raises
