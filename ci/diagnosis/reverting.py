"""A fix that went to main by itself is taken back where main is red on the next run: before all else, and once.

It is a flow of its own, under the lease of what it was to mend. Not taken back is what is not to blame: what passes
when it is run again on the very same files is flaky, what was red without the fix, too, is not its doing, and what main
passes by now is mended already. But a fix after which main fails as it did before mended nothing: it is noise on main,
and goes. Where the run of the fix itself never came, a later commit is red: then the fix is run by itself.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ci.diagnosis import cases, escalating, proving, seen, taking
from ci.diagnosis.cycle import LASTING, MENDING, REVERT, flow_name, leased_as, make_step, mended_by, off_thread
from ci.diagnosis.following import is_late, unreviewed
from ci.diagnosis.queue import MAIN, is_asked_again, reverts_of
from ci.diagnosis.trying import Tree
from ci.errors import ExitCode, UsageError
from ci.journal import Refusal, State
from ci.journal.incidents import Stage
from ci.promotion.flow import SKIPPED, BlockedError, PausedError
from ci.promotion.notices import delivering
from ci.text import few

if TYPE_CHECKING:
    from ci.diagnosis.cycle import Cycle
    from ci.journal import Flow, Journal
    from ci.journal.fixes import Fix
    from ci.journal.incidents import Incident
    from ci.promotion.flow import Doing, Ended, Facts, FlowStep

BLAME, BACK, REVIEW, FATE, AGAIN, TOLD = "blame", "taken back", "revert's review", "fate", "main again", "people told"
KEPT, NEXT, MENDED, APART = "kept", "next", "mended", "apart"


def begin(journal: Journal, incident: Incident, fix: Fix) -> Flow:
    """Begin to take a fix back, or find what goes on; of each fix that is asked once, of all commits that hold it."""
    every = reverts_of(journal, fix)
    if every and not is_asked_again(journal, every[0], incident):
        return every[0]
    name = flow_name(REVERT, fix.incident, fix.cycle)
    return journal.flows.begin(
        f"{name}-{len(every) + 1}" if every else name,
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
        return None if MENDED in ended.facts[BLAME] else str(ended.flow.asked["incident"])
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
    """Run what is red once more, with the fix and without it, and on what main has by now. Raises UsageError."""
    wanted, fix = cycle.facts.checks, await off_thread(lambda: commit_of(_fix(cycle)))
    await taking.before(cycle, fix)
    if not await cycle.history.contains(cycle.commit, fix):
        return {KEPT: f"{cycle.commit[:12]} does not hold it", APART: True}
    if not wanted:
        return {"brought": []}  # nothing tells that it is not to blame
    now, well = await _tried(cycle, cycle.commit)
    if well:
        return {KEPT: f"the very same files passed when they were run again: {few(wanted)}"}
    if (head := await _green_head(cycle, fix)) is not None:
        return {KEPT: f"{cycle.main} passes by now, with {head[:12]}: {few(wanted)}", MENDED: head}
    if fix != cycle.commit:
        now, well = await _tried(cycle, fix)
        if well:
            return {KEPT: f"what fails with {cycle.commit[:12]} passes with it: {few(wanted)}"}
    if not now:
        return {"brought": []}  # what could not be run again proves no flake
    earlier, _ = await _tried(cycle, await taking.before(cycle, fix))
    brought = [each for each in now if each not in set(earlier)]
    if brought or await off_thread(lambda: _fails_as_before(cycle)):
        return {"brought": brought}
    return {KEPT: f"{few(now)} failed without it, too, and is not what it was to mend"}


async def _tried(cycle: Cycle, commit: str) -> tuple[tuple[str, ...], bool]:
    """Return what fails of the red checks on a commit, and whether each of them ran, and passed."""
    wanted = cycle.facts.checks
    report = await cycle.trials.run(Tree(commit=commit), wanted, anew=True)
    now = proving.failed(report, among=wanted)
    return now, not now and {each.id for each in seen.checks(report) if each.status in seen.WELL} >= set(wanted)


async def _green_head(cycle: Cycle, fix: str) -> str | None:
    """Return the commit that main has by now where what is red passes with it, and it holds the fix still; else None.

    Raises UsageError.
    """
    head = await cycle.hub.refs.sha(cycle.main)
    if head is None or head in {cycle.commit, fix}:
        return None
    await cycle.history.obtain(head, cycle.main)
    if await taking.is_taken_back(cycle, fix, head):
        return None
    return head if (await _tried(cycle, head))[1] else None


async def _back(cycle: Cycle, doing: Doing) -> Facts:
    """Take it back. Raises BlockedError where main changed its files since, VendorError."""
    kept = doing.facts[BLAME].get(KEPT)
    if kept is not None:
        return {SKIPPED: kept}
    return await taking.take_back(cycle, doing, await off_thread(lambda: commit_of(_fix(cycle))))


async def _review(cycle: Cycle, doing: Doing) -> Facts:
    """Wait for the pull request to be merged.

    Raises PausedError until then, BlockedError where nobody looked at it for as long as a cycle lasts.
    """
    back = doing.facts[BACK]
    if "number" not in back:
        return {SKIPPED: back.get(SKIPPED, "nobody has to review it"), "commit": back.get("commit")}
    pull = await cycle.hub.pulls.get(int(back["number"]))
    if pull is not None and pull.is_merged and pull.merge_sha is not None:
        return {"commit": pull.merge_sha}
    if pull is None or not pull.is_open:
        return {SKIPPED: f"a person closed #{back['number']}", "commit": None}
    if is_late(doing):
        raise BlockedError(unreviewed(back["number"]), hint=str(back["url"]), code=ExitCode.ESCALATED)
    raise PausedError(f"#{back['number']} waits for its review: {back['url']}", hint="review it, then `shipway tick`")


async def _fate(cycle: Cycle, doing: Doing) -> Facts:
    """Note that it was taken back, and end what it waited for: it is promoted nowhere."""
    by = doing.facts[REVIEW]["commit"]
    if by is None:
        return {SKIPPED: doing.facts[REVIEW][SKIPPED]}
    fix = await off_thread(lambda: _fix(cycle))
    reference = str(doing.facts[BACK].get("url", ""))
    await off_thread(lambda: cycle.journal.fixes.take_back(fix, by=str(by), reference=reference))
    why = f"{commit_of(fix)[:12]} was taken back by {str(by)[:12]}: main was red with it"
    await off_thread(lambda: _end(cycle, why))
    return {"by": by}


async def _again(cycle: Cycle, doing: Doing) -> Facts:
    """Run all seven stages on main as it is then: what failed before is expected to fail again, and is gone on with."""
    by = doing.facts[FATE].get("by")
    if by is None:
        if MENDED in doing.facts[BLAME]:
            await off_thread(lambda: _leave_behind(cycle, str(doing.facts[BLAME][MENDED])))
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
    commit = await off_thread(lambda: commit_of(_fix(cycle)))
    story = dataclasses.replace(
        await off_thread(lambda: escalating.story_of(cycle, refusal)),
        incident=f"{cycle.incident.id}-not-reverted",
        advice=f"Main is red with a fix that was made by itself. Take it back by hand: `git revert {commit}`.",
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


def _leave_behind(cycle: Cycle, head: str) -> None:
    """Close what main passes by now, and have the fix promoted nowhere, which is red by itself: what main has is."""
    fix = _fix(cycle)
    _end(cycle, f"main is red with {commit_of(fix)[:12]}, and not with {head[:12]}: promote that")
    mended = cycle.journal.incidents.get(mended_by(cycle.journal, fix))
    for each in (cycle.incident, mended):
        if each is not None and each.environment == MAIN:
            cycle.journal.incidents.close(each.id)


def _end(cycle: Cycle, why: str) -> None:
    """End the flow of the fix, which may wait for a promotion."""
    flows, name = cycle.journal.flows, _fixing(_fix(cycle))
    refusal = Refusal(step=REVERT, message=why, hint=None, code=int(ExitCode.GATE_REFUSED), state=State.BLOCKED)
    if any(each.id == name and each.is_open for each in flows.recent(leased_as(cycle.beginning))):
        flows.refuse(name, refusal)
        flows.move(name, State.BLOCKED, why)


def commit_of(fix: Fix) -> str:
    """Return the commit of main that a fix is. Raises UsageError where it is none."""
    if fix.commit is None:
        raise UsageError(f"no commit of main is known for cycle {fix.cycle} of {fix.incident}")
    return fix.commit


def _fix(cycle: Cycle) -> Fix:
    return next(each for each in cycle.journal.fixes.of(cycle.beginning) if each.cycle == cycle.number)


def _fixing(fix: Fix) -> str:
    return flow_name(MENDING, fix.incident, fix.cycle)
