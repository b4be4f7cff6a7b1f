"""What strangers answer, however wrong it is, is a value or a VendorError, and nothing else."""

from __future__ import annotations

import datetime
import email.utils
import json
import traceback
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from starlette.responses import JSONResponse, Response

from ci.errors import Trouble, VendorError
from ci.text import encodable
from ci.vendors import anthropic, linear, resend, sentry_calls
from ci.vendors.answers import Answer, Dialect, pause
from ci.vendors.exchange import segment
from ci.vendors.github import dialect as github
from ci.vendors.sentry import Sentry
from ci.vendors.sentry_values import Window
from ci.vendors.vercel import client as vercel
from tests.vendors.acme import TOKEN, always, asking, refused

if TYPE_CHECKING:
    from starlette.requests import Request

NUMBERS = [
    "²",
    "٣",
    "-1",
    "nan",
    "inf",
    "1e999",
    "9" * 5000,
    "0x10",
    "1_0",
    "",
    "Mon, 01 Jan 2024 00:00:00 +99999999999",
]


@pytest.mark.parametrize("status", [200, 404, 429, 500])
def test_json_that_is_nested_too_deeply_is_told_and_breaks_nothing(status: int) -> None:
    error, _ = refused(always(status, "[" * 200_000), "POST")
    assert error.unsettled is (status in {200, 500})


@pytest.mark.parametrize("value", NUMBERS)
@pytest.mark.parametrize(
    ("dialect", "names"),
    [
        (Dialect(vendor="Acme"), {}),
        (github.DIALECT, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "VALUE"}),
        (sentry_calls.DIALECT, {"x-sentry-rate-limit-reset": "VALUE"}),
        (linear.DIALECT, {"x-ratelimit-requests-remaining": "0", "x-ratelimit-requests-reset": "VALUE"}),
        (linear.DIALECT, {"x-ratelimit-requests-remaining": "VALUE", "x-ratelimit-requests-reset": "1"}),
        (resend.DIALECT, {"ratelimit-reset": "VALUE"}),
        (anthropic.DIALECT, {"retry-after-ms": "VALUE"}),
        (vercel.DIALECT, {"x-ratelimit-reset": "VALUE", "date": email.utils.formatdate(usegmt=True)}),
        (vercel.DIALECT, {"x-ratelimit-reset": "1", "date": "VALUE"}),
    ],
)
def test_a_wait_that_is_no_number_is_none_or_one_that_is_not_begun(
    dialect: Dialect, names: dict[str, str], value: str
) -> None:
    for headers in ({name: text.replace("VALUE", value) for name, text in names.items()}, {"retry-after": value}):
        found = dialect.pause(Answer(status=429, headers=headers, content=b"{}"))
        assert found is None or found >= 0


def test_a_huge_wait_is_not_begun() -> None:
    assert pause(Answer(status=429, headers={"retry-after": "9" * 30}, content=b"")) == pytest.approx(1e30)


def test_half_a_character_in_what_is_sent_is_replaced_and_the_rest_is_sent() -> None:
    async def answer(request: Request) -> Response:
        return JSONResponse({"path": request.url.path, "query": request.url.query, "body": await request.json()})

    async def run() -> Any:
        body = {"text": "log \udc80 line", "\ud800": ["\udfff", 1]}
        async with asking(answer) as (exchange, _):
            query = {"q": "a\udc80", "many": ["\ud800"]}
            return (await exchange.ask("POST", "/" + segment("a\udc80"), body=body, query=query)).json()

    body = {"text": "log ? line", "?": ["?", 1]}
    assert anyio.run(run) == {"path": "/a%3F", "query": "q=a%3F&many=%3F", "body": body}
    assert encodable(("ż", None, 1.5)) == ["ż", None, 1.5]


def test_what_was_answered_is_not_in_the_chain_of_an_error_about_it() -> None:
    async def run() -> None:
        async with asking(always(200, json.dumps({"uri": {"password": TOKEN}}))) as (exchange, _):
            answer = await exchange.ask("GET", "/things")
            with pytest.raises(VendorError) as raised:
                exchange.read(answer, dict[str, str], what="a way to connect")
            assert TOKEN not in "".join(traceback.format_exception(raised.value))
            with pytest.raises(VendorError) as raised:
                exchange.value(answer.json(), dict[str, str], what="a way to connect")
            assert TOKEN not in "".join(traceback.format_exception(raised.value))

    anyio.run(run)


@pytest.mark.parametrize("length", [260, 283, 290, 297])
def test_no_part_of_a_token_is_left_where_a_message_is_cut(length: int) -> None:
    error, _ = refused(always(422, json.dumps({"message": f"{'x' * length} {TOKEN}"})))
    assert TOKEN[:2] not in str(error)


def test_a_pause_is_no_line_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    refused(always(429, retry_after="0"))
    assert [each for each in caplog.records if each.name.startswith("stamina")] == []


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{}]},
        {"data": [{"release": ["x"]}]},
        {"data": [{"release": "r", "count()": None, "count_unique(user)": 1}]},
        {"entries": [{"type": "exception", "data": [1]}]},
        {"entries": [{"type": "exception", "data": {"values": [1]}}]},
        {"entries": [{"type": "exception", "data": {"values": 5}}]},
        {"entries": [{"type": "exception", "data": {"values": [{"stacktrace": 5}]}}]},
    ],
)
def test_rows_of_sentry_that_are_none_are_told(body: dict[str, Any]) -> None:
    async def run() -> None:
        async with asking(always(200, json.dumps(body))) as (exchange, _):
            client = Sentry(exchange, "org")
            now = datetime.datetime.now(datetime.UTC)
            window = Window(since=now, until=now)
            asked = client.error_counts(["r"], window) if "data" in body else client.failures("1")
            with pytest.raises(VendorError) as raised:
                await asked
            assert raised.value.trouble is Trouble.UNREADABLE

    anyio.run(run)
