from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.rehearsal.anthropic import KEY, Anthropic
from ci.rehearsal.serving import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
FIELDS = ("merchant", "date", "total", "currency")
SCHEMA = {
    "type": "object",
    "properties": {name: {"anyOf": [{"type": "string"}, {"type": "null"}]} for name in FIELDS},
    "required": list(FIELDS),
    "additionalProperties": False,
}
RECEIPT = {"merchant": "Kaffee Süd", "date": "2026-03-01", "total": "12.50", "currency": "EUR"}
TOOL = {"name": "save", "input_schema": {"type": "object"}}


def look(directory: Path, calls: Callable[[Anthropic, httpx.AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        stand_in = Anthropic(directory)
        async with (
            serving(stand_in) as address,
            httpx.AsyncClient(base_url=address, headers=HEADERS, trust_env=False) as client,
        ):
            await calls(stand_in, client)

    anyio.run(run)


def request(content: Any = "hello", **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": content}]
    return {"model": "claude-haiku-5-5", "max_tokens": 100, "messages": messages, **more}


def use(key: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": key, "name": "save", "input": {}}]}


def result(key: str, *more: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [*more, {"type": "tool_result", "tool_use_id": key, "content": "done"}]}


ASKING = {"role": "user", "content": "hello"}
WRONG: list[tuple[Any, str]] = [
    ([], "not valid JSON"),
    (request(temperature=0), "temperature: Extra inputs are not permitted"),
    (request(top_p=1), "top_p: Extra inputs are not permitted"),
    (request(surprise=1), "surprise: Extra inputs are not permitted"),
    ({"model": "claude-haiku-5-5", "messages": [ASKING]}, "max_tokens: Field required"),
    ({"max_tokens": 1, "messages": [ASKING]}, "model: Field required"),
    (request(max_tokens="1"), "max_tokens: Input should be a valid integer"),
    (request(max_tokens=0), "greater than or equal to 1"),
    (request(max_tokens=128_001), "128001 > 128000"),
    (request(messages=[]), "at least one message is required"),
    (request(messages=[{"role": "assistant", "content": "hi"}, ASKING]), 'first message must use the "user" role'),
    (request(messages=[{"role": "robot", "content": "hi"}]), "Input should be 'user' or 'assistant'"),
    (request(messages=[ASKING, {"role": "assistant", "content": "hi"}]), "must end with a user message"),
    (request(messages=[{**ASKING, "name": "me"}]), "and nothing else"),
    (request(""), "must have non-empty content"),
    (request([{"type": "text", "text": " "}]), "text content blocks must be non-empty"),
    (request([{"type": "text", "text": "a", "size": 3}]), "text.size: Extra inputs are not permitted"),
    (request([{"type": "song"}]), "Input tag does not match"),
    (request([{"type": "image"}]), "image.source: Field required"),
    (request([{"type": "image", "source": {"type": "url", "url": "http://x"}}]), "takes base64 or text"),
    (
        request([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "?"}}]),
        "invalid base64 data",
    ),
    (
        request([{"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": ""}}]),
        "media_type: Input should be image/jpeg",
    ),
    (request(messages=[result("a")]), "unexpected `tool_use_id`"),
    (request(messages=[ASKING, use("a"), ASKING]), "`tool_use` ids were found without `tool_result`"),
    (request(messages=[ASKING, use("a"), result("b")]), "unexpected `tool_use_id`"),
    (
        request(messages=[ASKING, use("a"), result("a", {"type": "text", "text": "first"})]),
        "`tool_result` blocks must come first",
    ),
    (request(tools=[{"name": "a b", "input_schema": {"type": "object"}}]), "String should match pattern"),
    (request(tools=[{"name": "a"}]), "input_schema: Field required"),
    (request(tools=[{"name": "a", "input_schema": {"type": "array"}}]), "Input should be 'object'"),
    (request(tools=[TOOL, TOOL]), "Tool names must be unique"),
    (request(tools=[TOOL], tool_choice={"type": "tool", "name": "b"}), "Tool 'b' not found"),
    (request(system=[{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}] * 5), "Found 5"),
    (request(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}}), "additionalProperties"),
    (request(output_config={"effort": "huge"}), "output_config.effort"),
]


@pytest.mark.parametrize(("body", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_request_that_the_api_does_not_take_is_refused(tmp_path: Path, body: Any, said: str) -> None:
    async def calls(stand_in: Anthropic, client: httpx.AsyncClient) -> None:
        stand_in.script.add(".", {"text": "yes"})
        answer = await client.post("/v1/messages", json=body)
        told = answer.json()
        assert (answer.status_code, told["type"], told["error"]["type"]) == (400, "error", "invalid_request_error")
        assert said in told["error"]["message"]
        assert told["request_id"] == answer.headers["request-id"]
        assert len(stand_in.billed) == 0

    look(tmp_path, calls)


def test_a_key_a_version_and_a_model_that_are_not_known_are_refused(tmp_path: Path) -> None:
    async def calls(stand_in: Anthropic, client: httpx.AsyncClient) -> None:
        stand_in.script.add(".", {"text": "yes"})
        for headers, status, kind in (
            ({"x-api-key": "wrong"}, 401, "authentication_error"),
            ({"x-api-key": ""}, 401, "authentication_error"),
            ({"anthropic-version": ""}, 400, "invalid_request_error"),
        ):
            answer = await client.post("/v1/messages", json=request(), headers=headers)
            assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
        bearer = {"x-api-key": "", "authorization": f"Bearer {KEY}"}
        assert (await client.post("/v1/messages", json=request(), headers=bearer)).status_code == 200
        unknown = await client.post("/v1/messages", json=request(model="gpt"))
        assert (unknown.status_code, unknown.json()["error"]) == (
            404,
            {"type": "not_found_error", "message": "model: gpt"},
        )
        huge = await client.post("/v1/messages", json=request("a" * (33 * 1024 * 1024)))
        assert huge.status_code == 413
        long = await client.post("/v1/messages", json=request("a" * 4_100_000))
        assert "prompt is too long" in long.json()["error"]["message"]
        models = (await client.get("/v1/models")).json()
        assert "claude-haiku-5-5" in [each["id"] for each in models["data"]]
        assert (await client.get("/v1/nothing")).json()["error"]["type"] == "not_found_error"
        limits = (await client.get("/v1/models")).headers
        assert int(limits["anthropic-ratelimit-requests-remaining"]) > 0

    look(tmp_path, calls)


def test_the_first_rule_that_fits_answers_and_one_that_is_spent_no_more(tmp_path: Path) -> None:
    async def calls(stand_in: Anthropic, client: httpx.AsyncClient) -> None:
        async def say(**more: Any) -> str:
            answer = (await client.post("/v1/messages", json=request(**more))).json()
            return str(answer["content"][0]["text"])

        stand_in.script.add("hel+o", {"text": "once"}, times=1)
        stand_in.script.add("reviewer", {"text": "by the system"}, within="system")
        stand_in.script.add("^earlier", {"text": "by all"}, within="all")
        told = {"when": "done$", "answer": [{"text": "by a result"}], "times": 2}
        assert (await client.post("/_stand-in/rules", json=told)).status_code == 204
        assert await say() == "once"
        assert await say(system="You are a reviewer") == "by the system"
        assert await say(messages=[{"role": "user", "content": "earlier"}, use("a"), result("a")]) == "by all"
        assert await say(messages=[ASKING, use("a"), result("a")]) == "by a result"
        assert (await client.post("/v1/messages", json=request())).status_code == 400
        wrong: tuple[Any, ...] = (
            [],
            {"when": "("},
            {"when": "(", "answer": []},
            {"when": "a", "answer": [{"song": 1}]},
            {"when": "a", "answer": [], "in": "x"},
            {"when": 5, "answer": []},
            {"when": "a", "answer": [{"text": 5}]},
            {"when": "a", "answer": [{"tool": "x", "input": "no object"}]},
            {"when": "a", "answer": [5]},
            {"when": "a", "answer": [], "times": 0},
            {"when": "a", "answer": [], "times": "2"},
            {"when": "a", "answer": [], "first": "no"},
            {"when": "a", "answer": [], "colour": "red"},
        )
        for each in wrong:
            assert (await client.post("/_stand-in/rules", json=each)).status_code == 400
        again = Anthropic(tmp_path)
        assert [rule["when"] for rule in again.script.rules.values()] == ["reviewer", "^earlier", "done$"]

    look(tmp_path, calls)


def test_a_rule_goes_before_the_others_and_all_are_taken_away(tmp_path: Path) -> None:
    async def calls(stand_in: Anthropic, client: httpx.AsyncClient) -> None:
        for name in ("a", "b", "c"):
            rule = {"when": ".", "answer": [{"text": name}], "first": name != "a"}
            assert (await client.post("/_stand-in/rules", json=rule)).status_code == 204
        told = (await client.get("/_stand-in/rules")).json()
        assert [rule["answer"][0]["text"] for rule in told] == ["c", "b", "a"]
        assert (await client.post("/v1/messages", json=request())).json()["content"][0]["text"] == "c"
        assert (await client.delete("/_stand-in/rules")).status_code == 204
        assert (await client.get("/_stand-in/rules")).json() == []
        assert len(Anthropic(tmp_path).script.rules) == len(stand_in.script.rules) == 0

    look(tmp_path, calls)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": f"receipt: {json.dumps(RECEIPT)}"},
        {"type": "text", "text": "Shop: Kaffee Süd\n2026-03-01\nCoffee 2.50\nTotal: 12.50 EUR\n"},
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": "image/png",
                "data": base64.b64encode(
                    b"\x89PNG\x00tEXt receipt: " + json.dumps(RECEIPT).encode() + b"\xff"
                ).decode(),
            },
        },
        {
            "type": "document",
            "source": {
                "type": "base64",
                "media_type": "application/pdf",
                "data": base64.b64encode(
                    b"%PDF-1.4 BT (Shop: Kaffee S\xfcd) Tj (2026-03-01) Tj (Total: 12.50 EUR) Tj ET"
                ).decode(),
            },
        },
    ],
    ids=["mark", "text", "picture", "pdf"],
)
def test_a_receipt_is_read_off_what_a_file_says_unless_a_rule_for_that_file_has_it_read_otherwise(
    tmp_path: Path, block: dict[str, Any]
) -> None:
    async def calls(stand_in: Anthropic, client: httpx.AsyncClient) -> None:
        content = [block, {"type": "text", "text": "Which merchant, date, total and currency does it show?"}]
        form = {"format": {"type": "json_schema", "schema": SCHEMA}}
        answer = (await client.post("/v1/messages", json=request(content, output_config=form))).json()
        assert json.loads(answer["content"][0]["text"]) == RECEIPT
        assert (answer["stop_reason"], answer["usage"]["service_tier"]) == ("end_turn", "standard")
        tool = {"name": "save", "input_schema": SCHEMA}
        used = (await client.post("/v1/messages", json=request(content, tools=[tool]))).json()
        assert (used["stop_reason"], used["content"][0]["input"]) == ("tool_use", RECEIPT)
        stand_in.script.add("Book Barn", {"text": "of another file"}, within="files")
        stand_in.script.add("Kaffee", {"text": "misread"}, within="files")
        answer = (await client.post("/v1/messages", json=request(content, output_config=form))).json()
        assert answer["content"][0]["text"] == "misread"

    look(tmp_path, calls)


def test_what_no_file_says_is_null_and_not_guessed(tmp_path: Path) -> None:
    async def calls(_stand_in: Anthropic, client: httpx.AsyncClient) -> None:
        form = {"format": {"type": "json_schema", "schema": SCHEMA}}
        answer = (await client.post("/v1/messages", json=request("a cat", output_config=form))).json()
        assert json.loads(answer["content"][0]["text"]) == dict.fromkeys(FIELDS)

    look(tmp_path, calls)


def test_a_stream_has_the_events_in_the_order_of_the_real_one(tmp_path: Path) -> None:
    async def calls(stand_in: Anthropic, client: httpx.AsyncClient) -> None:
        stand_in.script.add(".", {"text": "word " * 10}, {"tool": "save", "input": {"a": [1, 2]}})
        answer = await client.post("/v1/messages", json=request(stream=True, tools=[TOOL]))
        assert answer.headers["content-type"].startswith("text/event-stream")
        found = []
        for chunk in answer.text.strip().split("\n\n"):
            name, data = chunk.split("\n")
            event = json.loads(data.removeprefix("data: "))
            assert name == f"event: {event['type']}"
            found.append(event)
        names = [event["type"] for event in found]
        squeezed = [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]
        block = ["content_block_start", "content_block_delta", "content_block_stop"]
        assert squeezed == [
            "message_start",
            block[0],
            "ping",
            *block[1:],
            *block,
            "message_delta",
            "message_stop",
        ]
        assert found[0]["message"]["content"] == []
        texts = [event["delta"]["text"] for event in found if event.get("delta", {}).get("type") == "text_delta"]
        assert "".join(texts) == "word " * 10
        parts = [event["delta"].get("partial_json", "") for event in found if event["type"] == "content_block_delta"]
        assert json.loads("".join(parts)) == {"a": [1, 2]}
        assert found[-2]["delta"]["stop_reason"] == "tool_use"

    look(tmp_path, calls)
