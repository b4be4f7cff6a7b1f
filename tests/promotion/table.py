"""Whoever runs stages, tests and migrations in the small town, by what a table says; and nobody for a lease."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci.model import STAGES, CheckRun, Failure, RunReport, RunVerdict, StageRun, Status
from ci.promotion.work import What
from ci.reporting.document import to_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ci.journal import Journal
    from ci.promotion.work import Asked


@dataclass(kw_only=True)
class Table:
    """Whoever runs stages, tests and migrations: green, but for what is red. `asked` is what was run."""

    journal: Journal
    red: dict[What, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    seconds: float = 100.0
    skipped: tuple[str, ...] = ()
    only: str | None = None  # the environment with whose services it is red
    during: Callable[[Asked], None] = lambda _asked: None

    async def run(self, asked: Asked) -> RunReport:
        """Say what the table says."""
        self.asked.append(asked)
        self.during(asked)
        red = self.red.get(asked.what) if self.only in {None, asked.environment} else None
        status = Status.FAILED if red else Status.PASSED
        check = CheckRun(
            stage="unit",
            name="table",
            package=".",
            status=status,
            reason=red,
            failures=(Failure(message=red),) if red else (),
        )
        stages = tuple(
            StageRun(
                name=stage.name,
                status=status
                if stage.name == "unit"
                else Status.SKIPPED
                if stage.name in self.skipped
                else Status.PASSED,
                target=stage.target,
                seconds=self.seconds / len(STAGES),
                full_seconds=self.seconds / len(STAGES),
                checks=(dataclasses.replace(check, stage=stage.name),) if stage.name == "unit" else (),
            )
            for stage in STAGES
        )
        report = RunReport(
            id=f"run-{time.time_ns()}",
            kind="run",
            tool="shipway 0",
            repository="town",
            started="2026-01-01T00:00:00Z",
            verdict=RunVerdict.FAILED if red else RunVerdict.PASSED,
            seconds=self.seconds,
            executor="table",
            executor_reason="a table",
            isolation=(),
            slots=1,
            stages=stages,
            commit=asked.commit,
            environment=asked.environment,
        )
        if asked.what is What.STAGES:
            self.journal.evidence.record(
                report.id, commit=asked.commit, environment=asked.environment, report=to_json(report)
            )
        return report

    def _status(self, stage: str, of_unit: Status) -> Status:
        if stage == "unit":
            return of_unit
        return Status.SKIPPED if stage in self.skipped else Status.PASSED


@dataclass(kw_only=True)
class Slow(Table):
    """One that has something done while tier 2 runs."""

    then: Callable[[Asked], Awaitable[None]]

    async def run(self, asked: Asked) -> RunReport:
        """Have it done first."""
        if asked.what is What.TIER_2:
            await self.then(asked)
        return await super().run(asked)


class Unheld:
    """In the place of a lease, for what a person does."""

    async def __call__(self) -> None:
        """Let everything through."""
