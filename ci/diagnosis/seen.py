"""What a run showed: its checks, and those that are red."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.model import NOT_HAD, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ci.model import CheckRun, RunReport

RED = frozenset({Status.FAILED, Status.ERROR})
WELL = frozenset({Status.PASSED, Status.FLAKY})


def checks(report: RunReport) -> Iterator[CheckRun]:
    """Give all checks of a report."""
    for stage in report.stages:
        yield from stage.checks


def red(report: RunReport) -> tuple[CheckRun, ...]:
    """Return the checks that failed, or could not be run; not those that waited for them."""
    return tuple(check for check in checks(report) if check.status in RED)


def passed(report: RunReport, wanted: Collection[str]) -> bool:
    """Whether all that was wanted was run, and is well: what did not run proves nothing."""
    well = {check.id for check in checks(report) if check.status in WELL}
    return bool(wanted) and well >= set(wanted) and not red(report)


def lacking(report: RunReport) -> list[str]:
    """Return what the box of a run could not be given of what keeps checks apart: told in the report of a cycle."""
    return [f"checks of the cycle: {each}" for each in report.isolation if each.startswith(NOT_HAD)]
