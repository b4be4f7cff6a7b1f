"""A network of its own with a few doors: ports of its loopback that are led to ports outside over unix sockets.

enclosure.py DOORS COMMAND... runs a command in it; DOORS is JSON, the socket of each port. The command's user has no
rights over that network, nor over anything else.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import signal
import socket
import struct
import sys
from typing import TYPE_CHECKING

import anyio

from tests.executors.ordinary import USER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from anyio.abc import ByteStream

ENCLOSED = ("unshare", "--user", "--map-root-user", "--net")
SET_FLAGS, UP = 0x8914, 0x1  # of Linux: SIOCSIFFLAGS, IFF_UP
LOST = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


def enclosed(doors: dict[int, str], *command: str) -> list[str]:
    """Return what runs a command in an enclosure with these doors."""
    unprivileged = (*USER, "setpriv", "--no-new-privs", "--pdeathsig=KILL")
    told = json.dumps({str(port): place for port, place in doors.items()})
    return [*ENCLOSED, sys.executable, "-P", "-m", "tests.diagnosis.enclosure", told, *unprivileged, *command]


@contextlib.asynccontextmanager
async def doors(directory: Path, ports: Sequence[int]) -> AsyncIterator[dict[int, str]]:
    """Lead unix sockets to ports of this machine, and give the socket of each port."""
    made = {port: str(directory / f"{port}.sock") for port in ports}
    async with contextlib.AsyncExitStack() as stack, anyio.create_task_group() as group:
        for port, place in made.items():
            listener = await stack.enter_async_context(await anyio.create_unix_listener(place, mode=0o600))
            group.start_soon(listener.serve, _through(lambda port=port: anyio.connect_tcp("127.0.0.1", port)))  # type: ignore[misc]
        yield made
        group.cancel_scope.cancel()


def _through(connect: Callable[[], Awaitable[ByteStream]]) -> Callable[[ByteStream], Awaitable[None]]:
    """Return what passes everything on between whoever comes and where that leads."""

    async def serve(comer: ByteStream) -> None:
        async with comer, await connect() as there, anyio.create_task_group() as group:
            group.start_soon(_pass_on, comer, there)
            group.start_soon(_pass_on, there, comer)

    return serve


async def _pass_on(here: ByteStream, there: ByteStream) -> None:
    with contextlib.suppress(*LOST):
        async for piece in here:
            await there.send(piece)
    with contextlib.suppress(*LOST, OSError):
        await there.send_eof()


async def live(told: dict[str, str], command: Sequence[str]) -> int:
    """Open the doors from within, run the command, and return how it ended."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_:
        fcntl.ioctl(any_, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))
    async with anyio.create_task_group() as group:
        for port, place in told.items():
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=int(port))
            group.start_soon(listener.serve, _through(lambda place=place: anyio.connect_unix(place)))  # type: ignore[misc]
        with anyio.open_signal_receiver(signal.SIGTERM) as signals:
            process = await anyio.open_process(command, stdin=None, stdout=None, stderr=None)

            async def hand_on() -> None:
                async for each in signals:
                    process.send_signal(each)

            group.start_soon(hand_on)
            code = await process.wait()
        group.cancel_scope.cancel()
    return code


if __name__ == "__main__":
    sys.exit(anyio.run(live, json.loads(sys.argv[1]), sys.argv[2:]))
