"""A promotion's, a rollback's or a drill's steps and rulings in words; every kind of report shows them alike."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ci.model import FlowStepRun, Outcome, PutBack, Return, Ruling, RunReport, RunVerdict, Status, TimingEntry
from ci.reporting import incident
from ci.reporting.wording import GLYPHS, duration, listed, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

DRILL = "drill"
DIAGNOSIS = "diagnosis"
FIGURES_SHOWN = 40
_BROKEN = frozenset({Status.FAILED, Status.ERROR})
_UNSURE = frozenset({Outcome.INCONCLUSIVE, Outcome.NODATA, Outcome.ERROR})
# A ruling by the word that colours and marks it.
COLOURS = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failed",
    Outcome.INCONCLUSIVE: "held",
    Outcome.NODATA: "held",
    Outcome.ERROR: "error",
}


def is_flow(report: RunReport) -> bool:
    """Say whether it has steps: something was carried to an environment, or back."""
    return report.kind in {"promotion", "rollback", "rehearsal", DRILL, DIAGNOSIS}


def is_wanted(report: RunReport) -> bool:
    """Say whether what said no was meant to: a drill that went as planned."""
    return report.kind == DRILL and report.verdict is RunVerdict.PASSED


def word(step: FlowStepRun) -> str:
    """How a step ended: done, failed, skipped, error."""
    return "done" if step.status is Status.PASSED else step.status.value


def glyph(ruling: Ruling) -> str:
    """Return the mark of a ruling; one that decides nothing is no pass and no failure."""
    return {each.value: mark for each, mark in GLYPHS.items()}.get(COLOURS[ruling.ruling], "…")


def refused(report: RunReport) -> tuple[Ruling, ...]:
    """Return the rulings that said no, and were not meant to."""
    if is_wanted(report):
        return ()
    return tuple(ruling for ruling in report.rulings if ruling.ruling is Outcome.FAIL)


def undecided(report: RunReport) -> tuple[Ruling, ...]:
    """Return the gates' last rulings that say neither yes nor no."""
    last = {(ruling.gate, ruling.environment): ruling for ruling in report.rulings}
    return tuple(ruling for ruling in last.values() if ruling.ruling in _UNSURE)


def broken(report: RunReport) -> tuple[FlowStepRun, ...]:
    """Return the steps that failed, without one that only says again what a gate had said."""
    said = [ruling.reason for ruling in refused(report)]
    return tuple(
        step
        for step in report.steps
        if step.status in _BROKEN and not any(reason and reason in (step.reason or "") for reason in said)
    )


def headline(report: RunReport) -> str:
    """`3f2a1c9d7e4b promoted to production`; where it did not come to that, what stood in the way."""
    if report.kind == "rehearsal":
        ended = {RunVerdict.PASSED: "as expected", RunVerdict.HELD: "goes on, or was ended before its end"}
        return f"rehearsal {one_line(report.scenario or '', 60)}, {ended.get(report.verdict, 'NOT as expected')}"
    if report.kind == DRILL:
        return drilled(report)
    if report.incident is not None:
        said_no = [f"{_gates(refused(report))} said FAIL"] if refused(report) else []
        said_no += [f"{one_line(step.name, 60)} said no" for step in broken(report)]
        return incident.headline(report, report.incident, said_no)
    what = one_line(report.commit[:12]) if report.commit else "an unknown commit"
    where = one_line(report.environment or "an unknown environment", 80)
    if report.put_back is not None:
        return _taken_back(report, report.put_back, what, where)
    if report.verdict is RunVerdict.PASSED:
        return f"{what} promoted to {where}" if report.kind == "promotion" else f"{where} rolled back"
    about = f"promotion of {what} to {where}" if report.kind == "promotion" else f"rollback of {where}"
    if report.waits is not None:
        return f"{about}: {one_line(report.waits, 500)}"
    parts = [f"{_gates(refused(report))} said FAIL"] if refused(report) else []
    for status, told in ((Status.FAILED, "failed"), (Status.ERROR, "could not be done")):
        names = [one_line(step.name, 60) for step in broken(report) if step.status is status]
        parts += [f"{listed(names)} {told}"] if names else []
    if not parts and undecided(report):
        parts = [f"{_gates(undecided(report))} could not decide"]
    if not parts:
        red = [stage.name for stage in report.stages if stage.status in _BROKEN]
        untold = (
            "no ruling could be made yet" if report.verdict is RunVerdict.HELD else "no step and no ruling tells why"
        )
        parts = [f"{listed(red, 7)} not green"] if red else [untold]
    return f"{about}: {', '.join(parts)}"


def _taken_back(report: RunReport, ended: PutBack, what: str, where: str) -> str:
    """Say what users get: that is what whoever was woken wants to know first."""
    again = one_line((ended.commit or "an earlier release")[:12])
    bad = "was bad in" if report.kind == "promotion" else "was taken back from"
    match ended.how:
        case Return.BACK:
            return f"{what} {bad} {where}: all apps serve {again} again"
        case Return.MIXED:
            return f"{what} {bad} {where}, and SOME APPS STILL SERVE IT"
        case Return.FAILED:
            return f"{what} {bad} {where}, and USERS STILL GET IT"


def aftermath(report: RunReport) -> list[tuple[str, str]]:
    """Return what whoever was woken has to know of a release that was taken back, as (name, words)."""
    ended = report.put_back
    if ended is None:
        return []
    again = one_line((ended.commit or "")[:12])
    users = {
        Return.BACK: f"are safe: every app serves {again} again, and says so itself",
        Return.MIXED: f"are NOT safe: {one_line(ended.why or '', 500)}",
        Return.FAILED: f"are NOT safe, nothing was put back: {one_line(ended.why or '', 500)}",
    }[ended.how]
    if ended.how is Return.BACK and ended.outside:
        users = f"get {again} again, which fails in the same way: the cause lies outside"
    found = [("Users", users)]
    if ended.detected is not None:
        back = "" if ended.recovered is None else f"; put back {ended.recovered:.2f} s after that"
        found.append(("Found", f"{duration(ended.detected)} after users had it{back}"))
    if ended.pinned:
        mends = f"but one that reverts it, or says `Shipway-Fixes: {one_line(report.id)}`"
        pinned = f"no commit is promoted that holds {one_line(ended.pinned[:12])}, {mends}"
        found.append(("Pinned out", pinned))
    elif ended.how is Return.BACK:
        found.append(("Pinned out", "no: the commit is not to blame" if ended.outside else "no"))
    if ended.told:
        found.append(("Told", f"people, by {listed([one_line(each, 20) for each in ended.told])}"))
    return found


def drilled(report: RunReport) -> str:
    """`drill failing-smoke in staging: found after 2.5 s, put back 0.4 s later`, or what went otherwise."""
    mine = next((each for each in report.timings if each.id == report.id), None)
    where = one_line(report.environment or "an unknown environment", 80)
    if mine is None:
        said = [f"{one_line(each.name, 60)}: {one_line(each.reason or '')}" for each in broken(report)]
        return f"drill in {where}: {said[0] if said else 'nothing was planted'}"
    return f"drill {one_line(mine.scenario, 60)} in {where}: {took(mine)}"


def took(entry: TimingEntry) -> str:
    """`found after 2.5 s, put back 0.4 s later`; what went otherwise stands before it."""
    found = "not found" if entry.detected is None else f"found after {duration(entry.detected)}"
    back = "not put back" if entry.recovered is None else f"put back {duration(entry.recovered)} later"
    return f"{'' if entry.expected else f'{one_line(entry.reason)}; '}{found}, {back}"


def totals(report: RunReport) -> list[tuple[str, str]]:
    """Return how many steps and rulings there are of each kind, as (name, words)."""
    found = [("Steps", _tally(word(step) for step in report.steps))] if report.steps else []
    if report.rulings:
        found.append(("Rulings", _tally(ruling.ruling.value for ruling in report.rulings)))
    return found


def figures(ruling: Ruling) -> list[tuple[str, str]]:
    """Return the figures that a gate came by, for a reader, as (name, words)."""
    found = [(one_line(name, 60), _shown(value)) for name, value in ruling.values.items() if name != "observed"]
    return found[:FIGURES_SHOWN]


def observed(ruling: Ruling) -> str:
    """Return what was recorded, as JSON on many lines; empty where nothing was."""
    if "observed" not in ruling.values:
        return ""
    return json.dumps(ruling.values["observed"], indent=1, ensure_ascii=False, default=str)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return one_line(value)
    return one_line(json.dumps(value, ensure_ascii=False, default=str))


def _gates(rulings: Iterable[Ruling]) -> str:
    return listed(dict.fromkeys(one_line(ruling.gate, 60) for ruling in rulings))


def _tally(words: Iterable[str]) -> str:
    every = list(words)
    return ", ".join(f"{every.count(each)} {each}" for each in dict.fromkeys(every))
