"""Text of strangers, as a model gets it: visible, without secrets, bounded, and marked as data.

Logs, titles, test names, users' error messages, file names and files are written by whoever likes to, and some of it
is written for the model. Nothing tells an order from data but where it stands: so it stands between marks that are
named after a number which is chosen anew for each diagnosis, and which no text of a stranger holds.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci.text import clean

if TYPE_CHECKING:
    from ci.redact import Redactor

HEAD = TAIL = 5000  # characters that are kept of a text
LOOKED_AT = 100_000  # characters of either end that are made harmless: what is longer is cut before, not after
COMMENT = "[comment left out]"
_KIND = re.compile(r"[a-z][a-z -]{0,40}")
_FOREIGN = re.compile(r"[^\x00-\x7f\u00a0-\u024f]")
# Marks that nobody sees though they count as letters, accents or blanks: joiners and fillers, the selectors of a
# variant, in which a text can be hidden byte by byte, and the blank of Braille.
_VEILED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_INVISIBLE = frozenset({"Cf", "Co", "Cn", "Cs"})  # formats, private, unassigned, halves of characters


@dataclass(frozen=True, kw_only=True)
class Quoting:
    """How one diagnosis quotes: without what the `redactor` knows, under its own `nonce`."""

    redactor: Redactor
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))

    def block(self, kind: str, text: str, *, most: int = HEAD + TAIL) -> str:
        """Return the text as a block of data; `kind` is a word of ours."""
        if _KIND.fullmatch(kind) is None:
            raise ValueError(f"{kind} is no kind of data")
        return f'<data-{self.nonce} kind="{kind}">\n{self.words(text, most=most)}\n</data-{self.nonce}>'

    def words(self, text: str, *, most: int = HEAD + TAIL) -> str:
        """Return the text harmless and at most about `most` characters long, without marks around it."""
        ends = [text[:LOOKED_AT], text[-LOOKED_AT:]] if len(text) > 2 * LOOKED_AT else [text]
        told = [self.redactor.text(self._unmarked(visible(end))) for end in ends]
        if len(told) == 1 and len(told[0]) <= most:
            return told[0]
        head, tail = told[0][: most // 2], told[-1][-(most // 2) :]
        left_out = len(text) - sum(map(len, ends)) + sum(map(len, told)) - len(head) - len(tail)
        return f"{head}\n[... {left_out} characters left out ...]\n{tail}"

    def one_line(self, text: str, *, most: int = 300) -> str:
        """Return the text as one harmless line, as for a name or a message."""
        return " ".join(self.words(text, most=most).split())

    def _unmarked(self, text: str) -> str:
        """Return the text without the nonce, which what is left around one that was taken out may form again."""
        nonce = re.compile(re.escape(self.nonce), re.IGNORECASE)
        while nonce.search(text):
            text = nonce.sub("", text)
        return text


def visible(text: str) -> str:
    """Return what of a text a reader would see: no escapes, controls, invisible characters or HTML comments."""
    text = clean(text)
    if not text.isascii():
        text = _FOREIGN.sub(_seen, _VEILED.sub("", text))
    return _uncommented(text)


def hides(text: str) -> bool:
    """Whether there is something in a text, but comments, that a reader would not see."""
    plain = text.replace("\r\n", "\n")
    return clean(plain) != plain or (not plain.isascii() and _FOREIGN.sub(_seen, _VEILED.sub("", plain)) != plain)


def _seen(match: re.Match[str]) -> str:
    return "" if unicodedata.category(match[0]) in _INVISIBLE else match[0]


def _uncommented(text: str) -> str:
    """Leave out HTML comments. Not by an expression: that would take its time where many begin and none ends."""
    parts: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 2)) >= 0:
        parts += [text[at:start], COMMENT]
        at = end + 3
    return "".join([*parts, text[at:]])
