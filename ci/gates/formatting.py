"""Whether a change is one of a text's looks: what a formatter, or a linter's own fix, does to a test."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ci.gates.lexemes import laid_out_anyhow
from ci.gates.lookalikes import folded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci.gates.changes import FileChange

_LAID_OUT = re.compile(r"\.(?:[cm]?[jt]sx?|jsonc?|css|scss|less|vue|svelte|astro)$")
_BEGINS = re.compile(
    r"(?<![\w$])(?:expect(?:\.\w+)?|expectTypeOf|assertType|assert(?:\.\w+)?|should)\s*(?:<[^<>()]{0,100}>)?\(|\.should\b"
)
# Brackets, and what may end a statement; a literal is one thing, whatever brackets are in it.
_ENDS = re.compile(
    r"\"[^\"\\\n]*+(?:\\[\s\S][^\"\\\n]*+)*\"|'[^'\\\n]*+(?:\\[\s\S][^'\\\n]*+)*'|`[^`\\]*+(?:\\[\s\S][^`\\]*+)*`"
    r"|[()\[\]{};\f\n]"
)
_MOST = 600  # characters of an assertion
_MANY = 500  # assertions, of more than which the looks are not read
_NEXT = 100  # in which the next line of a chain begins


def formatted(change: FileChange, *, whole_text: bool = False) -> bool:
    """Whether a change leaves every assertion, and the number of tests, as they were; a file that is new does not.

    With `whole_text` it has to leave everything but the looks.
    """
    if change.kind != "modified" or change.mode_before != change.mode_after or change.binary:
        return False
    if not _LAID_OUT.search(folded(change.path)):
        return False  # blanks may be what it says
    if looks(change.removed) == looks(change.added):
        return True
    if whole_text:
        return False
    before, after = texts(change)
    return assertions(before) == assertions(after) and _tests(before) == _tests(after)


def texts(change: FileChange) -> tuple[str, str]:
    """Return the changed places before and after; where nobody told what stands around them, the lines alone."""
    if change.before or change.after:
        return "\n\f\n".join(change.before), "\n\f\n".join(change.after)
    return "\n".join(change.removed), "\n".join(change.added)


def looks(lines: Iterable[str]) -> str:
    """Return a text without what a formatter changes."""
    return laid_out_anyhow("\n".join(lines))


def assertions(text: str) -> Counter[str]:
    """Return every assertion of a text, each without what a formatter changes in it."""
    starts = [match.start() for match in _BEGINS.finditer(text)]
    read = laid_out_anyhow if len(starts) <= _MANY else str.strip
    return Counter(read(_statement(text, start)) for start in starts)


def _statement(text: str, start: int) -> str:
    """Return a statement from its start: to the semicolon or line's end at which its brackets are closed."""
    depth = 0
    part = text[start : start + _MOST]
    for match in _ENDS.finditer(part):
        mark, at = match[0], match.start()
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
            if depth < 0:
                return part[:at]
        elif len(mark) == 1 and depth == 0 and (mark in ";\f" or not part[at : at + _NEXT].lstrip().startswith(".")):
            return part[:at]
    return part


def _tests(text: str) -> int:
    return len(re.findall(r"(?<![\w$.])(?:it|test|describe|suite)\b", text))
