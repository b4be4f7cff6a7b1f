"""An incident in words: on one line, and with all its cycles."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.model import RunVerdict
from ci.reporting.wording import listed, one_line, shortened
from ci.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.model import CycleRun, IncidentRun, RunReport

PATCH_LINES = 200
PROPOSED = "waits to be judged"
WIDEST = 200  # characters of a line of a patch


@dataclass(frozen=True, kw_only=True)
class PatchLine:
    """A line of a patch; `kind` is added, removed, or "" for what stays and what names files."""

    text: str
    kind: str


def document(incident: IncidentRun) -> dict[str, Any]:
    """Return it as JSON has it."""
    return dataclasses.asdict(incident)


def headline(report: RunReport, incident: IncidentRun, said_no: Sequence[str]) -> str:
    """Say how far an incident is: `30bc4c181ba3: mended in cycle 1 of 3 (tier 1, merged)`."""
    what = one_line(incident.commit[:12])
    last = incident.cycles[-1] if incident.cycles else None
    where = f"cycle {last.number} of {incident.of}" if last is not None else "no cycle yet"
    if report.waits is not None:
        return f"{what}: {where}: {one_line(report.waits, 500)}"
    if report.verdict is RunVerdict.PASSED and last is not None:
        if last.fate and last.fate != PROPOSED:
            return f"{what}: over in {where} ({outcome(last)})"
        if last.patch:
            return f"{what}: a fix is proposed in {where}"
        return f"{what}: {where}: no fix ({one_line(last.cause, 500) or 'no cause was found'}); it waits to be judged"
    escalated = "a person has to mend it" if incident.state == "escalated" else "another cycle follows"
    return f"{what}: {where}: {listed(said_no) or 'nothing mends it'}; {escalated}"


def line(incident: IncidentRun) -> str:
    """Return it on one line: which, how far it is, and what failed."""
    where = f"{incident.commit[:12]}, {incident.environment}"
    return f"{incident.id}  {incident.state}  {where}: {one_line(f'{incident.what}: {incident.reason}')}"


def told(incident: IncidentRun) -> str:
    """Return all of it, for the terminal."""
    parts = [line(incident), f"signature {incident.signature}" if incident.signature else ""]
    parts += [cycle(each, incident.of) for each in incident.cycles]
    return "\n".join(filter(None, parts))


def cycle(each: CycleRun, of: int) -> str:
    """Return a cycle over some lines, with its patch."""
    lines = ["", f"cycle {each.number} of {of}: {outcome(each)}"]
    pairs = (
        ("found by", each.author),
        ("cause", each.cause),
        ("approach", each.approach),
        ("complexity", each.complexity),
        ("took", cost(each)),
        ("stopped by", each.why or ""),
        ("see", each.reference),
    )
    lines += [f"  {name:<11}{one_line(text, 1000)}" for name, text in pairs if text]
    if each.patch:
        lines += ["", *(f"  {text}" for text in shortened(each.patch, lines=PATCH_LINES, width=WIDEST).split("\n"))]
    return "\n".join(lines)


def advised(author: str, cause: str, approach: str, patch: str, *, proven: bool, held: tuple[str, ...] = ()) -> str:
    """Return a diagnosis for one's own machine: the cause, and a patch that can be taken as it is."""
    pairs = (("cause", cause), ("approach", approach), ("found by", author))
    lines = [f"{name:<11}{one_line(text, 2000)}" for name, text in pairs if text]
    if patch:
        lines.append(f"{'proof':<11}{'what failed passes with it' if proven else 'none: what failed fails still'}")
        lines += [f"{'read first':<11}{one_line(each, 2000)}" for each in held]
        lines += ["", clean(patch).rstrip("\n")]
    return "\n".join(lines)


def outcome(each: CycleRun) -> str:
    """Return what became of a cycle, in a few words."""
    tier = f"tier {each.tier}, " if each.tier is not None else ""
    commit = f" as {each.commit[:12]}" if each.commit else ""
    return f"{tier}{each.fate or 'went nowhere'}{commit}"


def cost(each: CycleRun) -> str:
    """Return what a model took for it, "" where none was asked."""
    return f"{each.steps} steps of a model, ${each.dollars:.2f}" if each.steps else ""


def patch_lines(each: CycleRun) -> tuple[PatchLine, ...]:
    """Return the lines of a cycle's patch, as far as they are shown."""
    kinds = {"+": "added", "-": "removed"}
    lines = shortened(each.patch.rstrip("\n"), lines=PATCH_LINES, width=WIDEST).split("\n")
    return tuple(
        PatchLine(text=text, kind="" if text.startswith(("+++", "---")) else kinds.get(text[:1], "")) for text in lines
    )
