"""`shipway-forward PORT HOST THERE`: a port of the loopback that leads to another machine's, until it is killed.

For tests that insist on a database at localhost, where their server is a container beside them.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys


async def main(port: int, host: str, there: int) -> None:
    """Take connections and hand each on; one that the other side refuses is closed."""

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other_reader, other_writer = await asyncio.open_connection(host, there)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pour(reader, other_writer), _pour(other_reader, writer))

    server = await asyncio.start_server(lead, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
