"""How something that a vendor does in its own time is waited for: asked after, ever more seldom, to a deadline."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self, TypeVar

import anyio

T = TypeVar("T")
GROWTH = 1.5


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds: until the second look, between two looks at most, and for all of it."""

    first: float = 0.1
    most: float = 2.0
    whole: float = 180.0


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """A moment by two clocks: one stands still while the machine sleeps, the other may be set back."""

    ticks: float
    moment: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Return the moment that many seconds from now."""
        return cls(ticks=time.monotonic() + seconds, moment=time.time() + seconds)

    @property
    def left(self) -> float:
        """The seconds up to it, by the clock by which they are fewer; none are left below zero."""
        return min(self.ticks - time.monotonic(), self.moment - time.time())


async def until(look: Callable[[], Awaitable[T | None]], pace: Pace) -> T | None:
    """Return the first thing that `look` finds, None where the time is over. There is a last look at its end."""
    end = time.monotonic() + pace.whole
    rest = pace.first
    while True:
        over = time.monotonic() >= end
        if (found := await look()) is not None or over:
            return found
        await anyio.sleep(min(rest, max(0.0, end - time.monotonic())))
        rest = min(rest * GROWTH, pace.most)
