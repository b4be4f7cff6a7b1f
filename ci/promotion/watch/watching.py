"""The watch over a release that users were moved to: looks spread over its window, then an armed watch without a lease.

Each look is written down, then all gates rule on what is written down. A process that takes over goes on behind the
looks that are there. What says FAIL ends the window at once; what cannot be told extends it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import anyio
import anyio.to_thread

from ci.errors import ShipwayError
from ci.model import Outcome
from ci.promotion.watch.alive import prove
from ci.promotion.watch.looking import look, reached
from ci.promotion.watch.synthetic import Visits, lacking
from ci.promotion.watch.verdicts import (
    ARMED,
    SYNTHETIC,
    WINDOW,
    blind,
    doubts,
    notices,
    rule_armed,
    rule_window,
    together,
    tripped,
    waits,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ci.journal import Look
    from ci.model import Ruling
    from ci.promotion.watch.looking import Subject
    from ci.promotion.watch.verdicts import Plan

MORE = 8  # looks behind the last one, where that could not be read: by then it is an error, or was read


class Told(Protocol):
    """Who is told what goes on, a line each."""

    @property
    def note(self) -> Callable[[str], None]:
        """One line."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What came of a watch: `outcome` is None while it goes on.

    FAIL rolls back, ERROR holds and pages. INCONCLUSIVE was watched to the end of the extended window, and is
    `accepted` where shipway.toml says so. `notices` are for its report; `doubts`, which are among them, are to be told
    to people.
    """

    outcome: Outcome | None
    rulings: tuple[Ruling, ...]
    looks: tuple[Look, ...]
    extended: bool = False
    accepted: bool = False
    notices: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the release is good, or is taken for it."""
        return self.outcome is Outcome.PASS or (self.outcome is Outcome.INCONCLUSIVE and self.accepted)


async def watch(subject: Subject, told: Told, *, until: float | None = None) -> Watched:
    """Watch a release to the end of its window, or until a moment for who has no more time.

    Raises what the journal raises; a source that cannot be read is part of what was seen.
    """
    raised: ShipwayError | None = None
    found: Watched | None = None
    proved = anyio.Event()

    async def prove_alive() -> None:
        try:
            await prove(subject)
        except ShipwayError as error:
            told.note(f"whether the monitor is alive could not be kept: {error.message}")
        finally:
            proved.set()

    async with Visits(subject=subject) as visits, anyio.create_task_group() as group:
        group.start_soon(prove_alive)
        try:
            found = await _watch(subject, told, visits, proved, until)
        except ShipwayError as error:  # raised again, as it is and not in a group
            raised = error
        finally:
            group.cancel_scope.cancel()
    if raised is not None:
        raise raised
    if found is None:
        raise AssertionError("a watch without an end")
    return found


async def _watch(subject: Subject, told: Told, visits: Visits, proved: anyio.Event, until: float | None) -> Watched:
    plan, fresh, said = subject.plan, False, False
    while True:
        looks = await subject.looks()
        taken = max((each.number for each in looks if each.kind == WINDOW), default=0)
        rulings = rule_window(plan, looks)
        if taken >= plan.watch.looks and not proved.is_set() and together(rulings) is not Outcome.FAIL:
            await proved.wait()
            looks = await subject.looks()
            rulings = rule_window(plan, looks)
        if (outcome := _ended(plan, rulings, taken, fresh=fresh)) is not None:
            return _watched(plan, outcome, rulings, looks)
        if taken >= plan.watch.looks and not said:
            said = True
            told.note(f"watched on to {plan.watch.extended:g} s: {_why(rulings)}")
        number = _next(plan, taken)
        if until is not None and plan.begins + plan.after(number) + plan.watch.lag > until:
            return _watched(plan, None, rulings, looks)
        await _wait(subject, visits, number, looks)
        await look(subject, WINDOW, number, until=_until(plan, number))
        fresh = True


def _ended(plan: Plan, rulings: Sequence[Ruling], taken: int, *, fresh: bool) -> Outcome | None:
    """Return how the window ended, None where another look is taken.

    Whoever takes over from one who was blind looks once more before that is said again.
    """
    outcome = together(rulings)
    if taken and outcome is Outcome.FAIL:
        return outcome
    if any(each.ruling is Outcome.ERROR and each.gate != "monitor" for each in rulings):
        return outcome if fresh else None
    if taken < plan.watch.looks:
        return None
    if outcome is not Outcome.INCONCLUSIVE or not waits(plan, rulings):
        return outcome
    more = MORE if blind(rulings) else 1 if tripped(rulings) else 0
    return outcome if taken >= plan.last + more else None


def _next(plan: Plan, taken: int) -> int:
    """Return the number of the next look: the newest that is due, whatever was missed before it."""
    end = plan.watch.looks if taken < plan.watch.looks else plan.last
    now = time.time() - plan.watch.lag - plan.begins
    due = max((number for number in range(1, end + 1) if plan.after(number) <= now), default=0)
    return max(taken + 1, due)


def _until(plan: Plan, number: int) -> float:
    """Return up to which moment a look reads: as planned, or up to now where it is taken late."""
    planned, latest = plan.begins + plan.after(number), time.time() - plan.watch.lag
    return planned if latest - planned < plan.step else latest


async def _wait(subject: Subject, visits: Visits, number: int, looks: Sequence[Look]) -> None:
    """Wait for a look's moment, and make requests of our own meanwhile where too few real ones come.

    One that is taken late stands apart from the one before: the same seen twice is no two looks in a row.
    """
    plan = subject.plan
    before = max((each.moment for each in looks if each.kind == WINDOW), default=0.0)
    at = max(plan.begins + plan.after(number) + plan.watch.lag, before + plan.step / 2)
    await anyio.sleep(max(0.0, min(plan.begins, at) - time.time()))
    within = at - time.time()
    if within <= 0:
        return
    count = lacking(plan, looks)
    if count == 0:
        await anyio.sleep(within)
        return
    made = await visits.make(count, within=within)
    await subject.record(SYNTHETIC, number, {"after": plan.after(number), **made})
    await anyio.sleep(max(0.0, at - time.time()))


def _why(rulings: Sequence[Ruling]) -> str:
    return "; ".join(f"{each.gate}: {each.reason}" for each in rulings if each.ruling is not Outcome.PASS)


def _watched(plan: Plan, outcome: Outcome | None, rulings: tuple[Ruling, ...], looks: tuple[Look, ...]) -> Watched:
    accepted = outcome is Outcome.INCONCLUSIVE and plan.watch.inconclusive == "accept"
    return Watched(
        outcome=outcome,
        rulings=rulings,
        looks=looks,
        extended=any(each.kind == WINDOW and each.number > plan.watch.looks for each in looks),
        accepted=accepted,
        notices=() if outcome is None else notices(plan, rulings),
        doubts=() if outcome is None else doubts(plan, rulings),
    )


def armed_until(plan: Plan) -> float:
    """Return the moment at which the armed watch is over."""
    return plan.switched + plan.watch.armed


def due(plan: Plan, looks: Sequence[Look], now: float) -> int | None:
    """Return the number of the armed look that is to be taken now, None where none is.

    None is taken that was due before the window ended, but for the last: the window may have lasted longer than the
    armed watch, and whoever waits for its end must come to one.
    """
    moments = _moments(plan)
    taken = max((each.number for each in looks if each.kind == ARMED), default=0)
    watched = max((each.moment for each in looks if each.kind == WINDOW), default=0.0)
    newest = max((number for number, at in enumerate(moments, start=1) if at <= now), default=0)
    if newest <= taken:
        return None
    return newest if moments[newest - 1] > watched or newest == len(moments) else None


def is_over(plan: Plan, looks: Sequence[Look]) -> bool:
    """Whether the last look of the armed watch was taken."""
    return any(each.kind == ARMED and each.number == len(_moments(plan)) for each in looks)


async def look_if_due(subject: Subject) -> Watched | None:
    """Take the look of the armed watch that is due, and rule; None where none is, or another release is served by now.

    Two processes may both take it: the one that is written down first counts.
    """
    plan, journal = subject.plan, subject.journal
    servings = await anyio.to_thread.run_sync(journal.servings.of, plan.environment)
    if servings and servings[-1].flow != subject.flow and servings[-1].moment > plan.switched:
        return None
    looks, now = await subject.looks(), time.time()
    number = due(plan, looks, now)
    if number is None:
        return None
    until = max(min(now, armed_until(plan)) - plan.watch.lag, reached(looks))
    since = min(max(reached(looks), plan.begins), until - 1.0)
    await look(subject, ARMED, number, until=until, since_last=since)
    looks = await subject.looks()
    rulings = rule_armed(plan, looks)
    outcome = together(rulings)
    ended = outcome is Outcome.FAIL or is_over(plan, looks)  # a monitor that is away may be back before the end
    return _watched(plan, outcome if ended else None, rulings, looks)


def _moments(plan: Plan) -> list[float]:
    """Return when the looks of the armed watch are due: from the window on, the last at its end."""
    first, end = plan.begins + plan.watch.window + plan.watch.lag, armed_until(plan)
    found: list[float] = []
    while (at := first + plan.watch.every * (len(found) + 1)) < end:
        found.append(at)
    return [*found, end]
