"""The first half of a cycle: see the failure again, have tools and then a model repair it, and propose what came of it.

It may hold the model's key, and nothing that writes: what it found goes into the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.diagnosis import limits, making, seen
from ci.diagnosis.asking import PATCH, PROPOSED, TRANSCRIPT, ask
from ci.diagnosis.cycle import bench, make_step, off_thread, packed, unjudged, unpacked
from ci.diagnosis.facts import is_check
from ci.diagnosis.proposed import LONGEST, RERUN, Proposed, plain
from ci.journal.incidents import Stage
from ci.journal.proposals import Proposal
from ci.model import CheckRun, Status
from ci.promotion.flow import SKIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.diagnosis.cycle import Cycle
    from ci.diagnosis.facts import Broken
    from ci.promotion.flow import Doing, Facts, FlowStep

LIMITS, AGAIN, TOOLS, MODEL, PROPOSAL = "limits", "failure again", "tools", "model", "proposal"


def steps(cycle: Cycle) -> tuple[FlowStep, ...]:
    """Return what is done, in its order."""
    return (
        make_step(cycle, LIMITS, _limits),
        make_step(cycle, AGAIN, _again),
        make_step(cycle, TOOLS, _tools),
        make_step(cycle, MODEL, _model),
    )


def closing_steps(cycle: Cycle) -> tuple[FlowStep, ...]:
    """Return what is done whatever came of the steps before: who judges, and tells people, hears of it."""
    return (make_step(cycle, PROPOSAL, _propose),)


async def _limits(cycle: Cycle, _doing: Doing) -> Facts:
    over = await limits.reached(cycle)
    return {} if over is None else {PROPOSED: plain(Proposed(over=over))}


async def _again(cycle: Cycle, doing: Doing) -> Facts:
    """Run the checks that failed, on the very same files: what passes now is flaky, by proof."""
    if _is_settled(doing):
        return {SKIPPED: "no further try is made"}
    wanted = cycle.facts.checks
    if not wanted:
        return {SKIPPED: f"no check of the seven stages is red on it: it failed at {cycle.facts.what}"}
    report = await cycle.trials.run(cycle.tree(), wanted, anew=True)
    said = {"said": seen.lacking(report)}
    if not seen.passed(report, wanted):
        return said
    flaky = Proposed(
        author=RERUN, flaky=True, cause=f"the very same files passed when they were run again: {', '.join(wanted)}"
    )
    return {PROPOSED: plain(flaky), **said}


async def _tools(cycle: Cycle, doing: Doing) -> Facts:
    """Have the tools' own fix modes repair it."""
    if _is_settled(doing):
        return {SKIPPED: "there is nothing to be repaired"}
    found = await repaired(cycle)
    if found is None:
        return {SKIPPED: "no tool repairs it by itself"}
    author, patch = found
    said = Proposed(author=author, cause=cycle.facts.reason[:LONGEST], approach=f"what {author} makes of it")
    return {PROPOSED: plain(said), PATCH: packed(patch)}


async def _model(cycle: Cycle, doing: Doing) -> Facts:
    """Have the model find the cause."""
    if _is_settled(doing):
        return {SKIPPED: "nobody has to be asked"}
    if cycle.model is None:
        return {SKIPPED: "no model is connected: [diagnosis.model] names one"}
    return await ask(cycle, cycle.model, doing.note)


async def _propose(cycle: Cycle, doing: Doing) -> Facts:
    """Keep what was found, for whoever judges it."""
    found = next((each for each in doing.facts.values() if PROPOSED in each), {})
    refusal = doing.refusal
    why = "neither a tool nor a model repaired it" if refusal is None else f"{refusal.step}: {refusal.message}"
    nothing = Proposed(ended=why[:LONGEST], tier=3)
    document = found.get(PROPOSED, plain(nothing))
    patch = unpacked(found.get(PATCH, ""))
    proposal = Proposal(
        incident=cycle.beginning,
        cycle=cycle.number,
        document=document,
        patch=patch,
        transcript=str(found.get(TRANSCRIPT, "")),
    )
    await off_thread(lambda: cycle.journal.proposals.keep(proposal))
    if cycle.number in await off_thread(lambda: unjudged(cycle.journal, cycle.incident)):  # nobody was quicker
        await off_thread(lambda: cycle.journal.incidents.move(cycle.incident.id, Stage.PROPOSED))
    return {"author": document["author"], "bytes": len(patch)}


async def repaired(cycle: Cycle) -> tuple[str, bytes] | None:
    """Return who repairs all that is red without a model, and the patch of it; None where something stays red."""
    found = await _by_tools(cycle)
    if found is None:
        return None
    author, files = found
    if not seen.passed(await cycle.trials.run(cycle.tree(files), cycle.facts.checks), cycle.facts.checks):
        return None
    return author, await _patch(cycle, files)


async def attempted(cycle: Cycle) -> tuple[str, bytes] | None:
    """Return what tools make of all that is red, and who did, whether that is well or not; None where none tries."""
    found = await _by_tools(cycle)
    return None if found is None else (found[0], await _patch(cycle, found[1]))


async def _by_tools(cycle: Cycle) -> tuple[str, Mapping[str, bytes | None]] | None:
    runs = tuple(map(_run, filter(is_check, cycle.facts.broken)))
    return await cycle.trials.repair(cycle.tree(), runs) if runs else None


async def _patch(cycle: Cycle, files: Mapping[str, bytes | None]) -> bytes:
    return await making.patch_of(await bench(cycle), cycle.start, files, below=await cycle.history.prefix())


def _run(broken: Broken) -> CheckRun:
    """Return a check as it failed, by what is known of that."""
    name = broken.check.partition("/")[2].rpartition("@")[0]
    return CheckRun(
        stage=broken.stage, name=name, package=broken.package, status=Status.FAILED, failures=broken.failures
    )


def _is_settled(doing: Doing) -> bool:
    return any(PROPOSED in each for each in doing.facts.values())
