from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from benchmarks import switching
from ci.rehearsal.serving import serving
from ci.rehearsal.switch import Switch, Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


class Behind:
    """A deployment whose stream goes on when it is told to."""

    def __init__(self, name: str) -> None:
        """Wait to be told."""
        self.name = name
        self.go_on = anyio.Event()
        self.began = anyio.Event()
        self.heard: list[dict[str, str]] = []
        methods = ["GET", "POST", "HEAD", "DELETE"]
        self.application = Starlette(
            routes=[Route("/stream", self._stream), Route("/{rest:path}", self._plain, methods=methods)]
        )

    async def _stream(self, _request: Request) -> Response:
        async def pieces() -> AsyncIterator[str]:
            yield f"{self.name}\n"
            self.began.set()
            await self.go_on.wait()
            yield f"{self.name}\n"

        return StreamingResponse(pieces())

    async def _plain(self, request: Request) -> Response:
        self.heard.append(dict(request.headers))
        content = hashlib.sha256(await request.body()).hexdigest()
        return PlainTextResponse(f"{self.name} {request.method} {request.url.query} {content}")


@contextlib.asynccontextmanager
async def switched(*names: str) -> AsyncIterator[tuple[Switch, str, list[Behind], list[Target]]]:
    """Give a switch with its address, and deployments of which the first is behind it."""
    async with contextlib.AsyncExitStack() as stack:
        behind = [Behind(name) for name in names]
        addresses = [await stack.enter_async_context(serving(each.application)) for each in behind]
        targets = [
            Target(name=each.name, port=int(address.rpartition(":")[2]))
            for each, address in zip(behind, addresses, strict=True)
        ]
        switch = Switch()
        await stack.enter_async_context(switch.open())
        switch.move(targets[0] if targets else None)
        yield switch, f"http://127.0.0.1:{switch.port}", behind, targets


def test_a_request_that_began_on_one_deployment_ends_there_and_the_next_one_goes_to_the_other() -> None:
    async def calls() -> None:
        async with switched("blue", "green") as (switch, address, (blue, _), (_, green)):
            async with (
                httpx.AsyncClient(base_url=address, timeout=30) as client,
                client.stream("GET", "/stream") as answer,
            ):
                await blue.began.wait()
                switch.move(green)
                assert (await client.get("/now")).text.startswith("green GET")
                blue.go_on.set()
                assert (await answer.aread()).decode() == "blue\nblue\n"
            assert (switch.requests, switch.lost) == (2, 0)

    anyio.run(calls)


def test_a_connection_that_is_kept_goes_where_the_switch_leads_with_each_request() -> None:
    async def calls() -> None:
        async with switched("blue", "green") as (switch, address, _, (blue, green)):
            limits = httpx.Limits(max_connections=1)
            async with httpx.AsyncClient(base_url=address, limits=limits, timeout=30) as client:
                for target in (green, blue, green):
                    switch.move(target)
                    assert (await client.get("/now")).text.startswith(target.name)

    anyio.run(calls)


def test_what_the_client_says_arrives_and_a_forged_address_of_its_own_does_not() -> None:
    async def calls() -> None:
        async with (
            switched("blue") as (_, address, (blue,), _),
            httpx.AsyncClient(base_url=address, timeout=30) as client,
        ):
            headers = {"x-forwarded-for": "203.0.113.9", "x-own": "1", "te": "trailers", "host": "receipts.test"}
            answer = await client.post("/up?a=%20b", content=b"x" * 1_000_000, headers=headers)
            assert answer.text == f"blue POST a=%20b {hashlib.sha256(b'x' * 1_000_000).hexdigest()}"
            heard = blue.heard[-1]
            assert heard["host"] == heard["x-forwarded-host"] == "receipts.test"
            assert (heard["x-forwarded-for"], heard["x-own"]) == ("127.0.0.1", "1")
            assert "te" not in heard
            head = await client.head("/up")
            assert int(head.headers["content-length"]) > 0
            assert not head.content

    anyio.run(calls)


def test_an_upload_streams_through_and_waits_for_100_continue() -> None:
    async def calls() -> None:
        async with switched("blue") as (switch, _, _, _):
            stream = await anyio.connect_tcp("127.0.0.1", switch.port)
            async with stream:
                head = b"POST /up HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n"
                await stream.send(head)
                assert (await stream.receive()).startswith(b"HTTP/1.1 100 ")
                await stream.send(b"3\r\nabc\r\n0\r\n\r\n")
                assert hashlib.sha256(b"abc").hexdigest().encode() in await _rest(stream)

    anyio.run(calls)


def test_no_deployment_or_one_that_is_gone_is_told_in_the_platforms_words() -> None:
    async def calls() -> None:
        async with switched() as (switch, address, _, _), httpx.AsyncClient(base_url=address, timeout=30) as client:
            nothing = await client.get("/")
            assert (nothing.status_code, nothing.headers["x-vercel-error"]) == (404, "DEPLOYMENT_NOT_FOUND")
            switch.move(Target(name="gone", port=9))
            gone = await client.get("/")
            assert (gone.status_code, gone.headers["x-vercel-error"]) == (502, "FUNCTION_INVOCATION_FAILED")

    anyio.run(calls)


def test_half_an_answer_is_not_passed_off_as_a_whole_one() -> None:
    async def dying(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")

    async def calls() -> None:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        async with listener, anyio.create_task_group() as group, switched() as (switch, address, _, _):
            group.start_soon(listener.serve, dying)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - no database's
            switch.move(Target(name="dying", port=port))
            async with httpx.AsyncClient(base_url=address, timeout=30) as client:
                with pytest.raises(httpx.HTTPError):
                    await client.get("/")
            assert switch.lost == 1
            group.cancel_scope.cancel()

    anyio.run(calls)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nhost: x\r\nbig: " + b"x" * 100_000, b"431"),
        (b"CONNECT x:1 HTTP/1.1\r\nhost: x:1\r\n\r\n", b"405"),
        (b"GET / HTTP/1.0\r\n\r\n", b"200"),
    ],
)
def test_what_is_no_request_ends_with_an_answer_and_the_switch_goes_on(sent: bytes, status: bytes) -> None:
    async def calls() -> None:
        async with switched("blue") as (switch, address, _, _):
            async with await anyio.connect_tcp("127.0.0.1", switch.port) as stream:
                await stream.send(sent)
                assert (await _rest(stream)).split()[1] == status
            async with httpx.AsyncClient(base_url=address, timeout=30) as client:
                assert (await client.get("/")).status_code == 200

    anyio.run(calls)


def test_a_client_that_leaves_in_mid_request_disturbs_nobody() -> None:
    async def calls() -> None:
        async with switched("blue") as (switch, address, (blue,), _):
            for _ in range(3):
                stream = await anyio.connect_tcp("127.0.0.1", switch.port)
                await stream.send(b"POST /up HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc")
                await anyio.aclose_forcefully(stream)
            async with httpx.AsyncClient(base_url=address, timeout=30) as client:
                with pytest.raises(httpx.ReadTimeout):
                    await client.get("/stream", timeout=httpx.Timeout(30, read=0.3))
                blue.go_on.set()
                assert (await client.get("/stream")).text == "blue\nblue\n"

    anyio.run(calls)


def test_a_few_moves_under_traffic_drop_and_mix_nothing() -> None:
    found = anyio.run(lambda: switching.drive(rate=40, moves=20, seconds=2))
    assert (found.dropped, found.mixed, found.late) == ([], [], [])
    assert set(found.answered) == {"blue", "green"}
    assert len(found.seconds) == 80


@pytest.mark.long
def test_a_hundred_moves_under_two_hundred_requests_a_second_drop_and_mix_nothing() -> None:
    found = anyio.run(lambda: switching.drive(rate=200, moves=100, seconds=30))
    assert (found.dropped, found.mixed, found.late) == ([], [], [])
    assert set(found.answered) == {"blue", "green"}
    assert len(found.seconds) == 6000


async def _rest(stream: anyio.abc.ByteStream) -> bytes:
    """Return what comes until the other end is silent for a moment or closes."""
    found = b""
    with contextlib.suppress(anyio.EndOfStream, TimeoutError):
        while True:
            with anyio.fail_after(2 if not found else 0.3):
                found += await stream.receive()
    return found
