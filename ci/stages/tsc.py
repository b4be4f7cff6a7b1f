"""TypeScript's compilers, and the checkers of Astro and Svelte: their steps, and what they print."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.model import Execution, Failure, Step
from ci.stages.judging import relative
from ci.stages.linting import program, without
from ci.stages.typescripts import COMPILERS, follows_references
from ci.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.monorepo.scripts import Invocation

PLAIN = re.compile(r"(?P<file>[^\s(][^()]*?)\((?P<line>\d+),(?P<column>\d+)\): error (?P<code>TS\d+): (?P<what>.*)")
PRETTY = re.compile(
    r"(?P<file>\S.*?):(?P<line>\d+):(?P<column>\d+) - error (?P<code>TS\d+|ts\(\d+\)|astro\(\d+\)|\S+): ?(?P<what>.*)"
)
WHOLE = re.compile(r"error (?P<code>TS\d+): (?P<what>.*)")
SVELTE = re.compile(r'\d+ ERROR "(?P<file>(?:[^"\\]|\\.)*)" (?P<line>\d+):(?P<column>\d+) "(?P<what>(?:[^"\\]|\\.)*)"')
SVELTE_END = re.compile(r"\d+ COMPLETED (?P<files>\d+) FILES")
ASTRO_END = re.compile(r"Result \((?P<files>\d+) files?\)")
OURS = frozenset({"--listFiles", "--listfiles", "--diagnostics", "--extendedDiagnostics", "--noErrorTruncation"})
SOURCE = re.compile(r"(?<!\.d)\.[cm]?[jt]sx?$|\.(?:vue|svelte|astro|json)$")


@dataclass(frozen=True, kw_only=True)
class Printed:
    """What one run printed: its errors, and how many files it looked at; None where it does not tell."""

    failures: tuple[Failure, ...]
    files: frozenset[str] | None = None
    number: int | None = None


def report_name(index: int) -> str:
    """Return the name of what a step prints, in the out directory."""
    return f"types-{index}.txt"


def step(run: Invocation, index: int, timeout: float) -> Step:
    """Return the run with plain output in a file of its own, and with the list of the files that were checked.

    `-b` skips what its own build information says is up to date; `--force` makes it look.
    """
    argv, stdout = program(run), report_name(index)
    if run.tool in COMPILERS:
        argv = without(argv, valued=frozenset({"--pretty"}), plain=OURS)
        argv = (
            *argv,
            *(("--force",) if follows_references(run) and "--force" not in argv else ()),
            "--pretty",
            "false",
            "--listFiles",
        )
    elif run.tool == "svelte-check":
        argv = (*without(argv, valued=frozenset({"--output"})), "--output", "machine")
    return Step(argv=argv, cwd=run.cwd, environment=run.environment, timeout=timeout, stdout=stdout, keep_going=True)


def read(execution: Execution, index: int) -> Printed:
    """Read what the step with this index printed."""
    run = execution.steps[index]
    text = clean(execution.files.get(report_name(index), b"").decode(errors="replace"))
    failures = tuple(_failures(f"{text}\n{clean(run.output)}".splitlines(), execution, run.cwd))
    end = SVELTE_END.search(text) or ASTRO_END.search(text)
    if end is not None:
        return Printed(failures=failures, number=int(end["files"]))
    root = execution.root.rstrip("/") + "/"
    listed = {line[len(root) :] for line in text.splitlines() if line.startswith(root) and "/node_modules/" not in line}
    listed = {file for file in listed if not PLAIN.match(file)}
    sources = {file for file in listed if SOURCE.search(file)}
    return Printed(failures=failures, files=frozenset(sources or listed) if "--listFiles" in run.argv else None)


def _failures(lines: list[str], execution: Execution, cwd: str) -> Iterator[Failure]:
    for number, line in enumerate(lines):
        found = SVELTE.match(line) or PLAIN.match(line) or PRETTY.match(line)
        if found is not None:
            parts = found.groupdict()
            path = parts["file"]
            yield Failure(
                message=_message(parts["what"]),
                file=relative(path, execution)
                if path.startswith("/")
                else posixpath.normpath(posixpath.join(cwd, path)),
                line=int(parts["line"]),
                column=int(parts["column"]),
                rule=_code(parts.get("code")),
                detail=_explanation(lines, number),
            )
        elif (found := WHOLE.match(line)) is not None:
            yield Failure(message=found["what"], rule=found["code"], detail=_explanation(lines, number))


def _message(text: str) -> str:
    return text.replace('\\"', '"').replace("\\n", " ").strip()


def _code(code: str | None) -> str | None:
    """`ts(2322)` is TS2322."""
    found = re.fullmatch(r"ts\((\d+)\)", code or "")
    return f"TS{found[1]}" if found else code


def _explanation(lines: list[str], number: int) -> str | None:
    """Return the indented lines behind an error: why, in TypeScript's own words."""
    behind: list[str] = []
    for line in lines[number + 1 : number + 30]:
        if not line.startswith("  "):
            break
        behind.append(line)
    return "\n".join(behind) or None
