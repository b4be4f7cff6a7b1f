"""What is said with a model so far, kept below a size.

What the prompt cache has is a prompt's beginning: to change it at every step would cost more than it saves. So once it
is too long it is shortened by a good part, the oldest first, and then left alone until it is too long again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ci.vendors.model import Message, Opaque, Part, Prompt, Role, Text, ToolResult, ToolUse

if TYPE_CHECKING:
    from ci.vendors.model import Reply, Tool

MOST = 240_000  # characters, some 60,000 tokens
KEPT = (4, 2)  # messages at the end that are not shortened, but for a lack of room: the last two never
_SHORT = 300  # characters of a text that is left as it is
_DEEPEST = 20  # of an input
ROOM = 8192  # tokens of an answer


class Conversation:
    """Messages in turn, the first of which says what it is about."""

    def __init__(self, system: str, first: str, tools: tuple[Tool, ...], *, most: int = MOST, room: int = ROOM) -> None:
        """Begin it. `most` are its characters."""
        self._system = system
        self._tools = tools
        self._most = most
        self._room = room
        self._messages = [Message(role=Role.USER, parts=(Text(text=first),))]

    def prompt(self) -> Prompt | None:
        """Return what the model is to be asked now; None where it is too long though all was shortened."""
        for kept in KEPT:
            if self._size() > self._most:
                self._shorten(kept)
        if self._size() > self._most:
            return None
        return Prompt(system=self._system, messages=tuple(self._messages), tools=self._tools, room=self._room)

    def heard(self, reply: Reply) -> None:
        """Add an answer: of one that wants nothing done only its words, for its last part may be half of one."""
        parts = reply.message.parts
        if not reply.uses:
            parts = tuple(part for part in parts if isinstance(part, Text) and part.text.strip())
        if parts:
            self._messages.append(Message(role=Role.ASSISTANT, parts=parts))

    def tell(self, *parts: Part) -> None:
        """Add what the model is told: to what it was told last, where it had nothing to say to that."""
        if self._messages[-1].role is Role.USER:
            last = self._messages.pop()
            parts = (*last.parts, *parts)
        self._messages.append(Message(role=Role.USER, parts=parts))

    def _size(self) -> int:
        return sum(_size(part) for message in self._messages for part in message.parts)

    def _shorten(self, kept: int) -> None:
        """Shorten the oldest messages but the first, until half of what there may be is left, or only those kept."""
        size = self._size()
        for at in range(1, len(self._messages) - kept):
            if size <= self._most // 2:
                return
            message = self._messages[at]
            parts = tuple(map(_short, message.parts))
            size -= sum(map(_size, message.parts)) - sum(map(_size, parts))
            self._messages[at] = dataclasses.replace(message, parts=parts)


def bounded(reply: Reply) -> Reply:
    """Return the reply without inputs of tools that are too deep to be walked through; no tool takes such a one."""
    message = reply.message
    parts = tuple(
        dataclasses.replace(part, input={"left out": "too deep"})
        if isinstance(part, ToolUse) and _deep(part.input)
        else part
        for part in message.parts
    )
    return dataclasses.replace(reply, message=dataclasses.replace(message, parts=parts))


def _deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, Mapping | list | tuple)
            for inner in (each.values() if isinstance(each, Mapping) else each)
        ]
    return bool(level)


def _size(part: Part) -> int:
    match part:
        case Text() | ToolResult():
            return len(part.text)
        case ToolUse():
            return len(part.name) + len(str(part.input))
        case Opaque():
            return len(str(part.block))


def _short(part: Part) -> Part:
    """Return a part without what it held at length; thoughts stay, for the model takes them as they came or not."""
    match part:
        case ToolResult():
            return dataclasses.replace(part, text=_cut(part.text))
        case ToolUse():
            given = {name: _cut(value) if isinstance(value, str) else value for name, value in part.input.items()}
            return dataclasses.replace(part, input=given)
        case _:
            return part


def _cut(text: str) -> str:
    if len(text) <= _SHORT:
        return text
    return f"[{len(text)} characters, left out later to save room: ask again for what is needed]"
