"""Sentry's query language, the part that is known here: https://docs.sentry.io/concepts/search/.

    release:"web@1" !environment:staging level:[error, fatal] http.status_code:>=500 firstSeen:-1h has:user boom
    (transaction:"GET /a*" OR transaction:/b) AND tags[shipway]:x

What is not known here raises QueryError, and is never left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPERATORS = (">=", "<=", ">", "<")
_KEY = re.compile(r"(!?)(tags\[[^\]\s]+\]|[A-Za-z_][\w.-]*(?:\([^)\s]*\))?):")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BARE = re.compile(r'[^\s()\[\]",]+')
_LISTED = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^\s",\[\]]+)\s*(,|\])')


class QueryError(Exception):
    """A query that cannot be answered, in the words that the caller is told."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One condition: a key with its values, any of which may hold. `operator` is empty for "is"."""

    key: str
    values: tuple[str, ...]
    operator: str = ""
    negated: bool = False


@dataclass(frozen=True, kw_only=True)
class Words:
    """Free text, to be found in the title or the message."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Both:
    """All parts hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, kw_only=True)
class Either:
    """One of the parts holds."""

    parts: tuple[Node, ...]


Node = Term | Words | Both | Either


def parse(query: str, *, boolean: bool = True) -> Node:
    """Read a query; where it is not `boolean`, AND, OR and parentheses are refused. Raises QueryError."""
    reader = _Reader(query)
    found = reader.either()
    if reader.boolean and not boolean:
        raise QueryError('Boolean statements containing "OR" or "AND" are not supported in this search')
    if reader.rest():
        raise QueryError(f"Error parsing search query: {reader.rest()[:40]!r} was not expected")
    return found


def terms(node: Node) -> Iterator[Term | Words]:
    """Yield all conditions, wherever they stand."""
    if isinstance(node, Term | Words):
        yield node
    else:
        for part in node.parts:
            yield from terms(part)


def holds(node: Node, judge: Callable[[Term | Words], bool]) -> bool:
    """Whether the query holds, where `judge` says it of one condition."""
    if isinstance(node, Both):
        return all(holds(part, judge) for part in node.parts)
    if isinstance(node, Either):
        return any(holds(part, judge) for part in node.parts)
    return judge(node)


def matches(pattern: str, value: str) -> bool:
    """Whether a value is the one that is asked for; `*` stands for anything, unless written with a backslash."""
    literal = pattern.replace("\\*", "\0")
    if "*" not in literal:
        return value == literal.replace("\0", "*")
    expression = ".*".join(re.escape(part.replace("\0", "*")) for part in literal.split("*"))
    return re.fullmatch(expression, value, re.IGNORECASE | re.DOTALL) is not None


class _Reader:
    """Goes through a query from left to right."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.at = 0
        self.boolean = False

    def rest(self) -> str:
        return self.query[self.at :].lstrip()

    def _word(self, word: str) -> bool:
        rest = self.rest()
        if not re.match(rf"{word}(?=[\s(]|$)", rest):
            return False
        self.at = len(self.query) - len(rest) + len(word)
        self.boolean = True
        return True

    def _skip(self, text: str) -> bool:
        rest = self.rest()
        if not rest.startswith(text):
            return False
        self.at = len(self.query) - len(rest) + len(text)
        return True

    def either(self) -> Node:
        parts = [self.both()]
        while self._word("OR"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Either(parts=tuple(parts))

    def both(self) -> Node:
        parts: list[Node] = []
        while (rest := self.rest()) and not rest.startswith(")") and not re.match(r"OR(?=[\s(]|$)", rest):
            if self._word("AND"):
                if not parts:
                    raise QueryError("Error parsing search query: Condition is missing on the left side of 'AND'")
                continue
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Both(parts=tuple(parts))

    def _one(self) -> Node:
        if self._skip("("):
            self.boolean = True
            inner = self.either()
            if not self._skip(")"):
                raise QueryError("Error parsing search query: a parenthesis is not closed")
            return Both(parts=(inner,)) if isinstance(inner, Term | Words) else inner
        self.at = len(self.query) - len(self.rest())
        if key := _KEY.match(self.query, self.at):
            self.at = key.end()
            if "(" in key[2]:
                raise QueryError(f"Aggregate conditions are not known here: {key[2]}")
            return self._term(key[2], negated=bool(key[1]))
        return Words(text=self._value("free text"))

    def _term(self, key: str, *, negated: bool) -> Term:
        if self.query.startswith("[", self.at):
            return Term(key=key, values=self._list(key), negated=negated)
        operator = next((each for each in OPERATORS if self.query.startswith(each, self.at)), "")
        self.at += len(operator)
        return Term(key=key, values=(self._value(key),), operator=operator, negated=negated)

    def _value(self, key: str) -> str:
        if quoted := _QUOTED.match(self.query, self.at):
            self.at = quoted.end()
            return quoted[1].replace('\\"', '"')
        found = _BARE.match(self.query, self.at)
        if found is None:
            if self.query.startswith('"', self.at):
                raise QueryError("Error parsing search query: a quote is not closed")
            raise QueryError(f"Empty string after '{key}:'")
        self.at = found.end()
        return found[0]

    def _list(self, key: str) -> tuple[str, ...]:
        self.at += 1
        values = []
        while True:
            found = _LISTED.match(self.query, self.at)
            if found is None:
                raise QueryError(f"Error parsing search query: the list after '{key}:' cannot be read")
            quoted = _QUOTED.fullmatch(found[1])
            values.append(quoted[1].replace('\\"', '"') if quoted else found[1])
            self.at = found.end()
            if found[2] == "]":
                return tuple(values)
