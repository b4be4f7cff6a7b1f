"""Which deployments run: production's are kept warm, another one is started by the first request to its address.

So it is at Vercel, where nothing runs that nobody asks: on one machine many deployments are not many processes.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import anyio

from ci.rehearsal import ports
from ci.rehearsal.vercel.building import BuildFailedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ci.rehearsal.vercel.building import Site
    from ci.rehearsal.vercel.hosting import Host

STARTS = 8  # of deployments at a time
IDLE = 120.0  # seconds until one that nobody asks is stopped


class Waking:
    """Starts and stops them by name. `site_of` says how one is served, `is_warm` whether it runs though it is idle."""

    def __init__(
        self, host: Host, site_of: Callable[[str], Site], is_warm: Callable[[str], bool], *, idle: float = IDLE
    ) -> None:
        """Run none yet."""
        self._host = host
        self._site_of = site_of
        self._is_warm = is_warm
        self._idle = idle
        self._room = anyio.Semaphore(STARTS)
        self._locks: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)
        self._ports: dict[str, int] = {}
        self._users: defaultdict[str, int] = defaultdict(int)
        self._asked: dict[str, float] = {}

    def running(self) -> frozenset[str]:
        """Return the names of those that run."""
        return frozenset(self._ports)

    async def wake(self, name: str) -> int:
        """Have it listen, and return its port. Raises BuildFailedError where it does not come to that."""
        async with self._locks[name]:
            self._asked[name] = time.monotonic()
            if name not in self._ports:
                async with self._room:
                    port = ports.borrow(self._ports.values())
                    await self._host.start(name, self._site_of(name), port)
                self._ports[name] = port
            return self._ports[name]

    @contextlib.asynccontextmanager
    async def awake(self, name: str) -> AsyncIterator[int]:
        """Give its port, on which it listens while the block lasts. Raises OSError where it does not."""
        self._users[name] += 1
        try:
            try:
                port = await self.wake(name)
            except BuildFailedError as error:
                raise ConnectionRefusedError(str(error)) from error
            yield port
        finally:
            self._users[name] -= 1
            self._asked[name] = time.monotonic()

    async def stop(self, name: str) -> None:
        """End it, whoever uses it."""
        async with self._locks[name]:
            await self._stop(name)

    def forget(self) -> None:
        """Know of none any more: all of them ended with their host."""
        self._ports.clear()

    async def rest(self) -> None:
        """Stop, for ever, what nobody has asked for a while."""
        while True:
            await anyio.sleep(self._idle / 4)
            for name in self.running():
                async with self._locks[name]:
                    is_idle = not self._users[name] and time.monotonic() - self._asked[name] >= self._idle
                    if is_idle and not self._is_warm(name):
                        await self._stop(name)

    async def _stop(self, name: str) -> None:
        if self._ports.pop(name, None) is not None:
            await self._host.stop(name)
