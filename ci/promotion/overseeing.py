"""The watch over a release as a part of its promotion: what was before, the window under the lease, the armed watch."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from ci.errors import ExitCode
from ci.journal import Refusal, State
from ci.model import FlowStepRun, Outcome, Status
from ci.promotion.connected import connected
from ci.promotion.doubting import tell_doubt, tell_hold
from ci.promotion.flow import RESULT, BlockedError, Doing, PausedError
from ci.promotion.promoting import RULINGS, plain
from ci.promotion.releasing import SWITCH
from ci.promotion.watch.looking import Subject, baseline
from ci.promotion.watch.verdicts import together
from ci.promotion.watch.watching import Watched, look_if_due, watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.journal import Flow
    from ci.promotion.flow import Facts, Watcher
    from ci.promotion.promoting import Promotion

BASELINE, WINDOW, ARMED = "baseline", "window", "armed watch"
PAUSE = 1.0


async def keep_baseline(promotion: Promotion, doing: Doing) -> Facts:
    """Count what users meet now, before they are moved."""
    before = doing.facts["served before"]["deployments"].values()
    facts = await baseline(
        promotion.settings,
        promotion.made,
        journal=promotion.journal,
        root=promotion.root,
        releases=tuple(dict.fromkeys(str(each["commit"]) for each in before if each["commit"])),
    )
    for line in facts["notices"]:
        doing.note(line)
    return facts


async def watch_window(promotion: Promotion, doing: Doing) -> Facts:
    """Watch the release that users just got. Raises BlockedError where it is bad, PausedError where nobody can tell."""
    watched = await see_window(promotion, doing)
    if not watched.passed:
        reason = _why(watched)
        word = await anyio.to_thread.run_sync(promotion.journal.approvals.of, doing.flow.id, WINDOW)
        if word is None:
            told = await tell_hold(promotion, doing, reason, watched.rulings)
            raise PausedError(
                "; ".join((f"{promotion.name} serves, and is held: {reason}", *told["said"])),
                hint=f"`shipway approve {promotion.environment}` takes it for good, or `shipway rollback`",
                code=ExitCode.ESCALATED if told["nobody"] else ExitCode.HELD,
            )
        doing.note(f"taken for good by {word.by}: {word.reason or 'no reason given'}")
    said = await tell_doubt(promotion, doing, watched.doubts, watched.rulings)
    notices = [*watched.notices, *said]
    return {RULINGS: plain(*watched.rulings), "notices": notices, "accepted": watched.accepted}


async def see_window(promotion: Promotion, doing: Doing) -> Watched:
    """Watch the release that users just got to the end of its window. Raises BlockedError where it is bad."""
    watched = await watch(subject_of(promotion, doing.flow, doing.facts), doing)
    for line in watched.notices:
        doing.note(line)
    if watched.outcome is Outcome.FAIL:
        raise BlockedError(_why(watched), rulings=watched.rulings)
    return watched


async def watch_armed(promotion: Promotion, flow: Flow, watcher: Watcher, *, until_over: bool) -> FlowStepRun | None:
    """Take the looks that are due until the armed watch is over or, without `until_over`, once.

    Returns how it ended, which is written down; None while it goes on.
    """
    journal = promotion.journal
    facts = await anyio.to_thread.run_sync(journal.flows.results, flow.id)
    if ARMED in facts:
        return FlowStepRun(name=ARMED, status=Status.SKIPPED, reason="done before")
    began = time.monotonic()
    watcher.step_started(ARMED)
    subject = subject_of(promotion, flow, facts)
    word = await anyio.to_thread.run_sync(journal.approvals.of, flow.id, WINDOW)
    told = word is not None  # who took it for good knows that nobody sees it
    while True:
        stopped = await anyio.to_thread.run_sync(journal.flows.refusal, flow.id)
        if stopped is not None:
            return FlowStepRun(name=ARMED, status=Status.FAILED, reason=stopped.message)
        later = await _later(promotion, flow)
        watched = None if later else await look_if_due(subject)
        run = FlowStepRun(name=ARMED, status=Status.PASSED, seconds=round(time.monotonic() - began, 3))
        if later:
            await anyio.to_thread.run_sync(_write_down, promotion, flow, {"superseded": later})
            watcher.step_ended(run)
            return run
        if watched is not None and watched.outcome is Outcome.FAIL:
            return await _refuse(promotion, flow, watcher, watched, began)
        if watched is not None and together(watched.rulings) is Outcome.ERROR and not told:
            told = True
            await _tell_blind(promotion, flow, facts, watched, watcher)
        if watched is not None and watched.outcome is not None:
            for line in watched.notices:
                watcher.note(line)
            facts_ = {RULINGS: plain(*watched.rulings), "notices": list(watched.notices)}
            await anyio.to_thread.run_sync(_write_down, promotion, flow, facts_)
            watcher.step_ended(run)
            return run
        if not until_over:
            watcher.note(f"{promotion.name} is watched until {time.ctime(_until(promotion, facts))}")
            return None
        await anyio.sleep(min(PAUSE, promotion.settings.watch.every / 4))


def subject_of(promotion: Promotion, flow: Flow, facts: Mapping[str, Facts]) -> Subject:
    """Return what is watched, by what came of the promotion's steps."""
    deployments = facts[SWITCH]["deployments"].values()
    own = [float(each["created"]) for each in deployments if each["commit"] in {promotion.commit, None}]
    return Subject(
        flow=flow.id,
        commit=promotion.commit,
        releases=tuple(dict.fromkeys([promotion.commit, *(str(each["commit"]) for each in deployments)])),
        switched=facts[SWITCH]["at"],
        deployed=min(own, default=None),
        baseline=facts[BASELINE],
        settings=promotion.settings,
        made=promotion.made,
        journal=promotion.journal,
        root=promotion.root,
    )


async def _refuse(promotion: Promotion, flow: Flow, watcher: Watcher, watched: Watched, began: float) -> FlowStepRun:
    refusal = Refusal(
        step=ARMED,
        message=_why(watched),
        hint=None,
        code=int(ExitCode.GATE_REFUSED),
        state=State.BLOCKED,
        rulings=tuple(plain(*watched.rulings)),
    )
    await anyio.to_thread.run_sync(promotion.journal.flows.refuse, flow.id, refusal)
    seconds = round(time.monotonic() - began, 3)
    run = FlowStepRun(name=ARMED, status=Status.FAILED, seconds=seconds, reason=refusal.message)
    watcher.step_ended(run)
    return run


async def _tell_blind(
    promotion: Promotion, flow: Flow, facts: Mapping[str, Facts], watched: Watched, watcher: Watcher
) -> None:
    """Tell that nobody sees how a good release does. There is no lease now: each notice is one process's own."""
    said = [f"{each.gate}: {each.reason}" for each in watched.rulings if each.ruling is Outcome.ERROR]
    async with connected(promotion.settings, promotion.environment, root=promotion.root) as made:
        doing = Doing(flow=flow, facts=facts, fence=_nobody, note=watcher.note)
        await tell_hold(replace(promotion, made=made), doing, "; ".join(said), watched.rulings, what=ARMED)


async def _nobody() -> None:
    """Hold no lease."""


async def _later(promotion: Promotion, flow: Flow) -> str | None:
    """Return the commit that users got after this one, None where it is served still."""
    known = await anyio.to_thread.run_sync(promotion.journal.servings.of, promotion.environment)
    return known[-1].commit if known and known[-1].flow != flow.id else None


def _until(promotion: Promotion, facts: Mapping[str, Facts]) -> float:
    return float(facts[SWITCH]["at"]) + promotion.settings.watch.armed


def _write_down(promotion: Promotion, flow: Flow, facts: Facts) -> None:
    promotion.journal.flows.write(flow.id, ARMED, RESULT, epoch=0, facts=facts)


def _why(watched: Watched) -> str:
    said = [f"{each.gate}: {each.reason}" for each in watched.rulings if each.ruling is watched.outcome]
    return "; ".join(said) or "nothing was ruled"
