"""Excerpts of output, cut to what a page can hold, with the places in them marked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.reporting.wording import shortened
from ci.text import clean

if TYPE_CHECKING:
    from ci.model import Failure

OUTPUT_LINES = 60
DETAIL_LINES = 80
WIDTH = 400
_BARE = re.compile(r"\s*(\d{1,7}):(\d{1,5})\s")
_PLACE = re.compile(r"(?<![\w./@+-])([\w./@+()\[\]-]{1,300}\.[A-Za-z]\w{0,5})[:(](\d{1,7})(?:[:,]\d{1,5})?")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of output: `hit` where a failure stands in it; pieces of (text, whether it names a place)."""

    hit: bool
    pieces: tuple[tuple[str, bool], ...]


def last_lines(output: str, failures: tuple[Failure, ...]) -> tuple[Line, ...]:
    """Return the last lines of a step; none where it said nothing."""
    last = clean(output).rstrip().split("\n")[-OUTPUT_LINES:]
    return _marked("\n".join(shortened(line, lines=1, width=WIDTH) for line in last), failures) if any(last) else ()


def detail_lines(failure: Failure) -> tuple[Line, ...]:
    """Return a failure's own stack or diff, head and tail."""
    return _marked(shortened(failure.detail or "", lines=DETAIL_LINES, width=WIDTH), (failure,))


def _marked(text: str, failures: tuple[Failure, ...]) -> tuple[Line, ...]:
    """Return the lines of a text with each place in them marked, and the lines where one of the failures stands."""
    known: set[tuple[str, int]] = set()
    for failure in failures:
        if failure.file and failure.line:
            known.add((failure.file.rpartition("/")[2], failure.line))
        if failure.line and failure.column:
            known.add((str(failure.line), failure.column))
    return tuple(_line(line, known) for line in text.split("\n"))


def _line(line: str, known: set[tuple[str, int]]) -> Line:
    bare = _BARE.match(line)  # as in ESLint's lists: the file stands above, the line only has numbers
    hit = bare is not None and (bare[1], int(bare[2])) in known
    pieces: list[tuple[str, bool]] = []
    end = 0
    for match in _PLACE.finditer(line):
        pieces += [(line[end : match.start()], False), (match.group(), True)]
        end = match.end()
        hit = hit or (match[1].rpartition("/")[2], int(match[2])) in known
    return Line(hit=hit, pieces=(*pieces, (line[end:], False)))
