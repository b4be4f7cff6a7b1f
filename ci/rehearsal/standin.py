"""What all stand-ins share: routes, a memory, the calls that were made written down, failures on demand.

Under `/_stand-in/` every one of them has the same few addresses of its own, which no vendor has:

    GET    /_stand-in/calls     who called what and what was answered, the newest last
    POST   /_stand-in/faults    fail the next requests as faults.py has it
    DELETE /_stand-in/faults    fail no more

None is open to the pages that a browser on this machine happens to show: a request must name the loopback as its host,
so that no other name can be made to lead here, and what it tells a stand-in under `/_stand-in/` must be called JSON,
which a page of another address may not send without asking first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ci.rehearsal.faults import Faults
from ci.rehearsal.memory import Memory
from ci.rehearsal.planned import OWN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?", re.IGNORECASE)
TELLING = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request to a stand-in and what became of it. `status` is None where no answer was finished."""

    moment: float
    caller: str
    method: str
    path: str
    query: str
    status: int | None
    body: str


class StandIn:
    """An application of routes that answers as a vendor does, with a memory in `directory`.

    `calls` are those that got as far as the stand-in itself: what a fault kept away is not among them.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        routes: Sequence[BaseRoute] = (),
        *,
        unknown: Callable[[Request], Response] | None = None,
        hosts: Collection[str] = (),
    ) -> None:
        """Make the application. `unknown` answers at addresses that the vendor does not have.

        `hosts` are names of the vendor's own that its libraries write into a request wherever they send it.
        """
        self.name = name
        self.hosts = frozenset(hosts)
        self.memory = Memory(directory / f"{name}.sqlite")
        self.calls: list[Call] = []
        self._routes = [
            Route(f"{OWN}calls", self._told, methods=["GET"]),
            *routes,
        ]
        handlers = {HTTPStatus.NOT_FOUND: lambda request, _error: unknown(request)} if unknown else {}
        self._starlette = Starlette(routes=self._routes, exception_handlers=handlers)
        self.faults = Faults(self._written_down)
        self.answer_at(self.faults.routes())

    def answer_at(self, routes: Sequence[BaseRoute]) -> None:
        """Answer at more addresses, where those who answer need the memory to be made."""
        self._starlette.routes.extend(routes)

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Do what a stand-in does beside answering, for as long as it is served. One that only answers does nothing."""
        yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        own = scope["type"] != "http" or scope["path"].startswith(OWN)
        answering: ASGIApp = self._starlette if own else self.faults
        await (_stranger(scope, self.hosts, own=own) or answering)(scope, receive, send)

    async def _written_down(self, scope: Scope, receive: Receive, send: Send) -> None:
        status: list[int] = []
        body = bytearray()

        async def hear() -> Message:
            message = await receive()
            body.extend(message.get("body", b"")[: 65_536 - len(body)])
            return message

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
            await send(message)

        headers = dict(scope["headers"])
        try:
            await self._starlette(scope, hear, tell)
        finally:
            self.calls.append(
                Call(
                    moment=time.time(),
                    caller=headers.get(b"user-agent", b"").decode(errors="replace"),
                    method=scope["method"],
                    path=scope["path"],
                    query=scope["query_string"].decode(errors="replace"),
                    status=status[0] if status else None,
                    body=body.decode(errors="replace"),
                )
            )

    async def _told(self, _request: Request) -> Response:
        return JSONResponse([dataclasses.asdict(call) for call in self.calls])


def _stranger(scope: Scope, hosts: Collection[str], *, own: bool) -> Response | None:
    """Return what is answered to a page of another address that tries to reach a stand-in; None to all others."""
    if scope["type"] != "http":
        return None
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if not HOSTS.fullmatch(host) and host not in hosts:
        return JSONResponse({"message": "A stand-in answers at 127.0.0.1 only"}, HTTPStatus.MISDIRECTED_REQUEST)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if own and scope["method"] in TELLING and kind != "application/json":
        return JSONResponse({"message": "It must be application/json"}, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    return None


async def body_of(request: Request) -> Any:
    """Return a request's JSON, None where it is none."""
    with contextlib.suppress(ValueError):
        return json.loads(await request.body())
    return None
