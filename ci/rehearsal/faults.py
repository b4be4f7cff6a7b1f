"""The failures that a stand-in can be told to have, for the next requests of a kind.

    {"method": "POST", "path": "/enqueue", "times": 2, "kind": "status", "status": 429, "headers": {"retry-after": "1"}}

status    that status, with `headers` and `body`, and nothing done
hang      nothing done and nothing said for `seconds`, then the connection is cut
reset     nothing done; the connection is cut before the answer
lose      it is done, and the connection is cut before the answer
cut       it is done, and the connection is cut in the middle of the answer's body
html      it is done, and 200 with a page of HTML is answered, as a captive portal does
garbage   it is done, and half of the JSON is answered as if it were whole
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

KINDS = ("status", "hang", "reset", "lose", "cut", "html", "garbage")
PAGE = b"<!doctype html><title>Sign in to the network</title>"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One failure, for the next `times` requests that match, once `after` of them were let through.

    `path` is an expression, found anywhere in the path.
    """

    kind: str
    method: str = ""
    path: str = ""
    after: int = 0
    times: int = 1
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 3600.0

    def __post_init__(self) -> None:
        """Refuse what could never match or happen. Raises ValueError."""
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind}: there is {', '.join(KINDS)}")
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"{self.path}: {error}") from error

    def meets(self, scope: Scope) -> bool:
        """Whether the request is one of those that fail."""
        return self.method in {"", scope["method"]} and re.search(self.path, scope["path"]) is not None


class Faults:
    """The failures that are still to come, in the order in which they were asked for; an ASGI layer over a stand-in."""

    def __init__(self, application: ASGIApp) -> None:
        """Let everything through."""
        self.application = application
        self.waiting: list[Fault] = []

    def add(self, **words: Any) -> None:
        """Fail as told. Raises ValueError, TypeError."""
        self.waiting.append(Fault(**words))

    def clear(self) -> None:
        """Fail no more."""
        self.waiting.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or have it fail."""
        fault = self._next(scope) if scope["type"] == "http" else None
        if fault is None:
            await self.application(scope, receive, send)
        elif fault.kind == "status":
            await _answer(send, fault.status, fault.body.encode(), fault.headers)
        elif fault.kind in {"hang", "reset"}:
            await anyio.sleep(fault.seconds if fault.kind == "hang" else 0)
            _cut(send)
        else:
            await self._spoil(fault.kind, scope, receive, send)

    def _next(self, scope: Scope) -> Fault | None:
        for place, fault in enumerate(self.waiting):
            if not fault.meets(scope):
                continue
            if fault.after:
                self.waiting[place] = dataclasses.replace(fault, after=fault.after - 1)
                continue
            self.waiting[place : place + 1] = [dataclasses.replace(fault, times=fault.times - 1)] * (fault.times > 1)
            return fault
        return None

    async def _spoil(self, kind: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Do what is asked for, and answer something else."""
        body = bytearray()
        head: list[Message] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.append(message)
            else:
                body.extend(message.get("body", b""))

        await self.application(scope, receive, keep)
        if kind == "lose":
            _cut(send)
        elif kind == "html":
            await _answer(send, 200, PAGE, {"content-type": "text/html"})
        elif kind == "garbage":
            await _answer(send, head[0]["status"], bytes(body[: len(body) // 2]) or b"{", {})
        else:
            headers = {"content-type": "application/json", "content-length": str(len(body) + 1)}
            await _start(send, head[0]["status"], headers)
            await send({"type": "http.response.body", "body": bytes(body[: len(body) // 2]), "more_body": True})
            await anyio.sleep(0.05)  # so that the half is on its way
            _cut(send)


async def _answer(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    await _start(send, status, {"content-type": "application/json", "content-length": str(len(body)), **headers})
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": fields})


def _cut(send: Send) -> None:
    """End the connection with a reset. ASGI has no word for it; `send` is a method of what holds the connection."""
    send.__self__.transport.abort()  # type: ignore[attr-defined]
