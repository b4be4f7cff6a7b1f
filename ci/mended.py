"""The report of an incident that is being mended: its steps and rulings, and every cycle so far."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ci import __version__
from ci.diagnosis import escalating, following, judging, reverting
from ci.diagnosis.cycle import MENDING, REVERT, flow_name
from ci.diagnosis.proposed import Proposed, read
from ci.errors import ExitCode, UsageError
from ci.journal import State
from ci.model import CycleRun, IncidentRun, RunReport, RunVerdict, Status, written
from ci.promotion import promoting
from ci.promotion.flow import SKIPPED
from ci.promotion.promoting import RULING
from ci.reporting.incident import PROPOSED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.journal import Journal
    from ci.journal.fixes import Fix
    from ci.journal.incidents import Incident
    from ci.journal.proposals import Proposal
    from ci.model import FlowStepRun, Ruling
    from ci.promotion.flow import Ended

LEFT = "left to a person"


def report_of(
    ended: Sequence[Ended], journal: Journal, incident: Incident, *, repository: str, cycles: int
) -> RunReport:
    """Return the report of all that was done now for an incident. `cycles` is how many there may be."""
    last = ended[-1]
    began = ended[0].flow.began
    return RunReport(
        id=last.flow.id,
        kind="diagnosis",
        tool=f"shipway {__version__}",
        repository=repository,
        started=written(began),
        verdict=verdict(last),
        seconds=round((last.flow.ended or time.time()) - began, 3),
        executor="",
        executor_reason="",
        isolation=(),
        slots=0,
        stages=(),
        environment=incident.environment,
        commit=incident.commit,
        notices=tuple(line for each in ended for line in _said(each)),
        history=journal.runs.history(),
        command=_next_command(last, incident),
        steps=tuple(step for each in ended for step in _steps(each)),
        rulings=tuple(ruling for each in ended for ruling in _rulings(each)),
        waits=_waits(last),
        incident=incident_run(journal, incident, cycles=cycles),
    )


def verdict(ended: Ended) -> RunVerdict:
    """Return how it stands, in the words of runs."""
    if ended.flow.is_open or _waits(ended) is not None:
        return RunVerdict.HELD
    return RunVerdict.PASSED if ended.flow.state is State.DONE else RunVerdict.FAILED


def exit_code(ended: Ended) -> ExitCode:
    """Return what the process ends with."""
    if ended.refusal is not None:
        escalated = ended.facts.get(escalating.STATE, {}).get(escalating.ESCALATED)
        return ExitCode.ESCALATED if escalated else ExitCode(ended.refusal.code)
    return ExitCode.PASSED if ended.flow.state is State.DONE and _waits(ended) is None else ended.pause


def _waits(ended: Ended) -> str | None:
    """Return what is waited for: a person, or, where a fix was to be taken back, the cycle that goes on from there."""
    if ended.flow.state is State.PAUSED:
        return ended.flow.reason
    after = reverting.following(ended) if ended.flow.kind == REVERT else None
    if after is None:
        return None
    stays = ended.facts[reverting.FATE].get(SKIPPED)
    what = "was taken back, main is red with it" if stays is None else f"stays: {stays}"
    return f"{ended.flow.commit[:12]} {what}; {after} is to be mended"


def incident_run(journal: Journal, incident: Incident, *, cycles: int) -> IncidentRun:
    """Return all that is known of an incident, as reports have it."""
    beginning = journal.cases.beginning(incident.id)
    fixes = {each.cycle: each for each in journal.fixes.of(beginning)}
    proposals = journal.proposals.of(beginning)
    now = journal.incidents.get(incident.id) or incident
    return IncidentRun(
        id=incident.id,
        environment=incident.environment,
        commit=incident.commit,
        what=incident.what,
        reason=incident.reason,
        signature=journal.cases.signature(incident.id) or "",
        state=now.state.value,
        of=cycles,
        cycles=tuple(_cycle(journal, each, fixes.get(each.cycle)) for each in proposals),
    )


def _cycle(journal: Journal, proposal: Proposal, fix: Fix | None) -> CycleRun:
    flow = flow_name(MENDING, proposal.incident, proposal.cycle)
    try:
        said = read(proposal)
    except UsageError as error:
        said = Proposed(ended=error.message)
    refusal = journal.flows.refusal(flow)
    facts: Mapping[str, Mapping[str, object]] = journal.flows.results(flow)
    ruled = (
        next((each["values"].get("tier") for each in refusal.rulings if each["gate"] == "tier"), None)
        if refusal
        else None
    )
    tier = facts.get(judging.TIER, {}).get("tier", fix.tier if fix is not None else ruled)
    left = LEFT if facts.get(escalating.STATE, {}).get(escalating.ESCALATED) else ""
    return CycleRun(
        number=proposal.cycle,
        author=said.author,
        cause=said.cause or said.over or said.ended,
        approach=said.approach,
        complexity=said.complexity,
        tier=int(str(tier)) if tier is not None else None,
        patch=proposal.patch.decode(errors="replace"),
        transcript=f"transcripts/cycle-{proposal.cycle}.md" if proposal.transcript else None,
        dollars=said.dollars,
        steps=said.steps,
        fate=fix.state.value if fix is not None else PROPOSED if not facts and refusal is None else left,
        why=f"{refusal.step}: {refusal.message}" if refusal is not None else None,
        reference=fix.reference if fix is not None else "",
        commit=fix.commit if fix is not None else None,
    )


def _steps(ended: Ended) -> Sequence[FlowStepRun]:
    """Return the steps that this process did, and where a flow was gone on with, one line for those before."""
    return [each for each in ended.steps if each.reason != "done before" or each.status is not Status.SKIPPED]


def _rulings(ended: Ended) -> list[Ruling]:
    found = [ruling for facts in ended.facts.values() for ruling in promoting.read(facts)]
    if ended.refusal is not None:
        found += [RULING.validate_python(each) for each in ended.refusal.rulings]
    return found


def _said(ended: Ended) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(line) for facts in ended.facts.values() for line in facts.get("said", ())))


def _next_command(ended: Ended, incident: Incident) -> str:
    if ended.flow.state is State.PAUSED:
        if following.REVIEW in ended.facts:
            environment = "production" if following.STAGING in ended.facts else "staging"
            commit = following.to_be_promoted(ended.facts, environment)
            return f"shipway promote {environment} --commit {commit[:12]}"
        return "shipway tick"
    if ended.flow.kind == REVERT and (after := reverting.following(ended)) is not None:
        return f"shipway diagnose {after}"
    if ended.flow.is_open:
        return f"shipway diagnose {incident.id}"
    return "shipway status" if ended.flow.state is State.DONE else f"shipway incident show {incident.id}"
