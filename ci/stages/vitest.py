"""Vitest 1 to 5: the command that reports all it did, and the one that runs some tests alone."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from ci.model import Step
from ci.stages.vitest_report import read, reported

if TYPE_CHECKING:
    from ci.stages.testresults import Case, Run

__all__ = ["kept", "narrowed", "pattern", "read", "reported", "step"]

LOCATIONS_SINCE = 3  # --includeTaskLocation
# Options that take the next word where they are not written with "=".
VALUED = frozenset({
    "-r", "--root", "-c", "--config", "-t", "--testNamePattern", "--dir", "--reporter", "--outputFile", "--project",
    "--environment", "--pool", "--mode", "--exclude", "--testTimeout", "--hookTimeout", "--teardownTimeout", "--retry",
    "--bail", "--shard", "--maxWorkers", "--minWorkers", "--maxConcurrency", "--workspace", "--slowTestThreshold",
    "--diff", "--attachmentsDir", "--tagsFilter",
})  # fmt: skip
# What would hide a part of the tests, or speak to somebody else than us.
DROPPED = frozenset({"--reporter", "--outputFile", "--bail", "--changed", "--open", "--ui", "--watch", "-w", "--shard"})


def step(run: Run, timeout: float) -> Step:
    """Return the step with its reports: `KEY.json` and `KEY.xml`."""
    report = f"${{SHIPWAY_OUT}}/{run.key}"
    options = ["--reporter=default", "--reporter=json", "--reporter=junit"]
    options += [f"--outputFile.json={report}.json", f"--outputFile.junit={report}.xml"]
    if run.major >= LOCATIONS_SINCE:
        options.append("--includeTaskLocation")
    if run.coverage:
        options += ["--coverage.enabled=true", "--coverage.reporter=json-summary"]
        options.append(f"--coverage.reportsDirectory={report}-coverage")
    return Step(
        argv=(*kept(run.argv), *options), cwd=run.cwd, timeout=timeout, environment=run.environment, keep_going=True
    )


def kept(argv: tuple[str, ...], *, also: frozenset[str] = frozenset(), filters: bool = True) -> tuple[str, ...]:
    """Return the words without those options that would hide tests; without `also`, and on request without filters."""
    dropped = DROPPED | also
    head = 2 if argv[1:2] and argv[1] in {"run", "related", "dev", "watch"} else 1
    words = list(argv[:head])
    rest = list(argv[head:])
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        value = [rest.pop(0)] if not equals and name in VALUED and rest else []
        if not word.startswith("-"):
            words += [word] if filters else []
        elif name.partition(".")[0] not in dropped:
            words += [word, *value]
    return tuple(words)


def narrowed(run: Run, cases: tuple[Case, ...]) -> Run:
    """Return the command for these tests alone. One without titles stands for its whole file."""
    files = dict.fromkeys(_from(run.cwd, case.file) for case in cases)
    argv = (*kept(run.argv, also=frozenset({"-t", "--testNamePattern", "--coverage"}), filters=False), *files)
    if all(case.titles for case in cases):
        argv = (*argv, f"--testNamePattern={pattern(cases)}")
    return dataclasses.replace(run, argv=argv, coverage=False)


def pattern(cases: tuple[Case, ...]) -> str:
    """Return a regular expression for the tests' full names, in which Vitest 1 begins with a space and 5 has `>`."""
    names = dict.fromkeys("(?: > | )".join(_escaped(title) for title in case.titles) for case in cases)
    return f"^ ?(?:{'|'.join(names)})$"


def _escaped(text: str) -> str:
    return re.sub(r"[\\^$.*+?()\[\]{}|/]", r"\\\g<0>", text)


def _from(cwd: str, file: str) -> str:
    return file if cwd == "." else file.removeprefix(f"{cwd}/")
