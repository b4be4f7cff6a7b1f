"""A promotion as a whole: begun once, carried by one process after the other, under a lease but for its window."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ci.errors import ExitCode
from ci.journal import LeaseLostError, Refusal, State
from ci.journal.releases import Proof
from ci.promotion import overseeing, production, releasing, staging, telling
from ci.promotion.drills import drilling, ending
from ci.promotion.drills.beginning import PROMOTION
from ci.promotion.drills.scenario import KIND as DRILL
from ci.promotion.flow import BlockedError, BusyError, Ended, carry, leased
from ci.promotion.rollback import rolling_back
from ci.promotion.route import make_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.journal import Flow, Journal
    from ci.promotion.flow import FlowStep, Held, Watcher
    from ci.promotion.promoting import Promotion
    from ci.promotion.route import Route

KIND = PROMOTION
LASTING = 86_400.0  # seconds; past them whoever looks ends it
WORDS = frozenset({releasing.APPROVAL, releasing.DOGFOOD, overseeing.WINDOW})  # steps that a person's word lets through
ROUTES: Mapping[str, Route] = {"staging": staging.ROUTE, "production": production.ROUTE}


@dataclass(kw_only=True)
class Fence:
    """What is asked before each outside write of the adapters: whoever holds the lease now."""

    held: Held | None = None

    async def __call__(self) -> None:
        """Make sure that it is held. Raises LeaseLostError."""
        if self.held is None:
            raise LeaseLostError("nothing may be changed without a lease", hint="it is a defect of Shipway")
        await self.held()


def begin(
    journal: Journal,
    environment: str,
    commit: str,
    *,
    accept_slow: str | None = None,
    skip_soak: str | None = None,
    hotfix: str | None = None,
) -> Flow:
    """Begin a promotion, or return the one of this commit that goes on, be it in its window.

    `accept_slow` and `skip_soak` are a person's reasons, `hotfix` is the incident that the commit mends.

    Raises BusyError where another one is unfinished; one that holds no lease bars nobody, but for a drill: whoever
    goes on with that puts back what was served before it.
    """
    for found in journal.flows.recent(environment):
        if found.kind == DRILL and found.is_open:
            raise BusyError(
                f"a drill in {environment} is not finished",
                hint=f"`shipway resume {environment}` or `shipway abort {environment}`",
            )
        if found.kind != KIND or not found.is_open:
            continue
        if found.commit == commit:
            return found
        if found.state is not State.RUNNING:
            continue
        raise BusyError(
            f"the promotion of {found.commit[:12]} to {environment} is not finished",
            hint=f"`shipway resume {environment}` or `shipway abort {environment}`",
        )
    identity = f"{environment}-{commit[:12]}-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"
    asked = {"accept_slow": accept_slow, "skip_soak": skip_soak, "hotfix": hotfix}
    return journal.flows.begin(
        identity, kind=KIND, environment=environment, commit=commit, asked=asked, lasting=LASTING
    )


def waits_at(journal: Journal, flow: Flow) -> str:
    """Return the step at which a promotion waits for a person. Raises BlockedError where it does not."""
    entries = journal.flows.entries(flow.id)
    last = entries[-1].step if entries else ""
    if flow.state is not State.PAUSED or last not in WORDS:
        raise BlockedError(
            f"the promotion of {flow.commit[:12]} to {flow.environment} waits for nobody's word",
            hint="`shipway status` tells what it does",
        )
    return last


def begin_rollback(journal: Journal, environment: str, *, to: str | None, reason: str) -> Flow:
    """Begin to put an environment back, or return the rollback that goes on.

    `to` is the commit to go back to, else the newest that proved good. Raises BusyError where a promotion is at work,
    BlockedError where nothing was released that could be taken back.
    """
    released = [each for each in journal.releases.of(environment) if each.state is not Proof.ROLLED_BACK]
    if not released:
        raise BlockedError(f"nothing was released to {environment} that could be taken back", hint="`shipway status`")
    commit = released[0].commit
    for found in journal.flows.recent(environment):
        if found.kind == rolling_back.KIND and found.is_open:
            return found
        if found.state is State.RUNNING:
            raise BusyError(
                f"the promotion of {found.commit[:12]} to {environment} is not finished",
                hint=f"`shipway abort {environment}` ends it, and puts back what it switched",
            )
    identity = f"rollback-{environment}-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"
    return journal.flows.begin(
        identity,
        kind=rolling_back.KIND,
        environment=environment,
        commit=commit,
        asked={"to": to, "reason": reason},
        lasting=LASTING,
    )


async def roll_back(promotion: Promotion, flow: Flow, fence: Fence, watcher: Watcher) -> Ended:
    """Carry a rollback by hand to its end. Raises BusyError, LeaseLostError, VendorError."""
    async with leased(promotion.journal, flow, waiting=True) as held:
        fence.held = held
        return await carry(promotion.journal, flow, rollback_steps(promotion), held, watcher)


def rollback_steps(promotion: Promotion) -> tuple[FlowStep, ...]:
    """Return what a rollback by hand does, in its order."""
    told = make_step(promotion, "people told", telling.tell_stuck, writes="mail, page and issue, where it failed")
    return (*rolling_back.steps(promotion), told)


async def drill(promotion: Promotion, flow: Flow, fence: Fence, watcher: Watcher) -> Ended:
    """Carry a drill to its end. Raises BusyError, LeaseLostError, VendorError."""
    async with leased(promotion.journal, flow, waiting=True) as held:
        fence.held = held
        return await carry(
            promotion.journal,
            flow,
            drilling.steps(promotion, flow),
            held,
            watcher,
            closing=drilling.closing_steps(promotion),
            wanted=ending.is_expected,
        )


def order(promotion: Promotion, flow: Flow) -> tuple[str, ...]:
    """Return the names of all steps of a flow in their order."""
    if flow.kind == DRILL:
        return drilling.order(promotion, flow)
    if flow.kind == rolling_back.KIND:
        return tuple(step.name for step in rollback_steps(promotion))
    return ROUTES[flow.environment].order(promotion)


async def go_on(promotion: Promotion, flow: Flow, fence: Fence, watcher: Watcher, *, wait: bool) -> Ended:
    """Carry a flow of any kind as far as it goes now. Raises as `carry_on`."""
    if flow.kind == DRILL:
        return await drill(promotion, flow, fence, watcher)
    if flow.kind == rolling_back.KIND:
        return await roll_back(promotion, flow, fence, watcher)
    return await carry_on(promotion, flow, fence, watcher, wait=wait)


def interrupted(journal: Journal, environment: str) -> Flow:
    """Return what is gone on with in an environment: a rollback before anything else. Raises BlockedError."""
    for found in journal.flows.recent(environment, kind=rolling_back.KIND):
        if found.is_open:
            return found
    return unfinished(journal, environment)


def unfinished(journal: Journal, environment: str) -> Flow:
    """Return the promotion or the drill that goes on in an environment. Raises BlockedError where none does."""
    for state in (State.RUNNING, State.PAUSED, State.WAITING):
        for found in journal.flows.recent(environment):
            if found.kind in {KIND, DRILL} and found.state is state:
                return found
    raise BlockedError(f"no promotion to {environment} is unfinished", hint="`shipway status` tells what there is")


async def carry_on(promotion: Promotion, flow: Flow, fence: Fence, watcher: Watcher, *, wait: bool) -> Ended:
    """Carry a promotion as far as it goes now; with `wait`, to the end of its window.

    Raises BusyError where somebody else holds the environment, LeaseLostError, VendorError.
    """
    journal, route = promotion.journal, ROUTES[promotion.environment]
    ended = Ended(flow=flow, steps=())
    if flow.state is State.PAUSED:
        flow = journal.flows.move(flow.id, State.RUNNING)
    if flow.state is State.RUNNING:
        async with leased(journal, flow, waiting=True) as held:
            fence.held = held
            ended = await carry(
                journal,
                flow,
                route.steps(promotion),
                held,
                watcher,
                closing=route.closing(promotion),
                then=State.WAITING,
            )
    if ended.flow.state is not State.WAITING:
        return ended
    window = await route.watch(promotion, ended.flow, watcher, until_over=wait)
    if window is None:
        return ended
    async with leased(journal, flow, waiting=True) as held:
        fence.held = held
        after = await carry(
            journal,
            ended.flow,
            route.steps_after(promotion),
            held,
            watcher,
            closing=route.closing_after(promotion),
        )
    return replace(after, steps=(*ended.steps, window, *after.steps))


def due(journal: Journal) -> tuple[Flow, ...]:
    """Return what somebody has to look at.

    Windows that go on, what waits for a person, what moved users and lost its owner, and promotions past their time,
    which are refused.
    """
    found = [each for each in journal.flows.recent() if each.is_open and each.kind in {KIND, DRILL, rolling_back.KIND}]
    late = [each for each in found if each.deadline < time.time()]
    for each in late:
        abort(journal, each, f"it was not finished within {LASTING / 3600:.0f} hours")
    return tuple(each for each in found if each in late or each.state is not State.RUNNING or _is_left(journal, each))


def _is_left(journal: Journal, flow: Flow) -> bool:
    """Whether users get what a flow is not done with, and nobody is at it."""
    moved = flow.kind in {rolling_back.KIND, DRILL} or journal.releases.of_flow(flow.id) is not None
    return moved and journal.leases.of(flow.environment) is None


def abort(journal: Journal, flow: Flow, reason: str) -> Refusal:
    """Have a promotion go no further; whoever carries it on then only closes it."""
    refusal = Refusal(step="abort", message=reason, hint=None, code=int(ExitCode.GATE_REFUSED), state=State.ABORTED)
    return journal.flows.refuse(flow.id, refusal)
