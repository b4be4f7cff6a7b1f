"""The report of a rehearsal: what was typed, how each command ended beside how it must, and where its own report is."""

from __future__ import annotations

import datetime
import secrets
import time
from typing import TYPE_CHECKING

from ci import __version__
from ci.journal import Journal
from ci.journal.timings import REHEARSAL
from ci.model import FlowStepRun, RunReport, RunVerdict, Status, written
from ci.reporting.files import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ci.journal.timings import Timing
    from ci.scenarios.playing import Played
    from ci.scenarios.scenario import Scenario

PAGE = "index.html"
REPEAT = "shipway rehearse"


def rehearsed(
    scenario: Scenario, played: Sequence[Played] | None, *, example: Path, notices: tuple[str, ...]
) -> RunReport:
    """Return the report of a scenario that was played on the example; None is played of one that goes on.

    How soon what was bad was found is kept in the example's own journal, which is there when the world is gone.
    """
    journal, done = Journal.local(example), played or ()
    seconds = sum(each.seconds for each in done)
    timings = [_kept(scenario, each, journal) for each in done if each.flow and each.times.detected is not None]
    began = datetime.datetime.fromtimestamp(time.time() - seconds, datetime.UTC)
    verdict = RunVerdict.FAILED if any(each.wrong for each in done) else RunVerdict.PASSED
    return RunReport(
        id=f"rehearsal-{scenario.name}-{began:%Y%m%d%H%M%S}-{secrets.token_hex(2)}",
        kind=REHEARSAL,
        tool=f"shipway {__version__}",
        repository=example.name,
        started=written(began.timestamp()),
        verdict=RunVerdict.HELD if played is None else verdict,
        seconds=round(seconds, 3),
        executor="",
        executor_reason="",
        isolation=(),
        slots=0,
        stages=(),
        scenario=scenario.name,
        notices=(*notices, *(_said(each) for each in timings)),
        command=f"{REPEAT} {scenario.name}",
        steps=tuple(_step(number, each) for number, each in enumerate(done, 1)),
        timings=journal.timings.history(REHEARSAL),
    )


def _step(number: int, played: Played) -> FlowStepRun:
    told = "; ".join(played.wrong) or f"{played.ended}, as expected"
    found = played.times
    if found.detected is not None:
        told += f"; found bad {found.detected:.1f} s after users had it"
    if found.recovered is not None:
        told += f", put back {found.recovered:.2f} s after that"
    return FlowStepRun(
        name=f"{number} {' '.join(word for word in played.words if word != '.')}",
        status=Status.FAILED if played.wrong else Status.PASSED,
        seconds=played.seconds,
        reason=told,
        page=f"{COMMANDS}/{played.report}/{PAGE}" if played.report else None,
    )


def _kept(scenario: Scenario, played: Played, journal: Journal) -> Timing:
    return journal.timings.record(
        str(played.flow),
        kind=REHEARSAL,
        environment=played.environment,
        scenario=scenario.name,
        commit=played.commit,
        expected=not played.wrong,
        reason="; ".join(played.wrong),
        detected=played.times.detected,
        recovered=played.times.recovered,
    )


def _said(timing: Timing) -> str:
    """Say what a play took; drills and rehearsals are told alike."""
    back = "" if timing.recovered is None else f", put back after {timing.recovered:.2f} s more"
    return f"{timing.scenario}: found bad after {timing.detected:.1f} s{back}"
