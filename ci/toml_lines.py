"""On which line of a TOML text each key and each element stands, which tomllib does not tell.

The text has been parsed by tomllib before: it is valid, and this reading only follows it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]+|\#[^\n]*)
    | (?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*')
    | (?P<mark>[\[\]{}=,.\n])
    | (?P<bare>[^\s\[\]{}=,.\#"']+)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class _Token:
    text: str
    line: int
    quoted: bool


def locate(text: str) -> Mapping[Path, int]:
    """Return the line, from 1, of every table, key and array element by its path from the root.

    A path holds names and, for elements of arrays and arrays of tables, numbers from 0. A table that
    several lines add to is said to stand where it is named first.
    """
    return _Reading(text).document()


class _Reading:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}  # of arrays of tables, by header so far

    def document(self) -> Mapping[Path, int]:
        table: Path = ()
        while self._at < len(self._tokens):
            if self._peek() == "\n":
                self._at += 1
            elif self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _peek(self) -> str:
        """Return the mark that comes next, or nothing where a name or a value does."""
        if self._at >= len(self._tokens):
            return "\n"
        token = self._tokens[self._at]
        return "" if token.quoted or token.text not in "[]{}=,.\n" else token.text

    def _header(self) -> Path:
        line = self._tokens[self._at].line
        self._at += 1
        many = self._peek() == "["
        self._at += many
        *above, name = self._key()
        self._at += 1 + many
        path: Path = ()
        for part in above:
            path = self._last((*path, part))
            self._lines.setdefault(path, line)
        path = (*path, name)
        self._lines.setdefault(path, line)
        if many:
            self._counts[path] = self._counts.get(path, 0) + 1
            path = self._last(path)
            self._lines[path] = line
        return path

    def _last(self, path: Path) -> Path:
        return (*path, self._counts[path] - 1) if path in self._counts else path

    def _pair(self, table: Path) -> None:
        line = self._tokens[self._at].line
        path = table
        for part in self._key():
            path = (*path, part)
            self._lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._value(path)

    def _key(self) -> list[str]:
        parts: list[str] = []
        while self._peek() in ("", "."):
            token = self._tokens[self._at]
            if token.quoted:
                parts.append(tomllib.loads(f"key = {token.text}")["key"])
            elif token.text != ".":
                parts.append(token.text)
            self._at += 1
        return parts

    def _value(self, path: Path) -> None:
        mark = self._peek()
        if mark not in ("[", "{"):
            while self._peek() in ("", "."):
                self._at += 1
            return
        self._at += 1
        number = 0
        while (ahead := self._peek()) not in ("]", "}"):
            if ahead in (",", "\n"):
                self._at += 1
            elif mark == "{":
                self._pair(path)
            else:
                self._lines[(*path, number)] = self._tokens[self._at].line
                self._value((*path, number))
                number += 1
        self._at += 1


def _tokens(text: str) -> Iterator[_Token]:
    line, at = 1, 0
    while match := _TOKEN.match(text, at):
        at = match.end()
        if match.lastgroup != "blank":
            yield _Token(text=match[0], line=line, quoted=match.lastgroup == "text")
        line += match[0].count("\n")
