from __future__ import annotations

import email.utils
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from ci.errors import Trouble, VendorError
from ci.vendors import exchange as module
from ci.vendors.adapter import ensure
from ci.vendors.answers import Answer, pause
from ci.vendors.exchange import segment
from ci.vendors.pace import Pace
from tests.vendors.acme import TOKEN, always, asking, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A value as adapters have them."""

    id: int


@dataclass(frozen=True, kw_only=True)
class Things:
    """Several."""

    things: tuple[Thing, ...]


def test_a_request_carries_the_token_the_vendors_headers_and_our_name() -> None:
    async def run() -> None:
        async def answer(request: Request) -> Response:
            return JSONResponse(dict(request.headers) | {"query": request.url.query})

        async with asking(answer) as (exchange, _):
            got = (
                await exchange.ask("GET", f"/{segment('a/b c')}", query={"n": 1, "all": True, "k": ["x", "y"]})
            ).json()
        assert (got["authorization"], got["x-version"], got["user-agent"]) == (f"Bearer {TOKEN}", "1", "shipway")
        assert got["query"] == "n=1&all=true&k=x&k=y"

    anyio.run(run)


@pytest.mark.parametrize(("value", "seconds"), [("2", 2.0), ("0.5", 0.5), ("soon", None), ("", None)])
def test_the_time_that_a_vendor_asks_for_is_read_in_seconds(value: str, seconds: float | None) -> None:
    assert pause(Answer(status=429, headers={"retry-after": value}, content=b"")) == seconds


def test_or_as_a_date() -> None:
    moment = email.utils.formatdate(time.time() + 30, usegmt=True)
    found = pause(Answer(status=429, headers={"retry-after": moment}, content=b""))
    assert found is not None
    assert 27 < found <= 30


def test_a_wait_that_is_longer_than_our_patience_is_not_begun() -> None:
    began = time.monotonic()
    error, requests = refused(always(429, retry_after="3600"))
    assert (error.trouble, requests) == (Trouble.LIMITING, 1)
    assert "it asks to wait 3600 s" in str(error)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(("method", "requests", "unsettled"), [("GET", 3, False), ("PUT", 3, True), ("POST", 1, True)])
def test_what_must_not_be_done_twice_is_not_asked_twice(method: str, requests: int, unsettled: bool) -> None:  # noqa: FBT001 - a column
    error, met = refused(always(503), method)
    assert (error.trouble, met, error.unsettled) == (Trouble.BROKEN, requests, unsettled)


def test_unless_the_vendor_says_that_it_did_nothing() -> None:
    error, met = refused(always(429, retry_after="0"), "POST")
    assert (error.trouble, met, error.unsettled) == (Trouble.LIMITING, 3, False)


def test_a_redirect_is_not_followed_for_it_would_take_the_token_elsewhere() -> None:
    async def away(_request: Request) -> Response:
        return RedirectResponse("http://127.0.0.1:9/elsewhere")

    error, _ = refused(away)
    assert (error.trouble, error.status) == (Trouble.UNREADABLE, 307)


def test_an_error_tells_the_vendors_words_in_one_clean_line_without_our_token() -> None:
    words = f"\x1b[31mno\u202e such {TOKEN}\nsecond line"
    error, _ = refused(always(422, body=json.dumps({"message": words, "code": "gone"})), "POST")
    assert (error.trouble, error.status, error.code) == (Trouble.REFUSING, 422, "gone")
    said = str(error)
    assert said.startswith("Acme refuses: 422 gone: no such ")
    assert TOKEN not in said
    assert said.isprintable()


def test_an_answer_that_never_ends_is_cut_in_time_and_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    async def drip(_request: Request) -> Response:
        async def drops() -> AsyncIterator[bytes]:
            while True:
                yield b" " * 1000
                await anyio.sleep(0.05)

        return StreamingResponse(drops(), media_type="application/json")

    error, _ = refused(drip, "POST")
    assert "no answer within 1 s" in str(error)
    monkeypatch.setattr(module, "LARGEST", 2000)
    error, _ = refused(drip, "POST")
    assert "the answer is larger than" in str(error)


def test_a_plain_answer_is_read_where_it_is_asked_for() -> None:
    async def text(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def run() -> None:
        async with asking(text) as (exchange, _):
            assert (await exchange.ask("GET", "/", plain=True)).content == b"ok"

    anyio.run(run)
    assert refused(text)[0].trouble is Trouble.UNREADABLE


def test_a_value_with_a_field_missing_is_told_by_its_place() -> None:
    async def run() -> None:
        async with asking(always(200, '{"things": [{"id": 1}, {}]}')) as (exchange, _):
            answer = await exchange.ask("GET", "/things")
            with pytest.raises(VendorError, match=r"things\.1\.id: Field required \(the list of things\)") as raised:
                exchange.read(answer, Things, what="the list of things")
            assert raised.value.trouble is Trouble.UNREADABLE

    anyio.run(run)


def lost() -> VendorError:
    return VendorError("lost", unsettled=True)


def test_what_is_there_is_not_written() -> None:
    async def run() -> None:
        async def look() -> str | None:
            return "there"

        async def write() -> str:
            pytest.fail("it is written")

        assert await ensure(look, write) == "there"

    anyio.run(run)


SOON = Pace(first=0.01, most=0.01, whole=0.1)


@pytest.mark.parametrize("arrives", [True, False])
def test_after_a_lost_answer_we_look_before_we_write_again(arrives: bool) -> None:  # noqa: FBT001 - both ways
    async def run() -> None:
        there: list[str] = []
        writes: list[int] = []

        async def look() -> str | None:
            return there[0] if there else None

        async def write() -> str:
            writes.append(1)
            if arrives or len(writes) > 1:
                there.append("made")
            if len(writes) == 1:
                raise lost()
            return there[0]

        assert await ensure(look, write, lag=SOON) == "made"
        assert (len(there), len(writes)) == (1, 1 if arrives else 2)

    anyio.run(run)


def test_what_shows_itself_only_after_a_while_is_not_written_again() -> None:
    async def run() -> None:
        looks: list[int] = []
        writes: list[int] = []

        async def look() -> str | None:
            looks.append(1)
            return "there" if len(looks) > 4 else None

        async def write() -> str:
            writes.append(1)
            raise lost()

        assert await ensure(look, write, lag=Pace(first=0.01, most=0.01, whole=30)) == "there"
        assert len(writes) == 1

    anyio.run(run)


def test_once_an_answer_was_lost_any_error_is_unsettled() -> None:
    async def run() -> None:
        async def nothing() -> None:
            return None

        async def unreadable() -> None:
            raise VendorError("half", trouble=Trouble.UNREADABLE)

        with pytest.raises(VendorError, match="half") as raised:
            await ensure(nothing, unreadable, lag=SOON)
        assert raised.value.unsettled

        looks: list[int] = []

        async def look() -> None:
            looks.append(1)
            if len(looks) > 1:
                raise VendorError("denied", trouble=Trouble.DENYING)

        with pytest.raises(VendorError, match="denied") as raised:
            await ensure(look, unreadable, lag=SOON)
        assert raised.value.unsettled

    anyio.run(run)


def test_a_refusal_is_no_lost_answer() -> None:
    async def run() -> None:
        async def look() -> str | None:
            return None

        async def write() -> str:
            raise VendorError("no", trouble=Trouble.REFUSING, status=422)

        with pytest.raises(VendorError, match="no"):
            await ensure(look, write)

    anyio.run(run)
