"""How a cycle ends that mended nothing: another one follows, or people are told all that is known, once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ci.diagnosis import following, limits
from ci.diagnosis.cycle import CLOSED, make_step, off_thread
from ci.diagnosis.judging import TIER, proposal_of
from ci.diagnosis.proposed import Proposed, read
from ci.diagnosis.queue import MAIN
from ci.diagnosis.story import history
from ci.errors import ExitCode, UsageError
from ci.journal.fixes import Fate, Fix
from ci.journal.incidents import Stage
from ci.journal.notices import Channel
from ci.promotion.flow import SKIPPED
from ci.promotion.notices import delivering
from ci.promotion.notices.story import Ending, Excerpt, Link, Story
from ci.promotion.promoting import RULING
from ci.text import few
from ci.vendors.pagerduty import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.diagnosis.cycle import Cycle
    from ci.journal import Refusal
    from ci.journal.notices import Notice
    from ci.promotion.flow import Doing, Facts, FlowStep

STATE, TOLD = "incident", "people told"
ESCALATED = "escalated"
LIVE = "production"
AFTER_AN_ALARM = (
    "Have no model run before it is known how it left its box: look at what a process there could read, and replace "
    "every secret that lay within its reach."
)


def closing_steps(cycle: Cycle) -> tuple[FlowStep, ...]:
    """Return what is done whatever came of the steps before, in its order."""
    return (
        make_step(cycle, STATE, _state),
        make_step(cycle, TOLD, _tell, writes="mail, page and issue, where a person has to mend it"),
    )


async def _state(cycle: Cycle, doing: Doing) -> Facts:
    """Note whether another cycle follows, and of which incident."""
    refusal = doing.refusal
    if refusal is None:
        return {SKIPPED: "it is over"}
    if refusal.step == CLOSED:
        return {SKIPPED: refusal.message}
    if refusal.step in following.PROMOTIONS:
        after = await off_thread(lambda: _leave_to(cycle, doing))
        if after:
            return {SKIPPED: f"it goes on in {few(after)}", "after": after}
    if await off_thread(lambda: _is_closed(cycle)):
        return {SKIPPED: f"{cycle.incident.id} is closed"}
    last = refusal.code == ExitCode.ESCALATED or cycle.number >= cycle.own.cycles
    stage = Stage.ESCALATED if last else Stage.WAITING
    await off_thread(lambda: _move(cycle, stage))
    return {ESCALATED: last}


def _is_closed(cycle: Cycle) -> bool:
    found = cycle.journal.incidents.get(cycle.incident.id)
    return found is not None and found.state is Stage.CLOSED


def _leave_to(cycle: Cycle, doing: Doing) -> list[str]:
    """Leave an incident to those about the fix that went out for it; return them.

    Main has its fix, so that is over there; another environment waits for what mends the fix.
    """
    incidents = cycle.journal.incidents
    after = [each.id for each in following.goes_on_in(cycle.journal, doing.facts) if each.id != cycle.incident.id]
    if after and cycle.incident.environment == MAIN:
        incidents.close(cycle.incident.id)
    elif after:
        incidents.move(cycle.incident.id, Stage.FIXING)
    return after


def _move(cycle: Cycle, stage: Stage) -> None:
    """Note how far an incident is; where a person has to mend it, those that waited for what mends it are theirs, too.

    None of them is tried again on a commit that main has left behind.
    """
    incidents = cycle.journal.incidents
    incidents.move(cycle.incident.id, stage)
    if stage is Stage.ESCALATED:
        for each in map(incidents.get, limits.chain(cycle.journal, cycle.beginning)):
            if each is not None and each.state is Stage.FIXING:
                incidents.move(each.id, stage)


async def _tell(cycle: Cycle, doing: Doing) -> Facts:
    """Tell people what is known, with the whole history, where no further cycle follows."""
    refusal = doing.refusal
    if refusal is None or not doing.facts[STATE].get(ESCALATED):
        return {SKIPPED: "nobody has to be told"}
    if cycle.made is None:
        raise UsageError("nobody can be told: no service is connected")
    story = await off_thread(lambda: story_of(cycle, refusal))
    told = await delivering.deliver(story, cycle.made, cycle.journal, say=doing.note)
    for line in told.said:
        doing.note(line)
    await off_thread(lambda: _note(cycle, doing, told.notices))
    sent = {each.channel.value: each.state.value for each in told.notices}
    return {"sent": sent, "said": list(told.said), "nobody": told.nobody}


def _note(cycle: Cycle, doing: Doing, notices: Sequence[Notice]) -> None:
    """Note the issue that is all that came of a cycle."""
    issue = next((each.reference for each in notices if each.channel is Channel.ISSUE and each.reference), None)
    fixes = cycle.journal.fixes
    if issue is None or any(each.cycle == cycle.number for each in fixes.of(cycle.beginning)):
        return
    rulings = doing.refusal.rulings if doing.refusal is not None else ()
    ruled = next((each["values"].get("tier") for each in rulings if each["gate"] == "tier"), None)
    fixes.record(
        Fix(
            incident=cycle.beginning,
            cycle=cycle.number,
            tier=int(ruled or doing.facts.get(TIER, {}).get("tier", 3)),
            author=str(proposal_of(cycle).document.get("author", ""))[:100],
            digest="",
            state=Fate.ISSUE,
            reference=issue,
        )
    )


def story_of(cycle: Cycle, refusal: Refusal) -> Story:
    """Return what there is to tell: the failure, what was found of its cause, and what was tried.

    Of a model that left its box nothing is told but that: no words of it, and no patch.
    """
    proposal = proposal_of(cycle)
    try:
        proposed = read(proposal)
    except UsageError as error:
        proposed = Proposed(ended=error.message)
    github = cycle.settings.github
    links = [
        Link(name=f"cycle {each.cycle}", address=each.reference)
        for each in cycle.journal.fixes.of(cycle.beginning)
        if each.reference
    ]
    excerpts = [Excerpt(name="what was tried", text="\n".join(history(cycle)))]
    if proposal.patch and not proposed.alarm:
        excerpts.append(Excerpt(name="the patch", text=proposal.patch.decode(errors="replace")))
    approach = proposed.approach
    if proposed.complexity:
        approach += f"\n\nEstimated complexity: {proposed.complexity}."
    live = cycle.incident.environment == LIVE
    said = (cycle.facts.reason, "" if proposed.alarm else proposed.cause, f"{refusal.step}: {refusal.message}")
    return Story(
        incident=f"{cycle.beginning}-{ESCALATED}",
        product=github.repository if github else cycle.root.name,
        environment=cycle.incident.environment,
        commit=cycle.commit,
        ending=Ending.ESCALATED,
        what=cycle.facts.what,
        reason="\n".join(filter(None, reversed(said) if proposed.alarm else said)),
        severity=Severity.CRITICAL if proposed.alarm else Severity.ERROR if live else Severity.WARNING,
        safe=None if live or proposed.alarm else True,
        detected=time.time(),
        rulings=tuple(RULING.validate_python(each) for each in refusal.rulings),
        excerpts=tuple(excerpts),
        links=tuple(links),
        advice=AFTER_AN_ALARM if proposed.alarm else approach,
        command=f"shipway incident show {cycle.beginning}",
    )
