"""Node's own test runner: the command that reports in TAP, and the reading of that.

TAP, for every Node since 18.15 writes it, with the place of each test since 20.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci.model import Execution, Failure, Step, StepRun
from ci.stages.judging import local, relative
from ci.stages.testresults import FAILED, PASSED, SKIPPED, Case, Results, Run, detail, place_of
from ci.text import clean, first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

POINT = re.compile(r"(?P<indent> *)(?P<ok>(?:not )?ok) \d+(?: - (?P<name>.*?))?(?: # (?P<directive>SKIP|TODO)\b.*)?$")
ENTRY = re.compile(r"(?P<key>\w+): (?P<value>.*)$")
FILE = re.compile(r"\.[cm]?[jt]sx?$")
LOADING = re.compile(r"(?m)^(?:\w*Error(?: \[\w+\])?): .+$")
VALUED = frozenset({
    "--import", "--require", "-r", "--loader", "--experimental-loader", "--conditions", "-C", "--env-file",
    "--env-file-if-exists", "--test-name-pattern", "--test-skip-pattern", "--test-concurrency", "--test-timeout",
    "--test-reporter", "--test-reporter-destination", "--test-shard", "--test-isolation", "--test-global-setup",
    "--test-coverage-include", "--test-coverage-exclude", "--watch-path",
})  # fmt: skip
# Failures of a parent that only repeat those of its children.
ECHOES = frozenset({"subtestsFailed", "cancelledByParent"})
DROPPED = ("--test-reporter", "--test-reporter-destination", "--watch", "--test-shard", "--test-only")


@dataclass
class _Point:
    """A line `ok` or `not ok`, with what is written below it."""

    depth: int
    ok: bool
    name: str
    directive: str
    facts: dict[str, str] = field(default_factory=dict)
    before: str = ""  # what was printed since the point before


def step(run: Run, timeout: float) -> Step:
    """Return the step with its report `KEY.tap`."""
    reporters = (
        *("--test-reporter=tap", f"--test-reporter-destination=${{SHIPWAY_OUT}}/{run.key}.tap"),
        *("--test-reporter=spec", "--test-reporter-destination=stdout"),
    )
    flags, files = split(run.argv)
    kept = (word for flag in flags if not flag[0].startswith(DROPPED) for word in flag)
    return Step(
        argv=(run.argv[0], *reporters, *kept, *files),
        cwd=run.cwd,
        timeout=timeout,
        environment=run.environment,
        keep_going=True,
    )


def split(argv: tuple[str, ...]) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Return the flags behind the program, each with its value, and the files, directories and globs."""
    flags: list[tuple[str, ...]] = []
    files: list[str] = []
    rest = list(argv[1:])
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            files.append(word)
        else:
            flags.append((word, rest.pop(0)) if word in VALUED and rest else (word,))
    return tuple(flags), tuple(files)


def chosen(argv: tuple[str, ...], files: Iterable[str]) -> tuple[str, ...]:
    """Return the command for these files alone."""
    flags, _ = split(argv)
    return (argv[0], *(word for flag in flags for word in flag), *files)


def usual(*, typescript: bool) -> tuple[str, ...]:
    """Return globs for the files that Node takes for tests where none are named: https://nodejs.org/api/test.html."""
    ends = "{js,cjs,mjs,ts,cts,mts}" if typescript else "{js,cjs,mjs}"
    names = ("**/*.test", "**/*-test", "**/*_test", "**/test-*", "**/test", "**/test/**/*")
    return tuple(f"{name}.{ends}" for name in names)


def narrowed(run: Run, cases: tuple[Case, ...]) -> Run:
    """Return the command for the files of these tests: Node's name patterns do not tell tests of one name apart."""
    files = dict.fromkeys(case.file if run.cwd == "." else case.file.removeprefix(f"{run.cwd}/") for case in cases)
    return dataclasses.replace(run, argv=chosen(run.argv, files))


def read(run: Run, _ended: StepRun, execution: Execution) -> Results:
    """Read the TAP: leaves are tests, parents are described by their titles, a file is a parent of Node's making."""
    cases: list[Case] = []
    failures: list[Failure] = []
    lasting: list[Failure] = []
    files: dict[str, None] = {}
    for titles, point, leaf in _tree(_points(execution.files.get(f"{run.key}.tap", b"").decode(errors="replace"))):
        location = place_of(point.facts.get("location", ""), execution, run.cwd)
        is_file = len(titles) == 1 and FILE.search(point.name) is not None
        file = location.file if location else _named(point.name, run, execution) if is_file else ""
        if file:
            files[file] = None
        case = Case(file=file, titles=titles, status=_status(point))
        if leaf and not is_file:
            cases.append(case)
        if case.status == FAILED and not (point.facts.get("failureType") in ECHOES and _explained(point, failures)):
            failure = _failed(run, case, point, execution, is_file=is_file)
            if leaf and not is_file:
                failure = dataclasses.replace(failure, test_id=case.id)
            failures.append(failure)
            if is_file:
                lasting.append(failure)
    return Results(cases=tuple(cases), failures=tuple(failures), lasting=tuple(lasting), files=tuple(files))


def reported(run: Run, execution: Execution) -> bool:
    """Whether the command came as far as the plan at the report's end."""
    return re.search(rb"(?m)^1\.\.\d+", execution.files.get(f"{run.key}.tap", b"")) is not None


def _points(text: str) -> Iterator[_Point]:
    """Yield the points in the order of the file, each behind its children."""
    waiting: _Point | None = None
    printed: list[str] = []
    key, inside = "", False
    for line in clean(text).splitlines():
        stripped = line.strip()
        if stripped in {"---", "..."}:
            key, inside = "", stripped == "---"
        elif inside and waiting is not None:
            if (entry := ENTRY.match(line[waiting.depth * 4 + 2 :])) is not None:
                key = entry["key"]
                waiting.facts[key] = "" if entry["value"] in {"|-", ">-", "|"} else entry["value"].strip("'")
            elif key:
                waiting.facts[key] = f"{waiting.facts[key]}\n{line[waiting.depth * 4 + 4 :]}".lstrip("\n")
        elif (point := POINT.match(line)) is not None:
            if waiting is not None:
                yield waiting
            waiting = _Point(
                depth=len(point["indent"]) // 4,
                ok=point["ok"] == "ok",
                name=re.sub(r"\\(.)", r"\1", point["name"] or ""),
                directive=point["directive"] or "",
                before="\n".join(printed),
            )
            printed = []
        elif stripped.startswith("# ") and not stripped.startswith("# Subtest: "):
            printed.append(stripped[2:])
    if waiting is not None:
        yield waiting


def _tree(points: Iterator[_Point]) -> Iterator[tuple[tuple[str, ...], _Point, bool]]:
    """Yield each point with its titles from the outside in, and whether it has no children."""
    pending: list[tuple[list[str], _Point, bool]] = []
    for point in points:
        children = [entry for entry in pending if entry[1].depth - len(entry[0]) + 1 > point.depth]
        for titles, _, _ in children:
            titles.insert(0, point.name)
        leaf = not children and point.facts.get("type") != "suite"
        if point.depth == 0:
            yield from ((tuple(titles), child, is_leaf) for titles, child, is_leaf in pending)
            pending.clear()
            yield (point.name,), point, leaf
        else:
            pending.append(([point.name], point, leaf))
    yield from ((tuple(titles), child, is_leaf) for titles, child, is_leaf in pending)


def _status(point: _Point) -> str:
    if point.directive:
        return SKIPPED
    return PASSED if point.ok else FAILED


def _explained(point: _Point, failures: list[Failure]) -> bool:
    """Whether the failure that this one only repeats is told already, or will be by its parent."""
    return bool(failures) or point.facts.get("failureType") == "cancelledByParent"


def _named(name: str, run: Run, execution: Execution) -> str:
    return relative(name, execution) if name.startswith("/") else name if run.cwd == "." else f"{run.cwd}/{name}"


def _failed(run: Run, case: Case, point: _Point, execution: Execution, *, is_file: bool) -> Failure:
    error = point.facts.get("error", "")
    stack = point.facts.get("stack", "")
    if is_file and error == "test failed":
        said = LOADING.search(point.before)
        error = f"cannot be loaded: {said.group()}" if said else f"ended with exit code {point.facts.get('exitCode')}"
        stack = point.before
    place = place_of(stack, execution, run.cwd) or place_of(point.facts.get("location", ""), execution, run.cwd)
    lines = [line for line in error.splitlines() if line.strip()]
    return Failure(
        message=local(first_line(lines[0]) if lines else "failed without a message", execution),
        file=place.file if place else case.file or None,
        line=place.line if place else None,
        column=place.column if place else None,
        test=None if is_file else case.name,
        detail=detail(f"{error}\n" + "\n".join(line for line in stack.splitlines() if "node:" not in line), execution),
    )
