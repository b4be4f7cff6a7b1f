"""A client that costs little, so that what is measured is the switch: connections are kept and used again."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import h11

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anyio.abc import ByteStream


@dataclass(kw_only=True)
class Heard:
    """An answer; `arrived` is when its head was there, by anyio's clock."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    arrived: float = 0.0


class Client:
    """Asks one port of the loopback. Raises OSError, EndOfStream, BrokenResourceError and h11's errors."""

    def __init__(self, port: int) -> None:
        """Keep no connection yet."""
        self._port = port
        self._idle: list[tuple[ByteStream, h11.Connection]] = []

    async def ask(self, method: str, target: str, content: AsyncIterator[bytes] | None = None) -> Heard:
        """Ask, and hear the answer to its end."""
        if self._idle:
            stream, protocol = self._idle.pop()
        else:
            stream, protocol = await anyio.connect_tcp("127.0.0.1", self._port), h11.Connection(h11.CLIENT)
        kept = False
        try:
            headers = [("host", "localhost"), *([("transfer-encoding", "chunked")] if content is not None else [])]
            await _send(stream, protocol, h11.Request(method=method, target=target, headers=headers))
            if content is not None:
                async for part in content:
                    await _send(stream, protocol, h11.Data(data=part))
            await _send(stream, protocol, h11.EndOfMessage())
            heard = await _hear(stream, protocol)
            if protocol.our_state is h11.DONE and protocol.their_state is h11.DONE:
                protocol.start_next_cycle()
                self._idle.append((stream, protocol))
                kept = True
        finally:
            if not kept:
                await anyio.aclose_forcefully(stream)
        return heard

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        for stream, _ in self._idle:
            with contextlib.suppress(OSError):
                await stream.aclose()


async def _send(stream: ByteStream, protocol: h11.Connection, event: Any) -> None:
    if data := protocol.send(event):
        await stream.send(data)


async def _hear(stream: ByteStream, protocol: h11.Connection) -> Heard:
    heard = Heard()
    while True:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            protocol.receive_data(await stream.receive(65_536))
        elif isinstance(event, h11.Response):
            heard.status, heard.arrived = event.status_code, anyio.current_time()
            heard.headers = {name.decode(): value.decode() for name, value in event.headers}
        elif isinstance(event, h11.Data):
            heard.body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return heard
