"""Texts for GitHub: marks that make them ours to find again, and its limits of length.

A mark is a line of its own, which a reader does not see. A stranger can copy one: an issue counts by its label too,
which strangers cannot give, and a comment by who wrote it.
"""

from __future__ import annotations

import re

from ci.errors import UsageError

LONGEST_TITLE = 256  # characters
LONGEST_BODY = 65_536  # characters, of issues, pull requests, comments and reviews
LONGEST_DESCRIPTION = 140  # characters, of statuses
LONGEST_EVENT = 100  # characters, of a dispatch's type
MOST_PAYLOAD = 10  # names at the top of a dispatch's payload
LARGEST_PAYLOAD = 65_535  # bytes
CUT = "\n\n(cut: GitHub takes no more)"
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@]*(?:-[A-Za-z0-9._:/@]+)*")  # no "--", which would end the comment


def mark(key: str) -> str:
    """Return the line that marks a text with a key. Raises UsageError where the key is none."""
    if not _KEY.fullmatch(key):
        raise UsageError(f"{key!r} cannot mark a text on GitHub")
    return f"<!-- shipway {key} -->"


def marked(body: str, key: str) -> str:
    """Return the text with its mark at the end, cut where GitHub takes no more."""
    line = mark(key)
    return f"{cut(body, LONGEST_BODY - len(line) - 2)}\n\n{line}"


def bears(body: str | None, key: str) -> bool:
    """Whether a text has the mark; one that stands in a quotation is none."""
    return mark(key) in (line.rstrip() for line in (body or "").splitlines())


def cut(body: str, longest: int = LONGEST_BODY) -> str:
    """Return the text, or as much of it as GitHub takes, saying so."""
    return body if len(body) <= longest else body[: longest - len(CUT)] + CUT


def short(text: str, longest: int) -> str:
    """Return a line that is no longer than this."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "\u2026"
