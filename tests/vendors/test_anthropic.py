from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.errors import Trouble, VendorError
from ci.rehearsal import anthropic as standing_in
from ci.rehearsal.serving import serving
from ci.vendors import anthropic
from ci.vendors.exchange import Patience
from ci.vendors.model import (
    Message,
    Model,
    Opaque,
    Price,
    Prompt,
    Role,
    ScriptedModel,
    Stop,
    Text,
    Tool,
    ToolResult,
    ToolUse,
    Usage,
    saying,
    using,
)
from tests.conftest import ROOT
from tests.vendors.contract import Holding
from tests.vendors.subjects.anthropic import KEY, MODEL, streamed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

READ = Tool(
    name="read_file",
    description="Read a file of the repository.",
    schema={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
)
QUICK = Patience(request=3, whole=6, first=0.01, tries=3)


def asking(*parts: Any, **more: Any) -> Prompt:
    return Prompt(system="You find causes.", messages=(Message(role=Role.USER, parts=parts),), **more)


def asked(text: str, **more: Any) -> Prompt:
    return asking(Text(text=text), **more)


@contextlib.asynccontextmanager
async def world(
    directory: Path, *, held: bool = True, model: str = MODEL
) -> AsyncIterator[tuple[standing_in.Anthropic, anthropic.Anthropic, list[str]]]:
    """Give the stand-in, a client of it, and the operations that the contract has seen."""
    stand_in = standing_in.Anthropic(directory)
    async with serving(stand_in) as address:
        holding = Holding("anthropic", address) if held else None
        async with anthropic.connect(KEY, model, address=address, transport=holding, patience=QUICK) as client:
            yield stand_in, client, holding.seen if holding else []


def run(calls: Callable[[], Awaitable[None]]) -> None:
    anyio.run(calls)


def test_all_that_it_asks_and_all_that_is_answered_is_in_the_contract(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, client, seen):
            stand_in.script.add(
                "TypeError", {"thinking": "hm"}, {"text": "I look."}, {"tool": "read_file", "input": {"path": "a.ts"}}
            )
            stand_in.script.add("const x", {"text": "It is x."})
            first = asked("TypeError in a.ts", tools=(READ,))
            reply = await client.reply(first)
            assert (reply.stop, reply.text, reply.whole) == (Stop.TOOL_USE, "I look.", True)
            [use] = reply.uses
            assert (use.name, use.input) == ("read_file", {"path": "a.ts"})
            assert isinstance(reply.message.parts[0], Opaque)
            result = Message(role=Role.USER, parts=(Text(text="Here."), ToolResult(use=use.id, text="const x")))
            again = Prompt(system=first.system, messages=(*first.messages, reply.message, result), tools=(READ,))
            end = await client.reply(again)
            assert (end.stop, end.text, end.uses) == (Stop.END, "It is x.", ())
            assert await client.count(first) > 10
            known = await client.known()
            assert known is not None
            assert (known.id, known.window, known.lifecycle) == (MODEL, 1_000_000, "active")
            assert set(seen) == {
                "POST /v1/messages 200",
                "POST /v1/messages/count_tokens 200",
                "GET /v1/models/{model_id} 200",
            }
        async with world(tmp_path, model="claude-nobody") as (_, client, seen):
            assert await client.known() is None
            assert seen == ["GET /v1/models/{model_id} 404"]

    run(calls)


def test_why_a_model_stopped_is_told_and_nothing_is_done_that_may_be_half(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, client, _):
            part = {"tool": "read_file", "input": {"path": "a.ts"}}
            for stop in ("refusal", "pause_turn", "model_context_window_exceeded", "max_tokens", "end_turn"):
                stand_in.script.add(f"^{stop}$", {"text": "So "}, part, stop=stop)
                reply = await client.reply(asked(stop, tools=(READ,)))
                assert (reply.stop.value, reply.uses, reply.text) == (stop, (), "So ")
                assert reply.whole is (stop == "end_turn")
                assert (reply.why is not None) is (stop == "refusal")
            stand_in.script.add("^long$", {"text": "word " * 100}, part)
            cut = await client.reply(asked("long", tools=(READ,), room=20))
            assert (cut.stop, cut.uses, len(cut.text)) == (Stop.ROOM, (), 80)

    run(calls)


def test_what_the_cache_has_costs_less_and_no_answer_costs_more_than_was_set_aside(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, client, _):
            stand_in.script.add(".", {"text": "Yes."})
            prompt = Prompt(system="a rule " * 1000, messages=asked("go").messages, tools=(READ,), room=1000)
            most = await client.most(prompt)
            first, second = await client.reply(prompt), await client.reply(prompt)
            assert first.usage.written > 1000
            assert first.usage.cached == 0
            assert second.usage.cached == first.usage.written
            assert second.usage.written == 0
            assert 0 < second.cost < first.cost < most
            longer = Prompt(
                system=prompt.system,
                messages=(*prompt.messages, second.message, *asked("and then?").messages),
                tools=prompt.tools,
            )
            third = await client.reply(longer)
            assert third.usage.cached == second.usage.cached
            assert 0 < third.usage.written < 100

    run(calls)
    assert Price(read=4, answered=20).cost(Usage(fresh=1_000_000, answered=100_000)) == 6
    assert anthropic.price_of("claude-opus-5-5") != anthropic.price_of("claude-opus-5")
    assert anthropic.price_of("claude-haiku-4-5-20251001") == Price(read=1, answered=5)
    assert all(each.read <= anthropic.UNKNOWN.read for each in anthropic.PRICES.values())
    assert anthropic.price_of("another-model") == anthropic.UNKNOWN


def test_what_it_refuses_is_told_in_its_own_words_with_the_requests_id(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, client, _):
            with pytest.raises(VendorError) as raised:
                await client.reply(asked("nothing fits"))
            assert "400 invalid_request_error: This stand-in has no rule for the last message [req_" in str(
                raised.value
            )
            assert (raised.value.trouble, raised.value.code) == (Trouble.REFUSING, "invalid_request_error")
            with pytest.raises(VendorError, match="max_tokens: 999999 > 128000"):
                await client.reply(asked("x", room=999_999))
            with pytest.raises(VendorError, match="unexpected `tool_use_id`"):
                await client.reply(asking(ToolResult(use="toolu_x", text="y")))
            stand_in.keys = ("another",)
            with pytest.raises(VendorError, match="401 authentication_error") as raised:
                await client.known()
            assert raised.value.trouble is Trouble.DENYING
            assert KEY not in f"{raised.value} {raised.value.__cause__!r} {raised.value.__context__!r}"

    run(calls)


def test_an_overload_is_waited_out_and_what_may_have_been_paid_for_is_not_asked_again(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path, held=False) as (stand_in, client, _):
            stand_in.script.add(".", {"text": "Yes."})
            own = '{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'
            stand_in.faults.add(kind="status", status=529, body=own, times=2)
            assert (await client.reply(asked("a"))).text == "Yes."
            stand_in.faults.add(kind="status", status=500, body=own, times=1)
            assert (await client.reply(asked("b"))).text == "Yes."
            stand_in.faults.add(kind="status", status=429, headers={"retry-after-ms": "700"})
            began = time.monotonic()
            await client.reply(asked("c"))
            assert time.monotonic() - began > 0.6
            stand_in.faults.add(kind="status", status=429, headers={"x-should-retry": "false"}, body=own)
            before = len(stand_in.billed)
            with pytest.raises(VendorError) as raised:
                await client.reply(asked("d"))
            assert (raised.value.unsettled, len(stand_in.billed)) == (False, before)
            stand_in.faults.add(kind="status", status=502, body="<h1>a gateway</h1>")
            with pytest.raises(VendorError) as raised:
                await client.reply(asked("e"))
            assert raised.value.unsettled
            stand_in.faults.add(kind="lose", times=1)
            with pytest.raises(VendorError) as raised:
                await client.reply(asked("f"))
            assert (raised.value.unsettled, len(stand_in.billed)) == (True, before + 1)

    run(calls)


def test_half_a_character_in_a_log_keeps_no_prompt_from_being_sent(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, client, _):
            stand_in.script.add("found \\?", {"text": "Yes."})
            use = ToolUse(id="toolu_1", name="read_file", input={"path": "\ud800"})
            prompt = Prompt(
                system="\udfff",
                messages=(
                    Message(role=Role.USER, parts=(Text(text="x"), Text(text=" "))),
                    Message(role=Role.ASSISTANT, parts=(use,)),
                    Message(role=Role.USER, parts=(ToolResult(use="toolu_1", text="found \ud83d", failed=True),)),
                ),
                tools=(READ,),
            )
            assert (await client.reply(prompt)).text == "Yes."

    run(calls)


def test_the_environment_does_not_choose_another_address_or_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "of the environment")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "authorization: Bearer of the environment\nx-spy: 1")
    heard: list[httpx.Headers] = []

    class Hearing(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            heard.append(request.headers)
            return await super().handle_async_request(request)

    async def calls() -> None:
        async with (
            serving(standing_in.Anthropic(tmp_path)) as address,
            anthropic.connect(KEY, MODEL, address=address, transport=Hearing()) as client,
        ):
            assert await client.known() is not None

    run(calls)
    [headers] = heard
    assert headers["authorization"] == f"Bearer {KEY}"
    assert "x-spy" not in headers
    assert headers["anthropic-version"] == "2026-10-21"


def test_a_scripted_model_is_a_model_too(tmp_path: Path) -> None:
    async def talk(model: Model) -> list[str]:
        reply = await model.reply(asked("TypeError", tools=(READ,)))
        return [use.name for use in reply.uses] + [(await model.reply(asked("go on"))).text]

    async def calls() -> None:
        use = ToolUse(id="1", name="read_file", input={"path": "a.ts"})
        scripted = ScriptedModel(using(use, cost=0.1), lambda prompt: saying(prompt.system), most=0.5)
        assert await talk(scripted) == ["read_file", "You find causes."]
        assert await scripted.most(asked("x")) == 0.5
        assert len(scripted.asked) == 2
        with pytest.raises(VendorError, match="its script is at its end"):
            await scripted.reply(asked("more"))
        async with world(tmp_path) as (stand_in, client, _):
            stand_in.script.add("TypeError", {"tool": "read_file", "input": {}})
            stand_in.script.add("go on", {"text": "You find causes."})
            assert await talk(client) == ["read_file", "You find causes."]

    run(calls)


def test_who_does_not_use_a_model_does_not_load_the_sdk() -> None:
    code = (
        "import sys, ci.vendors.anthropic, ci.vendors.sentry_event\n"
        "print({'anthropic', 'httpx2', 'sentry_sdk'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


STREAM = streamed(
    content=[{"type": "text", "text": "I have"}],
    stop_reason="compaction",
    usage={"input_tokens": 100_000, "output_tokens": 8000},
)


def test_a_stop_that_is_not_known_yet_is_paid_for_and_nothing_of_it_is_done(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path, held=False) as (stand_in, client, _):
            stand_in.faults.add(kind="status", status=200, body=STREAM)
            reply = await client.reply(asked("hello"))
            assert (reply.text, reply.stop, reply.whole, reply.uses) == ("I have", Stop.OTHER, False, ())
            assert reply.usage.answered == 8000
            assert reply.cost > 0

    run(calls)


@pytest.mark.parametrize(
    "spoilt",
    [
        re.sub(r'"usage": \{[^}]*\}', '"usage": {}', STREAM),
        STREAM.replace('"content_block": {"type": "text", "text": ""}', '"content_block": {"type": "tool_use"}'),
        STREAM.replace('"stop_reason": "compaction"', '"stop_reason": 5'),
        STREAM.replace('"index": 0', '"index": 7'),
        STREAM.replace('"type": "message_start"', '"type": "ping"'),
        STREAM.replace('{"type": "message_delta"', "{"),
        STREAM.partition("event: message_delta")[0],
        STREAM[: len(STREAM) // 2],
        '{"content": []}',
        "<h1>Sign in</h1>",
        " ",
    ],
    ids=["usage", "part", "stop", "index", "start", "JSON", "no end", "half", "no stream", "page", "nothing"],
)
def test_an_answer_that_was_made_and_cannot_be_read_may_have_cost_money(tmp_path: Path, spoilt: str) -> None:
    assert spoilt != STREAM

    async def calls() -> None:
        async with world(tmp_path, held=False) as (stand_in, client, _):
            stand_in.faults.add(kind="status", status=200, body=spoilt)
            with pytest.raises(VendorError) as raised:
                await client.reply(asked("hello"))
            assert (raised.value.trouble, raised.value.unsettled) == (Trouble.UNREADABLE, True)

    run(calls)


@pytest.mark.parametrize(("word", "status", "again"), [("true", 409, True), ("true", 502, True), ("false", 429, False)])
def test_it_is_asked_again_where_it_says_so_itself(tmp_path: Path, word: str, status: int, *, again: bool) -> None:
    async def calls() -> None:
        async with world(tmp_path, held=False) as (stand_in, client, _):
            stand_in.faults.add(kind="status", status=status, headers={"x-should-retry": word}, body="{}")
            stand_in.script.add("hello", {"text": "Hello."})
            if again:
                assert (await client.reply(asked("hello"))).text == "Hello."
            else:
                with pytest.raises(VendorError):
                    await client.reply(asked("hello"))

    run(calls)
