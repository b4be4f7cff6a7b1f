"""A fix that went to main by itself is taken back where main is red on the next run: before all else, and once.

It is a flow of its own, under the lease of what it was to mend. Not taken back is what is not to blame: what passes
when it is run again on the very same files is flaky, and what was red without the fix, too, is not its doing. But a fix
after which main fails as it did before mended nothing: it is noise on main, and goes.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ci.diagnosis import cases, escalating, proving, seen, taking
from ci.diagnosis.cycle import LASTING, MENDING, REVERT, flow_name, leased_as, make_step, mended_by, off_thread
from ci.diagnosis.queue import MAIN, revert_of
from ci.diagnosis.trying import Tree
from ci.errors import ExitCode, UsageError
from ci.journal import Refusal, State
from ci.journal.incidents import Stage
from ci.model import Status
from ci.promotion.flow import SKIPPED, PausedError
from ci.promotion.notices import delivering
from ci.text import few

if TYPE_CHECKING:
    from ci.diagnosis.cycle import Cycle
    from ci.journal import Flow, Journal
    from ci.journal.fixes import Fix
    from ci.journal.incidents import Incident
    from ci.promotion.flow import Doing, Ended, Facts, FlowStep

BLAME, BACK, REVIEW, FATE, AGAIN, TOLD = "blame", "taken back", "revert's review", "fate", "main again", "people told"
KEPT, NEXT = "kept", "next"
WELL = frozenset({Status.PASSED, Status.FLAKY})


def begin(journal: Journal, incident: Incident, fix: Fix) -> Flow:
    """Begin to take a fix back, or find what goes on; of each fix that is asked once."""
    flow = revert_of(journal, fix)
    if flow is not None:
        return flow
    return journal.flows.begin(
        flow_name(REVERT, fix.incident, fix.cycle),
        kind=REVERT,
        environment=leased_as(fix.incident),
        commit=incident.commit,
        asked={"incident": incident.id, "beginning": fix.incident, "cycle": fix.cycle},
        lasting=LASTING,
    )


def following(ended: Ended) -> str | None:
    """Return the incident that is gone on with afterwards, None where there is none, or it is not for now."""
    if ended.flow.state is not State.DONE:
        return None
    if SKIPPED in ended.facts[FATE]:
        return str(ended.flow.asked["incident"])
    after: str | None = ended.facts[AGAIN][NEXT]
    return after


def steps(cycle: Cycle) -> tuple[FlowStep, ...]:
    """Return what is done, in its order."""
    return (
        make_step(cycle, BLAME, _blame),
        make_step(cycle, BACK, _back, writes="main moved to a commit that takes a fix back, or its pull request"),
        make_step(cycle, REVIEW, _review),
        make_step(cycle, FATE, _fate),
        make_step(cycle, AGAIN, _again),
    )


def closing_steps(cycle: Cycle) -> tuple[FlowStep, ...]:
    """Return what is done whatever came of the steps before."""
    return (make_step(cycle, TOLD, _tell, writes="mail, page and issue, where a person has to take it back"),)


async def _blame(cycle: Cycle, _doing: Doing) -> Facts:
    """Run what is red once more, with the fix and without it."""
    wanted = cycle.facts.checks
    if not wanted:
        return {"brought": []}  # nothing tells that it is not to blame
    again = await cycle.trials.run(cycle.tree(), wanted, anew=True)
    now = proving.failed(again, among=wanted)
    if not now and {each.id for each in seen.checks(again) if each.status in WELL} >= set(wanted):
        return {KEPT: f"the very same files passed when they were run again: {few(wanted)}"}
    if not now:
        return {"brought": []}  # what could not be run again proves no flake
    without = Tree(commit=await taking.before(cycle))
    earlier = set(proving.failed(await cycle.trials.run(without, wanted, anew=True), among=wanted))
    brought = [each for each in now if each not in earlier]
    if brought or await off_thread(lambda: _fails_as_before(cycle)):
        return {"brought": brought}
    return {KEPT: f"{few(now)} failed without it, too, and is not what it was to mend"}


async def _back(cycle: Cycle, doing: Doing) -> Facts:
    """Take it back. Raises BlockedError where main changed its files since, VendorError."""
    kept = doing.facts[BLAME].get(KEPT)
    return {SKIPPED: kept} if kept is not None else await taking.take_back(cycle, doing)


async def _review(cycle: Cycle, doing: Doing) -> Facts:
    """Wait for the pull request to be merged. Raises PausedError until then."""
    back = doing.facts[BACK]
    if "number" not in back:
        return {SKIPPED: back.get(SKIPPED, "nobody has to review it"), "commit": back.get("commit")}
    pull = await cycle.hub.pulls.get(int(back["number"]))
    if pull is not None and pull.is_merged and pull.merge_sha is not None:
        return {"commit": pull.merge_sha}
    if pull is None or not pull.is_open:
        return {SKIPPED: f"a person closed #{back['number']}", "commit": None}
    raise PausedError(f"#{back['number']} waits for its review: {back['url']}", hint="review it, then `shipway tick`")


async def _fate(cycle: Cycle, doing: Doing) -> Facts:
    """Note that it was taken back, and end what it waited for: it is promoted nowhere."""
    by = doing.facts[REVIEW]["commit"]
    if by is None:
        return {SKIPPED: doing.facts[REVIEW][SKIPPED]}
    fix = await off_thread(lambda: _fix(cycle))
    reference = str(doing.facts[BACK].get("url", ""))
    await off_thread(lambda: cycle.journal.fixes.take_back(fix, by=str(by), reference=reference))
    await off_thread(lambda: _end(cycle, f"{cycle.commit[:12]} was taken back by {str(by)[:12]}: main was red with it"))
    return {"by": by}


async def _again(cycle: Cycle, doing: Doing) -> Facts:
    """Run all seven stages on main as it is then: what failed before is expected to fail again, and is gone on with."""
    by = doing.facts[FATE].get("by")
    if by is None:
        return {SKIPPED: "nothing was taken back", NEXT: None}
    await cycle.history.obtain(by, cycle.main)
    report = dataclasses.replace(await cycle.trials.run(Tree(commit=by)), commit=by)
    opened = await off_thread(lambda: cases.open_red(cycle.journal, report))
    mended = await off_thread(lambda: mended_by(cycle.journal, _fix(cycle)))
    after = await off_thread(lambda: _leave(cycle, mended))
    return {"report": report.id, NEXT: opened.id if opened is not None else after}


async def _tell(cycle: Cycle, doing: Doing) -> Facts:
    """Tell people that it is for them to take back."""
    refusal = doing.refusal
    if refusal is None:
        return {SKIPPED: "nobody has to be told"}
    if cycle.made is None:
        raise UsageError("nobody can be told: no service is connected")
    story = dataclasses.replace(
        await off_thread(lambda: escalating.story_of(cycle, refusal)),
        incident=f"{cycle.incident.id}-not-reverted",
        advice=f"Main is red with a fix that was made by itself. Take it back by hand: `git revert {cycle.commit}`.",
    )
    await off_thread(lambda: cycle.journal.incidents.move(cycle.incident.id, Stage.ESCALATED))
    told = await delivering.deliver(story, cycle.made, cycle.journal, say=doing.note)
    return {"sent": {each.channel.value: each.state.value for each in told.notices}, "said": list(told.said)}


def _fails_as_before(cycle: Cycle) -> bool:
    """Whether main fails with the fix as it did without."""
    return cycle.journal.cases.signature(mended_by(cycle.journal, _fix(cycle))) == cycle.facts.signature


def _leave(cycle: Cycle, mended: str) -> str | None:
    """Close what was about commits that main has left behind; return what is still to be mended elsewhere."""
    incidents = cycle.journal.incidents
    incidents.close(cycle.incident.id)
    found = incidents.get(mended)
    if found is None or found.environment == MAIN:
        incidents.close(mended)
        return None
    incidents.move(mended, Stage.WAITING)
    return mended


def _end(cycle: Cycle, why: str) -> None:
    """End the flow of the fix, which may wait for a promotion."""
    flows, name = cycle.journal.flows, _fixing(_fix(cycle))
    refusal = Refusal(step=REVERT, message=why, hint=None, code=int(ExitCode.GATE_REFUSED), state=State.BLOCKED)
    if any(each.id == name and each.is_open for each in flows.recent(leased_as(cycle.beginning))):
        flows.refuse(name, refusal)
        flows.move(name, State.BLOCKED, why)


def _fix(cycle: Cycle) -> Fix:
    return next(each for each in cycle.journal.fixes.of(cycle.beginning) if each.cycle == cycle.number)


def _fixing(fix: Fix) -> str:
    return flow_name(MENDING, fix.incident, fix.cycle)
