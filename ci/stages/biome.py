"""Biome, from version 1.9 on: its JSON report, whose places changed their form on the way to 2.6."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any

from ci.model import Execution, Failure, Step
from ci.stages.judging import relative
from ci.stages.linting import Findings, Linter, asked, complaint, program, report_name, without

if TYPE_CHECKING:
    from ci.monorepo.scripts import Invocation

VALUED = frozenset(
    {"--reporter", "--reporter-file", "--max-diagnostics", "--colors", "--log-level", "--log-file", "--log-kind"}
)
PLAIN = frozenset({"--verbose", "--json", "--json-pretty"})
READABLE = ">=1.9.0"  # the first with this report, and without a limit of diagnostics
EXPERIMENTAL = ("The `json`", "The --json")
CROSS = "\u00d7"
NOTHING = "No files were processed"


def step(invocation: Invocation, index: int, timeout: float) -> Step:
    """Return the run with its report in JSON on standard output, without the usual limit of 20 diagnostics."""
    argv = without(program(invocation), valued=VALUED, plain=PLAIN)
    return Step(
        argv=(*argv, "--reporter=json", "--max-diagnostics=none", "--colors=off"),
        cwd=invocation.cwd,
        environment=invocation.environment,
        stdout=report_name("biome", index),
        timeout=timeout,
        keep_going=True,
    )


def read(execution: Execution, index: int) -> Findings:
    """Read one report: without one, Biome could not read its configuration."""
    run = execution.steps[index]
    report = _report(execution.files.get(report_name("biome", index), b""))
    if report is None:
        said = complaint(run, skip=EXPERIMENTAL)
        if run.succeeded:
            return Findings(error="Biome left no report, although it ended with 0")
        return Findings(error=f"{asked(run.argv)}: {_configuration(run.output) or said}")
    summary, diagnostics = report["summary"], report["diagnostics"]
    files = int(summary.get("changed", 0)) + int(summary.get("unchanged", 0))
    serious = [each for each in diagnostics if each.get("severity") in {"error", "fatal"}]
    warnings = [each for each in diagnostics if each.get("severity") == "warning"]
    if not serious and not run.succeeded:  # --error-on-warnings
        serious = warnings
    failures = tuple(_failure(each, execution, run.cwd) for each in serious)
    if not failures and not run.succeeded and files:
        return Findings(files=files, error=f"{asked(run.argv)}: {complaint(run, skip=EXPERIMENTAL)}")
    if not failures and not files and NOTHING in run.output:
        failures = (Failure(message=f"0 files were checked: {NOTHING.lower()} in the paths of {asked(run.argv)}"),)
    return Findings(failures=failures, files=files, warnings=len(warnings))


def _report(content: bytes) -> dict[str, Any] | None:
    try:
        report = json.loads(content)
    except ValueError:
        return None
    whole = (
        isinstance(report, dict)
        and isinstance(report.get("summary"), dict)
        and isinstance(report.get("diagnostics"), list)
    )
    return report if whole else None


def _failure(diagnostic: dict[str, Any], execution: Execution, cwd: str) -> Failure:
    location = diagnostic.get("location") or {}
    line, column = _place(location)
    path = location.get("path")
    path = path.get("file") if isinstance(path, dict) else path
    category = str(diagnostic.get("category") or "biome")
    return Failure(
        message=_message(diagnostic),
        file=_file(path, execution, cwd) if isinstance(path, str) else None,
        line=line,
        column=column,
        rule=category,
    )


def _message(diagnostic: dict[str, Any]) -> str:
    if diagnostic.get("category") == "format":
        return "is not formatted as configured"
    message = diagnostic.get("description") or diagnostic.get("message")
    if isinstance(message, list):  # a text with markup, before 2.4
        message = "".join(str(part.get("content", "")) for part in message)
    return str(message or "no description")


def _file(path: str, execution: Execution, cwd: str) -> str:
    if path.startswith("/"):
        return relative(path, execution)
    return posixpath.normpath(posixpath.join(cwd, path))


def _place(location: dict[str, Any]) -> tuple[int | None, int | None]:
    """Return line and column, from 1; a diagnostic of the whole file has line 0, or no span."""
    start, span, source = location.get("start"), location.get("span"), location.get("sourceCode")
    if isinstance(start, dict):
        return start.get("line") or None, start.get("column") or None
    if isinstance(span, list) and isinstance(source, str):  # bytes from the start of the file
        before = source.encode()[: span[0]].decode(errors="replace")
        return before.count("\n") + 1, len(before) - before.rfind("\n")
    return None, None


def _configuration(output: str) -> str:
    """Return `file:line:column: what` of a complaint about the configuration."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for index, line in enumerate(lines):
        place, _, kind = line.partition(" ")
        if kind.startswith(("deserialize", "parse", "configuration")):
            what = next((line.strip(f"{CROSS} ") for line in lines[index + 1 :] if line.startswith(CROSS)), "")
            return f"{place}: {what}"
    return ""


LINTER = Linter(name="biome", step=step, read=read, default=("biome", "check", "."))
