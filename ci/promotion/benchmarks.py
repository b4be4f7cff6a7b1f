"""Measures routes at the candidate and at what is served, side by side: which goes first alternates, pair by pair.

Both are measured in the same run, so that a noisy machine slows both. Requests are made one after the other, on
connections that stay open; what is counted is from the first byte sent to the last one read.
"""

from __future__ import annotations

import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.gates.benchmarks import BenchmarksObserved, Pair, Route
from ci.promotion.visitor import UnmetError, Visitor
from ci.settings.smoke import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.promotion.target import Target
    from ci.settings.promotion import Benchmarks
    from ci.settings.promotion import Route as Asked

WARMING = 5  # requests to each that are not counted
FASTEST = 1e-6  # seconds: a clock that stood still is no time


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the gate rules on, and the candidate's median seconds by route: the next baseline."""

    observed: BenchmarksObserved
    medians: Mapping[str, float]


async def measure(
    settings: Benchmarks, *, candidate: Target, current: Target, baseline: Mapping[str, float]
) -> Measured:
    """Measure all routes. Whatever is answered but what was asked for is the observation's `error`."""
    routes: list[Route] = []
    medians: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        new, old = [await stack.enter_async_context(Visitor(target, settings.app)) for target in (candidate, current)]
        try:
            for visitor, where in ((new, "the candidate"), (old, "what is served")):
                await _begin(visitor, settings, where)
            for asked in settings.routes:
                pairs = await _pairs(asked, new, old, settings.pairs)
                medians[asked.name] = statistics.median(pair.candidate for pair in pairs)
                routes.append(Route(name=asked.name, pairs=tuple(pairs), baseline=baseline.get(asked.name)))
        except UnmetError as error:
            observed = BenchmarksObserved(routes=tuple(routes), allowed=settings.allowed, error=error.detail)
            return Measured(observed=observed, medians={})
    return Measured(observed=BenchmarksObserved(routes=tuple(routes), allowed=settings.allowed), medians=medians)


async def _begin(visitor: Visitor, settings: Benchmarks, where: str) -> None:
    """Make the requests that come before, and warm each route up."""
    for request in settings.before:
        await _ask(visitor, request, where)
    for asked in settings.routes:
        for _ in range(WARMING):
            await _ask(visitor, _request(asked), where)


async def _pairs(asked: Asked, new: Visitor, old: Visitor, number: int) -> list[Pair]:
    request = _request(asked)
    pairs = []
    for place in range(number):
        if place % 2:
            served = await _seconds(old, request, "what is served")
            candidate = await _seconds(new, request, "the candidate")
        else:
            candidate = await _seconds(new, request, "the candidate")
            served = await _seconds(old, request, "what is served")
        pairs.append(Pair(candidate=candidate, current=served))
    return pairs


async def _seconds(visitor: Visitor, request: Request, where: str) -> float:
    began = time.perf_counter()
    await _ask(visitor, request, where)
    return max(FASTEST, time.perf_counter() - began)


async def _ask(visitor: Visitor, request: Request, where: str) -> None:
    try:
        await visitor.ask(request)
    except UnmetError as error:
        status = "" if error.status is None else f" {error.status}"
        told = f"{request.method} {request.path} at {where}:{status} {error.detail}".rstrip(": ")
        raise UnmetError(told, error.status) from None


def _request(asked: Asked) -> Request:
    return Request(method=asked.method, path=asked.path, headers=asked.headers)
