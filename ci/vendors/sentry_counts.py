"""Counts of Sentry: errors and requests of releases, over time and in windows, and the health of sessions.

A zero is no proof of health: ingestion takes a minute or two, and a monitor may be dead. See sentry_event.py. An
environment that Sentry never met has no zero: the code of that error is sentry_calls.UNMET.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from ci.errors import VendorError
from ci.vendors.sentry_calls import UNMET, Calls, period, where
from ci.vendors.sentry_query import ERRORS, REAL, every, term
from ci.vendors.sentry_values import EVERYWHERE, ErrorCount, Health, Place, Point, Tally, Window

SOME = 50  # issues of one question


class Counts(Calls):
    """What can be counted."""

    async def error_counts(
        self, releases: Sequence[str], window: Window, *, place: Place = EVERYWHERE
    ) -> tuple[ErrorCount, ...]:
        """Return the errors of each release in the window, our own left out, in the order of `releases`.

        Compare equal windows, and divide by the traffic of each: Sentry counts errors, not requests.
        Raises VendorError.
        """
        query = every(term("release", *releases), ERRORS, REAL)
        fields = ["release", "count()", "count_unique(user)"]
        rows = await self.table("errors", fields, query, place, period(window))
        found = {row.release: row for row in self.exchange.value(rows, list[_Counted], what="counts")}
        return tuple(
            ErrorCount(release=each, errors=found[each].errors, users=found[each].users)
            if each in found
            else ErrorCount(release=each, errors=0, users=0)
            for each in releases
        )

    async def tally(self, releases: Sequence[str], window: Window, *, place: Place = EVERYWHERE) -> Tally:
        """Return the errors of all these releases together, our own left out; a user of two is one.

        Raises VendorError.
        """
        query = every(term("release", *releases), ERRORS, REAL)
        rows = await self.table("errors", ["count()", "count_unique(user)"], query, place, period(window))
        found = self.exchange.value(rows, list[_Tallied], what="counts")
        return Tally(errors=sum(row.errors for row in found), users=sum(row.users for row in found))

    async def tallies(
        self, issues: Sequence[str], releases: Sequence[str], window: Window, *, place: Place = EVERYWHERE
    ) -> dict[str, Tally]:
        """Return the errors of issues by their ids, of these releases, our own left out. Raises VendorError.

        What an issue says of itself counts our own events too.
        """
        found: dict[str, Tally] = {}
        known = [each for each in issues if each.isdecimal()]  # anything else would be a query of its own
        for start in range(0, len(known), SOME):
            asked = f"issue.id:[{', '.join(known[start : start + SOME])}]"
            query = every(asked, term("release", *releases), ERRORS, REAL)
            fields = ["issue.id", "count()", "count_unique(user)"]
            rows = await self.table("errors", fields, query, place, period(window))
            for row in self.exchange.value(rows, list[_OfIssue], what="counts"):
                found[str(row.issue)] = Tally(errors=row.errors, users=row.users)
        return found

    async def users(self, releases: Sequence[str], window: Window, *, place: Place = EVERYWHERE) -> int:
        """Count the distinct users whose requests releases served; 0 where spans name none. Raises VendorError."""
        query = every("is_transaction:true", term("release", *releases), REAL)
        rows = await self.table("spans", ["count_unique(user)"], query, place, period(window))
        return sum(row.users for row in self.exchange.value(rows, list[_Users], what="counts"))

    async def arrived(self, event: str, *, place: Place = EVERYWHERE, within: str = "1h") -> bool:
        """Whether an error event with this id came through ingestion in the time up to now. Raises VendorError."""
        try:
            rows = await self.table("errors", ["id"], term("id", event), place, {"statsPeriod": within})
        except VendorError as error:
            if error.code != UNMET:  # it may be the first event of its environment
                raise
            return False
        return any(row.get("id") == event for row in rows)

    async def series(
        self,
        dataset: str,
        query: str,
        window: Window,
        *,
        place: Place = EVERYWHERE,
        axis: str = "count()",
        seconds: int = 60,
    ) -> tuple[Point, ...]:
        """Return a function of errors or spans over time, in buckets of so many seconds, as it was really sent.

        Sentry would else extrapolate from samples. Buckets of the last minutes are not `whole`. Raises VendorError.
        """
        asked = {
            "dataset": dataset,
            "query": query,
            "yAxis": axis,
            "interval": seconds,
            "disableAggregateExtrapolation": "1",
            **where(place, window),
        }
        answer = await self.asked_of(place, f"{self.home}events-timeseries/", asked)
        body = self.exchange.read(answer, dict[str, Any], what="a series")
        series = self.exchange.value(body.get("timeSeries"), list[dict[str, Any]], what="a series")
        values = [row for each in series for row in self.exchange.value(each.get("values"), list[_Row], what="a point")]
        return tuple(row.point() for row in values)

    async def requests(
        self, release: str, window: Window, *, place: Place = EVERYWHERE, slower: float | None = None
    ) -> int:
        """Count the requests that a release served, without our own; with `slower`, those over so many milliseconds.

        Spans are counted as they came, so an SDK that samples counts less. Raises VendorError.
        """
        slow = f"span.duration:>{slower:g}ms" if slower is not None else ""
        query = every("is_transaction:true", term("release", release), slow, REAL)
        return round(sum(point.value for point in await self.series("spans", query, window, place=place)))

    async def health(self, window: Window, *, place: Place = EVERYWHERE) -> tuple[Health, ...]:
        """Return the sessions of each release, whole hours around the window. Servers' SDKs may send none.

        Raises VendorError.
        """
        asked = {
            "field": ["sum(session)", "crash_free_rate(session)"],
            "groupBy": ["release"],
            "interval": "1h",
            "includeSeries": 0,
            **where(place, window),
        }
        answer = await self.asked_of(place, f"{self.home}sessions/", asked)
        body = self.exchange.read(answer, dict[str, Any], what="sessions")
        groups = self.exchange.value(body.get("groups"), list[_Group], what="sessions")
        return tuple(group.health() for group in groups)


@dataclass(frozen=True, kw_only=True)
class _Counted:
    release: str | None
    errors: Annotated[int, Field(alias="count()", ge=0)]
    users: Annotated[int, Field(alias="count_unique(user)", ge=0)]


@dataclass(frozen=True, kw_only=True)
class _Users:
    users: Annotated[int, Field(alias="count_unique(user)", ge=0)]


@dataclass(frozen=True, kw_only=True)
class _Tallied(_Users):
    errors: Annotated[int, Field(alias="count()", ge=0)]


@dataclass(frozen=True, kw_only=True)
class _OfIssue(_Tallied):
    issue: Annotated[int, Field(alias="issue.id")]


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A point as Sentry writes it: milliseconds."""

    timestamp: float
    value: float
    incomplete: bool

    def point(self) -> Point:
        moment = datetime.datetime.fromtimestamp(self.timestamp / 1000, datetime.UTC)
        return Point(moment=moment, value=self.value, whole=not self.incomplete)


@dataclass(frozen=True, kw_only=True)
class _By:
    release: str


@dataclass(frozen=True, kw_only=True)
class _Totals:
    sessions: Annotated[int, Field(alias="sum(session)")]
    crash_free: Annotated[float | None, Field(alias="crash_free_rate(session)")] = None


@dataclass(frozen=True, kw_only=True)
class _Group:
    by: _By
    totals: _Totals

    def health(self) -> Health:
        return Health(release=self.by.release, sessions=self.totals.sessions, crash_free=self.totals.crash_free)
