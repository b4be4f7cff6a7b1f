"""What a CI host is given of a run, in its own form: annotations beside the code, the summary on its page."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from rich.text import Text

from ci import processes
from ci.errors import ToolError
from ci.hosts import Annotation
from ci.model import CheckRun, Failure, RunReport, RunVerdict
from ci.reporting.findings import findings, flaky
from ci.reporting.summary import to_summary
from ci.reporting.terminal import say
from ci.reporting.wording import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

    from ci.hosts import CiHost, CiRun

MOST = 10  # annotations of a kind; GitHub shows no more of one step
_STYLES = {RunVerdict.PASSED: "success", RunVerdict.HELD: "warning"}


async def give(
    console: Console,
    report: RunReport,
    run: CiRun,
    *,
    prefix: str,
    summary: Path | None,
    environment: Mapping[str, str],
) -> None:
    """Print and write what the host takes. Where that is refused, one line says so: the report stands all the same.

    `prefix` leads from the top of the repository to the workspace, `summary` is the report's own summary.md.
    """
    if run.host.annotate is not None:
        for note in notes(report, prefix):
            _command(console, run.host.annotate(note))
    if run.host.upload is not None and summary is not None:
        _command(console, run.host.upload(str(summary.resolve())))
    try:
        if run.summary is not None:
            with open(run.summary, "a", encoding="utf-8") as page:  # noqa: PTH123, ASYNC230 - a path as the host writes it
                page.write(to_summary(report))
        if run.host.attach:
            await _attach(run.host, report, environment)
    except (OSError, ToolError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        say(console, one_line(f"{run.host.title} has no summary of this run: {reason}"))


def notes(report: RunReport, prefix: str = ".") -> tuple[Annotation, ...]:
    """Return the first failures, and the first flaky tests, that have a file and a line."""
    red = [
        note
        for finding in findings(report)
        for note in _noted("error", finding.source, finding.message, finding.failure, prefix)
    ]
    shaky = [note for check, failure in flaky(report) for note in _flaky(check, failure, prefix)]
    return (*red[:MOST], *shaky[:MOST])


def _flaky(check: CheckRun, failure: Failure | None, prefix: str) -> Iterator[Annotation]:
    if failure is not None:
        told = f"failed, then passed: {one_line(failure.test or failure.message)}"
        yield from _noted("warning", f"{check.stage} · {one_line(check.name)}", told, failure, prefix)


def _noted(kind: str, title: str, message: str, failure: Failure, prefix: str) -> Iterator[Annotation]:
    """Give the annotation of a failure in the repository, nothing for another."""
    if not failure.file or not failure.line:
        return
    file = posixpath.normpath(posixpath.join(prefix.replace(os.sep, "/"), one_line(failure.file, 1000)))
    if not file.startswith(("../", "/")):
        yield Annotation(
            kind=kind, title=title, message=message, file=file, line=failure.line, column=failure.column or None
        )


async def _attach(host: CiHost, report: RunReport, environment: Mapping[str, str]) -> None:
    """Hand the summary to the host's own command, which is told what the host says of this run and nothing else."""
    argv = (*host.attach, "--style", _STYLES.get(report.verdict, "error"))
    own = {name: value for name, value in environment.items() if name.startswith(host.mark[0])}
    seen = processes.inherited() | own
    ended = await processes.run(argv, environment=seen, stdin=to_summary(report).encode(), timeout=60)
    if ended.code != 0:
        raise ToolError(f"{host.attach[0]} failed: {ended.complaint}")


def _command(console: Console, line: str) -> None:
    """Print a line that the host obeys, and that is escaped for it."""
    console.print(Text(line.encode(console.encoding, "replace").decode(console.encoding)), soft_wrap=True)
