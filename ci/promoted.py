"""The report of a promotion: its steps and rulings, and the stages that were run last for it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ci import __version__
from ci.errors import ExitCode
from ci.journal import State
from ci.journal.timings import DRILL
from ci.model import FlowStepRun, RunReport, RunVerdict, Status, written
from ci.promotion import releasing
from ci.promotion.carrying import ROUTES
from ci.promotion.drills import ending
from ci.promotion.flow import INTENT, RESULT, SKIPPED, Ended
from ci.promotion.news import notes_of
from ci.promotion.promoting import RULING, read
from ci.promotion.rollback import rolling_back
from ci.promotion.rollback.returning import put_back
from ci.promotion.telling import nobody_knows
from ci.reporting.document import from_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.journal import Flow, Journal
    from ci.model import Ruling

# The steps that run all seven or go by them, and with whose services; the newest first.
EVIDENCE = {"stages": "staging", "evidence": None, "evidence of staging": "staging"}
DRILLS = 20  # are told in a report
_AGE = 7 * 86_400.0  # seconds before a promotion began, within which a report may still be its own


def report_of(
    ended: Ended,
    journal: Journal,
    *,
    repository: str,
    order: Sequence[str],
    failed: RunReport | None = None,
    notices: tuple[str, ...] = (),
) -> RunReport:
    """Return the report of a promotion as it stands. `order` are the names of all its steps.

    Its stages are those of the run that `failed`, where that is what ended it, else of the last whole run for it.
    """
    flow = ended.flow
    blamed = failed if ended.refusal is not None and ended.refusal.code == ExitCode.STAGE_FAILED else None
    stages = blamed or _stages(ended, journal)
    rulings: list[Ruling] = [ruling for name in order if name in ended.facts for ruling in read(ended.facts[name])]
    if ended.refusal is not None:
        rulings += [RULING.validate_python(each) for each in ended.refusal.rulings]
    return RunReport(
        id=flow.id,
        kind=flow.kind,
        tool=f"shipway {__version__}",
        repository=repository,
        started=written(flow.began),
        verdict=verdict(ended),
        seconds=round((flow.ended or time.time()) - flow.began, 3),
        executor=stages.executor if stages else "",
        executor_reason=stages.executor_reason if stages else "",
        isolation=stages.isolation if stages else (),
        slots=stages.slots if stages else 0,
        stages=stages.stages if stages else (),
        environment=flow.environment,
        commit=flow.commit,
        notices=(*notices, *_told(ended, order), *(stages.notices if stages else ())),
        history=journal.runs.history(),
        command=_next_command(ended),
        steps=_steps(ended),
        rulings=tuple(rulings),
        waits=_waits(ended),
        put_back=None
        if flow.kind == DRILL  # its own words say so
        else put_back(ended.facts, journal.flows.entries(flow.id), ended.refusal),
        timings=journal.timings.history(DRILL, limit=DRILLS),
        release_notes=notes_of(ended.facts),
    )


def _waits(ended: Ended) -> str | None:
    """Say what a promotion waits for that is not over, None where it is."""
    match ended.flow.state:
        case State.PAUSED:
            return ended.flow.reason
        case State.WAITING:
            return f"it serves, and its {ROUTES[ended.flow.environment].window} goes on"
        case _:
            return None


def _steps(ended: Ended) -> tuple[FlowStepRun, ...]:
    """Return the steps; the one by which a drill was stopped as it was meant to be has done its part."""
    if not ending.is_expected(ended.facts):
        return ended.steps
    return tuple(
        replace(each, status=Status.PASSED, reason=f"found what was planted: {each.reason}")
        if each.status is Status.FAILED
        else each
        for each in ended.steps
    )


def so_far(flow: Flow, journal: Journal, *, repository: str) -> RunReport:
    """Return the report of a flow that is at its end, by what the journal holds: it is sent before all is over."""
    entries = journal.flows.entries(flow.id)
    facts = {entry.step: entry.facts for entry in entries if entry.kind == RESULT}
    refusal = journal.flows.refusal(flow.id)
    began = {entry.step: entry.moment for entry in entries if entry.kind == INTENT}
    ended = {entry.step: entry.moment for entry in entries if entry.kind == RESULT}
    steps = []
    for name in dict.fromkeys(entry.step for entry in entries):
        seconds = round(max(0.0, ended.get(name, began.get(name, 0.0)) - began.get(name, ended.get(name, 0.0))), 3)
        if refusal is not None and refusal.step == name:
            steps.append(FlowStepRun(name=name, status=Status.FAILED, seconds=seconds, reason=refusal.message))
        elif name in facts:
            said = facts[name].get(SKIPPED)
            status = Status.PASSED if said is None else Status.SKIPPED
            steps.append(FlowStepRun(name=name, status=status, seconds=seconds, reason=said))
    wanted = ending.is_expected(facts)
    state = flow if refusal is None else replace(flow, state=State.DONE if wanted else refusal.state)
    order = [step.name for step in steps]
    return report_of(
        Ended(flow=state, steps=tuple(steps), facts=facts, refusal=refusal), journal, repository=repository, order=order
    )


def verdict(ended: Ended) -> RunVerdict:
    """Return how a promotion stands, in the words of runs."""
    if ended.flow.state is State.DONE:
        return RunVerdict.PASSED
    if ended.flow.state in {State.BLOCKED, State.ABORTED}:
        return RunVerdict.FAILED
    return RunVerdict.HELD


def exit_code(ended: Ended) -> ExitCode:
    """Return what the process ends with: how a rollback went counts for more than what it was for.

    To be put back is what a drill is for; where that went well, but not as its scenario says, a test of staging failed.
    What nobody could be told of goes before all but users who are left with it: somebody has to be found.
    """
    if ended.flow.kind == DRILL and rolling_back.outcome(ended.facts) in {None, rolling_back.BACK}:
        if ended.refusal is None or ending.FAULT not in ended.facts:
            return ExitCode.HELD if ended.refusal is None else ExitCode(ended.refusal.code)
        return ExitCode.PASSED if ending.is_expected(ended.facts) else ExitCode.STAGE_FAILED
    match rolling_back.outcome(ended.facts):
        case rolling_back.MIXED | rolling_back.FAILED:
            return ExitCode.MIXED
        case _ if nobody_knows(ended.facts):
            return ExitCode.ESCALATED
        case rolling_back.BACK:
            return ExitCode.ROLLED_BACK
        case _:
            pass
    if ended.refusal is not None:
        return ExitCode(ended.refusal.code)
    return ExitCode.PASSED if ended.flow.state is State.DONE else ended.pause


def _told(ended: Ended, order: Sequence[str]) -> tuple[str, ...]:
    """Return what people have to know beside the rulings: doubts, what was found, who could not be told."""
    facts = [ended.facts[name] for name in order if name in ended.facts]
    return tuple(
        dict.fromkeys(str(line) for each in facts for name in ("notices", "said") for line in each.get(name, ()))
    )


def _stages(ended: Ended, journal: Journal) -> RunReport | None:
    """Return the report of the stages that were run last: here, or by a process before this one."""
    for name, environment in EVIDENCE.items():
        known = ended.facts.get(name) or (ended.refusal is not None and ended.refusal.step == name)
        kept = journal.evidence.newest(ended.flow.commit, environment=environment) if known else None
        if kept is not None and kept.moment >= ended.flow.began - _AGE:
            return from_document(json.loads(kept.report))
    return None


def _next_command(ended: Ended) -> str:
    environment, live = ended.flow.environment, ended.flow.environment == "production"
    if ended.flow.state is State.PAUSED:
        at = next((step.name for step in reversed(ended.steps)), None)
        return "shipway tick" if at == releasing.DOGFOOD else f"shipway approve {environment}"
    if ended.flow.is_open:
        return f"shipway resume {environment}"
    if rolling_back.outcome(ended.facts) in {rolling_back.MIXED, rolling_back.FAILED}:
        return f"shipway promote {environment}" if ended.flow.kind == DRILL else f"shipway rollback {environment}"
    if live or ended.flow.kind in {rolling_back.KIND, DRILL}:
        return "shipway status"
    return "shipway promote production" if ended.flow.state is State.DONE else f"shipway promote {environment}"
