"""Processes that serve deployments, each on a port of its own: started, kept up, ended with us."""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING, Protocol

import anyio

from ci.processes import lines, supervised
from ci.rehearsal.leash import leashed
from ci.rehearsal.vercel.building import BuildFailedError, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from anyio.abc import ByteReceiveStream, TaskGroup
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

STARTING = 60.0  # seconds in which a deployment must listen
AGAIN = 0.5  # seconds until one that ended is started again
LINES = 200  # of its output that are kept


class Host(Protocol):
    """Where deployments run."""

    def open(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Be there for as long as the block lasts; what runs ends with it."""

    async def start(self, name: str, site: Site, port: int) -> None:
        """Return when it listens. Raises BuildFailedError where it does not come to that."""

    async def stop(self, name: str) -> None:
        """Return when it and all that it started has ended; one that does not run stays as it is."""

    def listening(self, name: str) -> contextlib.AbstractContextManager[MemoryObjectReceiveStream[tuple[str, str]]]:
        """Give what it says from now on: a level, info or error, and a line."""


class Processes:
    """Each deployment as a process. One that ends is started again, as Vercel starts its functions again."""

    def __init__(self) -> None:
        """Run none yet."""
        self.output: dict[str, deque[str]] = {}
        self._ears: dict[str, list[MemoryObjectSendStream[tuple[str, str]]]] = {}
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._ends: dict[str, anyio.Event] = {}
        self._group: TaskGroup | None = None

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Be there for as long as the block lasts."""
        async with anyio.create_task_group() as group:
            self._group = group
            yield
            group.cancel_scope.cancel()
        self._scopes.clear()

    async def start(self, name: str, site: Site, port: int) -> None:
        """Return when it listens. Raises BuildFailedError where it does not come to that, and is stopped."""
        if self._group is None:
            raise RuntimeError("nobody runs deployments: open() is not entered")
        if await is_listening(port):
            raise BuildFailedError(f"port {port} is taken by another program")
        if not site.argv:
            raise BuildFailedError("the project has no command that serves it")
        self.output[name] = deque(maxlen=LINES)
        ended = anyio.Event()
        self._scopes[name] = anyio.CancelScope()
        self._ends[name] = anyio.Event()
        self._group.start_soon(self._keep, name, site, port, ended)
        listens = False
        try:
            with anyio.move_on_after(STARTING):
                while not ended.is_set() and not listens:
                    await anyio.sleep(0.02)
                    listens = await is_listening(port)
        finally:
            if not listens:
                await self.stop(name)
        if not listens:
            why = "ended before it listened" if ended.is_set() else f"did not listen within {STARTING:.0f} s"
            last = "".join(f"\n{line}" for line in self.output[name])
            raise BuildFailedError(f"{' '.join(site.argv)} {why}{last}")

    async def stop(self, name: str) -> None:
        """Return when it and all that it started has ended; one that does not run stays as it is."""
        if (scope := self._scopes.pop(name, None)) is not None:
            scope.cancel()
            with anyio.CancelScope(shield=True):
                await self._ends.pop(name).wait()

    async def _keep(self, name: str, site: Site, port: int, ended: anyio.Event) -> None:
        end = self._ends[name]
        try:
            await self._again(name, site, port, ended)
        finally:
            end.set()

    async def _again(self, name: str, site: Site, port: int, ended: anyio.Event) -> None:
        environment = {**site.environment, "PORT": str(port), "HOST": "127.0.0.1"}
        with self._scopes[name]:
            while True:
                try:
                    told = f"ended with {await self._run(name, site, environment)}"
                except (OSError, ValueError) as error:  # its directory is gone, a variable cannot be one
                    told = f"cannot be started: {error}"
                self.output[name].append(told)
                ended.set()
                await anyio.sleep(AGAIN)

    async def _run(self, name: str, site: Site, environment: Mapping[str, str]) -> int:
        argv = leashed(site.argv)
        async with supervised(argv, cwd=site.directory, environment=environment, dies_with_us=False) as process:
            async with anyio.create_task_group() as group:
                group.start_soon(self._hear, name, process.stdout, "info")
                group.start_soon(self._hear, name, process.stderr, "error")
            return await process.wait()

    @contextlib.contextmanager
    def listening(self, name: str) -> Iterator[MemoryObjectReceiveStream[tuple[str, str]]]:
        """Give what it says from now on; who listens too slowly misses some."""
        send, receive = anyio.create_memory_object_stream[tuple[str, str]](LINES)
        ears = self._ears.setdefault(name, [])
        ears.append(send)
        with send, receive:
            try:
                yield receive
            finally:
                ears.remove(send)

    async def _hear(self, name: str, stream: ByteReceiveStream | None, level: str) -> None:
        async for line in lines(stream):
            text = line.decode(errors="replace")
            self.output[name].append(text)
            for ear in self._ears.get(name, ()):
                with contextlib.suppress(anyio.WouldBlock):
                    ear.send_nowait((level, text))


async def is_listening(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        stream = await anyio.connect_tcp("127.0.0.1", port)
    except OSError:
        return False
    await stream.aclose()
    return True
