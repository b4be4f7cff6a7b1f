"""Prompts and answers in the form of Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from ci.text import encodable
from ci.vendors.model import Part, Prompt, Stop, Text, ToolResult, ToolUse, Usage

THOUGHTS = frozenset({"thinking", "redacted_thinking"})


def written(prompt: Prompt) -> dict[str, Any]:
    """Return the prompt in the API's form, with marks that have its beginning kept in the prompt cache.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    """
    messages: list[dict[str, Any]] = [
        {"role": message.role.value, "content": [_block(part) for part in _ordered(message.parts)]}
        for message in prompt.messages
    ]
    tools: list[dict[str, Any]] = [
        {"name": tool.name, "description": tool.description, "input_schema": dict(tool.schema)} for tool in prompt.tools
    ]
    system: list[dict[str, Any]] = [{"type": "text", "text": prompt.system}] if prompt.system.strip() else []
    # Tools come before the system prompt, and so are kept with it; then what was said so far, up to its end.
    for blocks in (system or tools, messages[-1]["content"] if messages else []):
        if blocks and blocks[-1].get("type") not in THOUGHTS:
            blocks[-1] = {**blocks[-1], "cache_control": {"type": "ephemeral"}}
    found: dict[str, Any] = {"messages": messages}
    found |= ({"system": system} if system else {}) | ({"tools": tools} if tools else {})
    return {name: encodable(value) for name, value in found.items()}


def _ordered(parts: tuple[Part, ...]) -> list[Part]:
    """Return the parts with the results of tools first, as the API demands, and without texts that say nothing."""
    told = [part for part in parts if not isinstance(part, Text) or part.text.strip()]
    return sorted(told, key=lambda part: not isinstance(part, ToolResult))


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, ToolUse):
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": dict(part.input)}
    if isinstance(part, ToolResult):
        block = {"type": "tool_result", "tool_use_id": part.use, "is_error": part.failed}
        return block | ({"content": part.text} if part.text.strip() else {})
    return dict(part.block)


def _stop(word: object) -> object:
    """Take a word that the API has learned since for OTHER: the answer was paid for, and is not whole."""
    return Stop.OTHER if isinstance(word, str) and word not in set(Stop) else word


@dataclass(frozen=True, kw_only=True)
class Used:
    """Tokens, as the API counts them."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None

    def usage(self) -> Usage:
        """Return them as ours."""
        return Usage(
            fresh=self.input_tokens,
            cached=self.cache_read_input_tokens or 0,
            written=self.cache_creation_input_tokens or 0,
            answered=self.output_tokens,
        )


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What of an answer is read."""

    content: tuple[dict[str, Any], ...]
    stop_reason: Annotated[Stop, BeforeValidator(_stop)]
    usage: Used
    stop_details: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The answer to a count."""

    input_tokens: int


@dataclass(frozen=True, kw_only=True)
class Said:
    """A block of text."""

    text: str

    def part(self) -> Text:
        """Return it as a part of a message."""
        return Text(text=self.text)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A block that wants a tool used."""

    id: str
    name: str
    input: dict[str, Any]

    def part(self) -> ToolUse:
        """Return it as a part of a message."""
        return ToolUse(id=self.id, name=self.name, input=self.input)


PARTS: Mapping[str, type[Said | Wanted]] = {"text": Said, "tool_use": Wanted}
