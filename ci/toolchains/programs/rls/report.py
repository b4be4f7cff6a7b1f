"""What was found, in the shape of the JSON that is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Report:
    """Grows while the verification goes on. `problems` make it red; `errors` say what could not be verified."""

    tables: list[dict[str, Any]] = field(default_factory=list)
    role: list[dict[str, Any]] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    functions: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def table(self, name: str) -> TableReport:
        """Begin a table."""
        entry: dict[str, Any] = {"table": name, "checks": []}
        self.tables.append(entry)
        return TableReport(report=self, entry=entry)

    def add(self, other: Report, *, kind: str) -> None:
        """Take over what another report says of its tables by the checks of one kind."""
        checks = {
            entry["table"]: [check for check in entry["checks"] if check["name"] == kind] for entry in other.tables
        }
        for entry in self.tables:
            entry["checks"] += checks.get(entry["table"], [])
        self.problems += [problem for problem in other.problems if problem["kind"] == kind]

    def problem(self, table: str | None, problem: str, *, kind: str, command: str | None = None) -> None:
        """Add what is wrong, said once."""
        self.problems.append({"table": table, "problem": problem, "kind": kind, "command": command, "file": None})


@dataclass(kw_only=True)
class TableReport:
    """The part of one table."""

    report: Report
    entry: dict[str, Any]

    @property
    def name(self) -> str:
        """`schema.table`."""
        name: str = self.entry["table"]
        return name

    def check(self, name: str, *, ok: bool, message: str, command: str | None = None) -> None:
        """Add one check; what is not ok is a problem too, of the kind `name`."""
        self.entry["checks"].append({"name": name, "ok": ok, "message": message})
        if not ok:
            self.report.problem(self.name, f"{self.name}: {message}", kind=name, command=command)

    def error(self, message: str) -> None:
        """Say why the table could not be tried."""
        self.entry["error"] = message
        self.report.errors.append(f"{self.name}: {message}")
