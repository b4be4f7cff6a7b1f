"""Type errors: each said once, in the package that owns the file, whoever came across it."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci.model import Check, Counts, Execution, Failure, Status, Step, Verdict
from ci.stages import tsc
from ci.stages.judging import could_not_run, ended, local, stopped, tail
from ci.stages.linting import asked, telling
from ci.text import count, few

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MISSING_TOOL = ("Cannot find module", "ERR_MODULE_NOT_FOUND", "ERR_PNPM_RECURSIVE_EXEC_FIRST_FAIL")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a check stands among the packages of the workspace.

    `checked` maps the packages that have a check of their own to the steps of it. `uncovered` are packages that
    nothing checks unless this check happens to.
    """

    package: str
    packages: tuple[str, ...]
    checked: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    uncovered: tuple[str, ...] = ()

    def owner(self, failure: Failure) -> str:
        """Return the package whose directory holds the error's file most closely; this one where it has none."""
        return self.package if failure.file is None else self.holder(failure.file)

    def holder(self, file: str) -> str:
        """Return the package whose directory holds a file most closely."""
        return max((path for path in self.packages if file.startswith(f"{path}/")), key=len, default=".")

    def elsewhere(self, failure: Failure) -> bool:
        """Whether another package owns the file and has a check that says so."""
        owner = self.owner(failure)
        return owner != self.package and owner in self.checked


def judge(execution: Execution, *, kinds: tuple[bool, ...], place: Place, again: Check | None = None) -> Verdict:
    """Read the errors of every compiler run; `kinds` says of each step whether it is one, or comes before.

    An error in a package that has a check of its own is left to that once its own command says so too, which this
    check, `again`, asks it: the same compiler with the same options may look at other files there, or know others.
    """
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    printed = [tsc.read(execution, index) for index in range(len(execution.steps))]
    failures = distinct(failure for each in printed for failure in each.failures)
    foreign = tuple(failure for failure in failures if again is not None and place.elsewhere(failure))
    own = tuple(failure for failure in failures if failure not in foreign)
    verdict = _verdict(own, printed, place)
    for index, (run, each, compiler) in enumerate(zip(execution.steps, printed, kinds, strict=False)):
        if not run.succeeded and not (compiler and each.failures):
            return _unexplained(execution, index, verdict)
    if not foreign or again is None:
        return verdict
    steps = [step for owner in sorted({place.owner(failure) for failure in foreign}) for step in place.checked[owner]]
    renumbered = tuple(
        dataclasses.replace(step, keep_going=True, stdout=step.stdout and tsc.report_name(index))
        for index, step in enumerate(steps)
    )
    confirmed = functools.partial(confirm, first=verdict, foreign=foreign, place=place)
    return dataclasses.replace(verdict, second=dataclasses.replace(again, steps=renumbered, judge=confirmed))


def confirm(execution: Execution, *, first: Verdict, foreign: tuple[Failure, ...], place: Place) -> Verdict:
    """Keep those errors in other packages' files that the packages' own commands do not come across."""
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    printed = [tsc.read(execution, index) for index in range(len(execution.steps))]
    said = {_key(failure) for each in printed for failure in each.failures}
    only_here = tuple(failure for failure in foreign if _key(failure) not in said)
    first = _with_notices(first, *_reported_there(tuple(each for each in foreign if each not in only_here), place))
    if not only_here:
        return first
    failures = (*first.failures, *only_here)
    return dataclasses.replace(
        _with_notices(first, *_let_pass(only_here, printed, place)),
        status=Status.FAILED,
        reason=_reason(failures),
        failures=failures,
        counts=dataclasses.replace(first.counts, failed=len(failures)),
    )


def not_covered(packages: Iterable[str]) -> tuple[str, ...]:
    """Say that nothing checks these packages."""
    names = tuple(packages)
    return (f"not covered: nothing checks the types of {few(names, most=8)}",) if names else ()


def distinct(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Keep the first of each error: several configurations of one package may come across the same."""
    return tuple({_key(failure): failure for failure in reversed(tuple(failures))}.values())[::-1]


def _key(failure: Failure) -> tuple[str | None, int | None, str | None, str]:
    return failure.file, failure.line, failure.rule, "" if failure.file and failure.rule else failure.message


def _verdict(own: tuple[Failure, ...], printed: list[tsc.Printed], place: Place) -> Verdict:
    listed = frozenset(file for each in printed for file in each.files or ())
    told = any(each.files is not None or each.number is not None for each in printed)
    files = len(listed) + sum(each.number or 0 for each in printed) if told else None
    seen = {place.holder(file) for file in listed}
    notices = not_covered(path for path in place.uncovered if path not in seen)
    status, reason = Status.PASSED, None
    if own:
        status, reason = Status.FAILED, _reason(own)
    elif files == 0:
        reason = "0 files were checked: the tsconfig names only references, which need `tsc -b`, or nothing at all"
        status, own = Status.FAILED, (Failure(message=reason),)
    counts = Counts(failed=len(own), files=files)
    return Verdict(status=status, reason=reason, counts=counts, failures=own, notices=notices)


def _reason(failures: tuple[Failure, ...]) -> str:
    files = {failure.file for failure in failures if failure.file}
    if not files:
        return failures[0].message
    return f"{count(len(failures), 'type error')} in {count(len(files), 'file')}"


def _unexplained(execution: Execution, index: int, verdict: Verdict) -> Verdict:
    """A run that failed without a type error: its tool is not there, or it says why in words of its own."""
    run = execution.steps[index]
    printed = execution.files.get(tsc.report_name(index), b"").decode(errors="replace")
    output = local(f"{printed}\n{run.output}", execution)
    reason = f"{asked(run.argv)}: {ended(run)}: {telling(output, skip=('>', '$'))}"
    found = verdict.failures if verdict.counts.files != 0 else ()
    missing = any(sign in output for sign in MISSING_TOOL) and not found
    failures = (*found, Failure(message=reason, detail=tail(output)))
    status = Status.ERROR if missing else Status.FAILED
    return dataclasses.replace(verdict, status=status, reason=reason, failures=failures)


def _with_notices(verdict: Verdict, *notices: str) -> Verdict:
    return dataclasses.replace(verdict, notices=(*verdict.notices, *notices))


def _reported_there(failures: tuple[Failure, ...], place: Place) -> tuple[str, ...]:
    owners = [place.owner(failure) for failure in failures]
    return tuple(f"{count(owners.count(owner), 'error')} in {owner}, reported there" for owner in dict.fromkeys(owners))


def _let_pass(failures: tuple[Failure, ...], printed: list[tsc.Printed], place: Place) -> tuple[str, ...]:
    """Say of each package why its own command does not say the same, as far as that is known."""
    told = all(each.files is not None for each in printed)
    listed = {file for each in printed for file in each.files or ()}
    unseen: dict[str, dict[str, None]] = {}
    for failure in failures:
        files = unseen.setdefault(place.owner(failure), {})
        if told and failure.file and tsc.SOURCE.search(failure.file) and failure.file not in listed:
            files[failure.file] = None
    return tuple(
        f"{owner}: its own command does not look at {few(tuple(files))}"
        if files
        else f"{owner}: its own command lets pass what that of {place.package} does not"
        for owner, files in sorted(unseen.items())
    )
