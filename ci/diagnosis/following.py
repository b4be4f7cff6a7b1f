"""What follows a fix that is out: its review, the promotions that it was for, and the end of its incident.

Nothing is held meanwhile: whoever looks next, a person's command or `tick`, goes on where it stands.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.diagnosis import limits, publishing, queue
from ci.diagnosis.cycle import LASTING, make_step, off_thread
from ci.diagnosis.judging import FIX, PROPOSAL, TIER
from ci.diagnosis.proposed import Proposed
from ci.errors import ExitCode, UsageError
from ci.journal import State
from ci.journal.fixes import DAY, Fate
from ci.journal.incidents import Stage
from ci.promotion.flow import SKIPPED, BlockedError, PausedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.diagnosis.cycle import Cycle
    from ci.journal import Flow, Journal
    from ci.journal.incidents import Incident
    from ci.promotion.flow import Doing, Ended, Facts, FlowStep
    from ci.settings import Settings

REVIEW, STAGING, PRODUCTION, OVER = queue.REVIEW, "staging", "production", "incident over"
PROMOTIONS = frozenset({STAGING, PRODUCTION})
LIVE = "production"
AGAIN = 3600.0  # seconds until what did not fail, and was not let through, is promoted once more


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """What a fix waits for: that `commit`, which main has of it, is promoted, in that many seconds at the earliest.

    It mends `incident`. `hurried`: whoever promotes it does not wait for the end of its window. `barred`: it was not
    let through just now, or a person ended it, and nobody tries it again for now.
    """

    environment: str
    commit: str
    incident: str
    after: float = 0.0
    hurried: bool = False
    barred: bool = False


def steps(cycle: Cycle) -> tuple[FlowStep, ...]:
    """Return what is done once the fix is out, in its order."""
    return (
        make_step(cycle, REVIEW, _review),
        make_step(cycle, STAGING, functools.partial(_promoted, environment="staging")),
        make_step(cycle, PRODUCTION, functools.partial(_promoted, environment=LIVE)),
        make_step(cycle, OVER, _over),
    )


async def _review(cycle: Cycle, doing: Doing) -> Facts:
    """Wait for the pull request to be merged.

    Raises PausedError until then, BlockedError where it was closed, or nobody reviewed it for as long as a cycle lasts.
    """
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
    if is_late(doing):
        raise BlockedError(unreviewed(fix["number"]), hint=str(fix["url"]), code=ExitCode.ESCALATED)
    raise PausedError(f"#{fix['number']} waits for its review")


def is_late(doing: Doing) -> bool:
    """Whether a flow is past its time."""
    return doing.flow.deadline < time.time()


def unreviewed(number: object) -> str:
    """Return what is said of a pull request that nobody reviewed."""
    return f"nobody reviewed #{number} within {LASTING / DAY:.0f} days"


async def _promoted(cycle: Cycle, doing: Doing, *, environment: str) -> Facts:
    """Wait for the promotion of what main has of the fix. Raises PausedError, BlockedError."""
    commit = to_be_promoted(doing.facts, environment)
    live = await off_thread(lambda: _live(cycle.journal, cycle.incident.id, cycle.beginning)) is not None
    if environment == LIVE and not live:
        return {SKIPPED: f"{LIVE} never had what failed"}
    if not getattr(cycle.settings.environments, environment).addresses:
        return {SKIPPED: f"there is no {environment} to promote to"}
    flows = await off_thread(lambda: _since(cycle.journal, environment, doing.flow.began))
    good = {State.DONE, State.WAITING} if environment != LIVE and live else {State.DONE}
    for each in flows:  # a later commit may have gone there, with the fix in it
        if each.state in good and (each.commit == commit or await _holds(cycle, each.commit, commit)):
            return {"flow": each.id, "commit": each.commit}
    newest = next((each for each in flows if each.commit == commit), None)
    hint = f"shipway promote {environment} --commit {commit[:12]}"
    if newest is None or newest.is_open:
        raise PausedError(f"{commit[:12]} is to be promoted to {environment}", hint=hint)
    if await off_thread(lambda: goes_on_in(cycle.journal, doing.facts)):
        raise BlockedError(f"{environment}: {newest.reason}")
    # The commit did not fail: it is frozen, say, or a person ended it.
    raise PausedError(f"{environment}: {newest.reason}", hint=hint)


def to_be_promoted(facts: Mapping[str, Facts], environment: str) -> str:
    """Return the commit that is to be promoted: what main has of a fix or, to production, what staging has of it."""
    staged = facts.get(STAGING, {}).get("commit") if environment == LIVE else None
    return str(staged or facts[REVIEW]["commit"])


def goes_on_in(journal: Journal, facts: Mapping[str, Facts]) -> tuple[Incident, ...]:
    """Return the open incidents about what main has of a fix, the oldest first: what it was for goes on in them."""
    commits = dict.fromkeys(to_be_promoted(facts, environment) for environment in (STAGING, LIVE))
    return tuple(each for commit in commits for each in journal.incidents.going_on(commit=commit))


async def _holds(cycle: Cycle, later: str, commit: str) -> bool:
    """Whether a later commit holds the fix, as far as can be told here."""
    try:
        await cycle.history.obtain(later, cycle.main)
        return await cycle.history.contains(later, commit)
    except UsageError:
        return False


def awaited(ended: Ended, journal: Journal, settings: Settings) -> Awaited | None:
    """Return the promotion that a fix waits for, None where it waits for none."""
    review = ended.facts.get(REVIEW)
    if ended.flow.state is not State.PAUSED or review is None:
        return None
    incident = str(ended.flow.asked["incident"])
    live = _live(journal, incident, str(ended.flow.asked["beginning"]))
    incident = live or incident
    environment = "staging" if STAGING not in ended.facts else LIVE
    commit = to_be_promoted(ended.facts, environment)
    flows = _since(journal, environment, ended.flow.began)
    barred = _is_barred(next((each for each in flows if each.commit == commit), None))
    if environment != LIVE:
        hurried = live is not None
        return Awaited(environment=environment, commit=commit, incident=incident, hurried=hurried, barred=barred)
    served = journal.flows.results(str(ended.facts[STAGING].get("flow", ""))).get("switch", {}).get("at")
    due = settings.promotion.hotfix_soak - (time.time() - float(served)) if served is not None else 0.0
    return Awaited(environment=LIVE, commit=commit, incident=incident, after=max(0.0, due), barred=barred)


async def _over(cycle: Cycle, doing: Doing) -> Facts:
    """Close the incident that all began with, this one, and those between; not those about what main has of the fix."""
    ids = await off_thread(lambda: limits.chain(cycle.journal, cycle.beginning))
    own = await off_thread(lambda: goes_on_in(cycle.journal, doing.facts))
    left = [each.id for each in own]
    for each in dict.fromkeys((cycle.incident.id, *ids)):
        if each not in left:
            await off_thread(functools.partial(cycle.journal.incidents.close, each))
    return {"at": time.time(), "left": left}


def _since(journal: Journal, environment: str, moment: float) -> tuple[Flow, ...]:
    """Return the promotions since a fix, the newest first: one of those before may be what it is for."""
    flows = journal.flows.recent(environment)
    return tuple(each for each in flows if each.kind == "promotion" and each.began >= moment)


def _live(journal: Journal, incident: str, beginning: str) -> str | None:
    """Return the incident of production that a fix is for, None where there is none: it may be one before its own."""
    found = journal.incidents.get(incident)
    if found is not None and found.environment == LIVE:
        return incident
    every = map(journal.incidents.get, limits.chain(journal, beginning))
    going_on = (each for each in every if each is not None and each.state is not Stage.CLOSED)
    return next((each.id for each in going_on if each.environment == LIVE), None)


def _is_barred(newest: Flow | None) -> bool:
    """Whether the last promotion ended not long ago, or by a person's word."""
    if newest is None or newest.is_open or newest.ended is None:
        return False
    return newest.state is State.ABORTED or time.time() - newest.ended < AGAIN
