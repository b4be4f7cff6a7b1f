"""Text of strangers made harmless.

Logs, test names, paths and messages may hold terminal escapes, control characters, or bidirectional
overrides that make a reader see something else than what is there. `clean` takes them out; escaping for
HTML, XML or Markdown stays with the format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC: titles, links
    r"|\x1b[PX^_][^\x1b\n]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]?"
)
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters but tab, newline, return
    "\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BROKEN = re.compile("[\ud800-\udfff\ufffe\uffff]")  # no XML, no UTF-8 stream can carry these
# Commands to a CI host in its log: `::name::` at a line's start (GitHub Actions and those who follow it, which leave
# out the space before), `##[name]`, `##vso[name]` and `##teamcity[name]` anywhere (Azure Pipelines, TeamCity).
_COMMAND = re.compile(r"^[^\S\n]*:(?=:.*::)|##(?=\w*\[)", re.MULTILINE)
# A web address of letters that mean nothing to HTML, Markdown or a shell; a name and a password in it are not shown.
_WEB = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9._~:/?#@!$&*+,;=%-]*)?")
_NEWLINES = re.compile("\r\n?|[\u2028\u2029]")
_LONGEST_ADDRESS = 2000


def clean(text: str) -> str:
    """Return the text without escape sequences, control characters and invisible direction marks.

    Newlines and tabs stay; what no stream can carry becomes U+FFFD.
    """
    if text.isprintable():  # the usual case, and hundreds of times quicker
        return text
    return _BROKEN.sub("\ufffd", _UNSEEN.sub("", _ESCAPES.sub("", _NEWLINES.sub("\n", text))))


def encodable(value: Any) -> Any:
    """Return a text, or a JSON value, without halves of characters: logs may hold some, and UTF-8 cannot."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {encodable(name): encodable(each) for name, each in value.items()}
    return [encodable(each) for each in value] if isinstance(value, list | tuple) else value


def disarmed(text: str) -> str:
    """Return a line for a log with a space in what a CI host would obey: `: :error` and `## [x]` are mere words."""
    return _COMMAND.sub(r"\g<0> ", text)


def web_address(text: str | None) -> str | None:
    """Return the text where it is an address that a page may link to as it stands, else None."""
    return text if text and len(text) <= _LONGEST_ADDRESS and _WEB.fullmatch(text) else None


def settled(text: str) -> str:
    """Return the text as a terminal would show it in the end: a carriage return starts its line anew; cleaned."""
    lines = text.replace("\r\n", "\n").split("\n")
    return clean("\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines))


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
