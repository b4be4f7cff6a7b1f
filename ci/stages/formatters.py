"""Prettier and oxfmt: the files that they would rewrite, by name."""

from __future__ import annotations

import functools
import posixpath
import re
from typing import TYPE_CHECKING

from ci.model import Execution, Failure, Step
from ci.stages.judging import relative
from ci.stages.linting import ORNAMENTS, Findings, Linter, asked, complaint, program, without
from ci.text import clean

if TYPE_CHECKING:
    from ci.monorepo.scripts import Invocation

VALUED = frozenset({"--log-level", "--loglevel", "--cache-location", "--cache-strategy"})
PLAIN = frozenset({"--check", "-c", "--list-different", "-l", "--cache", "--color", "--no-color", "--write", "-w"})
PRETTIER_BROKEN = re.compile(r"\[error\] (?P<file>.+?): (?P<what>\w*Error: .+) \((?P<line>\d+):(?P<column>\d+)\)$")
OXFMT_BROKEN = re.compile(r"╭─\[(?P<file>.+):(?P<line>\d+):(?P<column>\d+)\]")
NO_FILES = re.compile(r"No (?:supported )?files (?:matching|were found)|Expected at least one target file")
MARK = "[error] "
DIFFERENT, TROUBLE = 1, 2


def step(invocation: Invocation, index: int, timeout: float) -> Step:
    """Return the run in the form that names each file it would rewrite, alone, on standard output."""
    argv = without(program(invocation), valued=VALUED, plain=PLAIN)
    return Step(
        argv=(*argv, "--list-different"),
        cwd=invocation.cwd,
        environment=invocation.environment,
        stdout=f"{invocation.tool}-{index}.txt",
        timeout=timeout,
        keep_going=True,
    )


def read(execution: Execution, index: int, *, tool: str) -> Findings:
    """Read the list; exit code 2 is a file that cannot be parsed, a configuration, or patterns that match nothing."""
    run = execution.steps[index]
    listed = clean(execution.files.get(f"{tool}-{index}.txt", b"").decode(errors="replace")).splitlines()
    failures = [
        Failure(message="is not formatted as configured", file=_file(line.strip(), execution, run.cwd), rule="format")
        for line in listed
        if line.strip()
    ]
    output = clean(run.output)
    failures += _broken(output, execution, run.cwd)
    if run.succeeded or (failures and run.exit_code in {DIFFERENT, TROUBLE}):
        return Findings(failures=tuple(failures))
    if NO_FILES.search(output):
        said = complaint(run).replace(MARK, "")
        return Findings(failures=(*failures, Failure(message=f"0 files were checked: {said}")), files=0)
    return Findings(failures=tuple(failures), error=f"{asked(run.argv)}: {complaint(run).replace(MARK, '')}")


def _broken(output: str, execution: Execution, cwd: str) -> list[Failure]:
    found = []
    lines = output.splitlines()
    for number, line in enumerate(lines):
        match = PRETTIER_BROKEN.match(line) or OXFMT_BROKEN.search(line)
        if match is not None:
            what = match.groupdict().get("what") or lines[number - 1].strip(ORNAMENTS)
            found.append(
                Failure(
                    message=what,
                    file=_file(match["file"], execution, cwd),
                    line=int(match["line"]),
                    column=int(match["column"]),
                    rule="parse",
                )
            )
    return found


def _file(path: str, execution: Execution, cwd: str) -> str:
    return relative(path, execution) if path.startswith("/") else posixpath.normpath(posixpath.join(cwd, path))


PRETTIER = Linter(name="prettier", step=step, read=functools.partial(read, tool="prettier"))
OXFMT = Linter(name="oxfmt", step=step, read=functools.partial(read, tool="oxfmt"))
