"""What a test runner did, in one shape for all of them: cases, failures, where in the code each of them is."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci.model import test_id
from ci.stages.judging import local, relative, tail
from ci.text import clean, first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci.model import Execution, Failure

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

# `/abs/a.ts:3:5`, `file:///abs/a.ts:3:5`, or a path from the runner's directory; Windows is no platform of ours.
FRAME = re.compile(
    r"(?P<path>(?:file://)?[^\s():'\"]+(?:\([^\s()]*\)[^\s():'\"]*)*\.[cm]?[jt]sx?):(?P<line>\d+):(?P<column>\d+)"
)
FRAMES = re.compile(r"(?m)^\s*(?:at|\u276f)\s(?P<rest>.*)$")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One test, or a whole file where it has no titles: those of the blocks around it and its own.

    `retried`: it failed before it passed. `run` is the key of the command that ran it.
    """

    file: str
    titles: tuple[str, ...]
    status: str
    retried: bool = False
    run: str = ""

    @property
    def name(self) -> str:
        """Its titles as people read them."""
        return " > ".join(self.titles)

    @property
    def id(self) -> str:
        """Its file and its name."""
        return test_id(self.file, self.name)


@dataclass(frozen=True, kw_only=True)
class Results:
    """What one command of a runner did.

    `failures` holds failed tests and whatever else is wrong: a file that cannot be loaded, an error that no test
    waited for. `lasting` are those among them that would be the same in a second run. `files` are the test files
    that the runner took up, `broken` stand for those of them in which a hook failed. `retries`: it tried again itself.
    `tells` is false where the runner reports no tests one by one. `unusable` is why there is no result at all.
    """

    cases: tuple[Case, ...] = ()
    failures: tuple[Failure, ...] = ()
    lasting: tuple[Failure, ...] = ()
    files: tuple[str, ...] = ()
    broken: tuple[Case, ...] = ()
    notices: tuple[str, ...] = ()
    unusable: str | None = None
    retries: bool = False
    tells: bool = True

    @property
    def executed(self) -> tuple[Case, ...]:
        """The cases that ran."""
        return tuple(case for case in self.cases if case.status != SKIPPED)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the cases that ran, sorted."""
        return told_apart(case.id for case in self.executed)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A line of the workspace."""

    file: str
    line: int
    column: int | None = None


def place_of(stack: str, execution: Execution, cwd: str) -> Place | None:
    """Return the first frame of a stack that lies in the workspace and in no installed package.

    Relative paths in a stack count from `cwd`, a directory from the workspace's root.
    """
    for found in FRAME.finditer(stack):
        path = found["path"].removeprefix("file://")
        if path.startswith("/"):
            path = relative(path, execution)
        elif not path.startswith("node:"):
            path = posixpath.normpath(posixpath.join(cwd, path))
        if not path.startswith(("/", "..", "node:")) and "node_modules/" not in path:
            return Place(file=path, line=int(found["line"]), column=int(found["column"]))
    return None


def told_apart(ids: Iterable[str]) -> tuple[str, ...]:
    """Return ids in order; tests of one name, or of one file that several projects run, are counted: "a > b (2)"."""
    times: Counter[str] = Counter()
    found = []
    for identity in sorted(ids):
        times[identity] += 1
        found.append(identity if times[identity] == 1 else f"{identity} ({times[identity]})")
    return tuple(found)


def headline(message: str, execution: Execution) -> str:
    """Return the first line of an error, without the name of a plain assertion error before it."""
    line = local(first_line(message), execution)
    return (
        re.sub(r"^(?:AssertionError|Unknown Error|Error|JestAssertionError)(?: \[ERR_\w+\])?: ", "", line)
        or "failed without a message"
    )


def detail(message: str, execution: Execution) -> str | None:
    """Return all that an error says, without frames of installed packages and of Node itself."""
    kept = [
        line
        for line in clean(message).splitlines()
        if not ((found := FRAMES.match(line)) and ("node_modules/" in found["rest"] or "node:" in found["rest"]))
        and not re.fullmatch(r"\s*at (?:new Promise|Array\.\w+|Promise\.\w+) \(<anonymous>\)", line)
    ]
    text = tail(local("\n".join(kept), execution).strip("\n"))
    return text if "\n" in text else None


def joined(results: Iterable[Results]) -> Results:
    """Put the results of several commands together."""
    every = tuple(results)
    return Results(
        cases=tuple(case for each in every for case in each.cases),
        failures=tuple(dict.fromkeys(failure for each in every for failure in each.failures)),
        lasting=tuple(failure for each in every for failure in each.lasting),
        files=tuple(dict.fromkeys(file for each in every for file in each.files)),
        broken=tuple(case for each in every for case in each.broken),
        notices=tuple(dict.fromkeys(notice for each in every for notice in each.notices)),
        unusable=next((each.unusable for each in every if each.unusable), None),
        retries=any(each.retries for each in every),
        tells=all(each.tells for each in every),
    )


@dataclass(frozen=True, kw_only=True)
class Run:
    """One command of a test runner, as the repository has it: no report options in it yet.

    `files` are the test files that it is expected to take up, by the conventions of names. `only` says in which
    line of a file a test is focused. `key` names its report.
    """

    tool: str
    argv: tuple[str, ...]
    cwd: str
    package: str
    key: str
    version: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    only: Mapping[str, int] = field(default_factory=dict)
    coverage: bool = False
    script: str | None = None  # run as it is: `pnpm run SCRIPT`
    launcher: tuple[str, ...] = ()  # what stands in front of the command to read an environment file

    @property
    def major(self) -> int:
        """The runner's major version; the newest that is known where the lockfile does not tell."""
        found = re.match(r"\d+", self.version or "")
        return int(found.group()) if found else 99
