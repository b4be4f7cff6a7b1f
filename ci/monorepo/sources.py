"""Cautious reading of configuration that is code: JavaScript is not run, and what is not literal is not believed."""

from __future__ import annotations

import re

STRING = r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`"""
COMMENT = re.compile(rf"{STRING}|(?<![:\\/*])//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
LITERAL = re.compile(r"""'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\$]|\\.)*)`""")
OPENING, CLOSING = "[({", "])}"


def strip_comments(text: str) -> str:
    """JavaScript without comments; every line stays where it was."""
    return COMMENT.sub(lambda found: _blank(found.group()), text)


def literals(text: str) -> tuple[str, ...]:
    """All string literals in it, template literals only where nothing is put in."""
    return tuple(next(part for part in found.groups() if part is not None) for found in LITERAL.finditer(text))


def value_of(text: str, key: str, start: int = 0) -> tuple[str, int] | None:
    """What stands behind the first `key:`, and the offset where it begins: all up to the comma or bracket that ends it."""
    found = re.compile(rf"""(?<![\w.$'"-])["']?{re.escape(key)}["']?\s*:\s*""").search(text, start)
    if found is None:
        return None
    return text[found.end() : _end(text, found.end())].strip(), found.end()


def elements(text: str) -> tuple[tuple[str, int], ...]:
    """The elements of an array literal, with their offsets; nothing where the text is no array."""
    if not text.startswith("["):
        return ()
    found = []
    at = 1
    while at < len(text) and text[at] != "]":
        end = _end(text, at)
        element = text[at:end].strip()
        if element:
            found.append((element, at))
        at = end + 1 if text[end : end + 1] == "," else end
        if at == end and text[at : at + 1] != "]":
            break
    return tuple(found)


def is_literal(text: str) -> bool:
    """Whether nothing in it is spread, called or put into a template."""
    bare = LITERAL.sub("''", text)
    return re.search(r"\.\.\.|`|\w\s*\(|=>", bare) is None


def _end(text: str, at: int) -> int:
    """The offset of the comma or closing bracket that ends the expression at `at`."""
    depth = 0
    while at < len(text):
        string = re.compile(STRING, re.DOTALL).match(text, at) if text[at] in "'\"`" else None
        if string is not None:
            at = string.end()
            continue
        if text[at] in OPENING:
            depth += 1
        elif text[at] in CLOSING:
            depth -= 1
        if depth < 0 or (depth == 0 and text[at] == ","):
            return at
        at += 1
    return at


def _blank(token: str) -> str:
    return re.sub(r"[^\n]", " ", token) if token.startswith("/") else token
