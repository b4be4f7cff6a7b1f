"""Measures how long routes take at a candidate and at what is served, side by side in the same run.

A request of the one stands beside the same request of the other, and which of them goes first alternates, so that
whatever slows the machine or the network slows both. All routes are asked in turn, round after round, over connections
that are kept. What goes wrong is told in the observation: nothing is raised for it.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio

from ci.gates.benchmarks import BenchmarksObserved, Pair, Route
from ci.promotion.target import trust
from ci.promotion.visitor import UnmetError, Visitor
from ci.settings.smoke import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.promotion.target import Target
    from ci.settings.promotion import Benchmarks
    from ci.settings.promotion import Route as Asked

WARMING = 5  # requests of each route at each address that nobody counts
WITHIN = 1800.0
_DIGITS, _LEAST = 6, 1e-6  # microseconds


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the gate rules on, and the candidate's median seconds by route: the next baseline. None after an error."""

    observed: BenchmarksObserved
    medians: Mapping[str, float]


class _FailedError(Exception):
    """A request was not answered well: the message says which, where, and how."""


async def measure(
    settings: Benchmarks,
    *,
    candidate: Target,
    current: Target,
    baseline: Mapping[str, float],
    within: float = WITHIN,
) -> Measured:
    """Ask each route in pairs, one request at the candidate and one at what is served.

    After `within` seconds what is measured until then counts.
    """
    pairs: dict[str, list[Pair]] = {route.name: [] for route in settings.routes}
    error: str | None = None
    trusted = trust(candidate, current)
    if any(settings.app not in each.addresses for each in (candidate, current)):
        error = f"{settings.app} has no address"
    else:
        try:
            async with (
                Visitor(candidate, settings.app, trusted=trusted) as one,
                Visitor(current, settings.app, trusted=trusted) as other,
            ):
                with anyio.move_on_after(within):
                    await _fill(settings, one, other, pairs)
        except _FailedError as failed:
            error = str(failed)
    measured = tuple(Route(name=name, pairs=tuple(made), baseline=baseline.get(name)) for name, made in pairs.items())
    medians = {} if error else {each.name: _median(each) for each in measured if each.pairs}
    observed = BenchmarksObserved(routes=measured, allowed=settings.allowed, error=error)
    return Measured(observed=observed, medians=medians)


async def _fill(settings: Benchmarks, candidate: Visitor, current: Visitor, pairs: Mapping[str, list[Pair]]) -> None:
    for visitor in (candidate, current):
        for request in settings.before:
            await _prepare(visitor, request)
    for place in range(WARMING + settings.pairs):
        for route in settings.routes:
            seconds: dict[Visitor, float] = {}
            for visitor in (candidate, current) if place % 2 else (current, candidate):
                seconds[visitor] = await _seconds(visitor, route)
            if place >= WARMING:
                pairs[route.name].append(Pair(candidate=seconds[candidate], current=seconds[current]))


async def _prepare(visitor: Visitor, request: Request) -> None:
    try:
        await visitor.ask(request)
    except UnmetError as error:
        what = f"{visitor.address}: {request.method} {request.path}"
        raise _FailedError(f"{what} {error.answered(request.status)}") from None


async def _seconds(visitor: Visitor, route: Asked) -> float:
    what = f"{visitor.address}: {route.name}, {route.method} {route.path}"
    request = Request(method=route.method, path=route.path, headers=route.headers)
    try:
        made = await visitor.timed(request)
    except UnmetError as error:
        raise _FailedError(f"{what} {error.answered()}") from None
    if not HTTPStatus.OK <= made.answer.status < HTTPStatus.MULTIPLE_CHOICES:
        unmet = UnmetError(visitor.refusal(made.answer), made.answer.status)
        raise _FailedError(f"{what} {unmet.answered()}")
    return max(round(made.seconds, _DIGITS), _LEAST)


def _median(route: Route) -> float:
    return statistics.median([pair.candidate for pair in route.pairs])
