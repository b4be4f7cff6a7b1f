"""A word that stands where the model may not look: who says it has looked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ci.redact.forms import forms
from ci.redact.view import squeeze, undo
from ci.vendors.model import Message, Opaque, Text, ToolResult, ToolUse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.vendors.model import Part


class Canary:
    """One word, of eight characters at least: a shorter one would be said by chance."""

    def __init__(self, word: str) -> None:
        """Know all forms of it. Raises ValueError where it is too short."""
        if len(word) < 8:  # noqa: PLR2004 - as said above
            raise ValueError("a canary has at least 8 characters")
        self._forms = {form.casefold() for form in forms(word).all}

    def sings(self, message: Message) -> bool:
        """Whether the word is anywhere in a message, however it is written."""
        return any(self._held(text) for part in message.parts for text in _texts(part))

    def _held(self, text: str) -> bool:
        views = {text, squeeze(text), undo(text).text, squeeze(undo(text).text)}
        return any(form in view.casefold() for view in views for form in self._forms)


def _texts(part: Part) -> Iterator[str]:
    match part:
        case Text():
            yield part.text
        case ToolUse():
            yield from _within([part.name, part.input])
        case ToolResult():
            yield part.text
        case Opaque():
            yield from _within(part.block)


def _within(value: object) -> Iterator[str]:
    """Yield every text in a JSON value, however deep."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, Mapping):
            waiting += [*each, *each.values()]
        elif isinstance(each, list | tuple):
            waiting += each
