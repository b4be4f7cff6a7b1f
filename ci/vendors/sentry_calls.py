"""How Sentry is asked: paths that end in a slash, pages, environments that it has not met, its errors and limits.

https://docs.sentry.io/api/. Without the slash a redirect would lose a POST's body. An environment that nothing was ever
sent from is no environment without errors: to ask about it is an error with the code UNMET.
"""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from ci.errors import Trouble, VendorError
from ci.text import clean
from ci.vendors import answers
from ci.vendors.adapter import Adapter
from ci.vendors.answers import Answer, Dialect
from ci.vendors.exchange import Exchange, Query, segment
from ci.vendors.sentry_values import Place, Window

T = TypeVar("T")
MOST = 100  # rows of a page
MOST_PAGES = 100  # of one question; more would be no answer
UNMET = "environment_never_met"
_NEXT = re.compile(r'rel="next";\s*results="(true|false)";\s*cursor="([^"]*)"')


def _said(answer: Answer) -> tuple[str, str | None]:
    """Read `detail`, which is a text or an object, or the complaints about single fields."""
    try:
        body = answer.json()
    except ValueError:
        return "", None
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, dict):
        return str(detail.get("message", "")), str(detail["code"]) if detail.get("code") else None
    if detail is not None:
        return str(detail), None
    return ("; ".join(f"{name}: {told}" for name, told in body.items()) if isinstance(body, dict) else ""), None


def _pause(answer: Answer) -> float | None:
    """Return the seconds until the rate limit is reset; one of requests at the same time has no such moment."""
    if (asked := answers.pause(answer)) is not None:
        return asked
    if answer.headers.get("x-sentry-rate-limit-concurrentremaining") == "0":
        return None
    reset = answers.number(answer.headers.get("x-sentry-rate-limit-reset", ""))
    return max(0.0, reset - time.time()) if reset is not None else None


DIALECT = Dialect(vendor="Sentry", said=_said, pause=_pause)


class Calls(Adapter):
    """One organization, and the ways of asking about it."""

    def __init__(self, exchange: Exchange, organization: str) -> None:
        """Take the way there and the organization's slug."""
        super().__init__(exchange)
        self.home = f"/api/0/organizations/{segment(organization)}/"

    async def environments(self) -> tuple[str, ...]:
        """Return the environments that any event or deploy ever named. Raises VendorError."""
        answer = await self.exchange.ask("GET", f"{self.home}environments/")
        rows = self.exchange.read(answer, list[dict[str, Any]], what="environments")
        return tuple(self.exchange.value(row.get("name"), str, what="an environment") for row in rows)

    async def look(self, path: str, kind: type[T], what: str) -> T | None:
        """Return what stands at a path, None where there is nothing. Raises VendorError."""
        answer = await self.asked(path)
        return None if answer is None else self.exchange.read(answer, kind, what=what)

    async def asked(self, path: str, query: Query | None = None) -> Answer | None:
        """Return the answer, None where there is nothing of the kind. Raises VendorError."""
        try:
            return await self.exchange.ask("GET", path, query=query)
        except VendorError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    async def asked_of(self, place: Place, path: str, query: Query) -> Answer:
        """Return the answer about a place. Raises VendorError, with the code UNMET where nothing ever came from it."""
        try:
            return await self.exchange.ask("GET", path, query=query)
        except VendorError as error:
            met = place.environment is None or error.status != HTTPStatus.NOT_FOUND
            if met or place.environment in await self.environments():
                raise
            told = f"nothing was ever sent to it from the environment {place.environment}"
            raise VendorError(
                self.exchange.redactor.text(f"Sentry {Trouble.REFUSING.value}: {clean(told)}"),
                trouble=Trouble.REFUSING,
                status=error.status,
                code=UNMET,
                hint="name the environment as the applications' SDKs do",
            ) from None

    async def table(
        self, dataset: str, fields: Sequence[str], query: str, place: Place, period: Query
    ) -> list[dict[str, Any]]:
        """Return the rows of a table of events; `period` says of which time. Raises VendorError."""
        asked: dict[str, str | int | list[str]] = {"dataset": dataset, "field": list(fields), "query": query}
        answer = await self.asked_of(place, f"{self.home}events/", {**asked, **where(place), **period})
        body = self.exchange.read(answer, dict[str, Any], what="a table")
        return self.exchange.value(body.get("data"), list[dict[str, Any]], what="a table")

    async def pages(
        self, path: str, query: Query, kind: type[T], *, most: int, place: Place | None = None
    ) -> tuple[T, ...]:
        """Follow the cursors while Sentry says that there are results: the link to a next page is always there."""
        found: list[T] = []
        asked = query
        for _ in range(MOST_PAGES):
            whole = f"{self.home}{path}"
            answer = await (self.asked_of(place, whole, asked) if place else self.asked(whole, asked))
            if answer is None:
                return ()
            found += self.exchange.read(answer, list[kind], what="a page")  # type: ignore[valid-type]
            link = _NEXT.search(answer.headers.get("link", ""))
            if link is None or link[1] == "false" or len(found) >= most:
                return tuple(found[:most])
            asked = {**query, "cursor": link[2]}
        raise VendorError(f"Sentry {Trouble.UNREADABLE.value}: its pages have no end", trouble=Trouble.UNREADABLE)


def where(place: Place, window: Window | None = None) -> dict[str, str | list[str]]:
    """Return the parameters that say which rows are meant."""
    found: dict[str, str | list[str]] = {}
    if place.projects:
        found["project"] = list(place.projects)
    if place.environment is not None:
        found["environment"] = [place.environment]
    return found if window is None else {**found, **period(window)}


def period(window: Window) -> dict[str, str]:
    """Return the parameters of a window."""
    return {"start": written(window.since), "end": written(window.until)}


def written(moment: datetime.datetime) -> str:
    """Write a moment as RFC 3339. Raises ValueError where it does not say of which zone it is."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
