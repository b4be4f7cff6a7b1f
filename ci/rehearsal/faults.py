"""The failures that a stand-in can be told to have, for the next requests of a kind.

    {"method": "POST", "path": "/enqueue", "times": 2, "kind": "status", "status": 429, "headers": {"retry-after": "1"}}
    {"path": "/graphql", "content": "issueCreate", "kind": "lose"}

status    that status, with `headers` and `body`, and nothing done
hang      nothing done and nothing said for `seconds`, then the connection is cut
reset     nothing done; the connection is cut before the answer
slow      it is done, and answered `seconds` later
late      the connection is cut at once, and it is done `seconds` later
lose      it is done, and the connection is cut before the answer
cut       it is done, and the connection is cut in the middle of the answer's body
html      it is done, and 200 with a page of HTML is answered, as a captive portal does
garbage   it is done, and half of the JSON is answered as if it were whole

What a stand-in goes on with once it has answered is not waited for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from ci.rehearsal.planned import Planned

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

KINDS = ("status", "hang", "reset", "slow", "late", "lose", "cut", "html", "garbage")
PAGE = b"<!doctype html><title>Sign in to the network</title>"
EXPRESSIONS = ("path", "query", "content")
RANGES = {"after": (0, 10**9), "times": (1, 10**9), "status": (200, 599), "seconds": (0, 86_400)}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One failure, for the next `times` requests that match, once `after` of them were let through.

    `path`, `query` and `content` are expressions, found anywhere in the path, in the query as it was sent and in the
    body, all of which must match.
    """

    kind: str
    method: str = ""
    path: str = ""
    query: str = ""
    content: str = ""
    after: int = 0
    times: int = 1
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 3600.0

    def __post_init__(self) -> None:
        """Refuse what could never match or happen. Raises ValueError, TypeError."""
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind}: there is {', '.join(KINDS)}")
        check_texts(self, (*EXPRESSIONS, "method", "body"))
        check_numbers(self, RANGES)
        if self.method != self.method.upper():
            raise ValueError(f"{self.method}: methods are in capitals")
        for name in EXPRESSIONS:
            try:
                re.compile(getattr(self, name))
            except re.error as error:
                raise ValueError(f"{name} is no expression: {error}") from error
        if not _are_headers(self.headers):
            raise ValueError("headers is no object of texts in one line of ASCII each")

    def meets(self, scope: Scope) -> bool:
        """Whether the request is one of those that fail, by all that stands above its body."""
        query = scope["query_string"].decode(errors="replace")
        met = re.search(self.path, scope["path"]) and re.search(self.query, query)
        return self.method in {"", scope["method"]} and met is not None

    def meets_body(self, body: bytes) -> bool:
        """Whether it is one by its body."""
        return re.search(self.content, body.decode(errors="replace")) is not None


def check_texts(fault: object, names: tuple[str, ...]) -> None:
    """Raise TypeError where one of these fields is no text."""
    for name in names:
        if not isinstance(getattr(fault, name), str):
            raise TypeError(f"{name} is no text")


def check_numbers(fault: object, ranges: dict[str, tuple[int, int]]) -> None:
    """Raise ValueError where one of these fields is no number in its range; only seconds come in parts."""
    for name, (least, most) in ranges.items():
        value = getattr(fault, name)
        is_number = isinstance(value, int | float if name == "seconds" else int) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:
            raise ValueError(f"{name} is no number from {least} to {most}")


def _are_headers(given: object) -> bool:
    texts = [*given, *given.values()] if isinstance(given, dict) else [None]
    return all(isinstance(text, str) and text.isascii() and text.isprintable() for text in texts)


class Faults(Planned[Fault]):
    """The failures that are still to come, as an ASGI layer over a stand-in."""

    def __init__(self, application: ASGIApp) -> None:
        """Let everything through."""
        super().__init__(Fault, "faults")
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or have it fail."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        body = b""
        if any(fault.content and fault.meets(scope) for fault in self.waiting):
            body, receive = await _read(receive)
        fault = self.next(lambda each: each.meets(scope) and (not each.content or each.meets_body(body)))
        if fault is None:
            await self.application(scope, receive, send)
        elif fault.kind == "status":
            await _answer(send, fault.status, fault.body.encode(), fault.headers)
        elif fault.kind in {"hang", "reset"}:
            await anyio.sleep(fault.seconds if fault.kind == "hang" else 0)
            _cut(send)
        elif fault.kind == "late":
            await self._do_later(fault.seconds, scope, receive, send)
        else:
            await self._spoil(fault, scope, receive, send)

    async def _do_later(self, seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection, and do what is asked for when the caller may have asked again."""
        _, again = await _read(receive)  # all of it now: nothing comes through a connection that was cut
        _cut(send)
        await anyio.sleep(seconds)

        async def nowhere(_message: Message) -> None:
            """Nobody hears it."""

        await self.application(scope, again, nowhere)

    async def _spoil(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Do what is asked for, and answer something else as soon as the answer is there."""
        said: list[Message] = []

        async def keep(message: Message) -> None:
            said.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                await _spoilt(fault, said, send)

        await self.application(scope, receive, keep)


async def _spoilt(fault: Fault, said: list[Message], send: Send) -> None:
    head, body = said[0], b"".join(message.get("body", b"") for message in said[1:])
    half = body[: len(body) // 2]
    if fault.kind == "slow":
        await anyio.sleep(fault.seconds)
        for message in said:
            await send(message)
    elif fault.kind == "lose":
        _cut(send)
    elif fault.kind == "html":
        await _answer(send, 200, PAGE, {"content-type": "text/html"})
    elif fault.kind == "garbage":
        await _answer(send, head["status"], half or b"{", {})
    else:
        headers = {"content-type": "application/json", "content-length": str(len(body) + 1)}
        await _start(send, head["status"], headers)
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await anyio.sleep(0.05)  # so that the half is on its way
        _cut(send)


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """Return a request's body, and what lets it be received once more."""
    heard: list[Message] = []
    while not heard or heard[-1].get("more_body"):
        heard.append(await receive())
    waiting = iter(list(heard))

    async def again() -> Message:
        return next(waiting, None) or await receive()

    return b"".join(message.get("body", b"") for message in heard), again


async def _answer(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    await _start(send, status, {"content-type": "application/json", "content-length": str(len(body)), **headers})
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": fields})


def _cut(send: Send) -> None:
    """End the connection with a reset. ASGI has no word for it; `send` is a method of what holds the connection."""
    send.__self__.transport.abort()  # type: ignore[attr-defined]
