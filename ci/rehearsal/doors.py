"""A door: an address that stays, before a server that may sleep and is woken by whoever connects.

What comes and goes are bytes; a switch is the same for requests. A door is ours from the moment it is made.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import anyio
import anyio.abc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SIZE = 65_536  # bytes that are read at once
LOST = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)


async def copy(source: anyio.abc.ByteStream, to: anyio.abc.ByteStream) -> None:
    """Hand on all that comes, until there is no more."""
    with contextlib.suppress(*LOST):
        while True:
            await to.send(await source.receive(SIZE))


class Door:
    """One address on the loopback. `reach` has the server listen and says on which port, or raises OSError.

    `hand_in` hands on what clients say, where it is not all.
    """

    def __init__(
        self,
        port: int,
        reach: Callable[[], Awaitable[int]],
        hand_in: Callable[[anyio.abc.ByteStream, anyio.abc.ByteStream], Awaitable[None]] = copy,
    ) -> None:
        """Be there. A port that is taken is an OSError."""
        self._listener = socket.create_server(("127.0.0.1", port))
        self._reach = reach
        self._hand_in = hand_in
        self._scope = anyio.CancelScope()

    async def stand(self) -> None:
        """Let in whoever comes, until it is closed."""
        try:
            with self._scope:
                async with await anyio.abc.SocketListener.from_socket(self._listener) as listener:
                    await listener.serve(self._let_in)
        finally:
            self._listener.close()

    def close(self) -> None:
        """Let in nobody any more, and end what goes on."""
        self._scope.cancel()

    async def _let_in(self, client: anyio.abc.ByteStream) -> None:
        async with client:
            try:
                server = await anyio.connect_tcp("127.0.0.1", await self._reach())
            except OSError:
                return
            async with server, anyio.create_task_group() as group:

                async def hand_out() -> None:
                    await copy(server, client)
                    group.cancel_scope.cancel()

                group.start_soon(hand_out)
                await self._hand_in(client, server)
                group.cancel_scope.cancel()
