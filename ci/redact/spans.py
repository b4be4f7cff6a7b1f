"""Parts of a text that are to go, and the text without them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, order=True)
class Span:
    """A part of a text that is to go, and the name that stands in its place.

    `since` is where that begins by which it was known: "Authorization: Bearer" before a token.
    """

    start: int
    end: int
    name: str
    since: int


def render(text: str, spans: list[Span]) -> str:
    """Return the text with a label in place of each span."""
    if not spans:
        return text
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], f"[redacted {span.name}]"]
        at = span.end
    return "".join([*parts, text[at:]])


def merge(found: list[Span]) -> list[Span]:
    """Return the spans in order, those that overlap made one, under the name of the longest."""
    merged: list[Span] = []
    for span in sorted(found):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            longer = max(last, span, key=lambda one: one.end - one.start)
            merged[-1] = Span(
                start=last.start,
                end=max(last.end, span.end),
                name=longer.name,
                since=min(last.since, span.since),
            )
        else:
            merged.append(span)
    return merged
