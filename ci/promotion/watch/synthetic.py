"""Requests of our own where too few real ones come: tagged, at a steady pace, counted apart.

What they take is an SLO's measure only where nothing counts real ones; in the comparison of errors they are never.
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import anyio

from ci.errors import ShipwayError
from ci.promotion.target import plain_target, trust
from ci.promotion.visitor import UnmetError, Visitor
from ci.promotion.watch.counting import unread
from ci.promotion.watch.verdicts import WINDOW
from ci.settings.smoke import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.journal import Look
    from ci.promotion.target import Target
    from ci.promotion.watch.looking import Subject
    from ci.promotion.watch.verdicts import Plan
    from ci.settings.watch import Visit, Watch

NEEDED = 100  # requests in a window
FAILED = 500  # answers from this status on were no answer to the request
NONE: dict[str, Any] = {"requests": 0, "slow": 0, "failed": 0, "answered": 0, "error": None}


def lacking(plan: Plan, looks: Sequence[Look]) -> int:
    """Return how many requests of our own are to be made until the next look: none where enough real ones come."""
    watch = plan.watch
    if not watch.routes:
        return 0
    share = math.ceil(NEEDED / watch.looks)
    if not plan.counted:
        return share
    seen = [each.document for each in looks if each.kind == WINDOW]
    if seen:
        requests, expected = seen[-1]["requests"], NEEDED * min(1.0, seen[-1]["after"] / watch.window)
    else:
        requests, expected = plan.baseline["requests"], NEEDED / watch.window
        length = plan.baseline["until"] - plan.baseline["since"]
        if requests is not None and unread(requests) is None and length > 0:
            return 0 if requests["requests"] / length >= expected else share
    if requests is None or unread(requests) is not None:
        return share
    return 0 if requests["requests"] >= expected else share


@dataclass(kw_only=True)
class Visits:
    """Makes the requests of [watch] by the same visitors, who sign in once."""

    subject: Subject
    target: Target | None = None
    visitors: dict[str, Visitor] = field(default_factory=dict)
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    place: int = 0

    async def __aenter__(self) -> Self:
        """Be ready to ask."""
        await self.stack.__aenter__()
        return self

    async def __aexit__(self, *about: object) -> None:
        """Close the connections."""
        await self.stack.aclose()

    @property
    def _watch(self) -> Watch:
        return self.subject.settings.watch

    async def make(self, count: int, *, within: float) -> dict[str, Any]:
        """Make so many requests, spread over so many seconds, and return what they met.

        One that is under way when they are over counts as slow where it took longer than it may.
        """
        made = dict(NONE)
        began, asking = anyio.current_time(), None
        with anyio.move_on_after(within) as scope:
            for turn in range(count):
                await anyio.sleep_until(began + turn * within / max(1, count))
                route = self._watch.routes[self.place % len(self._watch.routes)]
                self.place += 1
                try:
                    visitor = await self._visitor(route)
                except ShipwayError as error:
                    visitor = error.message
                if isinstance(visitor, str):
                    made["error"] = visitor
                    continue
                asking = time.perf_counter()
                _add(made, await _asked(visitor, route), target=self._watch.target)
                asking = None
        if scope.cancelled_caught and asking is not None and time.perf_counter() - asking > self._watch.target:
            made["requests"] += 1
            made["slow"] += 1
        return made

    async def _visitor(self, route: Visit) -> Visitor | str:
        """Return who asks a route, signed in where that is asked; or why there is nobody."""
        app = str(route.app or self._watch.app)
        if app in self.visitors:
            return self.visitors[app]
        made = self.subject.made
        if self.target is None:
            addresses = made.settings.addresses
            self.target = await plain_target(
                self.subject.settings, made.name, root=self.subject.root, addresses=addresses
            )
        if app not in self.target.addresses:
            return f"[environments.{made.name}] addresses lacks {app}"
        visitor = Visitor(self.target, app, trusted=trust(self.target))
        await self.stack.enter_async_context(visitor)
        for request in self._watch.before if app == self._watch.app else ():
            try:
                await visitor.ask(request)
            except UnmetError as error:
                return f"{request.method} {request.path} {error.answered(request.status)}"
        self.visitors[app] = visitor
        return visitor


async def _asked(visitor: Visitor, route: Visit) -> tuple[float, int | None]:
    """Return the seconds that a request took, and its answer's status, None without one."""
    began = time.perf_counter()
    try:
        made = await visitor.timed(Request(method=route.method, path=route.path, headers=route.headers))
    except UnmetError as error:
        return time.perf_counter() - began, error.status
    return made.seconds, made.answer.status


def _add(made: dict[str, Any], asked: tuple[float, int | None], *, target: float) -> None:
    """Count one: without an answer, or with one that is a failure, it was not answered in time."""
    seconds, status = asked
    failed = status is None or status >= FAILED
    made["requests"] += 1
    made["answered"] += status is not None
    made["failed"] += failed
    made["slow"] += failed or seconds > target
