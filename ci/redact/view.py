"""A text as it was before terminals, JSON, URLs and HTML wrote it down, with the way back to what is written.

A terminal breaks a line, a frame indents it, colours run through it; JSON, URLs, HTML and shells escape
characters. In a view all of that is undone, so that a secret is found by plain searching, and each place of
the view knows the place of the text that it came from. Everything here takes time in proportion to the text.
"""

from __future__ import annotations

import html
import re
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

FRAMES = "|" + "".join(map(chr, range(0x2500, 0x2590)))
BLANKS = " \t\r\f\v\u00a0"
QUOTING = " \t\n\r\"'`\\"

_SPECIAL = re.compile(r"[\x07\x1b\x9b%&\\\u200b\u2060\ufeff\u00ad]")
_ESCAPE = re.compile(
    r"""(?P<drop>(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]? | \x1b\][0-9]{0,4};? | \x1b[@-Z\\^_]?
               | [\x07\u200b\u2060\ufeff\u00ad])
    | (?P<unicode>\\+u(?:[dD][89abAB][0-9a-fA-F]{2}\\+u[dD][c-fC-F][0-9a-fA-F]{2}|[0-9a-fA-F]{4}|\{[0-9a-fA-F]{1,6}\}))
    | (?P<ascii>(?:%(?:25)*|\\+x)[0-7][0-9a-fA-F])
    | (?P<bytes>(?:(?:%(?:25)*|\\+x)[89a-fA-F][0-9a-fA-F])+)
    | (?P<octal>\\+[0-3][0-7]{2})
    | (?P<blank>\\+[nrt])
    | (?P<slash>\\+)
    | (?P<entity>&(?:amp;)*(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,10});)""",
    re.VERBOSE,
)
_HEX = re.compile(r"(?:%(?:25)*|\\+x)([0-9a-fA-F]{2})")
_POINT = re.compile(r"\\+u\{?([0-9a-fA-F]{1,6})")
_BEYOND = 0x10FFFF

# An escape that the end of the text may have cut.
OPEN_END = re.compile(
    r"(?:(?:\x1b\[|\x9b)[0-?]{0,40}[ -/]{0,4}|\x1b|%[0-9a-fA-F]?|&(?:amp;)*[#A-Za-z0-9]{0,10}"
    r"|\\+(?:[0-7]{0,2}|x[0-9a-fA-F]?|u[{0-9a-fA-F]{0,6})(?:\\+(?:u[0-9a-fA-F]{0,3})?)?)\Z"
)


@dataclass(kw_only=True)
class View:
    """A text and, for each run of it, where in the original it begins and ends.

    A run is as long as its original (the same characters) or a decoded escape, which is found or not as a whole.
    """

    text: str = ""
    begins: array[int] = field(default_factory=lambda: array("q"))
    first: array[int] = field(default_factory=lambda: array("q"))
    last: array[int] = field(default_factory=lambda: array("q"))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the part of the original that `start:end` of the view, not empty, came from."""
        return self._locate(start)[0], self._locate(end - 1)[1]

    def breaks(self, start: int, end: int) -> list[int]:
        """Return where in `start:end` something of the original was left out or decoded."""
        return list(self.begins[bisect_right(self.begins, start) : bisect_right(self.begins, end - 1)])

    def without(self, characters: str) -> View:
        """Return a view without these characters, with the way back to the same original."""
        view = _Builder()
        for run in re.finditer(f"[^{re.escape(characters)}]+", self.text):
            for begin, end in self._runs(run.start(), run.end()):
                view.add(self.text[begin:end], *self.span(begin, end))
        return view.build()

    def _runs(self, start: int, end: int) -> list[tuple[int, int]]:
        cuts = [start, *self.breaks(start, end), end]
        return list(pairwise(cuts))

    def _locate(self, index: int) -> tuple[int, int]:
        run = bisect_right(self.begins, index) - 1
        begin, first, last = self.begins[run], self.first[run], self.last[run]
        after = self.begins[run + 1] if run + 1 < len(self.begins) else len(self.text)
        if last - first == after - begin:
            return first + index - begin, first + index - begin + 1
        return first, last


class _Builder:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._view = View()

    def add(self, text: str, first: int, last: int) -> None:
        if text:
            self._parts.append(text)
            self._view.begins.append(self._length)
            self._view.first.append(first)
            self._view.last.append(last)
            self._length += len(text)

    def build(self) -> View:
        self._view.text = "".join(self._parts)
        return self._view


def undo(text: str, *, edges: str = BLANKS + FRAMES) -> View:
    """Return the view of a text: lines joined without the `edges` around them, escapes decoded or dropped."""
    view = _Builder()
    at = 0
    for line in text.split("\n"):
        if _SPECIAL.search(line):
            for part, first, last in _strip(_decode(line, at), edges):
                view.add(part, first, last)
        elif kept := line.strip(edges):
            first = at + len(line) - len(line.lstrip(edges))
            view.add(kept, first, first + len(kept))
        at += len(line) + 1
    return view.build()


def edges_beside(values: Collection[str]) -> str:
    """Return the characters that frame lines, but for those that are part of a secret."""
    return BLANKS + "".join(mark for mark in FRAMES if not any(mark in value for value in values))


_Run = tuple[str, int, int]


def _decode(line: str, offset: int) -> list[_Run]:
    runs: list[_Run] = []
    at = 0
    for match in _ESCAPE.finditer(line):
        if match.start() > at:
            runs.append((line[at : match.start()], offset + at, offset + match.start()))
        runs.append((_meaning(match), offset + match.start(), offset + match.end()))
        at = match.end()
    if at < len(line):
        runs.append((line[at:], offset + at, offset + len(line)))
    return runs


def _meaning(match: re.Match[str]) -> str:
    """Return what an escape stands for; nothing where it only shapes the text. Backslashes shape."""
    written = match[0]
    match match.lastgroup:
        case "ascii" | "bytes":
            raw = bytes.fromhex("".join(_HEX.findall(written)))
            decoded = raw.decode("utf-8", errors="replace")
        case "unicode":
            points = [int(point, 16) for point in _POINT.findall(written)]
            halves = "".join(chr(point) for point in points if point <= _BEYOND)
            decoded = halves.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case "octal":
            decoded = chr(int(written.lstrip("\\"), 8))
        case "entity":
            decoded = html.unescape(f"&{re.split('[;&]', written)[-2]};")
        case _:
            decoded = ""
    return "" if decoded in ("\\", "\n", "\r", "\t") else decoded


def _strip(runs: list[_Run], edges: str) -> list[_Run]:
    start, end = 0, len(runs)
    while start < end and not runs[start][0].lstrip(edges):
        start += 1
    while start < end and not runs[end - 1][0].rstrip(edges):
        end -= 1
    kept = runs[start:end]
    if kept:
        text, first, last = kept[0]
        if len(text) == last - first:
            kept[0] = (text.lstrip(edges), last - len(text.lstrip(edges)), last)
        text, first, last = kept[-1]
        if len(text) == last - first:
            kept[-1] = (text.rstrip(edges), first, first + len(text.rstrip(edges)))
    return kept
