"""A vendor that answers as a test has it, over real connections."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from ci.errors import VendorError
from ci.rehearsal.serving import serving
from ci.vendors.answers import Dialect
from ci.vendors.exchange import Exchange, Patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from ci.vendors.exchange import Before

QUICK = Patience(request=1.0, whole=4.0, first=0.01, tries=3)
TOKEN = "a-token-of-nobody-1f0c"  # noqa: S105 - of nobody


@contextlib.asynccontextmanager
async def asking(
    answer: Callable[[Request], Awaitable[Response]], patience: Patience = QUICK, before: Before | None = None
) -> AsyncIterator[tuple[Exchange, list[Request]]]:
    """Give an exchange with a vendor that answers so, and the requests that came to it."""
    met: list[Request] = []

    async def take(request: Request) -> Response:
        met.append(request)
        return await answer(request)

    methods = ["GET", "POST", "PUT", "DELETE"]
    async with serving(Starlette(routes=[Route("/{path:path}", take, methods=methods)])) as address:
        dialect = Dialect(vendor="Acme", headers={"x-version": "1"})
        token = {"authorization": f"Bearer {TOKEN}"}
        exchange = Exchange(dialect, address, authorization=token, patience=patience, before=before)
        try:
            yield exchange, met
        finally:
            await exchange.client.aclose()


def refused(
    answer: Callable[[Request], Awaitable[Response]], method: str = "GET", **more: Any
) -> tuple[VendorError, int]:
    """Ask a vendor that answers so. Return the error and how many requests there were."""

    async def run() -> tuple[VendorError, int]:
        async with asking(answer) as (exchange, met):
            with pytest.raises(VendorError) as raised:
                await exchange.ask(method, "/things", **more)
            return raised.value, len(met)

    return anyio.run(run)


def always(status: int, body: str = "{}", **headers: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        return Response(body, status, {name.replace("_", "-"): value for name, value in headers.items()})

    return answer


class LostError(Exception):
    """The lease is somebody else's by now."""


def fence(lost_at: int) -> tuple[list[int], Callable[[], Awaitable[None]]]:
    """Return what raises LostError when it is asked for that often, and a note of each asking."""
    asked: list[int] = []

    async def before() -> None:
        asked.append(1)
        if len(asked) >= lost_at:
            raise LostError

    return asked, before
