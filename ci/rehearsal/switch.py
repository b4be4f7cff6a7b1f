"""A switch: an address that stays, behind which deployments change places while requests go on.

A request goes to the deployment that is behind the switch when its head has arrived, and stays there to its end,
however long it streams; `move` counts from the next request on. Nobody is stopped: the deployment before stays warm.
A target that sleeps is woken by the request, which waits for it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import anyio
import anyio.abc
import h11

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from anyio.abc import TaskStatus

SIZE = 65_536  # bytes, of what is read at once and of a head
LINGER = 2.0  # seconds in which a client may still send what nobody wants, before the connection is cut
# Those of one connection only: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1; `expect` is answered here.
OURS = frozenset(
    b"connection keep-alive proxy-connection te trailer upgrade expect "
    b"x-forwarded-for x-forwarded-host x-forwarded-proto".split()
)
LOST = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)
BYPASS = b"x-vercel-protection-bypass"  # https://vercel.com/docs/deployment-protection
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A deployment and the port of the loopback on which it listens.

    One that may sleep has `awake` in place of a port: it listens on the port that this gives for as long as its block
    lasts. An OSError says that it cannot.
    """

    name: str
    port: int = 0
    awake: Callable[[], AbstractAsyncContextManager[int]] | None = None


class Switch:
    """One address on the loopback. `requests` counts those that had an answer, `lost` those of which it broke off."""

    def __init__(self, *, port: int = 0) -> None:
        """Port 0 is a free one. Nothing is behind it yet: it answers 404."""
        self.port = port
        self.target: Target | None = None
        self.admits: Callable[[bytes], bool] | None = None  # told the secret that a request shows; lets it in or not
        self.requests = 0
        self.lost = 0

    def move(self, target: Target | None) -> None:
        """Send the requests from now on there; those that have begun end where they are."""
        self.target = target

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen for as long as the block lasts. A port that is taken is an OSError."""
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=self.port)
        self.port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - a listener's, no database's
        async with listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, self._serve)
            yield
            group.cancel_scope.cancel()

    async def stand(self, *, task_status: TaskStatus[anyio.CancelScope]) -> None:
        """Listen until the scope that is told is cancelled."""
        with anyio.CancelScope() as scope:
            async with self.open():
                task_status.started(scope)
                await anyio.sleep_forever()

    async def _serve(self, stream: anyio.abc.ByteStream) -> None:
        """Answer one connection's requests, one after the other."""
        async with _Side(stream, h11.SERVER) as client:
            with contextlib.suppress(*LOST, h11.ProtocolError):
                while await self._next(client):
                    if not client.is_done:
                        await client.linger()
                        return
                    client.protocol.start_next_cycle()

    async def _next(self, client: _Side) -> bool:
        """Answer the next request. Returns whether there was one, and the whole of its answer was given."""
        try:
            request = await client.read()
        except h11.RemoteProtocolError as error:
            await client.say(error.error_status_hint, "this is not HTTP")
            return True
        if not isinstance(request, h11.Request):
            return False
        target = self.target
        if target is None:
            await client.say(404, "no deployment is behind this address", "DEPLOYMENT_NOT_FOUND")
            return True
        if request.method == b"CONNECT":
            await client.say(405, "this is no proxy of yours")
            return True
        shown = next((value for name, value in request.headers if name == BYPASS), b"")
        if self.admits is not None and not self.admits(shown):
            await client.say(401, "this deployment is protected")
            return True
        async with contextlib.AsyncExitStack() as stack:
            try:
                port = await stack.enter_async_context(target.awake()) if target.awake else target.port
                # A connection of its own for each: one that is kept may be closed from there just as it is used.
                stream = await anyio.connect_tcp("127.0.0.1", port)
            except OSError:
                await client.say(502, f"{target.name} does not answer", "FUNCTION_INVOCATION_FAILED")
                return True
            return await self._hand_on(client, request, stream, target.name)

    async def _hand_on(self, client: _Side, request: h11.Request, stream: anyio.abc.ByteStream, name: str) -> bool:
        async with _Side(stream, h11.CLIENT) as server, anyio.create_task_group() as group:
            group.start_soon(_upload, request, client, server)
            whole = await _answer(client, server)
            group.cancel_scope.cancel()
        self.requests += whole
        self.lost += not whole
        if not whole and client.protocol.our_state is h11.SEND_RESPONSE:
            await client.say(502, f"{name} broke off", "FUNCTION_INVOCATION_FAILED")
            return True
        return whole  # the client must not take half an answer for a whole one: its connection is cut


class _Side:
    """One end of a request: a connection and the state of HTTP on it."""

    def __init__(self, stream: anyio.abc.ByteStream, role: Any) -> None:
        self.stream = stream
        self.protocol = h11.Connection(role, max_incomplete_event_size=SIZE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await anyio.aclose_forcefully(self.stream)

    async def read(self) -> Any:
        """Return the next event; the end of the connection is one too."""
        while (event := self.protocol.next_event()) is h11.NEED_DATA:
            try:
                data = await self.stream.receive(SIZE)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                data = b""
            self.protocol.receive_data(data)
        return event

    async def write(self, event: Any) -> None:
        """Send an event; waits where the other end is slow."""
        if data := self.protocol.send(event):
            await self.stream.send(data)

    @property
    def is_done(self) -> bool:
        """Whether a request was read and answered to its end, and another one may follow on this connection."""
        return self.protocol.our_state is h11.DONE and self.protocol.their_state is h11.DONE

    async def say(self, status: int, text: str, error: str | None = None) -> None:
        """Answer by ourselves; `error` in Vercel's words."""
        body = f"{text}\n".encode()
        fields = {"content-type": "text/plain", "content-length": str(len(body))}
        fields |= {"x-vercel-error": error} if error else {}
        await self.write(h11.Response(status_code=status, headers=list(fields.items())))
        await self.write(h11.Data(data=body))
        await self.write(h11.EndOfMessage())

    async def linger(self) -> None:
        """Close so that the other end reads our answer: with bytes of its own unread, it would be told of a reset."""
        if self.protocol.our_state is not h11.ERROR:
            await self.stream.send_eof()
            with anyio.move_on_after(LINGER):
                while await self.stream.receive(SIZE):
                    pass


async def _upload(request: h11.Request, client: _Side, server: _Side) -> None:
    """Hand on the request. A deployment may answer and close before it has read all, which its answer shows."""
    forwarded = [(b"x-forwarded-for", b"127.0.0.1"), (b"x-forwarded-proto", b"http")]
    forwarded += [(b"x-forwarded-host", value) for name, value in request.headers if name == b"host"]
    named = [] if any(name == b"host" for name, _ in request.headers) else [(b"host", b"localhost")]  # HTTP/1.0
    headers = [*named, *_kept(request.headers), *forwarded, (b"connection", b"close")]
    try:
        event: Any = h11.Request(method=request.method, target=request.target, headers=headers)
        await server.write(event)
        while not isinstance(event, h11.EndOfMessage):
            event = await _part(client)
            if event is None:  # it will not become whole
                await anyio.aclose_forcefully(server.stream)
                return
            await server.write(event)
    except h11.ProtocolError:  # nor could it be handed on
        await anyio.aclose_forcefully(server.stream)
    except LOST:  # nobody there reads any more
        return


async def _part(client: _Side) -> Any:
    """Return the next part of a request's body, None where it breaks off."""
    try:
        if client.protocol.they_are_waiting_for_100_continue:
            await client.write(h11.InformationalResponse(status_code=100, headers=[]))
        event = await client.read()
    except (*LOST, h11.RemoteProtocolError):
        return None
    return None if isinstance(event, h11.ConnectionClosed) else event


async def _answer(client: _Side, server: _Side) -> bool:
    """Hand back the answer, as it comes. Returns whether it was whole, and arrived."""
    event: Any = None
    with contextlib.suppress(*LOST, h11.ProtocolError):
        while not isinstance(event, h11.EndOfMessage):
            event = await server.read()
            if isinstance(event, h11.InformationalResponse):
                continue
            if isinstance(event, h11.Response):
                headers = _kept(event.headers)
                event = h11.Response(status_code=event.status_code, headers=headers, reason=event.reason)
            await client.write(event)
        return True
    return False


def _kept(headers: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Return the headers that go on: not those of the connection, and one way to say how long the body is."""
    named = {word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")}
    chunked = any(name == b"transfer-encoding" for name, _ in headers)
    gone = (
        OURS
        | (named - {b"close", b"transfer-encoding", b"content-length"})
        | ({b"content-length"} if chunked else set())
    )
    return [(name, value) for name, value in headers if name not in gone]
