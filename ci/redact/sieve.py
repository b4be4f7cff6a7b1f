"""Which of many needles may stand in a long text: all but a few are ruled out by one look at the text.

A needle of at least 2 * GRAM - 1 characters covers, wherever it stands, one whole cell of a grid that cuts the
text every GRAM characters. So a needle none of whose pieces is a cell of the text is not in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GRAM = 8
_CELL = re.compile(f".{{{GRAM}}}", re.DOTALL)
_BLOCK = 200_000 * GRAM  # bounds the memory that the cells of a long text take


class Sieve:
    """Made once for many needles, asked for each text."""

    def __init__(self, needles: Iterable[str]) -> None:
        """Take the needles."""
        self._short = {needle for needle in needles if len(needle) < 2 * GRAM - 1}
        self._long = {
            needle: [needle[at : at + GRAM] for at in range(GRAM)] for needle in needles if needle not in self._short
        }

    def candidates(self, text: str) -> Iterator[str]:
        """Yield each needle that the text may hold."""
        yield from self._short
        waiting = dict(self._long)
        for block in range(0, len(text), _BLOCK):
            cells = set(_CELL.findall(text, block, block + _BLOCK))
            found = [needle for needle, pieces in waiting.items() if not cells.isdisjoint(pieces)]
            for needle in found:
                del waiting[needle]
            yield from found
