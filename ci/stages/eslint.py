"""ESLint, flat and legacy, from version 8 on, and `next lint`, which is ESLint: its JSON report."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from ci.model import Execution, Failure, Step
from ci.stages.judging import ended, relative, report_of
from ci.stages.linting import Findings, Linter, asked, complaint, program, report_name, without

if TYPE_CHECKING:
    from ci.monorepo.scripts import Invocation

OURS = frozenset({"-f", "--format", "-o", "--output-file", "--cache-location", "--cache-strategy", "--cache-file"})
PLAIN = frozenset({"--cache", "--color", "--no-color"})
QUIET = "--quiet"  # leaves files without an error out of the report, so that nothing would tell how many there were
BANNER = ("Oops!", "ESLint:")
IGNORED = "File ignored"
WARNING, ERROR = 1, 2
NO_FILES = ("No files matching", "All files matched by")


def step(invocation: Invocation, index: int, timeout: float) -> Step:
    """Return the run with its report in JSON; without a cache, which would lie in a tree that is thrown away."""
    argv = without(program(invocation), valued=OURS, plain=PLAIN)
    if QUIET in argv:  # then warnings count for nothing, however few are allowed
        argv = without(argv, valued=frozenset({"--max-warnings"}), plain=frozenset({QUIET}))
    report = "${SHIPWAY_OUT}/" + report_name("eslint", index)
    return Step(
        argv=(*argv, "--format", "json", "--output-file", report),
        cwd=invocation.cwd,
        environment=invocation.environment,
        timeout=timeout,
        keep_going=True,
    )


def read(execution: Execution, index: int) -> Findings:
    """Read one report.

    Exit code 1 is a finding, or more warnings than `--max-warnings` allows. Exit code 2 without findings means
    that ESLint could not look: a configuration that does not load, a plugin that is not there.
    """
    run = execution.steps[index]
    results = report_of(execution, report_name("eslint", index))
    if not isinstance(results, list):
        said = complaint(run, skip=BANNER)
        if said.startswith(NO_FILES):
            return Findings(failures=(Failure(message=f"0 files were linted: {said}"),), files=0)
        return Findings(
            error=f"{asked(run.argv)}: {said}"
            if not run.succeeded
            else "ESLint left no report, although it ended with 0"
        )
    looked = [result for result in results if not _ignored(result)]
    messages = [(result["filePath"], message) for result in looked for message in result["messages"]]
    errors = [(path, message) for path, message in messages if message["severity"] == ERROR]
    warnings = [(path, message) for path, message in messages if message["severity"] == WARNING]
    too_many = len(warnings) > _allowed(run.argv) or (not errors and run.exit_code == 1)
    failures = [_failure(path, message, execution) for path, message in (*errors, *(warnings if too_many else ()))]
    findings = Findings(failures=tuple(failures), files=len(looked), warnings=len(warnings))
    if not run.succeeded and not failures:
        return dataclasses.replace(findings, error=f"{asked(run.argv)}: {ended(run)}: {complaint(run, skip=BANNER)}")
    return findings


def _allowed(argv: tuple[str, ...]) -> float:
    """Return how many warnings `--max-warnings` allows; without it, or below zero, as many as there are."""
    for word, following in zip(argv, (*argv[1:], ""), strict=True):
        name, equals, value = word.partition("=")
        if name == "--max-warnings" and (given := value if equals else following).isdecimal():
            return int(given)
    return math.inf


def _ignored(result: dict[str, Any]) -> bool:
    """Whether ESLint was only told of the file: it names ignored ones in its report."""
    return any(
        message.get("fatal") is False and message["message"].startswith(IGNORED) for message in result["messages"]
    )


def _failure(path: str, message: dict[str, Any], execution: Execution) -> Failure:
    return Failure(
        message=message["message"],
        file=relative(path, execution),
        line=message.get("line"),
        column=message.get("column"),
        rule=message.get("ruleId") or ("parse" if message.get("fatal") else None),
    )


LINTER = Linter(name="eslint", step=step, read=read, default=("eslint", "."), resolves=True)
