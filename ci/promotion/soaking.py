"""Step 13: the internal testing window: staging is used with the commit, and tested over and over, without a lease."""

from __future__ import annotations

import datetime
import functools
import time
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from ci.errors import ExitCode, ShipwayError, VendorError
from ci.gates.soak import NewType, Repeat, Serving, SoakObserved, rule
from ci.journal import Refusal, State
from ci.model import FlowStepRun, Outcome, RunVerdict, Status
from ci.promotion.flow import RESULT
from ci.promotion.promoting import RULINGS, plain
from ci.promotion.smoking import smoke
from ci.promotion.work import Asked, What
from ci.vendors.sentry_calls import UNMET
from ci.vendors.sentry_values import Place

if TYPE_CHECKING:
    from ci.journal import Flow
    from ci.model import Ruling
    from ci.promotion.flow import Watcher
    from ci.promotion.promoting import Promotion

STEP = "testing window"
DRILL = "drill-"  # what the ids of drills begin with
SMOKE, TIER_1 = "smoke", "tier 1"
PAUSE = 1.0


async def soak(promotion: Promotion, flow: Flow, watcher: Watcher, *, until_over: bool) -> FlowStepRun | None:
    """Repeat what is due and rule on the window, until it is over or, without `until_over`, once.

    Returns how it ended, which is written down; None while it goes on. Raises VendorError where nothing can be read.
    """
    journal = promotion.journal
    results = await anyio.to_thread.run_sync(journal.flows.results, flow.id)
    if STEP in results:
        return FlowStepRun(name=STEP, status=Status.SKIPPED, reason="done before")
    began = time.monotonic()
    watcher.step_started(STEP)
    while True:
        stopped = await anyio.to_thread.run_sync(journal.flows.refusal, flow.id)
        if stopped is not None:
            return FlowStepRun(name=STEP, status=Status.FAILED, reason=stopped.message)
        await _repeat(promotion, flow, watcher)
        ruling, superseded = await _ruled(promotion, flow, watcher)
        if ruling.ruling is Outcome.PASS:
            await anyio.to_thread.run_sync(_write_down, promotion, flow, ruling)
            run = FlowStepRun(name=STEP, status=Status.PASSED, seconds=round(time.monotonic() - began, 3))
            watcher.step_ended(run)
            return run
        if ruling.ruling is not Outcome.INCONCLUSIVE or superseded:
            refusal = Refusal(
                step=STEP,
                message=f"{ruling.gate}: {ruling.reason}",
                hint="staging stays as it is; production is barred to this commit",
                code=int(ExitCode.GATE_REFUSED),
                state=State.BLOCKED,
                rulings=tuple(plain(ruling)),
            )
            await anyio.to_thread.run_sync(journal.flows.refuse, flow.id, refusal)
            run = FlowStepRun(
                name=STEP,
                status=Status.FAILED,
                seconds=round(time.monotonic() - began, 3),
                reason=refusal.message,
            )
            watcher.step_ended(run)
            return run
        if not until_over:
            watcher.note(ruling.reason)
            return None
        await anyio.sleep(min(PAUSE, promotion.settings.promotion.repeat / 4))


def tested(promotion: Promotion) -> tuple[str, ...]:
    """Return what is repeated: what shipway.toml has."""
    return (
        *((SMOKE,) if promotion.settings.smoke else ()),
        *((TIER_1,) if promotion.settings.stages.e2e.tier2 is not None else ()),
    )


async def _repeat(promotion: Promotion, flow: Flow, watcher: Watcher) -> None:
    """Run what was not repeated for as long as shipway.toml says."""
    journal, now = promotion.journal, time.time()
    done = await anyio.to_thread.run_sync(lambda: journal.servings.repeats(promotion.environment, since=flow.began))
    for name in tested(promotion):
        newest = max((each.moment for each in done if each.name == name), default=0.0)
        if now - newest < promotion.settings.promotion.repeat:
            continue
        passed, reason = await (_smoke(promotion) if name == SMOKE else _tier_1(promotion))
        watcher.note(f"{name} {'passed' if passed else f'failed: {reason}'}")
        await anyio.to_thread.run_sync(
            functools.partial(journal.servings.repeat, promotion.environment, name, passed=passed, reason=reason)
        )


def _write_down(promotion: Promotion, flow: Flow, ruling: Ruling) -> None:
    promotion.journal.flows.write(flow.id, STEP, RESULT, epoch=0, facts={RULINGS: plain(ruling)})


async def _smoke(promotion: Promotion) -> tuple[bool, str]:
    made = await smoke(promotion.settings, promotion.environment, root=promotion.root)
    return made.ruling.ruling is Outcome.PASS, "" if made.ruling.ruling is Outcome.PASS else made.ruling.reason


async def _tier_1(promotion: Promotion) -> tuple[bool, str]:
    tier2 = promotion.settings.stages.e2e.tier2
    address = promotion.own.addresses.get(tier2.app) if tier2 else None
    asked = Asked(what=What.TIER_1, commit=promotion.commit, environment=promotion.environment, address=address)
    report = await promotion.work.run(asked)
    red = [check.reason or check.id for stage in report.stages for check in stage.checks if check.failures]
    return report.verdict is RunVerdict.PASSED, "; ".join(red[:3])


async def _ruled(promotion: Promotion, flow: Flow, watcher: Watcher) -> tuple[Ruling, bool]:
    """Return the gate's ruling, and whether something that is no descendant is served by now: a drill is put back."""
    journal = promotion.journal
    known = await anyio.to_thread.run_sync(journal.servings.of, promotion.environment)
    servings = []
    for each in known:
        holds = await carries(promotion, each.commit)
        servings.append(Serving(commit=each.commit, since=each.moment, carries=holds))
    since = next((each.moment for each in known if each.flow == flow.id), flow.began)
    repeats = await anyio.to_thread.run_sync(lambda: journal.servings.repeats(promotion.environment, since=since))
    observed = SoakObserved(
        commit=promotion.commit,
        now=time.time(),
        servings=tuple(servings),
        repeats=tuple(
            Repeat(name=each.name, at=each.moment, passed=each.passed, reason=each.reason) for each in repeats
        ),
        new_errors=await _new_errors(promotion, since, watcher),
        required=promotion.settings.promotion.soak,
        tested=tested(promotion),
    )
    superseded = bool(servings) and not servings[-1].carries and not known[-1].flow.startswith(DRILL)
    return rule(observed, environment=promotion.environment), superseded


async def carries(promotion: Promotion, commit: str) -> bool:
    """Whether a commit holds the candidate, or is it."""
    try:
        return await promotion.history.contains(commit, promotion.commit)
    except ShipwayError:
        return False  # a commit that is not in this clone cannot be told to hold it


async def _new_errors(promotion: Promotion, since: float, watcher: Watcher) -> tuple[NewType, ...]:
    """Return the error types that the environment has had only since then, where Sentry is connected."""
    sentry, settings = promotion.made.sentry, promotion.own.sentry
    if sentry is None or settings is None:
        return ()
    place = Place(projects=settings.projects, environment=settings.environment or promotion.environment)
    after = datetime.datetime.fromtimestamp(since, datetime.UTC)
    try:
        found = await sentry.new_issues(promotion.commit, place=place, since=after)
    except VendorError as error:
        if error.code != UNMET:
            raise
        watcher.note(f"new error types cannot be told: {error.message}")
        return ()
    return tuple(NewType(title=each.title, at=each.first_seen.timestamp()) for each in found)
