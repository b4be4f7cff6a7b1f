"""A story made fit to be kept and told: no secret in it, nothing that a terminal obeys, nothing endless."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ci.redact import Redactor, WithheldError
from ci.reporting.wording import one_line, shortened
from ci.text import clean, encodable, web_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.model import Ruling
    from ci.promotion.notices.story import Change, Excerpt, Link, Story

# All of it together must go into an issue at GitHub, of 65,536 characters.
LONGEST_REASON, LONGEST_LINE, LONGEST_NAME = 2000, 500, 120  # characters
MOST_APPS, MOST_LINKS, MOST_RULINGS, MOST_EXCERPTS = 30, 6, 20, 4
LINES, WIDTH = 30, 200  # of an excerpt: a third of them from its head
LARGEST_REPORT = 5_000_000  # bytes; many mail servers take no more than 10 MB, written in letters


class Tamer:
    """Makes stories fit, by the secrets of the environment that they are about."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Know them by their places."""
        self._redactor = Redactor(secrets)

    def story(self, story: Story) -> Story:
        """Return a story without what nobody may read or has to."""
        return dataclasses.replace(
            story,
            product=self._name(story.product),
            what=self._name(story.what),
            reason=self._text(story.reason, LONGEST_REASON),
            apps=tuple(map(self._name, story.apps[:MOST_APPS])),
            rulings=tuple(map(self._ruling, story.rulings[:MOST_RULINGS])),
            excerpts=tuple(map(self._excerpt, story.excerpts[:MOST_EXCERPTS])),
            links=self._links(story.links),
            advice=self._text(story.advice, LONGEST_REASON),
            command=self.line(story.command),
            report=self._report(story.report),
        )

    def change(self, change: Change) -> Change:
        """The same of a switch."""
        return dataclasses.replace(change, product=self._name(change.product), links=self._links(change.links))

    def line(self, text: str) -> str:
        """The same of one line, as why a channel failed."""
        return one_line(self._safe(text), LONGEST_LINE)

    def _name(self, text: str) -> str:
        return one_line(self._safe(text), LONGEST_NAME)

    def _text(self, text: str, most: int) -> str:
        safe = self._safe(text).strip()
        return safe if len(safe) <= most else f"{safe[: most - 1]}…"

    def _safe(self, text: str) -> str:
        """Clean it first: what nobody sees may stand in the middle of a secret."""
        return self._redactor.text(clean(encodable(text)))

    def _ruling(self, ruling: Ruling) -> Ruling:
        return dataclasses.replace(ruling, gate=self._name(ruling.gate), reason=self.line(ruling.reason), values={})

    def _excerpt(self, excerpt: Excerpt) -> Excerpt:
        text = shortened(self._safe(excerpt.text), lines=LINES, width=WIDTH)
        return dataclasses.replace(excerpt, name=self._name(excerpt.name), text=text)

    def _links(self, links: tuple[Link, ...]) -> tuple[Link, ...]:
        """Return the links that may be shown as they stand: one that holds a secret is none."""
        return tuple(
            dataclasses.replace(each, name=self._name(each.name))
            for each in links[:MOST_LINKS]
            if web_address(each.address) and self._safe(each.address) == each.address
        )

    def _report(self, report: bytes | None) -> bytes | None:
        if report is None or len(report) > LARGEST_REPORT:
            return None
        try:
            return self._redactor.data(report)
        except WithheldError:
            return None
