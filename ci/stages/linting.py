"""What the linters share: steps that report, and the one way in which their findings become a verdict."""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci.model import Counts, Execution, Failure, Status, Step, StepRun, Verdict
from ci.stages.judging import could_not_run, local, shown, stopped
from ci.text import clean, count, few

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ci.monorepo.scripts import Invocation

ERROR = re.compile(r"(?:Uncaught )?(?:\w*Error\b|error[ :\[]|ERR_\w+|fatal:)")
ORNAMENTS = " \t\u00d7\u2716\u2502"  # crosses and bars in front of a message
OURS = frozenset({"--format", "--reporter=json", "--list-different", "--output", "--force", "--pretty"})
NODE = frozenset({"node", "tsx"})
REWRITTEN = "would be rewritten by this command"


@dataclass(frozen=True, kw_only=True)
class Linter:
    """A tool whose own report is read.

    `step` makes a run of it into a step that writes the report of that index. `read` reads what step `index`
    left behind. `default` is its command where it is configured and no script runs it; empty for a formatter,
    which many keep for their editor alone.
    """

    name: str
    step: Callable[[Invocation, int, float], Step]
    read: Callable[[Execution, int], Findings]
    default: tuple[str, ...] = ()
    resolves: bool = False  # follows imports, and so needs generated code and built packages


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one step found. `error` says why the tool could not look; `files` is None where it does not tell."""

    failures: tuple[Failure, ...] = ()
    files: int | None = None
    warnings: int = 0
    error: str = ""
    notices: tuple[str, ...] = field(default=())


def judge(execution: Execution, *, linter: Linter) -> Verdict:
    """Read the report of every step; what could not look is an `error`, what looked at nothing has failed."""
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    return conclude(execution, [linter.read(execution, index) for index in range(len(execution.steps))])


def conclude(execution: Execution, findings: Iterable[Findings]) -> Verdict:
    """Put findings together. Files that a lint rewrote are findings themselves."""
    findings = tuple(findings)
    failures = tuple(dict.fromkeys(failure for each in findings for failure in each.failures))
    rewritten = tuple(change[2:] for change in execution.changed if change[0] in "MD")
    failures += tuple(Failure(message=REWRITTEN, file=file) for file in rewritten)
    known = [each.files for each in findings if each.files is not None]
    counts = Counts(
        files=sum(known) if known else None,
        warnings=sum(each.warnings for each in findings),
        failed=len(failures),
    )
    error = next((each.error for each in findings if each.error), "")
    notices = tuple(dict.fromkeys(notice for each in findings for notice in each.notices))
    status, reason = Status.PASSED, None
    if error:
        status, reason = Status.ERROR, local(error, execution)
        failures = failures or (Failure(message=reason),)
    elif failures:
        status, reason = Status.FAILED, _reason(failures, rewritten)
    elif known and not sum(known):
        status, reason = Status.FAILED, "0 files were looked at, although the repository configures this tool"
        failures = (Failure(message=reason),)
    return Verdict(status=status, reason=reason, counts=counts, failures=failures, notices=notices)


def _reason(failures: tuple[Failure, ...], rewritten: tuple[str, ...]) -> str:
    unformatted = {failure.file for failure in failures if failure.rule == "format" and failure.file}
    unformatted.update(rewritten)
    others = [failure for failure in failures if failure.rule != "format" and failure.file not in rewritten]
    said = [f"would reformat {count(len(unformatted), 'file')}: {few(sorted(filter(None, unformatted)))}"] * bool(
        unformatted
    )
    if others:
        files = {failure.file for failure in others if failure.file}
        said.insert(0, count(len(others), "problem") + (f" in {count(len(files), 'file')}" if files else ""))
    return "; ".join(said)


def asked(argv: tuple[str, ...]) -> str:
    """Return a command as the repository has it: our options stand behind its own."""
    return shown(tuple(itertools.takewhile(lambda word: word not in OURS, argv)))


def report_name(tool: str, index: int) -> str:
    """Return the name of a step's report in the out directory."""
    return f"{tool}-{index}.json"


def program(invocation: Invocation) -> tuple[str, ...]:
    """Return its argv with the tool's own program in front, where it is not started by a path."""
    first = invocation.argv[0]
    named = first in NODE or "/" in first.removeprefix("@").partition("/")[0] or first.startswith((".", "/"))
    return invocation.argv if named or "node_modules" in first else (invocation.tool, *invocation.argv[1:])


def without(
    argv: Iterable[str], *, valued: frozenset[str] = frozenset(), plain: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Drop options, `valued` ones with the word behind them or behind `=`."""
    kept: list[str] = []
    waiting = list(argv)
    while waiting:
        word = waiting.pop(0)
        name, equals, _ = word.partition("=")
        if name in valued:
            if not equals and waiting:
                waiting.pop(0)
        elif name not in plain:
            kept.append(word)
    return tuple(kept)


def complaint(step: StepRun, *, skip: tuple[str, ...] = ()) -> str:
    """Return the first line of what a step printed that says what is wrong."""
    return telling(step.output, skip=skip)


def telling(output: str, *, skip: tuple[str, ...] = ()) -> str:
    """Return the first line that names an error, else the first that says anything, without a tool's ornaments."""
    lines = [line.strip(ORNAMENTS) for line in clean(output).splitlines()]
    lines = [line for line in lines if any(sign.isalnum() for sign in line) and not line.startswith(skip)]
    at = next((number for number, line in enumerate(lines) if ERROR.match(line)), 0)
    said = (
        " ".join(lines[at : at + 2]) if lines[at : at + 1] and lines[at].endswith(":") else "".join(lines[at : at + 1])
    )
    return said[:300] or "it said nothing"


def by_hand(
    cwd: str, argv: Iterable[str], environment: Mapping[str, str], *, through: tuple[str, ...] = ("pnpm", "exec")
) -> str:
    """Return the line that repeats a command from the repository's root."""
    words = tuple(argv)
    start = () if words[:1] and (words[0] in {"pnpm", *NODE} or "/" in words[0]) else through
    assigned = "".join(f"{name}={shlex.quote(value)} " for name, value in environment.items())
    line = f"{assigned}{shlex.join((*start, *words))}"
    return line if cwd == "." else f"cd {shlex.quote(cwd)} && {line}"
