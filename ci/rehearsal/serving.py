"""A server for an application of ours, on the loopback, for as long as a block of code lasts."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import anyio
import uvicorn

from ci.rehearsal.standin import StandIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.types import ASGIApp

CLOSING = 2  # seconds that open connections have when it ends


class _Server(uvicorn.Server):
    """One that leaves signals alone: whoever opened the block ends it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield


def _listening(port: int) -> socket.socket:
    """Return a socket that says it is of TCP: what asyncio accepts by another one may wait 40 ms before it sends."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.asynccontextmanager
async def serving(application: ASGIApp, *, port: int = 0) -> AsyncIterator[str]:
    """Serve and give the address, without a slash at its end. Port 0 is a free one; one that is taken is an OSError."""
    with _listening(port) as listener:
        config = uvicorn.Config(
            application,
            log_level="critical",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=CLOSING,
            server_header=False,
        )
        server = _Server(config)
        raised: list[Exception] = []
        living = application.living() if isinstance(application, StandIn) else contextlib.nullcontext()
        async with living, anyio.create_task_group() as group:
            group.start_soon(server.serve, [listener])
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await anyio.sleep(0.005)
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            except Exception as error:  # noqa: BLE001 - raised again, as it is and not in a group
                raised.append(error)
            finally:
                server.should_exit = True
        if raised:
            raise raised[0]
