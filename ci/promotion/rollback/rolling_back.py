"""Puts every app back to the newest earlier release that proved good: chosen, flipped, asked, written down.

The steps never refuse: what they could not do is what came of them, so that people are told whatever happens. They are
the first things done at the end of a promotion that failed after its switch, and all of a rollback by hand.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from ci.errors import ExitCode, ShipwayError
from ci.journal import LeaseLostError, State
from ci.journal.releases import Proof
from ci.promotion.deploying import UNDONE, read_deployment
from ci.promotion.flow import SKIPPED, FlowStep
from ci.promotion.promoting import RULINGS, plain
from ci.promotion.rollback import choosing
from ci.promotion.rollback.attributing import attribute
from ci.promotion.rollback.flipping import move_back

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion

KIND, FAILED = choosing.KIND, choosing.FAILED
IN_A_ROW = 3  # so many freeze the environment
LASTING = 600.0  # seconds for each step, beside what two rollbacks are apart
MIXED, BACK = "mixed", "back"
LATE = "late "  # before the names of steps that are done after the window
UNKNOWN: Facts = {}  # what came of a step that took too long


def steps(promotion: Promotion, prefix: str = "") -> Sequence[FlowStep]:
    """Return the steps of a rollback; `prefix` tells those of a promotion's end from those after its window."""
    name = promotion.environment

    def step(word: str, act: Any, writes: str = "", lasting: float = LASTING) -> FlowStep:
        made = functools.partial(act, promotion, prefix)
        return FlowStep(name=f"{prefix}{word}", act=made, writes=writes, lasting=lasting)

    return (
        step("rollback target", _choose, lasting=LASTING + promotion.settings.promotion.rollbacks_apart),
        step("rollback", flip, f"what users of {name} get, where the release failed"),
        step("rollback noted", _note),
    )


def outcome(facts: Mapping[str, Facts]) -> str | None:
    """Return how a rollback of these steps ended: BACK, MIXED, FAILED; None where none was needed."""
    for prefix in ("", LATE):
        target, flipped = facts.get(f"{prefix}rollback target", {}), facts.get(f"{prefix}rollback", {})
        for each in (MIXED, FAILED, BACK):
            if each in target or each in flipped:
                return each
    return None


async def _choose(promotion: Promotion, _prefix: str, doing: Doing) -> Facts:
    """Choose the release to go back to; where that cannot be done it is what came of it."""
    try:
        return await choosing.choose(promotion, doing)
    except LeaseLostError:
        raise
    except ShipwayError as error:
        return {FAILED: error.message}


async def flip(promotion: Promotion, prefix: str, doing: Doing) -> Facts:
    """Put all apps back at once, what is not back up to three times; each must then say so itself."""
    target = doing.facts.get(f"{prefix}rollback target", UNKNOWN)
    if "commit" not in target:
        return {SKIPPED: target.get(SKIPPED) or "nothing could be put back"}
    ours = await anyio.to_thread.run_sync(_moved, promotion, target, doing.facts)
    flipped = await move_back(promotion, target["deployments"], ours=ours, note=doing.note)
    said = {"said": list(flipped.said)}
    if not flipped.wrong:
        return {BACK: target["commit"], "at": time.time(), **said}
    if len(flipped.wrong) == len(target["deployments"]):
        return {FAILED: "; ".join(flipped.wrong.values()), "apps": flipped.wrong, **said}
    return {MIXED: "; ".join(f"{app}: {why}" for app, why in flipped.wrong.items()), "apps": flipped.wrong, **said}


def _moved(promotion: Promotion, target: Facts, facts: Mapping[str, Facts]) -> frozenset[str]:
    """Return the deployments of what is to go, a release or a drill's, and of the one that is gone back to."""
    bad = promotion.journal.releases.of_flow(target["bad"]) if target["bad"] else None
    known = [*target["deployments"].values(), *(bad.deployments.values() if bad else ())]
    known += [facts[name] for app in promotion.settings.apps if "id" in facts.get(name := f"deploy {app.name}", {})]
    return frozenset(str(each["id"]) for each in known)


async def _note(promotion: Promotion, prefix: str, doing: Doing) -> Facts:
    """Write down what is served again; pin the bad commit out, unless it is not to blame; freeze after three."""
    target = doing.facts.get(f"{prefix}rollback target", UNKNOWN)
    flipped = doing.facts.get(f"{prefix}rollback", UNKNOWN)
    if BACK not in flipped:
        return {SKIPPED: "nothing was put back"}
    before = [read_deployment(each) for each in target["deployments"].values()]
    ruling = await attribute(promotion, doing, before)
    outside = ruling is not None and bool(ruling.values["outside_cause"])
    blamed = not outside and not _is_innocent(doing)
    noted = await anyio.to_thread.run_sync(lambda: _noted(promotion, doing, target, blamed=blamed))
    return {**noted, "outside": outside, **({} if ruling is None else {RULINGS: plain(ruling)})}


def _is_innocent(doing: Doing) -> bool:
    """Whether nothing was found wrong with the commit: a person ended it, or the platform could not move users."""
    refusal = doing.refusal
    return refusal is not None and (refusal.state is State.ABORTED or refusal.code == ExitCode.VENDOR)


def _noted(promotion: Promotion, doing: Doing, target: Facts, *, blamed: bool) -> dict[str, Any]:
    journal, name = promotion.journal, promotion.environment
    journal.servings.record(name, target["commit"], flow=f"{doing.flow.id}{UNDONE}")
    bad = journal.releases.of_flow(target["bad"]) if target["bad"] else None
    if bad is not None:
        journal.releases.move(bad.flow, Proof.ROLLED_BACK)
    why = doing.refusal.message if doing.refusal else str(doing.flow.asked.get("reason") or "rolled back by a person")
    pinned = frozen = None
    if blamed:
        commit = bad.commit if bad else promotion.commit
        pinned = journal.bars.pin(commit, why, good=target["commit"]).commit
    rolled = [each.state is Proof.ROLLED_BACK for each in journal.releases.of(name, limit=IN_A_ROW)]
    if len(rolled) == IN_A_ROW and all(rolled):
        frozen = journal.bars.freeze(name, f"{IN_A_ROW} releases in a row were rolled back").reason
    return {"pinned": pinned, "frozen": frozen}
