from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ci.rehearsal.memory import Memory
from ci.rehearsal.serving import serving
from ci.rehearsal.standin import StandIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from starlette.requests import Request


class Acme(StandIn):
    """A stand-in with three addresses. What `/done` is asked for goes on, after its answer, until it is `let`."""

    def __init__(self, directory: Path) -> None:
        """Have nothing that goes on."""
        routes = [
            Route("/echo", self._echo, methods=["POST"]),
            Route("/slow", self._slow),
            Route("/done", self._done, methods=["POST"]),
        ]
        super().__init__("acme", directory, routes)
        self.let, self.over = anyio.Event(), anyio.Event()

    async def _echo(self, request: Request) -> Response:
        return JSONResponse({"got": (await request.body()).decode()})

    async def _slow(self, _request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for piece in (b"one", b"two"):
                yield piece
                await anyio.sleep(0.01)

        return StreamingResponse(pieces())

    async def _done(self, _request: Request) -> Response:
        self.memory.number("done")
        return JSONResponse({"id": 1}, background=BackgroundTask(self._go_on))

    async def _go_on(self) -> None:
        await self.let.wait()
        self.over.set()


def asking(directory: Path, ask: Callable[[Acme, httpx.AsyncClient], Awaitable[None]]) -> None:
    """Let a stand-in be asked."""

    async def run() -> None:
        stand_in = Acme(directory)
        async with serving(stand_in) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
            await ask(stand_in, client)

    anyio.run(run)


def test_who_called_what_is_written_down(tmp_path: Path) -> None:
    async def ask(_stand_in: Acme, client: httpx.AsyncClient) -> None:
        await client.post("/echo?a=1", content="hello", headers={"user-agent": "somebody"})
        await client.get("/nothing")
        calls = (await client.get("/_stand-in/calls")).json()
        said = [
            (call["caller"], call["method"], call["path"], call["query"], call["status"], call["body"])
            for call in calls
        ]
        assert said[0] == ("somebody", "POST", "/echo", "a=1", 200, "hello")
        assert said[1][1:] == ("GET", "/nothing", "", 404, "")
        assert len(said) == 2

    asking(tmp_path, ask)


def test_it_fails_as_often_as_it_is_told_and_only_where(tmp_path: Path) -> None:
    async def ask(stand_in: Acme, client: httpx.AsyncClient) -> None:
        fault = {
            "kind": "status",
            "status": 503,
            "path": "^/echo",
            "method": "POST",
            "times": 2,
            "headers": {"x-a": "b"},
        }
        assert (await client.post("/_stand-in/faults", json=fault)).status_code == 204
        assert (await client.get("/slow")).status_code == 200
        answers = [await client.post("/echo", content="x") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [503, 503, 200]
        assert answers[0].headers["x-a"] == "b"
        assert len(stand_in.calls) == 2  # a fault keeps a request away
        await client.post("/_stand-in/faults", json=fault)
        await client.delete("/_stand-in/faults")
        assert (await client.post("/echo", content="x")).status_code == 200

    asking(tmp_path, ask)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "explode"},
        {"kind": "status", "when": 1},
        {"kind": "status", "path": "("},
        {"kind": "status", "query": "("},
        {"kind": "status", "content": 5},
        {"kind": "status", "method": "post"},
        {"kind": "status", "times": 0},
        {"kind": "status", "times": True},
        {"kind": "status", "after": -1},
        {"kind": "status", "status": "429"},
        {"kind": "status", "status": 99},
        {"kind": "status", "headers": [1]},
        {"kind": "status", "headers": {"retry-after": 1}},
        {"kind": "status", "headers": {"a": "b\r\nc: d"}},
        {"kind": "status", "body": {}},
        {"kind": "hang", "seconds": "x"},
        {"kind": ["hang"]},
        [],
    ],
)
def test_a_failure_that_makes_no_sense_is_refused(tmp_path: Path, fault: object) -> None:
    async def ask(_stand_in: Acme, client: httpx.AsyncClient) -> None:
        answer = await client.post("/_stand-in/faults", json=fault)
        assert (answer.status_code, bool(answer.json()["message"])) == (400, True)

    asking(tmp_path, ask)


def test_a_failure_picks_its_request_by_the_query_and_by_the_body(tmp_path: Path) -> None:
    async def ask(stand_in: Acme, client: httpx.AsyncClient) -> None:
        stand_in.faults.add(kind="status", path="^/echo$", query="dataset=errors(&|$)", status=501)
        stand_in.faults.add(kind="status", content='"issue(Create|Update)"', status=502)
        bodies = ['"issues"', '"issueCreate"', "\xff", '"issueUpdate"']
        answers = [(await client.post("/echo?dataset=spans", content=body)) for body in bodies]
        assert [answer.status_code for answer in answers] == [200, 502, 200, 200]
        assert [answer.json()["got"] for answer in answers if answer.is_success] == [bodies[0], *bodies[2:]]
        assert (await client.post("/echo?a=1&dataset=errors", content="x")).status_code == 501

    asking(tmp_path, ask)


def test_a_failure_comes_after_as_many_as_it_lets_through(tmp_path: Path) -> None:
    async def ask(stand_in: Acme, client: httpx.AsyncClient) -> None:
        stand_in.faults.add(kind="status", status=503, after=2)
        assert [(await client.get("/slow")).status_code for _ in range(4)] == [200, 200, 503, 200]

    asking(tmp_path, ask)


@pytest.mark.parametrize(("kind", "done"), [("reset", False), ("lose", True), ("cut", True)])
def test_a_cut_connection_is_really_cut(tmp_path: Path, kind: str, done: bool) -> None:  # noqa: FBT001 - a column
    async def ask(stand_in: Acme, client: httpx.AsyncClient) -> None:
        stand_in.faults.add(kind=kind)
        with pytest.raises(httpx.TransportError):
            await client.post("/echo", content="x" * 1000)
        assert bool(stand_in.calls) is done

    asking(tmp_path, ask)


def test_who_hangs_says_nothing_does_nothing_and_cuts_at_last(tmp_path: Path) -> None:
    async def ask(stand_in: Acme, client: httpx.AsyncClient) -> None:
        stand_in.faults.add(kind="hang", seconds=0.2)
        with pytest.raises(httpx.TransportError) as cut:
            await client.post("/echo", content="x", timeout=30.0)
        assert not isinstance(cut.value, httpx.TimeoutException)
        stand_in.faults.add(kind="hang", seconds=0.5)
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/echo", content="x", timeout=0.1)
        assert stand_in.calls == []

    asking(tmp_path, ask)


def test_who_is_slow_has_done_it_before_it_answers(tmp_path: Path) -> None:
    async def ask(stand_in: Acme, client: httpx.AsyncClient) -> None:
        stand_in.faults.add(kind="slow", seconds=0.2, times=2)
        before = time.monotonic()
        assert (await client.post("/echo", content="x")).json() == {"got": "x"}
        assert time.monotonic() - before >= 0.2
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/done", timeout=0.05)
        assert stand_in.memory.number("done") == 2
        stand_in.let.set()

    asking(tmp_path, ask)


@pytest.mark.parametrize(
    ("kind", "status", "answer"),
    [("html", 200, "<!doctype html><title>Sign in to the network</title>"), ("garbage", 200, '{"got":')],
)
def test_an_answer_that_is_none_comes_after_it_is_done(tmp_path: Path, kind: str, status: int, answer: str) -> None:
    async def ask(stand_in: Acme, client: httpx.AsyncClient) -> None:
        stand_in.faults.add(kind=kind)
        came = await client.post("/echo", content="xxxxx")
        assert (came.status_code, came.text, len(stand_in.calls)) == (status, answer, 1)

    asking(tmp_path, ask)


@pytest.mark.parametrize("kind", ["lose", "cut", "html", "garbage", "slow"])
def test_what_goes_on_after_the_answer_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    async def ask(stand_in: Acme, client: httpx.AsyncClient) -> None:
        stand_in.faults.add(kind=kind, seconds=0)
        with contextlib.suppress(httpx.TransportError):
            await client.post("/done", timeout=30.0)
        assert not stand_in.over.is_set()
        stand_in.let.set()
        with anyio.fail_after(30):
            await stand_in.over.wait()

    asking(tmp_path, ask)


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:1", 200), ("LOCALHOST", 200), ("evil.test", 421), ("127.0.0.1.evil.test", 421), ("", 421)],
)
def test_only_the_loopback_is_a_stand_ins_host(tmp_path: Path, host: str, status: int) -> None:
    async def ask(stand_in: Acme, client: httpx.AsyncClient) -> None:
        assert (await client.post("/echo", content="x", headers={"host": host})).status_code == status
        assert len(stand_in.calls) == (status == 200)

    asking(tmp_path, ask)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_page_elsewhere_can_tell_a_stand_in_nothing(tmp_path: Path, kind: str) -> None:
    async def ask(stand_in: Acme, client: httpx.AsyncClient) -> None:
        answer = await client.post("/_stand-in/faults", content='{"kind": "reset"}', headers={"content-type": kind})
        assert (answer.status_code, stand_in.faults.waiting) == (415, [])

    asking(tmp_path, ask)


def test_an_answer_that_streams_goes_through(tmp_path: Path) -> None:
    async def ask(_stand_in: Acme, client: httpx.AsyncClient) -> None:
        assert (await client.get("/slow")).text == "onetwo"

    asking(tmp_path, ask)


def test_documents_are_there_after_a_restart_in_their_order(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "a/b.sqlite")
    shelf = memory.shelf("things")
    shelf["b"], shelf["a"], shelf["c"] = {"n": 1}, [1], None
    shelf["b"] = {"n": 2}
    del shelf["a"]
    assert [memory.number("id"), memory.number("id"), memory.number("other", first=10)] == [1, 2, 10]
    again = Memory(tmp_path / "a/b.sqlite")
    assert dict(again.shelf("things")) == {"b": {"n": 2}, "c": None}
    assert (list(again.shelf("things")), again.number("id"), len(again.shelf("else"))) == (["b", "c"], 3, 0)
    with pytest.raises(KeyError):
        del again.shelf("things")["a"]
    for each in (memory, again):
        each.close()


def test_rows_are_at_hand_and_there_after_a_restart_in_their_order(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "rows.sqlite")
    rows, given = memory.rows("spans"), {"n": [1]}
    rows["b"], rows["a"] = given, {"n": 2}
    given["n"].append(2)
    rows["c"] = {"n": 3}
    del rows["a"]
    assert (list(rows.values()), list(rows), len(rows)) == ([{"n": [1]}, {"n": 3}], ["b", "c"], 2)
    again = Memory(tmp_path / "rows.sqlite")
    assert list(again.rows("spans").values()) == list(again.shelf("spans").values()) == [{"n": [1]}, {"n": 3}]
    with pytest.raises(KeyError):
        del again.rows("spans")["a"]
    for each in (memory, again):
        each.close()


def test_a_port_that_is_taken_is_an_error_of_the_system(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(StandIn("one", tmp_path)) as address:
            with pytest.raises(OSError, match="Address already in use"):
                async with serving(StandIn("two", tmp_path), port=int(address.rpartition(":")[2])):
                    pytest.fail("it serves")

    anyio.run(run)


def test_an_open_connection_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    async def run() -> None:
        stand_in = StandIn("acme", tmp_path)
        async with httpx.AsyncClient(trust_env=False) as client:
            with anyio.fail_after(10):
                async with serving(stand_in) as address:
                    await client.get(f"{address}/x")  # and the connection stays open

    anyio.run(run)
