"""What was found, in the shape of the JSON that is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(kw_only=True)
class Report:
    """Grows while the verification goes on.

    `problems` make it red; `errors` say what could not be verified; `notes` are for a person to know.
    """

    tables: list[dict[str, Any]] = field(default_factory=list)
    role: list[dict[str, Any]] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    functions: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def table(self, name: str) -> TableFindings:
        """Begin a table."""
        entry: dict[str, Any] = {"table": name, "checks": []}
        self.tables.append(entry)
        return TableFindings(report=self, entry=entry)

    def view(self, name: str, kind: str) -> ViewFindings:
        """Begin a view; `kind` says what sort of view it is, with its article."""
        entry: dict[str, Any] = {"view": name, "leaks": False, "message": f"{kind}: not tried"}
        self.views.append(entry)
        return ViewFindings(report=self, entry=entry, kind=kind)

    def add(self, other: Report, *, kind: str) -> None:
        """Take over what another report says of its tables by the checks of one kind."""
        checks = {
            entry["table"]: [check for check in entry["checks"] if check["name"] == kind] for entry in other.tables
        }
        for entry in self.tables:
            entry["checks"] += checks.get(entry["table"], [])
        self.problems += [problem for problem in other.problems if problem["kind"] == kind]

    def add_as(self, role: str, other: Report) -> None:
        """Take over what another report found as a role that the application's may become, and this one did not.

        Such a role may see no row and have next to no rights: what proves nothing for it is no fault.
        """
        known = {(problem["table"], problem["kind"], problem["command"]) for problem in self.problems}
        for problem in other.problems:
            if (problem["table"], problem["kind"], problem["command"]) not in known:
                self.problems.append({**problem, "problem": f"{problem['problem']}, after SET ROLE {role}"})

    def problem(self, table: str | None, problem: str, *, kind: str, command: str | None = None) -> None:
        """Add what is wrong, said once."""
        self.problems.append({"table": table, "problem": problem, "kind": kind, "command": command, "file": None})


class Findings(Protocol):
    """Where a trial says what it found."""

    def check(self, name: str, *, ok: bool, message: str, command: str | None = None) -> None:
        """Say how one check ended."""

    def error(self, message: str) -> None:
        """Say what could not be tried."""

    def note(self, message: str) -> None:
        """Say what a person should know though nothing is wrong."""


@dataclass(kw_only=True)
class TableFindings:
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

    def note(self, message: str) -> None:
        """Add a note about the table."""
        self.report.notes.append(f"{self.name}: {message}")


@dataclass(kw_only=True)
class ViewFindings:
    """The part of one view: in its one message, what was tried first that leaks, else what reading it showed."""

    report: Report
    entry: dict[str, Any]
    kind: str

    def check(self, name: str, *, ok: bool, message: str, command: str | None = None) -> None:
        """Add one check; what is not ok is a problem too, of the kind `view`."""
        view = self.entry["view"]
        if not ok:
            self.entry["leaks"] = True
            self.report.problem(view, f"{view}, {self.kind}: {message}", kind="view", command=command)
        if not ok or name == "select":
            self.entry["message"] = f"{self.kind}: {message}"

    def error(self, message: str) -> None:
        """Say why the view could not be tried."""
        self.entry["message"] = f"{self.kind}: {message}"
        self.report.errors.append(f"{self.entry['view']}: {message}")

    def note(self, message: str) -> None:
        """Add a note about the view."""
        self.report.notes.append(f"{self.entry['view']}: {message}")
