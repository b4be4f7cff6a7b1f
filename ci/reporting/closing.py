"""What stays on the terminal, or in the log, when a run has ended: the stages, each failure once, the next command."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ci.model import RunReport, StageRun, Status
from ci.reporting.findings import RED, Finding, findings, flaky, headline, tally, unproven
from ci.reporting.wording import GLYPHS, against, duration, fitted, one_line, plural, shortened

STYLES = {
    "passed": "green",
    "cached": "cyan",
    "failed": "bold red",
    "error": "bold magenta",
    "skipped": "dim",
    "flaky": "yellow",
    "held": "yellow",
    "running": "bold",
    "waiting": "dim",
}
SHOWN_FAILURES = 20
SHOWN_NOTICES = 12
DETAIL_LINES = 16
_WIDEST = 10_000  # where there is no terminal a line is as long as it needs to be


def say(console: Console, *texts: Text | str) -> None:
    """Print each text as one line of plain words: no markup, no wrapping, nothing the stream cannot encode."""
    for text in texts:
        line = text if isinstance(text, Text) else Text(text)
        if not console.encoding.lower().startswith("utf"):
            line = Text(line.plain.encode(console.encoding, "replace").decode(console.encoding))
        console.print(line, soft_wrap=True, highlight=False)


def width_of(console: Console) -> int:
    """Return how long a line may be."""
    return console.width if console.is_terminal else _WIDEST


def say_closing(console: Console, report: RunReport, directory: str | None) -> None:
    """Print the closing part of a run."""
    width = width_of(console)
    say(console, "", *(_stage_line(stage, width) for stage in report.stages), "")
    found = findings(report)
    for finding in found[:SHOWN_FAILURES]:
        say(console, *_failure(finding), "")
    if len(found) > SHOWN_FAILURES:
        say(console, f"{len(found) - SHOWN_FAILURES} more failures are in the report.", "")
    for check, failure in flaky(report):
        name = one_line(failure.test or failure.message) if failure else one_line(check.reason or "")
        say(console, Text.assemble(("≈ flaky ", STYLES["flaky"]), f"{one_line(check.id)} {name}"))
    left = [f"{what}: {why}" for what, why in unproven(report)] + [one_line(notice) for notice in report.notices]
    for notice in left[:SHOWN_NOTICES]:
        say(console, Text(f"– {notice}", "dim"))  # noqa: RUF001 - the mark of what was not checked
    if len(left) > SHOWN_NOTICES:
        say(console, Text(f"– and {len(left) - SHOWN_NOTICES} more notices in the report", "dim"))  # noqa: RUF001
    if flaky(report) or left:
        say(console, "")
    _verdict(console, report, directory)


def _verdict(console: Console, report: RunReport, directory: str | None) -> None:
    word = report.verdict.value
    glyph = GLYPHS[Status(word)] if word in list(Status) else "…"
    slots = f"{duration(report.seconds)}, {report.executor}, {plural(report.slots, 'slot')}"
    say(console, Text.assemble((f"{glyph} {word.upper()} ", STYLES[word]), f"{headline(report)} ({one_line(slots)})"))
    if directory:
        say(console, f"  report  {one_line(directory)}/index.html")
    if report.command:
        say(console, Text.assemble("  next    ", (one_line(report.command, 1000), "bold")))


def _stage_line(stage: StageRun, width: int) -> Text:
    word = stage.status.value
    line = Text.assemble((f"{GLYPHS[stage.status]} ", STYLES[word]), f"{stage.name:<12}", (f"{word:<8}", STYLES[word]))
    if stage.status is Status.SKIPPED:
        return line.append(fitted(stage.reason or "", width - line.cell_len), "dim")
    late = stage.seconds > stage.target
    line.append(f"{against(stage.seconds, stage.target):>17}", "yellow" if late else "").append("  ")
    told = f"{one_line(stage.reason)}" if stage.reason and stage.status in RED else tally(stage)
    over = f"over target by {duration(stage.seconds - stage.target)}; " if late else ""
    return line.append(over, "yellow").append(fitted(told, width - line.cell_len - len(over)))


def _failure(finding: Finding) -> list[Text]:
    error = finding.check is not None and finding.check.status is Status.ERROR
    word = "error" if error else "failed"
    lines = [Text.assemble((f"{GLYPHS[Status(word)]} {word} ", STYLES[word]), finding.source)]
    lines += [Text(f"    {line}", "bold") for line in (finding.message,)]
    if finding.failure.test:
        lines.append(Text.assemble(("  test   ", "dim"), one_line(finding.failure.test)))
    if finding.place:
        lines.append(Text.assemble(("  at     ", "dim"), (finding.place, "cyan")))
    if finding.also:
        lines.append(Text.assemble(("  also   ", "dim"), one_line(", ".join(finding.also))))
    if finding.detail:
        shown = shortened(finding.detail, lines=DETAIL_LINES, width=300)
        lines += [Text(f"    {line}", "dim") for line in shown.expandtabs(4).split("\n")]
    if finding.repeat:
        lines.append(Text.assemble(("  repeat ", "dim"), finding.repeat))
    return lines
