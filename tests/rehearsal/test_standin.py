from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ci.rehearsal.memory import Memory
from ci.rehearsal.serving import serving
from ci.rehearsal.standin import StandIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from starlette.requests import Request


def asking(directory: Path, ask: Callable[[StandIn, httpx.AsyncClient], Awaitable[None]]) -> None:
    """Let a stand-in with two addresses be asked."""

    async def echo(request: Request) -> Response:
        return JSONResponse({"got": (await request.body()).decode()})

    async def slow(_request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for piece in (b"one", b"two"):
                yield piece
                await anyio.sleep(0.01)

        return StreamingResponse(pieces())

    async def run() -> None:
        stand_in = StandIn("acme", directory, [Route("/echo", echo, methods=["POST"]), Route("/slow", slow)])
        async with serving(stand_in) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
            await ask(stand_in, client)

    anyio.run(run)


def test_who_called_what_is_written_down(tmp_path: Path) -> None:
    async def ask(_stand_in: StandIn, client: httpx.AsyncClient) -> None:
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
    async def ask(stand_in: StandIn, client: httpx.AsyncClient) -> None:
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


@pytest.mark.parametrize("fault", [{"kind": "explode"}, {"kind": "status", "when": 1}, {"kind": "status", "path": "("}])
def test_a_failure_that_makes_no_sense_is_refused(tmp_path: Path, fault: dict[str, object]) -> None:
    async def ask(_stand_in: StandIn, client: httpx.AsyncClient) -> None:
        answer = await client.post("/_stand-in/faults", json=fault)
        assert (answer.status_code, bool(answer.json()["message"])) == (400, True)

    asking(tmp_path, ask)


@pytest.mark.parametrize(("kind", "done"), [("reset", False), ("lose", True), ("cut", True)])
def test_a_cut_connection_is_really_cut(tmp_path: Path, kind: str, done: bool) -> None:  # noqa: FBT001 - a column
    async def ask(stand_in: StandIn, client: httpx.AsyncClient) -> None:
        stand_in.faults.add(kind=kind)
        with pytest.raises(httpx.TransportError):
            await client.post("/echo", content="x" * 1000)
        assert bool(stand_in.calls) is done

    asking(tmp_path, ask)


def test_an_answer_that_streams_goes_through(tmp_path: Path) -> None:
    async def ask(_stand_in: StandIn, client: httpx.AsyncClient) -> None:
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
