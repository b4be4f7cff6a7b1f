"""Repairs without a model: a check that runs fixers in the executor's box, and which files it brings back.

A repair is a check like any other: it runs in a workspace of its own that is thrown away. Only files that the failures
name come out of it; whatever else it wrote is discarded with the workspace. Whether it helped, the failed checks say
when they are run again on the mended files.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wcmatch import glob

from ci.diagnosis.fixers import Fixer, fixer_of, formatter_of
from ci.diagnosis.seen import RED
from ci.model import Check, Network, Plan, Reuse, Status, Verdict
from ci.outcome import GREEN
from ci.stages.judging import could_not_run, stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ci.model import CheckRun, Execution
    from ci.reporting.keepsakes import Keepsakes

FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.BRACE
NAME = "repair"
# What may be red for another reason than the files: time, order, a machine that is busy.
WAVERING = frozenset({"unit", "integration", "e2e"})
WAVERING_CHECKS = frozenset({"lighthouse"})
REDACTED = b"[redacted "


@dataclass(frozen=True, kw_only=True)
class Repair:
    """`check` runs the `fixers`; `files` are globs of what may come back. `proves` are the ids of the failed checks."""

    fixers: tuple[str, ...]
    check: Check
    files: tuple[str, ...]
    proves: tuple[str, ...]


def repairs(plan: Plan, runs: Iterable[CheckRun]) -> tuple[Repair, ...]:
    """Return what tools could repair of the checks that are red, each on its own, the most basic first.

    All linters work on one tree, one after the other, and those that format come last: the plan's formatters, too, that
    had nothing to say before. What they change beside the named files does not come back.
    """
    by_id = {run.id: run for run in runs if run.status in RED}
    red = [(check, by_id[check.id]) for check in plan.checks if check.id in by_id]
    found = [(check, run, fixer) for check, run in red if (fixer := fixer_of(check, run)) is not None]
    installs = [_locks(check, fixer) for check, _, fixer in found if check.stage == "install"]
    lints = [each for each in found if each[0].stage != "install"]
    return (*installs, *((_lints(plan, lints),) if lints else ()))


def _locks(check: Check, fixer: Fixer) -> Repair:
    made = dataclasses.replace(
        check, name=NAME, steps=fixer.steps(check.steps), needs=(), outputs=(), reuse=Reuse.NEVER, reports=fixer.files
    )
    return _repair(made, (fixer.name,), fixer.files, (check.id,))


def _lints(plan: Plan, found: list[tuple[Check, CheckRun, Fixer]]) -> Repair:
    files: dict[str, None] = {}
    for check, run, fixer in found:
        named = [glob.escape(failure.file) for failure in run.failures if failure.file and fixer.takes(failure)]
        files |= dict.fromkeys(named or ("**/*" if check.package == "." else f"{check.package}/**",))
    red = {check.id for check, _, _ in found}
    after = [(check, each) for check in plan.checks if check.id not in red and (each := formatter_of(check))]
    chosen = [(check, fixer) for check, _, fixer in found] + after
    chosen.sort(key=lambda each: each[1].formats)
    first = found[0][0]
    needs = {need for check, _ in chosen for need in check.needs}
    made = dataclasses.replace(
        first,
        name=NAME,
        package=".",
        steps=tuple(step for check, fixer in chosen for step in fixer.steps(check.steps)),
        needs=tuple(check.id for check in plan.checks if check.id in needs),
        outputs=(),
        environment={name: value for check, _ in chosen for name, value in check.environment.items()},
        network=Network.LOOPBACK,
        reports=tuple(files),
        reuse=Reuse.NEVER,
    )
    names = tuple(dict.fromkeys(fixer.name for _, _, fixer in found))
    return _repair(made, names, tuple(files), tuple(check.id for check, _, _ in found))


def _repair(check: Check, fixers: tuple[str, ...], files: tuple[str, ...], proves: tuple[str, ...]) -> Repair:
    why = f"repairs {', '.join(proves)}"
    made = dataclasses.replace(check, judge=functools.partial(judge, files=files), stands=None, why=why, repeat="")
    return Repair(fixers=fixers, check=made, files=files, proves=proves)


def judge(execution: Execution, *, files: tuple[str, ...]) -> Verdict:
    """Name the files that came back; how the tools ended says nothing, for they complain of what they cannot mend."""
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    return Verdict(status=Status.PASSED, artifacts=tuple(path for path in execution.files if _within(path, files)))


def brought(kept: Keepsakes, repair: Repair) -> Mapping[str, bytes]:
    """Return the files that a repair named in a run, by their paths from the workspace's root."""
    return {path: kept.artifacts[name] for (check, path), name in kept.names.items() if check == repair.check.id}


def mended(
    repair: Repair, files: Mapping[str, bytes], before: Callable[[str], bytes | None]
) -> Mapping[str, bytes] | None:
    """Return the files that a repair changed, from the workspace's root, None where it changed none.

    `files` are those that it brought back; `before` gives a file as it was, None where there was none: a repair adds no
    file. Where something was redacted in one, its content is no longer what the tool wrote, and nothing of the repair
    is of use.
    """
    changed: dict[str, bytes] = {}
    for path, content in files.items():
        was = before(path) if _within(path, repair.files) else None
        if was is None or content == was:
            continue
        if content.count(REDACTED) > was.count(REDACTED):
            return None
        changed[path] = content
    return changed or None


def plan_of(plan: Plan, *checks: Check) -> Plan:
    """Return a plan with these checks and all they need, each after that; a check of the plan's own may be another now.

    So a repair runs, and so do failed checks again.
    """
    known = {check.id: check for check in plan.checks} | {check.id: check for check in checks}
    wanted: dict[str, Check] = {}

    def place(check: Check) -> None:
        for need in check.needs:
            place(known[need])
        wanted.setdefault(check.id, check)

    for check in checks:
        place(check)
    return Plan(checks=tuple(wanted.values()))


def second_runs(plan: Plan, runs: Iterable[CheckRun]) -> tuple[Check, ...]:
    """Return the checks that may be red by chance, to be run again as a whole on the same files."""
    red = {run.id for run in runs if run.status in RED}
    return tuple(
        dataclasses.replace(check, reuse=Reuse.NEVER)
        for check in plan.checks
        if check.id in red and (check.stage in WAVERING or check.name in WAVERING_CHECKS)
    )


def is_flake(first: CheckRun, second: CheckRun) -> bool:
    """Whether a second run of the same files proves that the first was red by chance: then nothing is to be mended."""
    return first.id == second.id and first.status in RED and second.status in GREEN and second.cached_from is None


def _within(path: str, globs: tuple[str, ...]) -> bool:
    return bool(glob.globmatch(path, list(globs), flags=FLAGS))
