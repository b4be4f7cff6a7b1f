"""Cautious reading of configuration that is code: JavaScript is not run, and what is not literal is not believed."""

from __future__ import annotations

import re

STRING = r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`"""
COMMENT = re.compile(rf"{STRING}|(?<![:\\/*])//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
LITERAL = re.compile(r"""'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\$]|\\.)*)`""")
MEMBER = re.compile(r"""["']?(?P<key>[\w$-]+)["']?\s*:\s*""")
OPENING, CLOSING = "[({", "])}"


def strip_comments(text: str) -> str:
    """JavaScript without comments; every line stays where it was."""
    return COMMENT.sub(lambda found: _blank(found.group()), text)


def literals(text: str) -> tuple[str, ...]:
    """All string literals in it, template literals only where nothing is put in."""
    return tuple(next(part for part in found.groups() if part is not None) for found in LITERAL.finditer(text))


def value_of(text: str, key: str, start: int = 0) -> tuple[str, int] | None:
    """What stands behind the first `key:`, and the offset where it begins: up to the comma or bracket behind it."""
    found = re.compile(rf"""(?<![\w.$'"-])["']?{re.escape(key)}["']?\s*:\s*""").search(text, start)
    if found is None:
        return None
    return text[found.end() : _end(text, found.end())].strip(), found.end()


def elements(text: str) -> tuple[tuple[str, int], ...]:
    """The elements of an array or object literal, with their offsets; nothing where the text begins with neither."""
    if text[:1] not in {"[", "{"}:
        return ()
    found = []
    at = 1
    while at < len(text) and text[at] not in CLOSING:
        end = _end(text, at)
        element = text[at:end]
        if element.strip():
            found.append((element.strip(), at + len(element) - len(element.lstrip())))
        at = end + 1 if text[end : end + 1] == "," else end
    return tuple(found)


def members(text: str) -> dict[str, tuple[str, int]]:
    """The members of an object literal: key -> value as written, and its offset. Spreads are not among them."""
    found = {}
    for element, offset in elements(text) if text.startswith("{") else ():
        member = MEMBER.match(element)
        if member is not None:
            found[member["key"]] = (element[member.end() :], offset + member.end())
    return found


def unwrap(text: str) -> tuple[str, int]:
    """The object in `defineProject({...})` or `await define({...})`, with its offset; other text as it is."""
    found = re.match(r"(?:await\s+)?[\w.]+\(\s*(?=\{)", text)
    return (text[found.end() :], found.end()) if found else (text, 0)


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
