"""The second half of a cycle: how far a proposed fix may go, by code alone, and the proof that it mends what failed.

There is no model here, and nothing that a proposal says is believed: git says what its patch does, tools have to
make again what they are said to have made, and the checks are run again.
"""

from __future__ import annotations

import dataclasses
import functools
import posixpath
from typing import TYPE_CHECKING

from ci.diagnosis import finding, limits, proving, publishing, seen
from ci.diagnosis import patch as patches
from ci.diagnosis.contents import contents
from ci.diagnosis.cycle import CLOSED, MENDING, bench, leased_as, make_step, off_thread, whole_files
from ci.diagnosis.patch import Refused
from ci.diagnosis.proposed import MODEL, OUT_OF_ITS_BOX, RERUN, Proposed, plain, read
from ci.diagnosis.triage import MAIN
from ci.diagnosis.trying import Tree
from ci.errors import ExitCode, UsageError
from ci.journal.fixes import Fate
from ci.journal.incidents import Stage
from ci.model import Outcome
from ci.promotion import promoting
from ci.promotion.flow import SKIPPED, BlockedError, PausedError
from ci.reporting.document import to_json

if TYPE_CHECKING:
    from ci.diagnosis.cycle import Cycle
    from ci.diagnosis.patch import Patched
    from ci.journal.proposals import Proposal
    from ci.promotion.flow import Doing, Facts, FlowStep

PROPOSAL, TIER, PROOF, COMMIT, STAGES, FIX = "patch", "tier", "proof", "commit", "stages", "fix"
NOTHING = "there is nothing to be changed"


def steps(cycle: Cycle) -> tuple[FlowStep, ...]:
    """Return what is done until the fix is out, in its order."""
    return (
        make_step(cycle, PROPOSAL, _proposal),
        make_step(cycle, TIER, _tier),
        make_step(cycle, PROOF, _proof),
        make_step(cycle, COMMIT, _commit, writes="the commit of a fix, at GitHub, on no branch"),
        make_step(cycle, STAGES, _stages),
        make_step(cycle, FIX, _fix, writes="main moved to the fix, or a branch and its pull request"),
    )


def proposal_of(cycle: Cycle) -> Proposal:
    """Return the proposal that is judged. Raises UsageError."""
    found = next((each for each in cycle.journal.proposals.of(cycle.beginning) if each.cycle == cycle.number), None)
    if found is None:
        raise UsageError(f"there is no proposal of cycle {cycle.number} for {cycle.beginning}")
    return found


async def _proposal(cycle: Cycle, doing: Doing) -> Facts:
    """Read it, and have git say what its patch does. Raises BlockedError where no person is spared by it."""
    proposal = await off_thread(lambda: proposal_of(cycle))
    proposed = await _wanted(cycle, proposal)
    if proposed.flaky:
        return {"proposed": plain(dataclasses.replace(proposed, author=RERUN))}
    patched = await applied(cycle, proposal)
    if patched.digest in await off_thread(lambda: _before(cycle)):
        raise BlockedError("it is the same patch as in an earlier cycle", code=ExitCode.ESCALATED)
    if (elsewhere := await off_thread(lambda: _asked_for(cycle, patched.digest))) is not None:
        raise PausedError(f"the same patch waits for a review at {elsewhere}", hint="`shipway tick` goes on")
    if cycle.settings.github is None:
        raise BlockedError("shipway.toml has no [github]: a fix is for a person to commit", code=ExitCode.ESCALATED)
    proposed = dataclasses.replace(proposed, author=await _author(cycle, doing, proposed, patched))
    return {"proposed": plain(proposed), "digest": patched.digest}


async def _wanted(cycle: Cycle, proposal: Proposal) -> Proposed:
    """Return what is proposed, where a further try is made at all. Raises BlockedError."""
    try:
        proposed = read(proposal)
    except UsageError as error:
        raise BlockedError(error.message, code=ExitCode.ESCALATED) from None
    why = OUT_OF_ITS_BOX if proposed.alarm else proposed.over
    why = why or await limits.reached(cycle)  # by the journal, whatever the first half made of it
    if why is None and proposed.flaky and not cycle.facts.checks:
        why = "it is called flaky, and there is no check to run again"
    if why is None and not proposed.flaky and not proposal.patch.strip():
        why = proposed.ended or "nothing was found that mends it"
    if why is not None:
        raise BlockedError(why, code=ExitCode.ESCALATED)
    return proposed


async def _author(cycle: Cycle, doing: Doing, proposed: Proposed, patched: Patched) -> str:
    """Return who made a patch: a tool only where it makes the very same here."""
    if proposed.author == MODEL:
        return MODEL
    found = await finding.attempted(cycle)
    if found is not None and found[1].strip():
        again = await patches.apply(await bench(cycle), cycle.commit, found[1])
        if not isinstance(again, Refused) and again.digest == patched.digest:
            return found[0]
    doing.note("no tool makes this patch here: it is judged as a model's")
    return MODEL


async def _tier(cycle: Cycle, doing: Doing) -> Facts:
    """Rule how far it may go alone. Raises BlockedError where it may not go out at all, or a person has to do it."""
    proposed = _proposed(doing)
    if proposed.flaky:
        return {SKIPPED: NOTHING, "tier": 1}
    patched = await applied(cycle, await off_thread(lambda: proposal_of(cycle)))
    ruling = await proving.rule_tier(cycle, proposed, patched)
    tier = int(str(ruling.values["tier"]))
    if ruling.ruling is not Outcome.PASS:
        raise BlockedError(ruling.reason, rulings=(ruling,))
    if tier > 2:  # noqa: PLR2004 - the last one
        raise BlockedError(ruling.reason, code=ExitCode.ESCALATED, rulings=(ruling,))
    return {promoting.RULINGS: promoting.plain(ruling), "tier": tier}


async def _proof(cycle: Cycle, doing: Doing) -> Facts:
    """Prove that it mends what failed, and nothing else is why that passes. Raises BlockedError.

    What the diff alone speaks against, a person may read: it is a pull request at most, which names each.
    """
    if _proposed(doing).flaky:
        report = await cycle.trials.run(cycle.tree(), cycle.facts.checks, anew=True)
        if not seen.passed(report, cycle.facts.checks):
            told = "; ".join(f"{each.id}: {each.reason}" for each in seen.red(report)) or "it was not run"
            raise BlockedError(f"it is called flaky, and the very same files do not pass here: {told}")
        return {SKIPPED: NOTHING}
    patched = await applied(cycle, await off_thread(lambda: proposal_of(cycle)))
    ruling = await proving.prove(cycle, patched)
    values = ruling.values
    denied = values["denied"] if ruling.ruling is Outcome.FAIL and not values["unproven"] else []
    if not denied and ruling.ruling is not Outcome.PASS:
        raise BlockedError(f"integrity: {ruling.reason}", rulings=(ruling,))
    return {promoting.RULINGS: promoting.plain(ruling), "denied": denied}


async def _commit(cycle: Cycle, doing: Doing) -> Facts:
    """Make the commit on top of main, where main still has the files as they were; else on what failed."""
    proposed = _proposed(doing)
    if proposed.flaky:
        return {SKIPPED: NOTHING, "commit": cycle.commit, "head": cycle.commit}
    await _demand_open(cycle)
    patched = await applied(cycle, await off_thread(lambda: proposal_of(cycle)))
    head = await cycle.hub.refs.sha(cycle.main) or cycle.commit
    moved: list[str] = []
    if head != cycle.commit:
        await cycle.history.obtain(head, cycle.main)
        await _demand_needed(cycle, head)
        before = await cycle.history.prefix()
        changed = {
            posixpath.normpath(posixpath.join(before, each)) for each in await cycle.history.changed(cycle.commit, head)
        }
        moved = sorted(changed & {each.path for each in patched.changes})
    base = cycle.commit if moved else head
    modes = {each.path: each.mode_after for each in patched.changes}
    whole = await contents(await bench(cycle), patched)
    files = {path: None if each is None else (modes[path], each) for path, each in whole.items()}
    commit = await publishing.make_commit(cycle, doing, proposed, base, files)
    return {"commit": commit, "head": base, "moved": moved}


async def _stages(cycle: Cycle, doing: Doing) -> Facts:
    """Run all seven stages with it. Raises BlockedError where one is not green."""
    made = doing.facts[COMMIT]
    files: dict[str, bytes | None] = {}
    if not _proposed(doing).flaky:
        patched = await applied(cycle, await off_thread(lambda: proposal_of(cycle)))
        files = await whole_files(cycle, patched)
    report = await cycle.trials.run(Tree(commit=made["head"], files=files))
    promoting.demand_green(report, "the seven stages with the fix")
    whole = dataclasses.replace(report, commit=made["commit"], dirty=False, branch=None)
    record = functools.partial(
        cycle.journal.evidence.record, report.id, commit=made["commit"], environment=None, report=to_json(whole)
    )
    await off_thread(record)
    return {"report": report.id, "seconds": report.seconds, "said": seen.lacking(report)}


async def _fix(cycle: Cycle, doing: Doing) -> Facts:
    """Have it out, as far as it may go. Raises VendorError."""
    proposed, made = _proposed(doing), doing.facts[COMMIT]
    tier = max(int(doing.facts[TIER]["tier"]), 2 if doing.facts[PROOF].get("denied") else 1)
    if proposed.flaky:
        await off_thread(lambda: publishing.note(cycle, proposed, tier, "", Fate.NOTHING))
        await off_thread(lambda: cycle.journal.incidents.close(cycle.incident.id))  # it would bar the next promotion
        return {SKIPPED: NOTHING, "commit": cycle.commit, "how": Fate.NOTHING.value}
    await _demand_open(cycle)
    await off_thread(lambda: cycle.journal.incidents.move(cycle.incident.id, Stage.FIXING))
    return await publishing.publish(
        cycle, proposed, made, tier=tier, digest=doing.facts[PROPOSAL]["digest"], denied=doing.facts[PROOF]["denied"]
    )


async def _demand_open(cycle: Cycle) -> None:
    """Make sure that the incident is open still: a person may have closed it, or a green run. Raises BlockedError."""
    found = await off_thread(lambda: cycle.journal.incidents.get(cycle.incident.id))
    if found is not None and found.state is Stage.CLOSED:
        raise BlockedError(f"{cycle.incident.id} was closed meanwhile")


async def _demand_needed(cycle: Cycle, head: str) -> None:
    """Make sure that main fails still: somebody may have mended it by another commit. Raises BlockedError."""
    wanted = cycle.facts.checks
    if cycle.incident.environment != MAIN or not wanted:
        return
    if seen.passed(await cycle.trials.run(Tree(commit=head), wanted, anew=True), wanted):
        await off_thread(lambda: cycle.journal.incidents.close(cycle.incident.id))
        raise BlockedError(f"{cycle.main} is past it: what failed on {cycle.commit[:12]} passes on {head[:12]}")


def _asked_for(cycle: Cycle, digest: str) -> str | None:
    """Return where a person is asked for the same patch by another incident already, None where nobody is."""
    others = (each for each in cycle.journal.fixes.with_digest(digest) if each.incident != cycle.beginning)
    return next((each.reference for each in others if each.state is Fate.REQUESTED), None)


async def applied(cycle: Cycle, proposal: Proposal) -> Patched:
    """Return what git says that a proposal's patch does. Raises BlockedError where it does nothing."""
    patched = await patches.apply(await bench(cycle), cycle.commit, proposal.patch)
    if isinstance(patched, Refused):
        raise BlockedError(patched.reason)
    return patched


def _before(cycle: Cycle) -> set[str]:
    """Return the digests of the patches of earlier cycles."""
    found = set()
    for flow in cycle.journal.flows.recent(leased_as(cycle.beginning), kind=MENDING):
        refusal = cycle.journal.flows.refusal(flow.id)
        gone = refusal is not None and refusal.step == CLOSED  # with an incident that was opened again since
        if int(flow.asked["cycle"]) < cycle.number and not gone:
            found.add(str(cycle.journal.flows.results(flow.id).get(PROPOSAL, {}).get("digest")))
    return found


def _proposed(doing: Doing) -> Proposed:
    return Proposed(**doing.facts[PROPOSAL]["proposed"])
