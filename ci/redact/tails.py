"""The last line of a text that is still being written: what of it is certain, whatever went before and comes next.

A running step is looked at again and again, and what is seen is some 2000 bytes of its tail. What may be the
beginning of a secret is held back until the next look, and so is what may be the rest of one that the tail begins in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.redact.shapes import SHAPES
from ci.redact.spans import Span, render
from ci.redact.view import OPEN_ESCAPE, OPEN_SEQUENCE, QUOTING, View, undo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.redact.redactor import Redactor

_WHOLE = 400  # characters: a longer tail may begin in mid-text, whatever its bytes decode to
_TOLD = 3  # characters of a known secret that tell something of it; fewer stand at the end of every other line
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
_OF_KEY = re.compile(r"[A-Za-z0-9+/=]{40,}+(?:\s+[A-Za-z0-9+/=]*+)?")  # lines of a key, whose header may lie before


def last_line(redactor: Redactor, text: str) -> str:
    """Return the last line that says something, without secrets, as far as it is certain; else nothing.

    It is nothing, too, where that line may be cut at its beginning, or be one of a private key's.
    """
    text = OPEN_SEQUENCE.sub("", text)
    spans = redactor.spans(text)
    end = _certain(redactor, text, spans)
    lines = render(text[:end], [span for span in spans if span.end <= end]).splitlines()
    told = [line.strip() for line in (lines[1:] if len(text) > _WHOLE else lines) if line.strip()]
    hidden = any(_OF_KEY.fullmatch(" ".join(told[-many:])) for many in (1, 2))
    return "" if hidden or not told else told[-1]


def _certain(redactor: Redactor, text: str, spans: list[Span]) -> int:
    """Return where that begins which the next piece could still make a secret of."""
    whole = text[: _unescaped(redactor, text)]
    view = undo(whole, edges=redactor.edges)
    certain = min((len(text), *_open(view), *_begun(redactor, whole, view)))
    for span in reversed(spans):
        at_the_end = not view.text or span.end >= view.span(len(view.text) - 1, len(view.text))[1]
        if span.since < certain < span.end or at_the_end:
            certain = min(certain, span.since)
    return certain


def _unescaped(redactor: Redactor, text: str) -> int:
    """Return where an escape begins that the end of the text cuts, or the end."""
    view = undo(text, edges=redactor.edges)
    joined = view.below or view
    if match := OPEN_ESCAPE.search(joined.text, max(0, len(joined.text) - _ESCAPE)):
        return joined.span(match.start(), match.end())[0]
    return len(text)


def _open(view: View) -> Iterator[int]:
    """Yield where a shape may begin that is not whole yet: in the last word, or in what leads to it."""
    text = view.text
    word = max(text.rfind(mark) for mark in _ENDS_OF_WORDS) + 1
    for anchor in (anchor for shape in SHAPES for anchor in shape.anchors):
        if (at := text.find(anchor, word)) >= 0:
            yield view.span(at, len(text))[0]
    if match := _INTRODUCTION.search(text, max(0, len(text) - _WORD)):
        yield view.span(match.start(), match.end())[0]
    key = text.rfind("-----BEGIN", max(0, len(text) - _KEY))
    if key >= 0 and "-----END" not in text[key:]:
        yield view.span(key, len(text))[0]


def _begun(redactor: Redactor, text: str, view: View) -> Iterator[int]:
    """Yield where a known secret may begin that is not whole yet; dots may be the first of those that cut it."""
    squeezed = view.without(QUOTING)
    for form in redactor.forms.values():
        for needle in form.written:
            if size := _overlap(text, needle):
                yield len(text) - size
        for above, needles in ((view, form.seen), (squeezed, form.squeezed)):
            for needle in needles:
                for shown in {above.text, _TWO_DOTS.sub("", above.text)}:
                    if size := _overlap(shown, needle):
                        yield above.span(len(shown) - size, len(shown))[0]


def _overlap(text: str, needle: str) -> int:
    """Return how many of the last characters of the text may begin the needle; 0 where so few tell nothing."""
    at = text.find(needle[0], max(0, len(text) - len(needle) + 1))
    while 0 <= at <= len(text) - _TOLD:
        if needle.startswith(text[at:]):
            return len(text) - at
        at = text.find(needle[0], at + 1)
    return 0
