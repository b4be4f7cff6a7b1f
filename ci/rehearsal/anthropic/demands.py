"""What a request to the Messages API must be like, and what is said of one that is not.

https://platform.claude.com/docs/en/api/messages. What the real API
would take and this one does not know is refused too.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COUNTED = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"}
)
ASKED = COUNTED | {"max_tokens", "stream", "metadata", "stop_sequences", "service_tier"}
ROLES = ("user", "assistant")
IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
MOST_MARKS = 4
EFFORTS = ("low", "medium", "high", "xhigh", "max")


class DemandError(Exception):
    """A request that is refused, with the words of the refusal: 400, invalid_request_error."""


def check(body: Any, *, known: frozenset[str], most: int) -> None:
    """Raise DemandError where the request is not one that the API takes; `most` are the model's output tokens."""
    if not isinstance(body, dict):
        raise DemandError("The request body is not valid JSON: an object is expected")
    for name in body:
        if name not in known:
            raise DemandError(f"{name}: Extra inputs are not permitted")
    for name in ("model", "messages", *(["max_tokens"] if "max_tokens" in known else ())):
        if name not in body:
            raise DemandError(f"{name}: Field required")
    if "max_tokens" in known:
        _check_room(body["max_tokens"], str(body["model"]), most)
    _check_system(body.get("system", ""))
    tools = body.get("tools", [])
    _check_tools(tools, body.get("tool_choice"))
    _check_output(body.get("output_config"))
    _check_messages(body["messages"])
    if (marks := _marks(body)) > MOST_MARKS:
        raise DemandError(f"A maximum of {MOST_MARKS} blocks with cache_control may be provided. Found {marks}.")


def _check_room(given: Any, model: str, most: int) -> None:
    if not isinstance(given, int) or isinstance(given, bool):
        raise DemandError("max_tokens: Input should be a valid integer")
    if given < 1:
        raise DemandError("max_tokens: Input should be greater than or equal to 1")
    if given > most:
        raise DemandError(
            f"max_tokens: {given} > {most}, which is the maximum allowed number of output tokens for {model}"
        )


def _check_system(given: Any) -> None:
    if isinstance(given, str):
        return
    for at, block in enumerate(_list(given, "system")):
        _check_block(block, f"system.{at}", ("text",))


def _check_tools(tools: Any, choice: Any) -> None:
    names = []
    for at, tool in enumerate(_list(tools, "tools")):
        for name in ("name", "input_schema"):
            if not isinstance(tool, dict) or name not in tool:
                raise DemandError(f"tools.{at}.custom.{name}: Field required")
        if unknown := set(tool) - {"name", "input_schema", "description", "cache_control", "type", "strict"}:
            raise DemandError(f"tools.{at}.custom.{min(unknown)}: Extra inputs are not permitted")
        if TOOL_NAME.fullmatch(str(tool["name"])) is None:
            raise DemandError(f"tools.{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if not isinstance(tool["input_schema"], dict) or tool["input_schema"].get("type") != "object":
            raise DemandError(f"tools.{at}.custom.input_schema.type: Input should be 'object'")
        names.append(tool["name"])
    if len(set(names)) < len(names):
        raise DemandError("tools: Tool names must be unique.")
    _check_choice(choice, names)


def _check_choice(choice: Any, names: Sequence[str]) -> None:
    if choice is None:
        return
    if not isinstance(choice, dict) or choice.get("type") not in {"auto", "any", "tool", "none"}:
        raise DemandError(
            "tool_choice: Input tag does not match any of the expected tags: 'auto', 'any', 'tool', 'none'"
        )
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise DemandError(f"tool_choice.tool: Tool '{choice.get('name')}' not found in provided tools")


def _check_output(given: Any) -> None:
    if given is None:
        return
    if not isinstance(given, dict) or set(given) - {"effort", "format"}:
        raise DemandError("output_config: Extra inputs are not permitted")
    if given.get("effort") not in {None, *EFFORTS}:
        raise DemandError(f"output_config.effort: Input should be one of {', '.join(EFFORTS)}")
    form = given.get("format")
    if form is None:
        return
    if not isinstance(form, dict) or form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict):
        raise DemandError("output_config.format.schema: Field required")
    if form["schema"].get("type") == "object" and form["schema"].get("additionalProperties") is not False:
        raise DemandError(
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
        )


def _check_messages(messages: Any) -> None:
    if not _list(messages, "messages"):
        raise DemandError("messages: at least one message is required")
    open_uses: list[str] = []
    for at, message in enumerate(messages):
        where = f"messages.{at}"
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            raise DemandError(f"{where}: a message has a role and a content, and nothing else")
        if message["role"] not in ROLES:
            raise DemandError(f"{where}.role: Input should be 'user' or 'assistant'")
        blocks = blocks_of(message["content"])
        if not blocks:
            raise DemandError(f"{where}: all messages must have non-empty content")
        for number, block in enumerate(blocks):
            _check_block(block, f"{where}.content.{number}", PARTS[message["role"]])
        _check_results(where, blocks, open_uses)
        open_uses = [block["id"] for block in blocks if block["type"] == "tool_use"]
    if messages[0]["role"] != "user":
        raise DemandError('messages: first message must use the "user" role')
    if messages[-1]["role"] != "user":
        raise DemandError(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )


def _check_results(where: str, blocks: Sequence[Mapping[str, Any]], open_uses: list[str]) -> None:
    """Hold the results in a message to the uses in the one before."""
    found = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    for key in found:
        if key not in open_uses:
            raise DemandError(
                f"{where}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {key}. Each `tool_result` "
                "block must have a corresponding `tool_use` block in the previous message."
            )
    if missing := [key for key in open_uses if key not in found]:
        raise DemandError(
            f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}. "
            "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
        )
    kinds = [block["type"] for block in blocks]
    if "tool_result" in kinds and "tool_result" in kinds[len(found) :]:
        raise DemandError(f"{where}: `tool_result` blocks must come first in the content of a message")


def blocks_of(content: Any) -> list[dict[str, Any]]:
    """Return a content as blocks: a text alone is short for one block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return _list(content, "content")


def _list(given: Any, where: str) -> list[Any]:
    if not isinstance(given, list):
        raise DemandError(f"{where}: Input should be a valid list")
    return given


def _check_block(block: Any, where: str, kinds: Sequence[str]) -> None:
    if not isinstance(block, dict) or block.get("type") not in kinds:
        raise DemandError(f"{where}: Input tag does not match any of the expected tags: {', '.join(kinds)}")
    needed, optional = BLOCKS[block["type"]]
    for name in needed:
        if name not in block:
            raise DemandError(f"{where}.{block['type']}.{name}: Field required")
    if unknown := set(block) - set(needed) - set(optional) - {"type"}:
        raise DemandError(f"{where}.{block['type']}.{min(unknown)}: Extra inputs are not permitted")
    if (own := CHECKS.get(block["type"])) is not None:
        own(block, where)


def _check_text(block: Mapping[str, Any], where: str) -> None:
    if not isinstance(block["text"], str):
        raise DemandError(f"{where}.text.text: Input should be a valid string")
    if not block["text"].strip():
        raise DemandError("messages: text content blocks must be non-empty")


def _check_source(block: Mapping[str, Any], where: str) -> None:
    source = block["source"]
    kinds = IMAGES if block["type"] == "image" else ("application/pdf", "text/plain")
    if not isinstance(source, dict) or source.get("type") not in {"base64", "text"}:
        raise DemandError(f"{where}.{block['type']}.source: this stand-in has no network and takes base64 or text")
    if source.get("media_type") not in kinds:
        raise DemandError(f"{where}.{block['type']}.source.base64.media_type: Input should be {' or '.join(kinds)}")
    if source["type"] == "base64":
        try:
            base64.b64decode(str(source.get("data", "")), validate=True)
        except binascii.Error as error:
            raise DemandError(f"{where}.{block['type']}.source.base64: invalid base64 data") from error


def _check_use(block: Mapping[str, Any], where: str) -> None:
    if not isinstance(block["input"], dict):
        raise DemandError(f"{where}.tool_use.input: Input should be a valid dictionary")


def _check_result(block: Mapping[str, Any], where: str) -> None:
    for number, inner in enumerate(blocks_of(block.get("content", ""))):
        _check_block(inner, f"{where}.tool_result.content.{number}", ("text", "image", "document"))


# What a block must have, and what it may have.
BLOCKS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "text": (("text",), ("cache_control", "citations")),
    "image": (("source",), ("cache_control",)),
    "document": (("source",), ("cache_control", "title", "context", "citations")),
    "tool_use": (("id", "name", "input"), ("cache_control", "caller")),
    "tool_result": (("tool_use_id",), ("content", "is_error", "cache_control")),
    "thinking": (("thinking", "signature"), ()),
    "redacted_thinking": (("data",), ()),
}
CHECKS: Mapping[str, Callable[[Mapping[str, Any], str], None]] = {
    "text": _check_text,
    "image": _check_source,
    "document": _check_source,
    "tool_use": _check_use,
    "tool_result": _check_result,
}
PARTS = {
    "user": ("text", "image", "document", "tool_result"),
    "assistant": ("text", "tool_use", "thinking", "redacted_thinking"),
}


def _marks(part: Any) -> int:
    if isinstance(part, dict):
        return bool(part.get("cache_control")) + sum(_marks(each) for name, each in part.items() if name != "input")
    return sum(map(_marks, part)) if isinstance(part, list) else 0
