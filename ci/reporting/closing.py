"""What stays on the terminal, or in the log, when a run has ended: the stages, each failure once, the next command."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ci.model import RunReport, StageRun, Status
from ci.reporting import notes, promotion
from ci.reporting.findings import RED, Finding, circumstances, findings, flaky, headline, tally, unproven
from ci.reporting.terminal import STYLES, say, say_wrapped, width_of
from ci.reporting.wording import GLYPHS, duration, fitted, one_line, shortened
from ci.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

SHOWN_FAILURES = 20
SHOWN_NOTICES = 12
DETAIL_LINES = 16
SHOWN_COMMITS = 8
WIDEST_NAME = 28  # cells, of a step or a gate


def say_closing(console: Console, report: RunReport, directory: str | None) -> None:
    """Print the closing part of a run; `directory` is where its report was written."""
    width = width_of(console)
    say(console, "", *(stage_line(stage, width) for stage in report.stages), *([""] if report.stages else []))
    for lines in (_steps(report, width), _rulings(report, width), _news(report, width)):
        say(console, *lines, *([""] if lines else []))
    found = findings(report)
    for _, group in itertools.groupby(found[:SHOWN_FAILURES], key=lambda finding: finding.source):
        _say_failures(console, list(group))
    if len(found) > SHOWN_FAILURES:
        say(console, f"{len(found) - SHOWN_FAILURES} more failures are in the report.", "")
    _say_notices(console, report)
    _say_verdict(console, report, directory)


def stage_line(stage: StageRun, width: int) -> Text:
    """Return a stage on one line of at most `width` cells."""
    line = stage_start(stage.name, stage.status.value, GLYPHS[stage.status])
    if stage.status is Status.SKIPPED:
        return line.append(fitted(stage.reason or "no reason given", width - line.cell_len), "dim")
    late = stage.seconds > stage.target
    line.append(stage_clock(stage.seconds, stage.target), "yellow" if late else "")
    if late:
        line.append(f"{duration(stage.seconds - stage.target)} over target, ", "yellow")
    told = one_line(stage.reason) if stage.reason and stage.status in RED else tally(stage)
    return line.append(fitted(told, width - line.cell_len))


def stage_start(name: str, word: str, glyph: str) -> Text:
    """Return the part of a stage's line that says which and how it is."""
    return Text.assemble((f"{glyph} ", STYLES[word]), f"{name:<12}", (f"{word:<8} ", STYLES[word]))


def stage_clock(seconds: float, target: float) -> str:
    """Return the part of a stage's line that says how long, of how long."""
    return f"{duration(seconds):>8} of {f'{target:g} s':<7}"


def _steps(report: RunReport, width: int) -> list[Text]:
    """Return a line for each step of a promotion: which, how it ended, how long it took, and why."""
    names = _column(step.name for step in report.steps)
    lines = []
    for step, name in zip(report.steps, names, strict=True):
        style = STYLES[step.status.value]
        line = Text.assemble((f"{GLYPHS[step.status]} ", style), f"{name} ", (f"{promotion.word(step):<8} ", style))
        line.append(f"{'' if step.status is Status.SKIPPED else duration(step.seconds):>8}  ")
        line.append(fitted(step.reason or "", width - line.cell_len)).rstrip()
        lines.append(line)
    return lines


def _rulings(report: RunReport, width: int) -> list[Text]:
    """Return a line for each ruling: of which gate, about what, what it says and why."""
    gates = _column(ruling.gate for ruling in report.rulings)
    places = _column(ruling.environment for ruling in report.rulings)
    lines = []
    for ruling, gate, place in zip(report.rulings, gates, places, strict=True):
        style = STYLES[promotion.COLOURS[ruling.ruling]]
        line = Text.assemble((f"{promotion.glyph(ruling)} ", style), f"{gate} ", (f"{ruling.ruling:<13}", style))
        line.append(f"{place}  ")
        lines.append(line.append(fitted(ruling.reason, width - line.cell_len)))
    return lines


def _news(report: RunReport, width: int) -> list[Text]:
    """Return a line for each of the newest commits that are not served yet, below what is to be said of all."""
    found = report.release_notes
    if found is None:
        return []
    lines = [Text.assemble(("new ", "bold"), fitted(notes.heading(found), width - 4))]
    for commit in found.commits[:SHOWN_COMMITS]:
        line = Text.assemble("  ", (f"{one_line(commit.sha[: notes.SHORT]):<{notes.SHORT}} ", "cyan"))
        lines.append(line.append(fitted(commit.subject, width - line.cell_len)))
    hidden = max(0, len(found.commits) - SHOWN_COMMITS) + found.more
    return [*lines, *([Text(f"  and {hidden} more in the report", "dim")] if hidden > 0 else [])]


def _column(names: Iterable[str]) -> list[str]:
    """Return names, each cut and filled to the width of the widest."""
    shown = [fitted(name, WIDEST_NAME) for name in names]
    widest = max((cell_len(name) for name in shown), default=0)
    return [set_cell_size(name, widest) for name in shown]


def _say_failures(console: Console, group: list[Finding]) -> None:
    """Say what one check found: its name and how to repeat it once, what and where for each failure."""
    status = group[0].status
    word = status.value
    say(console, Text.assemble((f"{GLYPHS[status]} {word} ", STYLES[word]), (group[0].source, "bold")))
    for finding in group:
        say_wrapped(console, Text(f"  {finding.message}"), "  ")
        for name, value in (("test", one_line(finding.failure.test or "")), ("at", finding.place)):
            if value:
                say(console, Text.assemble((f"    {name:<5}", "dim"), (value, "cyan" if name == "at" else "")))
        if finding.also:
            say(console, Text.assemble(("    also ", "dim"), one_line(", ".join(finding.also))))
        say(console, *_detail(finding.detail or "", width_of(console)))
    if group[0].repeat:
        say(console, Text.assemble(("  repeat ", "dim"), group[0].repeat))
    say(console, "")


def _detail(detail: str, width: int) -> Iterable[Text]:
    """Return the lines of a stack or diff; on a terminal each is cut, the report has it whole."""
    if not detail.strip():
        return
    for line in shortened(detail, lines=DETAIL_LINES, width=300).expandtabs(4).split("\n"):
        text = Text(f"      {line}", "dim")
        text.truncate(width - 1, overflow="ellipsis")
        yield text


def _say_notices(console: Console, report: RunReport) -> None:
    shaky = flaky(report)
    for check, failure in shaky:
        name = one_line(failure.test or failure.message) if failure else one_line(check.reason or "")
        mark = (f"{GLYPHS[Status.FLAKY]} flaky ", STYLES["flaky"])
        say_wrapped(console, Text.assemble(mark, f"{one_line(check.id)} {name}"), "  ")
    notices = [f"{what}: {why}" for what, why in unproven(report, within=True)]
    notices += [one_line(notice) for notice in report.notices]
    if len(notices) > SHOWN_NOTICES:
        more = len(notices) - SHOWN_NOTICES + 1
        notices = [*notices[: SHOWN_NOTICES - 1], f"{count(more, 'more notice')} in the report"]
    for notice in notices:
        say_wrapped(console, Text(f"{GLYPHS[Status.SKIPPED]} {notice}", "dim"), "  ")
    if shaky or notices:
        say(console, "")


def _say_verdict(console: Console, report: RunReport, directory: str | None) -> None:
    word = report.verdict.value
    glyph = GLYPHS[Status(word)] if word in list(Status) else "…"
    facts = ", ".join(circumstances(report))
    verdict = Text.assemble((f"{glyph} {word.upper()} ", STYLES[word]), f"{headline(report)} ({facts})")
    say_wrapped(console, verdict, "  ")
    for name, words in promotion.aftermath(report):
        say_wrapped(console, Text.assemble((f"  {name.lower():<11}", "bold"), words), " " * 13)
    if directory:
        say(console, f"  report {one_line(directory, 1000)}/index.html")
    if report.command:
        say(console, Text.assemble("  next   ", (one_line(report.command, 1000), "bold")))
