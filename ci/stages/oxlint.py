"""oxlint: its JSON report, which tells the number of files."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any

from ci.model import Execution, Failure, Step
from ci.stages.judging import relative
from ci.stages.linting import Findings, Linter, asked, complaint, program, report_name, telling, without

if TYPE_CHECKING:
    from ci.monorepo.scripts import Invocation

VALUED = frozenset({"-f", "--format"})


def step(invocation: Invocation, index: int, timeout: float) -> Step:
    """Return the run with its report in JSON on standard output."""
    return Step(
        argv=(*without(program(invocation), valued=VALUED), "--format", "json"),
        cwd=invocation.cwd,
        environment=invocation.environment,
        stdout=report_name("oxlint", index),
        timeout=timeout,
        keep_going=True,
    )


def read(execution: Execution, index: int) -> Findings:
    """Read one report. A sentence may stand before the JSON: that no file was found, or what is wrong."""
    run = execution.steps[index]
    content = execution.files.get(report_name("oxlint", index), b"").decode(errors="replace")
    sentence, brace, rest = content.partition("{")
    try:
        report = json.loads(brace + rest)
    except ValueError:
        said = telling(content) if content.strip() else complaint(run)
        return Findings(error=f"{asked(run.argv)}: {said}")
    diagnostics = report.get("diagnostics", [])
    serious = [each for each in diagnostics if each.get("severity") == "error"]
    warnings = [each for each in diagnostics if each.get("severity") == "warning"]
    if not serious and not run.succeeded:  # --deny-warnings, --max-warnings
        serious = warnings
    failures = tuple(_failure(each, execution, run.cwd) for each in serious)
    files = int(report.get("number_of_files", 0))
    if not failures and not files:
        failures = (Failure(message=f"0 files were linted: {sentence.strip() or 'none was found'}"),)
    elif not failures and not run.succeeded:
        return Findings(files=files, error=f"{asked(run.argv)}: {complaint(run)}")
    return Findings(failures=failures, files=files, warnings=len(warnings))


def _failure(diagnostic: dict[str, Any], execution: Execution, cwd: str) -> Failure:
    labels = diagnostic.get("labels") or [{}]
    span = labels[0].get("span") or {}
    path = diagnostic.get("filename")
    inside = path and (
        relative(path, execution) if path.startswith("/") else posixpath.normpath(posixpath.join(cwd, path))
    )
    return Failure(
        message=str(diagnostic.get("message", "no description")),
        file=inside or None,
        line=span.get("line"),
        column=span.get("column"),
        rule=diagnostic.get("code") or "parse",
        detail=diagnostic.get("help"),
    )


LINTER = Linter(name="oxlint", step=step, read=read, default=("oxlint",))
