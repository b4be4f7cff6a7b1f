"""What the report keeps of executions: the files that a verdict names, and the logs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci.model import Check, Execution, Verdict


@dataclass(kw_only=True)
class Keepsakes:
    """Fills up while a run goes on: artifacts of failures by name, logs by check."""

    artifacts: dict[str, bytes] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)  # by check and key of its files

    def keep(self, check: Check, execution: Execution, verdict: Verdict) -> Verdict:
        """Take what the verdict names, and return it with the names as the report has them.

        A check may be executed twice. What the first execution left is kept beside what the second left, and a
        failure that the second verdict takes over from the first has its picture from there.
        """
        folder = check.id.removesuffix("@.")
        if check.id in self.logs:
            folder = f"again/{folder}"  # no stage is called so
        names = {key: f"{folder}/{key}" for key in verdict.artifacts if key in execution.files}
        for key, name in names.items():
            self.artifacts[name] = execution.files[key]
            self.names[check.id, key] = name
        text = "\n".join(f"$ {' '.join(step.argv)}\n{step.output}" for step in execution.steps)
        self.logs[check.id] = f"{self.logs[check.id]}\n\n{text}" if check.id in self.logs else text
        return dataclasses.replace(
            verdict,
            artifacts=tuple(names.values()),
            failures=tuple(
                dataclasses.replace(failure, artifact=self.names.get((check.id, failure.artifact or "")))
                for failure in verdict.failures
            ),
        )
