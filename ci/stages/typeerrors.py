"""Type errors: each said once, in the package that owns the file, whoever came across it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.model import Counts, Execution, Failure, Status, StepRun, Verdict
from ci.stages import tsc
from ci.stages.judging import could_not_run, ended, local, shown, stopped, tail
from ci.stages.linting import telling
from ci.text import count, few

if TYPE_CHECKING:
    from collections.abc import Iterable

MISSING_TOOL = ("Cannot find module", "ERR_MODULE_NOT_FOUND", "ERR_PNPM_RECURSIVE_EXEC_FIRST_FAIL")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a check stands: its package, all packages by path, those with a check of their own, and those with none."""

    package: str
    packages: tuple[str, ...]
    checked: frozenset[str]
    uncovered: tuple[str, ...] = ()

    def owner(self, file: str) -> str:
        """Return the package whose directory holds the file most closely."""
        inside = [path for path in self.packages if file.startswith(f"{path}/")]
        return max(inside, key=len, default=".")


def judge(execution: Execution, *, kinds: tuple[bool, ...], place: Place) -> Verdict:
    """Read the errors of every compiler run; `kinds` says of each step whether it is one, or comes before."""
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    printed = [tsc.read(execution, index) for index in range(len(execution.steps))]
    broken = [run for run, compiler in zip(execution.steps, kinds, strict=False) if not run.succeeded and not compiler]
    failures = _distinct(failure for each in printed for failure in each.failures)
    own = tuple(failure for failure in failures if not _elsewhere(failure, place))
    unexplained = [
        run for run, each in zip(execution.steps, printed, strict=True) if not run.succeeded and not each.failures
    ]
    listed = frozenset(file for each in printed for file in each.files or ())
    known = [each for each in printed if each.files is not None or each.number is not None]
    files = len(listed) + sum(each.number or 0 for each in printed) if known else None
    counts = Counts(failed=len(own), files=files)
    notices = (*_reported_there(failures, place), *not_covered(_left(place, listed)))
    for run in (*broken, *unexplained):
        return _unexplained(execution, run, counts, notices, own)
    if own:
        where = {failure.file for failure in own if failure.file}
        reason = f"{count(len(own), 'type error')} in {count(len(where), 'file')}" if where else own[0].message
        return Verdict(status=Status.FAILED, reason=reason, counts=counts, failures=own, notices=notices)
    if files == 0:
        reason = "0 files were checked: the tsconfig names only references, which need `tsc -b`, or nothing at all"
        return Verdict(
            status=Status.FAILED, reason=reason, counts=counts, failures=(Failure(message=reason),), notices=notices
        )
    return Verdict(status=Status.PASSED, counts=counts, notices=notices)


def _unexplained(
    execution: Execution, run: StepRun, counts: Counts, notices: tuple[str, ...], failures: tuple[Failure, ...]
) -> Verdict:
    """A run that failed without a type error: its tool is not there, or it says why in words of its own."""
    index = execution.steps.index(run)
    printed = execution.files.get(f"types-{index}.txt", b"").decode(errors="replace")
    output = local(f"{printed}\n{run.output}", execution)
    said = telling(output)
    missing = any(sign in output for sign in MISSING_TOOL) and not failures
    reason = f"{shown(run.argv)}: {ended(run)}: {said}"
    more = Failure(message=reason, detail=tail(output))
    status = Status.ERROR if missing else Status.FAILED
    return Verdict(status=status, reason=reason, counts=counts, failures=(*failures, more), notices=notices)


def not_covered(packages: Iterable[str]) -> tuple[str, ...]:
    """Say that nothing checks these packages."""
    names = tuple(packages)
    return (f"not covered: nothing checks the types of {few(names, most=8)}",) if names else ()


def _distinct(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Keep the first of each error: several configurations of one package may come across the same."""
    seen: dict[tuple[str | None, int | None, str | None, str], Failure] = {}
    for failure in failures:
        seen.setdefault((failure.file, failure.line, failure.rule, "" if failure.file else failure.message), failure)
    return tuple(seen.values())


def _elsewhere(failure: Failure, place: Place) -> bool:
    """Whether another package owns the file and has a check that says so."""
    owner = place.package if failure.file is None else place.owner(failure.file)
    return owner != place.package and owner in place.checked


def _reported_there(failures: tuple[Failure, ...], place: Place) -> tuple[str, ...]:
    numbers: dict[str, int] = {}
    for failure in failures:
        if failure.file is not None and _elsewhere(failure, place):
            owner = place.owner(failure.file)
            numbers[owner] = numbers.get(owner, 0) + 1
    return tuple(f"{count(number, 'error')} in {owner}, reported there" for owner, number in numbers.items())


def _left(place: Place, listed: frozenset[str]) -> tuple[str, ...]:
    """Return the packages without a check of their own none of whose files this one looked at."""
    seen = {place.owner(file) for file in listed}
    return tuple(path for path in place.uncovered if path not in seen)
