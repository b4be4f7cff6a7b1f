"""Markdown for the summary page of a CI host, or a comment.

Text of strangers stands in code spans and code blocks only.
"""

from __future__ import annotations

from ci.model import RunReport, Status
from ci.reporting import notes, promotion
from ci.reporting.findings import RED, Finding, findings, flaky, headline, tally, unproven
from ci.reporting.markdown import block, code, row
from ci.reporting.wording import GLYPHS, against, duration
from ci.text import count, web_address

LIMIT = 200_000  # characters; hosts refuse a summary of more than a megabyte
SHOWN_FAILURES = 50
SHOWN_NOTICES = 50
SHOWN_STEPS = 100  # and rulings


def to_summary(report: RunReport) -> str:
    """Return the run as Markdown: verdict, stages, each failure once, what is not vouched for."""
    blocks = [_heading(report)]
    if known := promotion.aftermath(report):
        blocks.append("\n".join(f"- **{name}** {code(words)}" for name, words in known))
    blocks += [_stages(report)] if report.stages else []
    blocks += [table for table in (_steps(report), _rulings(report)) if table]
    found = findings(report)
    if found:
        blocks += ["### What failed", *(_failure(finding) for finding in found[:SHOWN_FAILURES])]
    if len(found) > SHOWN_FAILURES:
        blocks.append(f"{len(found) - SHOWN_FAILURES} more are in the report.")
    if report.command:
        blocks.append(f"Next: {code(report.command)}")
    shaky = flaky(report)
    if shaky:
        blocks.append("### Flaky: failed, then passed")
        blocks.append(
            "\n".join(
                f"- {code(check.id)} {code(flake.test or flake.message) if flake else ''}" for check, flake in shaky
            )
        )
    if report.release_notes is not None:
        blocks += ["### What is new", notes.to_markdown(report.release_notes)]
    blocks += _unproven(report)
    whole = "\n\n".join(blocks)
    return (whole if len(whole) <= LIMIT else _cut(blocks)) + "\n"


def _heading(report: RunReport) -> str:
    glyph = GLYPHS.get(Status(report.verdict.value)) if report.verdict.value in list(Status) else "…"
    facts = [code(report.repository), f"run {code(report.id)}"]
    if report.commit:
        facts.append(f"commit {code(report.commit[:12])}" + (" with uncommitted changes" if report.dirty else ""))
    if report.branch:
        facts.append(f"on {code(report.branch)}")
    if report.pull_request:
        facts.append(f"pull request {code(report.pull_request)}")
    executor = f" on {code(report.executor)}" if report.executor else ""
    facts.append(f"{duration(report.seconds)}{executor}" + (f", {count(report.slots, 'slot')}" if report.slots else ""))
    if link := web_address(report.link):
        facts.append(f"[the CI host's run](<{link}>)")
    return f"## {glyph} {report.verdict.value.capitalize()}: {headline(report)}\n\n{' · '.join(facts)}"


def _stages(report: RunReport) -> str:
    rows = ["| | Stage | Time | What ran |", "|---|---|---|---|"]
    for stage in report.stages:
        late = " (over target)" if stage.seconds > stage.target else ""
        told = code(stage.reason if stage.reason and stage.status in (*RED, Status.SKIPPED) else tally(stage))
        time = "" if stage.status is Status.SKIPPED else f"{against(stage.seconds, stage.target)}{late}"
        cells = (f"{GLYPHS[stage.status]} {stage.status.value}", stage.name, time, told)
        rows.append(row(*cells))
    return "\n".join(rows)


def _steps(report: RunReport) -> str:
    rows = [
        row(
            f"{GLYPHS[step.status]} {promotion.word(step)}",
            code(step.name),
            "" if step.status is Status.SKIPPED else duration(step.seconds),
            code(step.reason) if step.reason else "",
        )
        for step in report.steps[:SHOWN_STEPS]
    ]
    return _table(["| | Step | Time | |", "|---|---|---|---|", *rows], len(report.steps)) if rows else ""


def _rulings(report: RunReport) -> str:
    rows = [
        row(f"{promotion.glyph(each)} {each.ruling}", code(each.gate), code(each.environment), code(each.reason))
        for each in report.rulings[:SHOWN_STEPS]
    ]
    return _table(["| | Gate | Environment | Why |", "|---|---|---|---|", *rows], len(report.rulings)) if rows else ""


def _table(lines: list[str], every: int) -> str:
    more = f"\n\nand {every - SHOWN_STEPS} more, in the report." if every > SHOWN_STEPS else ""
    return "\n".join(lines) + more


def _failure(finding: Finding) -> str:
    lines = [f"- **{finding.stage}** {code(finding.source)}: {code(finding.message)}"]
    if finding.place:
        lines.append(f"  at {code(finding.place)}")
    if finding.failure.test:
        lines.append(f"  in {code(finding.failure.test)}")
    if finding.repeat:
        lines.append(f"  again: {code(finding.repeat)}")
    head = "  \n".join(lines)
    return f"{head}\n\n{block(finding.detail, indent='  ')}" if finding.detail else head


def _unproven(report: RunReport) -> list[str]:
    left = [f"- {code(what)}: {code(why)}" for what, why in unproven(report)]
    left += [f"- {code(notice)}" for notice in report.notices]
    if not left:
        return []
    more = [f"- and {len(left) - SHOWN_NOTICES} more"] if len(left) > SHOWN_NOTICES else []
    return ["### Not vouched for", "\n".join([*left[:SHOWN_NOTICES], *more])]


def _cut(blocks: list[str]) -> str:
    """Keep whole blocks only: half a block could leave a fence open."""
    kept: list[str] = []
    room = LIMIT
    for piece in blocks:
        room -= len(piece) + 2
        if room < 0:
            return "\n\n".join([*kept, "The rest is in the report."])
        kept.append(piece)
    return "\n\n".join(kept)
