"""Text from tools and strangers: without escape sequences and control characters, on few lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# ECMA-48 control sequences, operating system commands (titles, links), and two-character escapes.
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]")
# Control characters but newline and tab, and the invisible ones that turn text around or hide it.
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def clean(text: str) -> str:
    """Drop escape sequences and control characters; a carriage return starts the line anew, as on a terminal."""
    text = ESCAPES.sub("", text).replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return CONTROLS.sub("", text)


def first_line(text: str, limit: int = 300) -> str:
    """Return the first line that says something, cut to `limit` characters."""
    line = next((line.strip() for line in clean(text).splitlines() if line.strip()), "")
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Say "1 file", "3 files"."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def few(names: Sequence[str], most: int = 3) -> str:
    """Name the first of many: "a, b, c, ..."."""
    return ", ".join([*names[:most], *(("...",) if len(names) > most else ())])
