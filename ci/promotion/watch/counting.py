"""What is counted of releases in a stretch of time: errors at Sentry, requests by its spans or by an app's own counter.

Whatever cannot be read is told as `{"unread": why}`, and nothing is raised for it: who is blind has seen nothing bad.
Requests of Shipway's own are in none of the counts.
"""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from ci.errors import ShipwayError
from ci.promotion.dotted import AbsentError, at
from ci.promotion.target import plain_target, trust
from ci.promotion.visitor import UnmetError, Visitor
from ci.settings.smoke import Request
from ci.settings.watch import SINCE, TARGET, UNTIL
from ci.text import clean, first_line
from ci.vendors.sentry_values import Place, Window

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from ci.promotion.connected import Connected
    from ci.settings import Settings
    from ci.settings.watch import Counter

Facts = dict[str, Any]
UNREAD = "unread"
SPANS, MINUTES = "Sentry spans", "minutes"
LEAST = 10.0  # seconds that reading may take, however close to one another the looks are
SAID = 200


class _UnreadError(Exception):
    """An answer that is none: the message says why."""


@dataclass(frozen=True, kw_only=True)
class Counting:
    """Who counts in an environment: its services, by the settings of a commit."""

    settings: Settings
    made: Connected
    root: Path

    @property
    def source(self) -> str:
        """What counts requests, in words; MINUTES where nothing does."""
        watch = self.settings.watch
        if watch.counter is not None:
            return f"the counter of {watch.counter.app}"
        return SPANS if watch.spans and self.made.sentry is not None else MINUTES

    @property
    def place(self) -> Place:
        """Where Sentry files the environment's errors."""
        own = self.made.settings.sentry
        projects = own.projects if own else ()
        return Place(projects=projects, environment=(own.environment if own else None) or self.made.name)

    async def read(self, parts: dict[str, Callable[[], Awaitable[Facts | None]]]) -> Facts:
        """Read all parts side by side, each told by its name."""
        watch = self.settings.watch
        found: Facts = {}

        async def keep(name: str, part: Callable[[], Awaitable[Facts | None]]) -> None:
            found[name] = await _told(part, within=max(watch.window / watch.looks, LEAST))

        async with anyio.create_task_group() as group:
            for name, part in parts.items():
                group.start_soon(keep, name, part)
        return {name: found[name] for name in parts}

    def parts(self, releases: Sequence[str], since: float, until: float) -> dict[str, Any]:
        """Return what there is to read of releases in a stretch of time: their errors and requests."""
        return {
            "errors": functools.partial(self.errors, releases, since, until),
            "requests": functools.partial(self.requests, releases, since, until),
        }

    async def errors(self, releases: Sequence[str], since: float, until: float) -> Facts | None:
        """Return errors and the users who had them; None where no Sentry is connected. Raises VendorError."""
        if self.made.sentry is None:
            return None
        found = await self.made.sentry.tally(releases, _window(since, until), place=self.place)
        return {"errors": found.errors, "users": found.users if found.users or not found.errors else None}

    async def requests(self, releases: Sequence[str], since: float, until: float) -> Facts | None:
        """Return the requests, and how many of them were slow; None where nothing counts. Raises VendorError."""
        watch, sentry = self.settings.watch, self.made.sentry
        if watch.counter is not None:
            return await self._counted(watch.counter, since, until)
        if sentry is None or not watch.spans:
            return None
        window, asked = _window(since, until), {"requests": None, "slow": watch.target * 1000}
        found = {}
        for name, slower in asked.items():
            counts = [await sentry.requests(each, window, place=self.place, slower=slower) for each in releases]
            found[name] = sum(counts)
        return found

    async def users(self, releases: Sequence[str], since: float, until: float) -> Facts | None:
        """Return how many distinct users are known, None where none are. Raises VendorError."""
        watch, sentry = self.settings.watch, self.made.sentry
        found = 0
        if watch.counter is not None and watch.counter.users is not None:
            found = (await self._counted(watch.counter, since, until))["users"]
        elif sentry is not None:
            window = _window(since, until)
            found = await sentry.users(releases, window, place=self.place) if watch.spans else 0
            found = max(found, (await sentry.tally(releases, window, place=self.place)).users)
        return {"users": found} if found else None

    async def types(self, releases: Sequence[str], since: float, until: float) -> Facts | None:
        """Return the error types that were first seen in these releases since then. Raises VendorError."""
        sentry = self.made.sentry
        if sentry is None:
            return None
        found: list[Facts] = []
        for release in releases:
            issues = await sentry.new_issues(release, place=self.place, since=_moment(since))
            own = [each.id for each in issues]
            tallies = await sentry.tallies(own, [release], _window(since, until), place=self.place)
            found += [  # without what is ours alone, or no error
                {
                    "title": each.title,
                    "first_seen": each.first_seen.timestamp(),
                    "release": release,
                    "events": tallies[each.id].errors,
                    "users": tallies[each.id].users,
                    "link": each.link,
                }
                for each in issues
                if each.id in tallies
            ]
        return {"types": found}

    async def _counted(self, counter: Counter, since: float, until: float) -> Facts:
        name = self.made.name
        target = await plain_target(self.settings, name, root=self.root, addresses=self.made.settings.addresses)
        if counter.app not in target.addresses:
            raise _UnreadError(f"[environments.{name}] addresses lacks {counter.app}")
        async with Visitor(target, counter.app, trusted=trust(target)) as visitor:
            visitor.values |= {
                SINCE: round(since, 3),
                UNTIL: round(until, 3),
                TARGET: self.settings.watch.target,
            }
            answer = (await visitor.timed(Request(path=counter.path, headers=counter.headers))).answer
            if answer.status != 200:  # noqa: PLR2004 - the only answer that counts
                raise _UnreadError(f"{counter.app} answered {answer.status}; {visitor.refusal(answer)}")
            places = {"requests": counter.requests, "slow": counter.slow}
            places |= {"users": counter.users} if counter.users else {}
            found = {each: at(place, answer) for each, place in places.items()}
        for each, value in found.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise _UnreadError(f"what {counter.app} says of {each} is no count")
        return found


async def _told(part: Callable[[], Awaitable[Facts | None]], *, within: float) -> Facts | None:
    try:
        with anyio.fail_after(within):
            return await part()
    except TimeoutError:
        said = f"no answer within {within:g} s"
    except ShipwayError as error:
        said = error.message
    except UnmetError as error:
        said = error.answered()
    except (AbsentError, _UnreadError, ValueError) as error:
        said = str(error)
    return {UNREAD: first_line(clean(said), SAID)}


def unread(*parts: Facts | None) -> str | None:
    """Return why one of the parts could not be read, None where all could."""
    return next((str(each[UNREAD]) for each in parts if each is not None and UNREAD in each), None)


def _moment(moment: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC)


def _window(since: float, until: float) -> Window:
    return Window(since=_moment(since), until=_moment(max(until, since + 0.001)))
