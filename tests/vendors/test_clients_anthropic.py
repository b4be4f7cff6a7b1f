"""Anthropic's own SDKs, pointed at the stand-in by their option for the address: @anthropic-ai/sdk and anthropic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anthropic as sdk
import anyio
import pytest

from ci.rehearsal.anthropic import KEY, Anthropic
from ci.rehearsal.serving import serving
from tests.vendors.npm import installed, played

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "claude-haiku-5-5"


def scripted(directory: Path) -> Anthropic:
    stand_in = Anthropic(directory)
    look = {"tool": "read_file", "input": {"path": "a.ts"}}
    stand_in.script.add("TypeError", {"thinking": "hm"}, {"text": "I look."}, look)
    stand_in.script.add("const x", {"text": "It is x."})
    return stand_in


@pytest.mark.long
def test_the_sdk_for_node_is_answered_as_by_anthropic(tmp_path: Path) -> None:
    async def calls() -> None:
        place = await installed("anthropic", tmp_path)
        async with serving(scripted(tmp_path / "world")) as address:
            told = await played(place, address, KEY)
        assert told == {
            "receipt": {"merchant": "Kaffee", "date": "2026-03-01", "total": "12.50", "currency": "EUR"},
            "tokens": True,
            "thought": ["thinking", "text", "tool_use"],
            "use": ["read_file", {"path": "a.ts"}, "tool_use"],
            "started": "message_start",
            "ended": "message_stop",
            "said": "It is x.",
            "counted": True,
            "known": MODEL,
            "listed": True,
            "temperature": ["BadRequestError", 400, "string"],
            "stranger": ["AuthenticationError", 401, "string"],
            "nobody": ["NotFoundError", 404, "string"],
        }

    anyio.run(calls)


def test_the_sdk_for_python_is_answered_as_by_anthropic(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = scripted(tmp_path)
        async with serving(stand_in) as address, sdk.AsyncAnthropic(api_key=KEY, base_url=address) as client:
            tools: list[sdk.types.ToolUnionParam] = [{"name": "read_file", "input_schema": {"type": "object"}}]
            asked: sdk.types.MessageParam = {"role": "user", "content": "TypeError in a.ts"}
            async with client.messages.stream(model=MODEL, max_tokens=200, messages=[asked], tools=tools) as stream:
                texts = [text async for text in stream.text_stream]
                first = await stream.get_final_message()
            assert ("".join(texts), first.stop_reason) == ("I look.", "tool_use")
            [use] = [block for block in first.content if block.type == "tool_use"]
            assert use.input == {"path": "a.ts"}
            assert first.usage.output_tokens > 0
            assert MODEL in [model.id async for model in client.models.list()]
            stand_in.faults.add(
                kind="status", status=529, body='{"type": "error", "error": {"type": "overloaded_error"}}'
            )
            count = await client.messages.count_tokens(model=MODEL, messages=[asked])  # its own retries
            assert count.input_tokens > 0
            with pytest.raises(sdk.BadRequestError) as raised:
                await client.messages.create(model=MODEL, max_tokens=5, messages=[asked], extra_body={"temperature": 0})
            assert raised.value.request_id
            assert raised.value.type == "invalid_request_error"

    anyio.run(calls)
