"""The benchmarks gate: the candidate is not slower than what staging serves, by more than the allowed share.

Both are measured in the same run, a request of the one beside a request of the other, so that a noisy machine slows
both. A route fails where the interval of its ratio (paired.py) lies wholly over what is allowed. A ratio that is over
it and not proven is INCONCLUSIVE: more pairs tell. The stored baseline is another day's machine, so its trend is told
and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ci.gates.paired import Interval, fewest, ratio
from ci.gates.recording import Share, decide, joined, number, percent, quoted
from ci.model import Outcome, Ruling

ALLOWED = 0.1
ALPHA = 0.01  # of failing wrongly, all routes together
PAIRS = 250  # what to measure: 30 % more is then found in heavy noise too, on five routes
FEWEST = 20
TREND = 0.2
_MOST = 1000  # pairs of a route: their averages of two are half a million

Measured = Annotated[float, Field(gt=0, le=10**6, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Seconds of two requests, one beside the other; which goes first alternates."""

    candidate: Measured
    current: Measured


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route's pairs, and the median seconds that the stored baseline has of it."""

    name: str
    pairs: Annotated[tuple[Pair, ...], Field(max_length=_MOST)]
    baseline: Measured | None = None


@dataclass(frozen=True, kw_only=True)
class BenchmarksObserved:
    """All routes. `error` says why they could not be measured."""

    routes: tuple[Route, ...]
    allowed: Share = ALLOWED
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = ALPHA
    fewest: Annotated[int, Field(ge=2, le=_MOST)] = FEWEST
    error: str | None = None


def rule(observed: BenchmarksObserved, *, environment: str) -> Ruling:
    """FAIL names each route that is slower; INCONCLUSIVE each that cannot be told yet."""
    if observed.error is not None:
        reason = f"the benchmarks could not be measured: {quoted(observed.error)}"
        return decide("benchmarks", environment, Outcome.ERROR, reason, observed)
    if not observed.routes:
        return decide("benchmarks", environment, Outcome.NODATA, "no route was measured", observed)
    alpha = observed.alpha / len(observed.routes)
    needed = max(observed.fewest, fewest(alpha))
    limit = 1 + observed.allowed
    slower: list[str] = []
    unclear: list[str] = []
    fine: list[str] = []
    intervals: dict[str, Interval | None] = {}
    for route in observed.routes:
        if len(route.pairs) < needed:
            intervals[route.name] = None
            unclear.append(f"{route.name}: {len(route.pairs)} pairs, {needed} are needed")
            continue
        found = ratio([(pair.candidate, pair.current) for pair in route.pairs], alpha=alpha)
        intervals[route.name] = found
        side = slower if found.lower > limit else unclear if found.estimate > limit else fine
        side.append(_told(route, found))
    trend = [told for route in observed.routes for told in _trend(route)]
    confidence = f"{percent(1 - 2 * alpha)} intervals, {percent(observed.allowed)} slower allowed"
    figures = {"intervals": intervals, "slower": slower, "unclear": unclear, "trend": trend, "pairs_needed": needed}
    if slower:
        outcome, said = Outcome.FAIL, [*slower, *unclear]
    elif unclear:
        outcome, said = Outcome.INCONCLUSIVE, unclear
    else:
        outcome, said = Outcome.PASS, fine
    reason = joined([f"candidate against current: {said[0]}", *said[1:], confidence, *trend])
    return decide("benchmarks", environment, outcome, reason, observed, **figures)


def _told(route: Route, found: Interval) -> str:
    return f"{route.name} x {number(found.estimate)} ({number(found.lower)} to {number(found.upper)})"


def _trend(route: Route) -> list[str]:
    """Say where the candidate is far from the stored baseline; no part of the ruling."""
    if route.baseline is None or not route.pairs:
        return []
    seconds = sorted(pair.candidate for pair in route.pairs)
    middle = seconds[len(seconds) // 2]
    change = middle / route.baseline - 1
    if abs(change) <= TREND:
        return []
    more = f"{percent(abs(change))} {'more' if change > 0 else 'less'}"
    return [f"notice: {route.name} takes {number(middle)} s, {more} than the stored {number(route.baseline)} s"]
