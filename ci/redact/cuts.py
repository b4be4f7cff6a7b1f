"""A secret that was cut short: what is left of a long value where a tool shows its beginning only.

Assertion libraries write `expected 'pV7xkQ2mZr9tLw…' to be 'x'`, loggers cut a line at a column. The first
characters of a secret go wherever they stand once they are too many to be chance, and fewer where dots
follow that say that more was there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.redact.sieve import Sieve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = 15  # of a form of a secret, wherever it stands: what a Sieve needs
SQUEEZED_HEAD = 24  # of a form in numbers, two or three characters of which are one of the secret
STUMP = 8  # where a cut is certain
_END = 4  # characters that are looked at first
_DOTS = re.compile("\u2026|\\.{3}")
# Words, the start of an address or of a key's header: no secret yet, and the start of other things too.
_PLAIN = re.compile(r"[a-z_:/.@+-]*|[A-Z_ -]*")
_STRUCTURE = ("{", "[")  # a document begins as others do


def is_plain(stump: str) -> bool:
    """Tell whether the beginning of a secret says nothing about it."""
    return _PLAIN.fullmatch(stump) is not None


class Cuts:
    """Made once for all forms of all secrets; finds the beginnings of them in a text, and the whole ones too."""

    def __init__(self, needles: Iterable[str], *, head: int = HEAD) -> None:
        """Take the forms; of those that are shorter than `head`, a beginning goes where dots follow."""
        self._head = head
        self._by_head: dict[str, list[str]] = {}
        self._stumps: dict[str, str] = {}
        for needle in sorted(needles):
            self._by_head.setdefault(needle[:head], []).append(needle)
            if not needle.startswith(_STRUCTURE):
                self._stumps |= {needle[:size]: needle for size in range(STUMP, min(len(needle), head + 1))}
        self._ends = {stump[-_END:] for stump in self._stumps}
        self._sieve = Sieve(self._by_head)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield where a secret, or its beginning, stands in the text, and the form that begins so."""
        for head in self._sieve.candidates(text):
            at = text.find(head)
            while at >= 0:
                size, needle = max((_common(text, at, needle), needle) for needle in self._by_head[head])
                end = at + size
                if size == len(needle):
                    end = _last(text, at, needle)
                    yield at, end, needle
                elif not (is_plain(needle[:size]) or needle.startswith(_STRUCTURE)):
                    yield at, end, needle
                at = text.find(head, max(at + 1, end - len(head) + 1))
        for dots in _DOTS.finditer(text):
            end = dots.start()
            if text[max(0, end - _END) : end] not in self._ends:
                continue
            for size in range(min(self._head, end), STUMP - 1, -1):
                stump = text[end - size : end]
                if stump in self._stumps and not is_plain(stump):
                    yield end - size, end, self._stumps[stump]
                    break


def _last(text: str, at: int, needle: str) -> int:
    """Return where the needle at a place of the text ends, or the last of those that overlap it one by one."""
    end = at + len(needle)
    while (after := text.rfind(needle, end - len(needle) + 1, end + len(needle) - 1)) >= 0:
        end = after + len(needle)
    return end


def _common(text: str, at: int, needle: str) -> int:
    """Return how many first characters of the needle stand at a place of the text."""
    low, high = 0, min(len(needle), len(text) - at)
    while low < high:
        middle = (low + high + 1) // 2
        if text.startswith(needle[:middle], at):
            low = middle
        else:
            high = middle - 1
    return low
