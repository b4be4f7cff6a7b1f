"""Secrets end here: what comes out of an executor is redacted before anything judges, shows or keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread

if TYPE_CHECKING:
    from ci.model import Check, Execution, Executor
    from ci.redact import Redactor


@dataclass(frozen=True, kw_only=True)
class Redacting:
    """An executor whose executions hold no secret: what judges, reports and logs are made of."""

    executor: Executor
    redactor: Redactor

    @property
    def name(self) -> str:
        """The name of the executor inside."""
        return self.executor.name

    async def execute(self, check: Check) -> Execution:
        """Execute, then redact."""
        execution = await self.executor.execute(check)
        return await anyio.to_thread.run_sync(self.redactor.execution, execution)
