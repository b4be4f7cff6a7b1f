"""What a run of some checks showed, as a proof needs it: how each ended, which tests ran, what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci.model import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.model import CheckRun, RunReport

RED = frozenset({Status.FAILED, Status.ERROR})


def checks(report: RunReport) -> Iterator[CheckRun]:
    """Give all checks of a report."""
    for stage in report.stages:
        yield from stage.checks


def red(report: RunReport) -> tuple[CheckRun, ...]:
    """Return the checks that failed, or could not be run; not those that waited for them."""
    return tuple(check for check in checks(report) if check.status in RED)


def failing(check: CheckRun) -> tuple[str, ...]:
    """Return the ids of what failed in a check: of its tests, else of what its tool complains about."""
    found = []
    for failure in check.failures:
        if failure.test_id is not None:
            found.append(failure.test_id)
        else:
            found.append(" ".join(filter(None, (failure.file, failure.rule))) or failure.message)
    return tuple(dict.fromkeys(found))


def plain(report: RunReport) -> dict[str, Any]:
    """Return it as JSON has it, by the checks' ids."""
    return {
        check.id: {
            "status": check.status.value,
            "reason": check.reason,
            "executed": list(check.executed),
            "failing": list(failing(check)),
        }
        for check in checks(report)
    }
