"""The same for text that comes in pieces: what may be the beginning of a secret is held back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.redact.spans import Span, render
from ci.redact.view import OPEN_END, View, undo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.redact.redactor import Redactor

_PATIENCE = 65_536  # characters that are held back at most, or four times the longest secret
_WORD = 8192  # characters of an unfinished word that are
_KEY = 20_000  # and of an unfinished private key
_ENDS_OF_WORDS = " \n\t\"'<>"
_INTRODUCTION = re.compile(
    r"(?:authorization|bearer|basic|token|authtoken=|_auth=|_password=)[\"':=,\s]{0,12}"
    r"(?:value[\"':\s]{0,6})?(?:bearer|basic|token)?\s{0,9}\S*\Z",
    re.IGNORECASE,
)


class StreamRedactor:
    """Feed it pieces as they come, and finish it: what it returns, joined, is the text without its secrets."""

    def __init__(self, redactor: Redactor) -> None:
        """Hold nothing back yet."""
        self._redactor = redactor
        self._held = ""
        self._cut = False  # whether what is held begins in mid-text, without what stood before
        longest = max((len(needle) for form in redactor.forms.values() for needle in form.all), default=0)
        self._patience = max(_PATIENCE, 4 * longest)

    def feed(self, piece: str) -> str:
        """Take the next piece; return what is certain by now."""
        self._held += piece
        if len(self._held) > self._patience:
            return self.finish()
        spans = self._redactor.spans(self._held, ends=self._cut)
        certain = self._certain(spans)
        self._cut = self._cut and certain == 0
        passed, self._held = self._held[:certain], self._held[certain:]
        return render(passed, [span for span in spans if span.end <= certain])

    def finish(self) -> str:
        """Return the rest."""
        held, self._held, self._cut = self._held, "", True
        return self._redactor.text(held)

    def _certain(self, spans: list[Span]) -> int:
        """Return where that begins which the next piece could still make a secret of."""
        view = undo(self._held, edges=self._redactor.edges)
        certain = min(self._open(view), default=len(self._held))
        for span in reversed(spans):
            at_the_end = not view.text or span.end >= view.span(len(view.text) - 1, len(view.text))[1]
            if span.since < certain < span.end or at_the_end:
                certain = min(certain, span.since)
        return certain

    def _open(self, view: View) -> Iterator[int]:
        held = self._held
        yield len(held)
        if match := OPEN_END.search(held, max(0, len(held) - 200)):
            yield match.start()
        word = max(held.rfind(mark) for mark in _ENDS_OF_WORDS) + 1
        if len(held) - word <= _WORD:
            yield word
        if match := _INTRODUCTION.search(held, max(0, len(held) - _WORD)):
            yield match.start()
        key = held.rfind("-----BEGIN", max(0, len(held) - _KEY))
        if key >= 0 and "-----END" not in held[key:]:
            yield key
        for form in self._redactor.forms.values():
            for needle in form.written:
                if size := _begun(held, needle):
                    yield len(held) - size
            for needle in form.seen:
                if size := _begun(view.text, needle):
                    yield view.span(len(view.text) - size, len(view.text))[0]


def _begun(text: str, needle: str) -> int:
    """Return how many of the last characters of the text may be the beginning of the needle."""
    at = text.find(needle[0], max(0, len(text) - len(needle) + 1))
    while at >= 0:
        if needle.startswith(text[at:]):
            return len(text) - at
        at = text.find(needle[0], at + 1)
    return 0
