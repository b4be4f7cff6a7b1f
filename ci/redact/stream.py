"""The same for text that comes in pieces: what may be the beginning of a secret is held back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.redact.shapes import SHAPES
from ci.redact.spans import Span, render
from ci.redact.view import OPEN_ESCAPE, OPEN_SEQUENCE, QUOTING, View, undo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.redact.redactor import Redactor

_PATIENCE = 65_536  # characters that are held back at most, or four times the longest secret
_ESCAPE = 200  # of an unfinished escape
_WORD = 8192  # of an unfinished word
_KEY = 20_000  # of an unfinished private key
_ENDS_OF_WORDS = " \n\t\"'<>"
_TWO_DOTS = re.compile(r"(?<!\.)\.{1,2}\Z")
_INTRODUCTION = re.compile(
    r"(?:uthorization|earer)[\"':=,\s]{0,12}"
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
        whole = self._unescaped()
        view = undo(self._held[:whole], edges=self._redactor.edges)
        certain = min((whole, *self._open(view), *self._begun(self._held[:whole], view)))
        for span in reversed(spans):
            at_the_end = not view.text or span.end >= view.span(len(view.text) - 1, len(view.text))[1]
            if span.since < certain < span.end or at_the_end:
                certain = min(certain, span.since)
        return certain

    def _unescaped(self) -> int:
        """Return where an escape begins that the end of the text cuts, or the end."""
        held = self._held
        if match := OPEN_SEQUENCE.search(held, max(0, len(held) - _ESCAPE)):
            held = held[: match.start()]
        view = undo(held, edges=self._redactor.edges)
        joined = view.below or view
        if match := OPEN_ESCAPE.search(joined.text, max(0, len(joined.text) - _ESCAPE)):
            return joined.span(match.start(), match.end())[0]
        return len(held)

    def _open(self, view: View) -> Iterator[int]:
        """Yield where a shape may begin that is not whole yet: in the last word, or in what leads to it."""
        text = view.text
        word = max(text.rfind(mark) for mark in _ENDS_OF_WORDS) + 1
        for anchor in (anchor for shape in SHAPES for anchor in shape.anchors):
            at = text.find(anchor, word)
            if at >= 0 or (at := len(text) - _overlap(text[word:], anchor)) < len(text):
                yield view.span(at, len(text))[0]
        if match := _INTRODUCTION.search(text, max(0, len(text) - _WORD)):
            yield view.span(match.start(), match.end())[0]
        key = text.rfind("-----BEGIN", max(0, len(text) - _KEY))
        if key >= 0 and "-----END" not in text[key:]:
            yield view.span(key, len(text))[0]

    def _begun(self, held: str, view: View) -> Iterator[int]:
        """Yield where a known secret may begin that is not whole yet; dots may be the first of those that cut it."""
        squeezed = view.without(QUOTING)
        for form in self._redactor.forms.values():
            for needle in form.written:
                if size := _overlap(held, needle):
                    yield len(held) - size
            for above, needles in ((view, form.seen), (squeezed, form.squeezed)):
                for needle in needles:
                    for text in {above.text, _TWO_DOTS.sub("", above.text)}:
                        if size := _overlap(text, needle):
                            yield above.span(len(text) - size, len(text))[0]


def _overlap(text: str, needle: str) -> int:
    """Return how many of the last characters of the text may be the beginning of the needle."""
    at = text.find(needle[0], max(0, len(text) - len(needle) + 1))
    while at >= 0:
        if needle.startswith(text[at:]):
            return len(text) - at
        at = text.find(needle[0], at + 1)
    return 0
