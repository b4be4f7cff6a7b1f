"""Patterns from a model, and globs, matched in time that grows with the text alone.

Python's own expressions may take for ever over a few characters, and a model, or a stranger through it, finds such a
one by chance or on purpose. Pydantic brings an engine that cannot: Rust's, without look-around and back references.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic_core import SchemaError, SchemaValidator, core_schema

if TYPE_CHECKING:
    from collections.abc import Callable

_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|\{|\}|,|[^*?{},]+")
_MEANT = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class PatternError(ValueError):
    """A pattern that cannot be used; the message is one line."""


def matching(pattern: str) -> Callable[[str], bool]:
    """Return what says whether a line holds the pattern. Raises PatternError."""
    try:
        found = SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError as error:
        why = " ".join(str(error).splitlines()[-1].split())
        raise PatternError(f"the pattern cannot be used: {why.removeprefix('error: ').rstrip('.')}") from None
    return found.isinstance_python


def fitting(glob: str) -> Callable[[str], bool]:
    """Return what says whether a path fits: `*` and `?` within a name, `**` across names, `{a,b}` one of these.

    Brackets stand for themselves, as in the names of routes: `app/[id]/page.tsx`. Raises PatternError.
    """
    depth = 0
    parts = []
    for part in _PARTS.findall(glob.removeprefix("./")):
        if part == "{":
            depth += 1
            parts.append("(?:")
        elif part == "}" and depth:
            depth -= 1
            parts.append(")")
        elif part == "," and depth:
            parts.append("|")
        else:
            parts.append(_MEANT.get(part) or re.escape(part))
    if depth:
        raise PatternError("the glob cannot be used: a brace is not closed")
    return matching(rf"(?s)\A(?:{''.join(parts)})\z")
