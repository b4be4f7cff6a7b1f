"""Puts values in the place of their names in { }: secrets, what was captured, what is random."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from ci.settings.smoke import PLACEHOLDER, placeholders
from ci.text import encodable

Scalar = str | int | float | bool


def written(value: Scalar) -> str:
    """Return a value as JSON writes it, a text as it is, without halves of characters."""
    return str(value).lower() if isinstance(value, bool) else str(encodable(str(value)))


def fill(text: str, values: Mapping[str, Scalar], write: Callable[[str], str] = str) -> str:
    """Return the text with its values; `write` makes each fit into it. Names that have none stay as they are."""
    return PLACEHOLDER.sub(lambda found: write(written(values[found[1]])) if found[1] in values else found[0], text)


def fill_path(text: str, values: Mapping[str, Scalar]) -> str:
    """Return a path with its values, none of which adds a part to it."""
    return fill(text, values, lambda value: quote(value, safe=""))


def fill_json(value: Any, values: Mapping[str, Scalar]) -> Any:
    """Return a JSON value with its values; a text that is one name alone becomes the value itself, of its own kind."""
    if isinstance(value, str):
        alone = PLACEHOLDER.fullmatch(value)
        return values[alone[1]] if alone and alone[1] in values else fill(value, values)
    if isinstance(value, Mapping):
        return {name: fill_json(each, values) for name, each in value.items()}
    return [fill_json(each, values) for each in value] if isinstance(value, list | tuple) else value


def can_fill(values: Mapping[str, Scalar], *parts: Any) -> bool:
    """Whether there is a value for each name in these texts and JSON values."""
    return all(name in values for part in parts for name in placeholders(part))
