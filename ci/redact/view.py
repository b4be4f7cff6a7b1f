"""A text as it was before terminals, JSON, URLs and HTML wrote it down, with the way back to what is written.

A terminal breaks a line, a frame indents it, colours run through it; JSON, URLs, HTML and shells escape
characters. In a view all of that is undone, so that a secret is found by plain searching, and each place of
the view knows the place of the text that it came from. Everything here takes time in proportion to the text.
"""

from __future__ import annotations

import functools
import html
import re
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

FRAMES = "|" + "".join(map(chr, range(0x2500, 0x2590)))
BLANKS = " \t\r\f\v\u00a0"
QUOTING = " \t\n\r\"'`\\"

_INVISIBLE = "\x07\u200b\u2060\ufeff\u00ad"
_CONTROL = re.compile(rf"[\x1b\x9b{_INVISIBLE}]")
_SEQUENCE = re.compile(
    rf"([\x1b\x9b{_INVISIBLE}](?:(?<=\x1b)(?:\[[0-?]*[ -/]*[@-~]?|\][0-9]{{0,4}};?|[@-Z\\^_])?"
    rf"|(?<=\x9b)[0-?]*[ -/]*[@-~]?|(?<=[{_INVISIBLE}])))"
)
_HEX = "[0-9a-fA-F]"
# Both patterns begin with a set of characters and not with alternatives: that is what makes the search quick.
_ESCAPE = re.compile(
    rf"""([%&\\](?:
      (?<=%)(?:25)*(?:[0-7]{_HEX}|[89a-fA-F]{_HEX}(?:%(?:25)*[89a-fA-F]{_HEX})*)
    | (?<=\\)\\*(?:u[dD][89abAB]{_HEX}{{2}}\\+u[dD][c-fC-F]{_HEX}{{2}}|u{_HEX}{{4}}|u\{{{_HEX}{{1,6}}\}}
        |x[0-7]{_HEX}|x[89a-fA-F]{_HEX}(?:\\+x[89a-fA-F]{_HEX})*|[0-3][0-7]{{2}}|[nrt]|)
    | (?<=&)(?:amp;)*(?:\#[0-9]{{1,7}}|\#[xX]{_HEX}{{1,6}}|[A-Za-z]{{2,10}});
    ))""",
    re.VERBOSE,
)
_BYTE = re.compile(rf"(?:%(?:25)*|x)({_HEX}{{2}})")
_POINT = re.compile(rf"u\{{?({_HEX}{{1,6}})")
_BEYOND = 0x10FFFF

# What the end of a text may have cut: a control sequence of the text as it is, an escape of its joined lines.
OPEN_SEQUENCE = re.compile(r"(?:\x1b\[|\x9b)[0-?]{0,40}[ -/]{0,4}\Z|\x1b\Z")
OPEN_ESCAPE = re.compile(
    rf"(?:(?:%(?:25)*[89a-fA-F]{_HEX}){{0,4}}%(?:25)*{_HEX}?|(?:%(?:25)*[89a-fA-F]{_HEX}){{1,4}}"
    rf"|&(?:amp;)*[#A-Za-z0-9]{{0,10}}|(?:\\+x[89a-fA-F]{_HEX}){{1,4}}"
    rf"|(?:\\+x[89a-fA-F]{_HEX}){{0,4}}\\+(?:[0-7]{{0,2}}|x{_HEX}?|u[{{0-9a-fA-F]{{0,6}}(?:\\+(?:u{_HEX}{{0,3}})?)?))\Z"
)


@dataclass(kw_only=True)
class View:
    """A text and, for each run of it, where in the text `below` it begins and ends.

    A run has the same characters there, or it is a decoded escape, which is found or not as a whole. Below is
    another view, or the original.
    """

    text: str = ""
    below: View | None = None
    begins: array[int] = field(default_factory=lambda: array("q"))
    first: array[int] = field(default_factory=lambda: array("q"))
    last: array[int] = field(default_factory=lambda: array("q"))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the part of the original that `start:end` of the view, not empty, came from."""
        first, last = self._locate(start)[0], self._locate(end - 1)[1]
        return (first, last) if self.below is None else self.below.span(first, last)

    def breaks(self, start: int, end: int) -> list[int]:
        """Return where in `start:end` something of the original was left out or decoded."""
        found = set(self.begins[bisect_right(self.begins, start) : bisect_right(self.begins, end - 1)])
        if self.below is not None:
            for there in self.below.breaks(self._locate(start)[0], self._locate(end - 1)[1]):
                run = bisect_right(self.first, there) - 1
                found.add(self.begins[run] + there - self.first[run])
        return sorted(at for at in found if start < at < end)

    def without(self, characters: str) -> View:
        """Return the view above this one that lacks these characters."""
        above = _Builder(below=self)
        for run in re.finditer(f"[^{re.escape(characters)}]+", self.text):
            above.add(run[0], run.start(), run.end())
        return above.build()

    def _locate(self, index: int) -> tuple[int, int]:
        run = bisect_right(self.begins, index) - 1
        begin, first, last = self.begins[run], self.first[run], self.last[run]
        after = self.begins[run + 1] if run + 1 < len(self.begins) else len(self.text)
        if last - first == after - begin:
            return first + index - begin, first + index - begin + 1
        return first, last


class _Builder:
    def __init__(self, *, below: View | None = None) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._view = View(below=below)

    def add(self, text: str, first: int, last: int) -> None:
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
    joined = _join(text, edges)
    return _decode(joined) if _ESCAPE.search(joined.text) else joined


def squeeze(text: str) -> str:
    """Return the text without what quotes and separates: the text of a view `without(QUOTING)`."""
    for mark in QUOTING:  # quicker than str.translate, which is slow beyond ASCII
        text = text.replace(mark, "")
    return text


def edges_beside(values: Collection[str]) -> str:
    """Return the characters that frame lines, but for those that are part of a secret."""
    return BLANKS + "".join(mark for mark in FRAMES if not any(mark in value for value in values))


def _join(text: str, edges: str) -> View:
    view = _Builder()
    at = 0
    for line in text.split("\n"):
        if _CONTROL.search(line):
            for part, first in _uncolour(line, at, edges):
                view.add(part, first, first + len(part))
        elif kept := line.strip(edges):
            first = at + len(line) - len(line.lstrip(edges))
            view.add(kept, first, first + len(kept))
        at += len(line) + 1
    return view.build()


def _uncolour(line: str, at: int, edges: str) -> list[tuple[str, int]]:
    """Return the runs of a line between its control sequences, and where they begin, without the line's edges."""
    runs: list[tuple[str, int]] = []
    control = False
    for part in _SEQUENCE.split(line):
        if part and not control and (runs or part.lstrip(edges)):
            kept = part if runs else part.lstrip(edges)
            runs.append((kept, at + len(part) - len(kept)))
        at += len(part)
        control = not control
    while runs and not (kept := runs[-1][0].rstrip(edges)):
        runs.pop()
    if runs:
        runs[-1] = (kept, runs[-1][1])
    return runs


def _decode(joined: View) -> View:
    view = _Builder(below=joined)
    at = 0
    escaped = False
    for part in _ESCAPE.split(joined.text):
        if part and (text := _meaning(part) if escaped else part):
            view.add(text, at, at + len(part))
        at += len(part)
        escaped = not escaped
    return view.build()


@functools.lru_cache(maxsize=4096)
def _meaning(written: str) -> str:
    """Return what an escape stands for; nothing where it only shapes the text. Backslashes shape."""
    body = written.lstrip("\\")
    decoded = ""
    if written[0] == "%" or body[:1] == "x":
        decoded = bytes.fromhex("".join(_BYTE.findall(written))).decode(errors="replace")
    elif written[0] == "&":
        decoded = html.unescape(f"&{re.split('[;&]', written)[-2]};")
    elif body[:1] == "u":
        points = [int(point, 16) for point in _POINT.findall(written)]
        halves = "".join(chr(point) for point in points if point <= _BEYOND)
        decoded = halves.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    elif body[:1].isdigit():
        decoded = chr(int(body, 8))
    return "" if decoded in ("\\", "\n", "\r", "\t") else decoded
