"""Where computes are reached: addresses that stay, of which each connection wakes the compute; one with a pooler.

The pooler is one of transactions, as Neon's: what belongs to a session is refused where it is seen in a statement,
which the real one mostly lets happen, on a connection that the next transaction may not have. Its host is told by the
port: a name of its own would be resolved by nobody.
"""

from __future__ import annotations

import contextlib
import functools
import re
import struct
from typing import TYPE_CHECKING

import anyio
import anyio.abc

from ci.rehearsal import ports
from ci.rehearsal.doors import LOST, SIZE, Door

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any

# https://neon.com/docs/connect/connection-pooling#connection-pooling-in-transaction-mode
OF_A_SESSION = re.compile(
    rb"\s*(listen|unlisten|prepare(?!\s+transaction)|deallocate|load|create\s+(global\s+|local\s+)?temp(orary)?|declare\s[^;]*with\s+hold"
    rb"|set\s+(?!local|transaction|constraints))\b|.*\bpg_(try_)?advisory_lock(_shared)?\s*\(",
    re.IGNORECASE | re.DOTALL,
)
QUERY, PARSE = b"Q", b"P"
PROTOCOL = b"\0\3\0\0"  # its version, 3.0
LONGEST = 1 << 30  # bytes of a message, as at Postgres


class Doors:
    """The doors of all computes, by their ids. `kept` has their ports, `reach` wakes one; they stand in `group`."""

    def __init__(self, kept: MutableMapping[str, Any], reach: Callable[[str], Awaitable[int]]) -> None:
        """Be closed."""
        self.group: anyio.abc.TaskGroup | None = None
        self._kept = kept
        self._reach = reach
        self._open: dict[str, tuple[Door, Door]] = {}

    def port(self, endpoint: str, *, pooled: bool = False) -> int:
        """Return where a compute is reached, now or once it is there."""
        if endpoint not in self._kept:
            taken = {port for pair in self._kept.values() for port in pair}
            direct = ports.keep(taken)
            self._kept[endpoint] = [direct, ports.keep({*taken, direct})]
        return int(self._kept[endpoint][int(pooled)])

    def open(self, endpoint: str) -> None:
        """Have a compute be reached. Raises OSError where its port is taken."""
        if self.group is None or endpoint in self._open:
            return
        reach = functools.partial(self._reach, endpoint)
        doors = (Door(self.port(endpoint), reach), Door(self.port(endpoint, pooled=True), reach, hand_in_pooled))
        self._open[endpoint] = doors
        for door in doors:
            self.group.start_soon(door.stand)

    def close(self, endpoint: str) -> None:
        """Have a compute be reached no more, and end all connections to it."""
        for door in self._open.pop(endpoint, ()):
            door.close()
        self._kept.pop(endpoint, None)

    def end(self) -> None:
        """Be closed until the next time: the group has ended."""
        self.group = None
        self._open.clear()


async def hand_in_pooled(client: anyio.abc.ByteStream, server: anyio.abc.ByteStream) -> None:
    """Hand on what a client says, as long as it needs no session.

    https://www.postgresql.org/docs/current/protocol-message-formats.html
    """
    reader = _Reader(client)
    with contextlib.suppress(*LOST, anyio.IncompleteRead, anyio.BusyResourceError):
        while True:  # requests for encryption, and at last the message that begins all; or one that only cancels
            length = await reader.take(4)
            body = await reader.take(_size(length))
            await server.send(length + body)
            if body[:4] == PROTOCOL:
                break
        while True:
            kind, length = await reader.take(1), await reader.take(4)
            body = await reader.take(_size(length))
            text = body if kind == QUERY else body.partition(b"\0")[2] if kind == PARSE else b""
            if OF_A_SESSION.match(text):
                await client.send(_refusal("this belongs to a session, which a connection by the pooler does not keep"))
                return
            await server.send(kind + length + body)


def _size(length: bytes) -> int:
    size = int(struct.unpack("!i", length)[0]) - 4
    if not 0 <= size <= LONGEST:
        raise anyio.IncompleteRead
    return size


def _refusal(message: str) -> bytes:
    """Return an error that ends the connection: 0A000 is feature_not_supported."""
    told = ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", "0A000"), (b"M", message))
    fields = b"".join(key + value.encode() + b"\0" for key, value in told)
    return b"E" + struct.pack("!i", len(fields) + 5) + fields + b"\0"


class _Reader:
    """Takes so many bytes of a stream."""

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self._stream = stream
        self._rest = bytearray()

    async def take(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._rest += await self._stream.receive(SIZE)
        found = bytes(self._rest[:size])
        del self._rest[:size]
        return found
