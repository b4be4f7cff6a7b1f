"""What may stand in a column: a first guess by its type, and others when a constraint refuses that."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .catalog import Column

_NUMBERS = {"smallint", "integer", "bigint", "numeric", "real", "double precision", "money", "oid"}
_FIXED = {
    "boolean": "true",
    "json": "{}",
    "jsonb": "{}",
    "bytea": "\\x00",
    "interval": "1 hour",
    "time without time zone": "12:00",
    "time with time zone": "12:00+00",
    "xml": "<a/>",
    "tsvector": "",
    "tsquery": "",
    "hstore": "",
    "cidr": "10.0.0.0/8",
    "point": "(0,0)",
    "pg_lsn": "0/0",
}
_DATES = {"date", "timestamp without time zone", "timestamp with time zone"}
_WORDS = (
    "a", "ab", "abc", "abcd", "ABC", "AB", "A", "a@example.com", "https://example.com", "/a", "a-b", "+15550100",
    "example.com", "#aabbcc", "2026-01-01", "12:00", "12345", "1.0.0", "{}", "",
)  # fmt: skip
_AMOUNTS = ("1", "0", "-1", "2", "10", "50", "100", "1000", "0.5", "2026")


class NoValueError(Exception):
    """Why a column cannot be filled."""


def first_guess(column: Column, number: int) -> str:
    """Return a value, as text, of the column's type; another `number` gives another value where the type has many."""
    guess = _by_category(column, number)
    if guess is None:
        raise NoValueError(f"no value is known for {column.name} of type {column.type}")
    return guess


def _by_category(column: Column, number: int) -> str | None:
    base = column.base
    by_base = {
        "uuid": str(uuid.uuid4()),
        "smallint": str(number % 30_000),
        "bit": "0" * (column.length or 1),
        "bit varying": "0",
        "vector": f"[{','.join('0' * (column.length or 1))}]",
        **_addresses(number),
        **_FIXED,
        **dict.fromkeys(_DATES, "now"),
    }
    if column.labels:
        return column.labels[0]
    if base in by_base:
        return by_base[base]
    if base in _NUMBERS:
        return str(number)
    if column.category == "S" or base == "citext":
        return _word(number, column.length)
    return {"A": "{}", "R": "empty"}.get(column.category)


def _addresses(number: int) -> dict[str, str]:
    octets = (number >> 16 & 255, number >> 8 & 255, number & 255)
    hardware = ":".join(f"{octet:02x}" for octet in octets)
    return {
        "inet": "10." + ".".join(str(octet) for octet in octets),
        "macaddr": f"08:00:2b:{hardware}",
        "macaddr8": f"08:00:2b:00:00:{hardware}",
    }


def _word(number: int, length: int | None) -> str:
    word = f"shipway-{number}"
    return word if length is None or length >= len(word) else str(number)[-length:]


def other_guesses(column: Column, constraint: str) -> Iterator[str]:
    """Yield more values for a column that `constraint`, in Postgres' own words, refused: what it names comes first."""
    named = [text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'", constraint)]
    numbers = re.findall(r"-?\d+(?:\.\d+)?", re.sub(r"'(?:[^']|'')*'", "", constraint))
    yield from column.labels
    yield from named
    if column.base == "boolean":
        yield from ("false", "true")
    if column.base in _NUMBERS:
        for text in (*numbers, *(name for name in named if re.fullmatch(r"-?[\d.]+", name))):
            step = float(text)
            yield from (text, f"{step + 1:g}", f"{step - 1:g}")
        yield from _AMOUNTS
    elif column.base in _DATES:
        yield from ("today", "tomorrow", "yesterday", "2000-01-01", "2100-01-01")
    elif column.base in {"json", "jsonb"}:
        yield from ("[]", "null", '"a"', "0")
    elif column.category == "S" or column.base == "citext":
        for name in named:  # a pattern: its fixed letters alone may match it
            yield name.replace("%", "a").replace("_", "a")
        for text in numbers:
            size = min(int(float(text)), column.length or 256, 256)
            yield from ("a" * size, "A" * size, "0" * size, "a" * (size + 1))
        yield from _WORDS
