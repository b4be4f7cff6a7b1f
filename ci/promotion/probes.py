"""Makes the probes of shipway.toml, side by side, and records what they met, for the smoke gate.

First each app must say that it serves the commit that is meant: an edge that still has the old build would pass for
the new one. A red probe is made again until its deadline, as a network drops an answer now and then; it is a value, and
nothing is raised for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import anyio

from ci.errors import Trouble, VendorError
from ci.promotion.asking import commit_of, is_same
from ci.promotion.target import trust
from ci.promotion.tries import Attempt, ProbeRun, observed
from ci.promotion.visitor import UnmetError, Visitor
from ci.redact import Redactor
from ci.text import clean, first_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from ci.gates.smoke import SmokeObserved
    from ci.promotion.target import Target, Trust
    from ci.settings.environments import Serves
    from ci.settings.smoke import Smoke

WITHIN = 90.0  # seconds for an app to serve what is meant
PAUSES = (0.5, 1.0, 2.0, 4.0, 5.0)
CLEANING = 20.0
SIDE_BY_SIDE = 16
SAID = 200


@dataclass(frozen=True, kw_only=True)
class Serving:
    """An app that is asked what it serves; `commit` is what is meant, None where any will do."""

    app: str
    serves: Serves
    commit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What the probes met, and what the gate makes its ruling of."""

    runs: tuple[ProbeRun, ...]
    observed: SmokeObserved


@dataclass(frozen=True, kw_only=True)
class _Told:
    attempt: Attempt
    left: tuple[str, ...] = ()


async def probe(
    probes: Sequence[Smoke],
    target: Target,
    *,
    serving: Sequence[Serving] = (),
    without: Mapping[str, str] | None = None,
    within: float = WITHIN,
    where: str = "",
) -> Probed:
    """Make the probes but those of `without`, once each app serves its commit, which is waited for `within` seconds."""
    began = anyio.current_time()
    left_out = without or {}
    made = [each for each in probes if each.requests and each.name not in left_out]
    trusted = trust(target)
    runs = await _side_by_side(
        [
            partial(_retried, _serves(each, target), each.app, "health", f"{each.app}-serves", began + within)
            for each in serving
        ]
    )
    if all(run.passed for run in runs):
        visits = [(each, app) for each in made if (app := each.app) is not None]
        runs += await _side_by_side(
            [
                partial(_retried, _visit(each, app, target, trusted), app, each.point, each.name, began + each.within)
                for each, app in visits
            ]
        )
    absent: dict[str, str] = {each.point: each.absent for each in probes if each.absent}
    absent |= {each.point: left_out[each.name] for each in probes if each.name in left_out}
    return Probed(runs=tuple(runs), observed=observed(runs, absent, {each.point for each in made}, where))


async def _side_by_side(calls: Sequence[Callable[[], Awaitable[ProbeRun]]]) -> list[ProbeRun]:
    found: dict[int, ProbeRun] = {}
    limit = anyio.CapacityLimiter(SIDE_BY_SIDE)

    async def keep(place: int, call: Callable[[], Awaitable[ProbeRun]]) -> None:
        async with limit:
            found[place] = await call()

    async with anyio.create_task_group() as group:
        for place, call in enumerate(calls):
            group.start_soon(keep, place, call)
    return [found[place] for place in sorted(found)]


async def _retried(
    attempt: Callable[[], Awaitable[_Told]], app: str, point: str, name: str, deadline: float
) -> ProbeRun:
    """Try until it passes, or until there is no time for another try."""
    tries: list[_Told] = []
    while True:
        tries.append(await attempt())
        pause = PAUSES[min(len(tries), len(PAUSES)) - 1]
        if tries[-1].attempt.passed or anyio.current_time() + pause >= deadline:
            break
        await anyio.sleep(pause)
    left = tuple(dict.fromkeys(each for one in tries for each in one.left))
    return ProbeRun(name=name, point=point, app=app, attempts=tuple(each.attempt for each in tries), left=left)


def _serves(asked: Serving, target: Target) -> Callable[[], Awaitable[_Told]]:
    async def attempt() -> _Told:
        began = anyio.current_time()
        request = f"GET {asked.serves.path}"
        try:
            found = await commit_of(asked.app, target.addresses[asked.app], asked.serves, headers=target.headers)
        except VendorError as error:
            said = first_line(Redactor(target.secrets).text(clean(error.message)), SAID)
            answered = error.status is not None or error.trouble is not Trouble.UNREACHABLE
            seconds = round(anyio.current_time() - began, 3)
            failed = Attempt(
                passed=False, request=request, seconds=seconds, status=error.status, detail=said, answered=answered
            )
            return _Told(attempt=failed)
        meant = asked.commit or found
        passed = is_same(found, meant)
        detail = f"serves {found[:12]}" + ("" if passed else f", and {meant[:12]} is meant")
        seconds = round(anyio.current_time() - began, 3)
        return _Told(attempt=Attempt(passed=passed, request=request, seconds=seconds, status=200, detail=detail))

    return attempt


def _visit(made: Smoke, app: str, target: Target, trusted: Trust) -> Callable[[], Awaitable[_Told]]:
    async def attempt() -> _Told:
        began = anyio.current_time()
        left: list[str] = []
        async with Visitor(target, app, trusted=trusted) as visitor:
            try:
                result = await _requests(made, visitor, began)
            finally:
                with anyio.move_on_after(CLEANING, shield=True) as scope:
                    for each in made.cleanup:
                        wrong = await visitor.clean(each)
                        left += [f"{each.method} {each.path}: {wrong}"] if wrong else []
                if scope.cancelled_caught:
                    left.append(f"cleaning up took more than {CLEANING:g} s")
        return _Told(attempt=result, left=tuple(left))

    return attempt


async def _requests(made: Smoke, visitor: Visitor, began: float) -> Attempt:
    passed, detail, status = True, "", None
    for request in made.requests:
        try:
            await visitor.ask(request)
            status = request.status
        except UnmetError as error:
            passed, detail, status = False, error.detail, error.status
            break
    return Attempt(
        passed=passed,
        request=f"{request.method} {request.path}",
        seconds=round(anyio.current_time() - began, 3),
        expected=request.status,
        status=status,
        detail=detail,
        answered=visitor.answered,
    )
