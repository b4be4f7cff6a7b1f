"""What became of a file's lines, out of the whole file before and after."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

AROUND = 3
_MOST = 4000  # lines that are compared with one another; more than that count as all new


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Lines that went and came, and the changed places before and after with what stands around them."""

    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def readable(content: bytes) -> str | None:
    """Return a file's text, None where it is none: a NUL, or what is no UTF-8."""
    if b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def compare(before: str, after: str) -> Lines:
    """Compare two texts line by line; a line whose end alone changed is one that went and came."""
    old, new = _split(before), _split(after)
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    first, last = max(0, start - AROUND), max(0, end - AROUND)
    old, new = old[first : len(old) - last], new[first : len(new) - last]
    if not old and not new:
        return Lines()
    if max(len(old), len(new)) > _MOST:
        return Lines(removed=_bare(old), added=_bare(new), before=(_text(old),), after=(_text(new),))
    removed, added, befores, afters = list[str](), list[str](), list[str](), list[str]()
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(AROUND):
        for tag, one, two, three, four in group:
            if tag != "equal":
                removed += old[one:two]
                added += new[three:four]
        befores.append(_text(old[group[0][1] : group[-1][2]]))
        afters.append(_text(new[group[0][3] : group[-1][4]]))
    return Lines(removed=_bare(removed), added=_bare(added), before=tuple(befores), after=tuple(afters))


def _split(text: str) -> list[str]:
    """Split at newlines alone: what else ends a line somewhere (a return, U+2028) is for the gates to see."""
    parts = text.split("\n")
    ended = [f"{each}\n" for each in parts[:-1]]
    return ended + ([parts[-1]] if parts[-1] else [])


def _bare(lines: list[str]) -> tuple[str, ...]:
    return tuple(each.removesuffix("\n").removesuffix("\r") for each in lines)


def _text(lines: list[str]) -> str:
    return "".join(lines)
