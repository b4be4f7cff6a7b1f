"""What follows a fix that is out: its review, the promotions that it was for, and the end of its incident.

Nothing is held meanwhile: whoever looks next, a person's command or `tick`, goes on where it stands.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.diagnosis import limits, publishing
from ci.diagnosis.cycle import make_step, off_thread
from ci.diagnosis.judging import FIX, PROPOSAL, TIER
from ci.diagnosis.proposed import Proposed
from ci.errors import ExitCode
from ci.journal import State
from ci.journal.fixes import Fate
from ci.promotion.flow import SKIPPED, BlockedError, PausedError

if TYPE_CHECKING:
    from ci.diagnosis.cycle import Cycle
    from ci.journal import Flow, Journal
    from ci.promotion.flow import Doing, Ended, Facts, FlowStep
    from ci.settings import Settings

REVIEW, STAGING, PRODUCTION, OVER = "review", "staging", "production", "incident over"
LIVE = "production"


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """What a fix waits for: that `commit`, which main has of it, is promoted, in that many seconds at the earliest.

    It mends `incident`. `hurried`: whoever promotes it does not wait for the end of its window.
    """

    environment: str
    commit: str
    incident: str
    after: float = 0.0
    hurried: bool = False


def steps(cycle: Cycle) -> tuple[FlowStep, ...]:
    """Return what is done once the fix is out, in its order."""
    return (
        make_step(cycle, REVIEW, _review),
        make_step(cycle, STAGING, functools.partial(_promoted, environment="staging")),
        make_step(cycle, PRODUCTION, functools.partial(_promoted, environment=LIVE)),
        make_step(cycle, OVER, _over),
    )


async def _review(cycle: Cycle, doing: Doing) -> Facts:
    """Wait for the pull request to be merged. Raises PausedError until then, BlockedError where it was closed."""
    fix = doing.facts[FIX]
    if "number" not in fix:
        return {SKIPPED: "nobody has to review it", "commit": fix["commit"]}
    pull = await cycle.hub.pulls.get(int(fix["number"]))
    proposed = Proposed(**doing.facts[PROPOSAL]["proposed"])
    tier, digest = int(doing.facts[TIER]["tier"]), str(doing.facts[PROPOSAL]["digest"])
    note = functools.partial(publishing.note, cycle, proposed, tier, digest, reference=str(fix["url"]))
    if pull is not None and pull.is_merged and pull.merge_sha is not None:
        commit = pull.merge_sha
        await off_thread(lambda: note(Fate.MERGED, commit=commit))
        return {"commit": commit}
    if pull is None or not pull.is_open:
        await off_thread(lambda: note(Fate.DECLINED))
        raise BlockedError(f"a person closed #{fix['number']} without merging it", code=ExitCode.ESCALATED)
    raise PausedError(f"#{fix['number']} waits for its review")


async def _promoted(cycle: Cycle, doing: Doing, *, environment: str) -> Facts:
    """Wait for the promotion of what main has of the fix. Raises PausedError, BlockedError."""
    commit = str(doing.facts[REVIEW]["commit"])
    if environment == LIVE and cycle.incident.environment != LIVE:
        return {SKIPPED: f"{LIVE} never had what failed"}
    if not getattr(cycle.settings.environments, environment).addresses:
        return {SKIPPED: f"there is no {environment} to promote to"}
    newest = await off_thread(lambda: _newest(cycle, environment, commit))
    hurried = environment != LIVE and cycle.incident.environment == LIVE
    if newest is not None and hurried and newest.state is State.WAITING:
        return {"flow": newest.id, "commit": commit}
    if newest is None or newest.is_open:
        hint = f"shipway promote {environment} --commit {commit[:12]}"
        raise PausedError(f"{commit[:12]} is to be promoted to {environment}", hint=hint)
    if newest.state is not State.DONE:
        raise BlockedError(f"{environment}: {newest.reason}")
    return {"flow": newest.id, "commit": commit}


def awaited(ended: Ended, journal: Journal, settings: Settings) -> Awaited | None:
    """Return the promotion that a fix waits for, None where it waits for none."""
    review = ended.facts.get(REVIEW)
    if ended.flow.state is not State.PAUSED or review is None:
        return None
    incident = str(ended.flow.asked["incident"])
    found = journal.incidents.get(incident)
    live = found is not None and found.environment == LIVE
    commit = str(review["commit"])
    if STAGING not in ended.facts:
        return Awaited(environment="staging", commit=commit, incident=incident, hurried=live)
    served = journal.flows.results(str(ended.facts[STAGING].get("flow", ""))).get("switch", {}).get("at")
    due = settings.promotion.hotfix_soak - (time.time() - float(served)) if served is not None else 0.0
    return Awaited(environment=LIVE, commit=commit, incident=incident, after=max(0.0, due))


async def _over(cycle: Cycle, _doing: Doing) -> Facts:
    """Close the incident that all began with, this one, and those between."""
    ids = await off_thread(lambda: limits.chain(cycle.journal, cycle.beginning))
    for each in dict.fromkeys((cycle.incident.id, *ids)):
        await off_thread(functools.partial(cycle.journal.incidents.close, each))
    return {"at": time.time()}


def _newest(cycle: Cycle, environment: str, commit: str) -> Flow | None:
    flows = cycle.journal.flows.recent(environment)
    return next((each for each in flows if each.kind == "promotion" and each.commit == commit), None)
