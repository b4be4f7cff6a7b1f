"""Issues of Sentry: errors of one kind, what was first seen in a release, what was raised and where."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ci.vendors.exchange import segment
from ci.vendors.sentry_calls import MOST, Calls, where, written
from ci.vendors.sentry_query import REAL, every, term
from ci.vendors.sentry_values import EVERYWHERE, Event, Failure, Issue, Place, Window


@dataclass(frozen=True, kw_only=True)
class _Raised:
    values: tuple[dict[str, Any], ...] | None = None


class Issues(Calls):
    """What can be asked and said about issues."""

    async def issues(
        self,
        query: str,
        *,
        place: Place = EVERYWHERE,
        window: Window | None = None,
        sort: str = "date",
        most: int = 1000,
    ) -> tuple[Issue, ...]:
        """Return the issues of a query, at most so many; an empty query means all of them. Raises VendorError.

        The query is always sent: without one Sentry lists what is unresolved. Counts are those of the window.
        """
        asked = {"query": query, "sort": sort, "limit": min(MOST, most), **where(place, window)}
        return await self.pages("issues/", asked, Issue, most=most, place=place)

    async def new_issues(
        self, release: str, *, place: Place = EVERYWHERE, since: datetime.datetime | None = None
    ) -> tuple[Issue, ...]:
        """Return the issues that were first seen in the release, and after `since`; our own are left out."""
        after = f"firstSeen:>={written(since)}" if since else ""
        return await self.issues(every(term("firstRelease", release), after, REAL), place=place, sort="new")

    async def issue(self, key: str) -> Issue | None:
        """Return an issue by its id. Raises VendorError."""
        return await self.look(self._issue(key), Issue, "an issue")

    async def resolve(self, key: str, *, release: str | None = None) -> Issue:
        """Mark an issue as resolved, in a release where one is named: it is open again when it comes back in that one.

        Raises VendorError.
        """
        details = {"statusDetails": {"inRelease": release}} if release else {}
        return await self._change(key, {"status": "resolved", **details})

    async def reopen(self, key: str) -> Issue:
        """Mark an issue as unresolved. Raises VendorError."""
        return await self._change(key, {"status": "unresolved"})

    async def _change(self, key: str, body: Mapping[str, Any]) -> Issue:
        answer = await self.exchange.ask("PUT", self._issue(key), body=body)
        return self.exchange.read(answer, Issue, what="an issue")

    def _issue(self, key: str) -> str:
        return f"{self.home}issues/{segment(key)}/"

    async def events(self, key: str, *, place: Place = EVERYWHERE, most: int = MOST) -> tuple[Event, ...]:
        """Return the newest events of an issue. Raises VendorError."""
        asked = {"per_page": min(MOST, most), **where(Place(environment=place.environment))}
        return await self.pages(f"issues/{segment(key)}/events/", asked, Event, most=most, place=place)

    async def failures(self, key: str) -> tuple[Failure, ...] | None:
        """Return what was raised in the newest event of an issue, with the stack traces. Raises VendorError."""
        answer = await self.asked(f"{self._issue(key)}events/latest/")
        if answer is None:
            return None
        entries = self.exchange.value(
            self.exchange.read(answer, dict[str, Any], what="an event").get("entries"),
            list[dict[str, Any]],
            what="the entries of an event",
        )
        found = [entry.get("data") or {} for entry in entries if entry.get("type") == "exception"]
        raised = self.exchange.value(found, list[_Raised], what="an exception")
        values = [value for each in raised for value in each.values or ()]
        return self.exchange.value(
            [{**value, "stacktrace": value.get("stacktrace") or {"frames": ()}} for value in values],
            tuple[Failure, ...],
            what="an exception",
        )
