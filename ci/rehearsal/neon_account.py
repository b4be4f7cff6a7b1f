"""What the Neon stand-in knows, and what it does behind its answers."""

from __future__ import annotations

import datetime
import secrets
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio

from ci.errors import ToolError
from ci.rehearsal.neon_documents import branch_document, endpoint_document, operation_document, project_document
from ci.toolchains.versions import POSTGRES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.rehearsal.computes import Computes
    from ci.rehearsal.memory import Memory

PORT = 5432  # where nothing can be connected to
VERSION = int(POSTGRES.partition(".")[0])
OPEN = ("scheduling", "running")
MAIN, DATABASE, ROLE = "main", "neondb", "neondb_owner"


class RefusedError(Exception):
    """What the real one refuses, with its status and in its words."""

    def __init__(self, status: int, message: str) -> None:
        """Take what is to be answered."""
        super().__init__(message)
        self.status = status


class Account:
    """Projects with their branches, computes and operations; `moment` is how many seconds an operation takes at least.

    A branch's document holds what the real one tells, under "told", and what it does not: its databases, by their
    owners, its roles, by their passwords, and what it is a copy of. Without `computes` there is nothing to connect to.
    """

    def __init__(self, memory: Memory, computes: Computes | None, *, moment: float) -> None:
        """Know what it knew before."""
        self.computes = computes
        self.moment = moment
        self.projects = memory.shelf("projects")
        self.branches = memory.shelf("branches")
        self.endpoints = memory.shelf("endpoints")
        self.operations = memory.shelf("operations")
        self.working: set[str] = set()
        for key, endpoint in self.endpoints.items():
            if computes and endpoint["current_state"] == "active" and endpoint["branch_id"] not in computes.ports:
                self.endpoints[key] = {**endpoint, "current_state": "idle"}  # it ended with the world before

    def open_project(self, project: str, *, database: str = DATABASE, role: str = ROLE) -> None:
        """Make a project with the branch `main` and an idle compute, as a person does in the console."""
        if project in self.projects:
            return
        self.projects[project] = project_document(project, VERSION)
        branch, endpoint = f"br-{project}"[:60], f"ep-{project}"[:60]
        self.branches[branch] = {
            "told": branch_document(branch, project, MAIN, first=True),
            "databases": {database: role},
            "roles": {role: f"npg_{secrets.token_hex(12)}"},
            "rows": True,
            "copied_from": None,
        }
        self.endpoints[endpoint] = endpoint_document(endpoint, project, branch, state="idle")

    # --- what is there --------------------------------------------------------------------------

    def look(self, project: str) -> None:
        """Know the project, and delete what expired in it."""
        if project not in self.projects:
            raise RefusedError(HTTPStatus.NOT_FOUND, "project not found")
        now = datetime.datetime.now(datetime.UTC)
        for branch in self.branches_of(project):
            expires = branch["told"].get("expires_at")
            if expires and datetime.datetime.fromisoformat(expires) <= now:
                self.remove(branch["told"])

    def branches_of(self, project: str) -> list[dict[str, Any]]:
        """Return a project's branches, the oldest first."""
        return [each for each in self.branches.values() if each["told"]["project_id"] == project]

    def branch(self, project: str, branch: str | None) -> dict[str, Any]:
        """Return a branch by its id; the default one where none is named."""
        for each in self.branches_of(project):
            if each["told"]["id"] == branch or (not branch and each["told"]["default"]):
                return each
        raise RefusedError(HTTPStatus.NOT_FOUND, "branch not found")

    def endpoint(self, project: str, endpoint: str) -> dict[str, Any]:
        """Return a compute by its id."""
        found: dict[str, Any] | None = self.endpoints.get(endpoint)
        if found is None or found["project_id"] != project:
            raise RefusedError(HTTPStatus.NOT_FOUND, "endpoint not found")
        return found

    def endpoints_of(self, branch: str) -> list[dict[str, Any]]:
        """Return a branch's computes."""
        return [each for each in self.endpoints.values() if each["branch_id"] == branch]

    def operations_of(self, project: str) -> list[dict[str, Any]]:
        """Return a project's operations, the oldest first."""
        return [each for each in self.operations.values() if each["project_id"] == project]

    # --- what is to be done ---------------------------------------------------------------------

    def lock(self, project: str) -> None:
        """Refuse a change while another one goes on."""
        if self.waiting(project):
            message = "project already has running operations, scheduling of new ones is prohibited"
            raise RefusedError(HTTPStatus.LOCKED, message)

    def waiting(self, project: str) -> list[dict[str, Any]]:
        """Return the operations that are not over."""
        return [each for each in self.operations_of(project) if each["status"] in OPEN]

    def begin(self, project: str, branch: str, action: str, endpoint: str | None = None) -> dict[str, Any]:
        """Note something to be done."""
        operation = operation_document(str(uuid.uuid4()), project, branch, action, endpoint)
        self.operations[operation["id"]] = operation
        return operation

    def remove(self, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Forget a branch and its computes, and note what is to be done about them."""
        project, branch = told["project_id"], told["id"]
        operations = []
        for endpoint in self.endpoints_of(branch):
            del self.endpoints[endpoint["id"]]
            operations.append(self.begin(project, branch, "suspend_compute", endpoint["id"]))
        del self.branches[branch]
        return [*operations, self.begin(project, branch, "delete_timeline")]

    async def work(self, project: str) -> None:
        """Do what is to be done for a project, in its order."""
        try:
            while waiting := self.waiting(project):
                operation = {**waiting[0], "status": "running"}
                self.operations[operation["id"]] = operation
                await anyio.sleep(self.moment)
                try:
                    await self._do(operation)
                    operation |= {"status": "finished"}
                except ToolError as error:
                    operation |= {"status": "failed", "error": error.message, "failures_count": 1}
                self.operations[operation["id"]] = operation
        finally:
            self.working.discard(project)

    async def wake(self, endpoint: Mapping[str, Any]) -> int:
        """Have a compute run, and return its port. Raises ToolError."""
        branch, port = endpoint["branch_id"], PORT
        if self.computes:
            await self._made(branch)
            port = await self.computes.start(branch)
        self.endpoints[endpoint["id"]] = {**endpoint, "current_state": "active"}
        return port

    async def _do(self, operation: Mapping[str, Any]) -> None:
        branch, endpoint = operation["branch_id"], self.endpoints.get(operation.get("endpoint_id") or "")
        match operation["action"]:
            case "create_branch":
                await self._made(branch)
                whole = self.branches[branch]
                self.branches[branch] = {**whole, "told": {**whole["told"], "current_state": "ready"}}
            case "start_compute" if endpoint:
                await self.wake(endpoint)
            case "suspend_compute":
                if self.computes:
                    await self.computes.stop(branch)
                if endpoint:
                    self.endpoints[endpoint["id"]] = {**endpoint, "current_state": "idle"}
            case _:
                if self.computes:
                    await self.computes.drop(branch)

    async def _made(self, branch: str) -> None:
        """Have a branch's data be there."""
        whole = self.branches[branch]
        parent = whole["copied_from"]
        if self.computes is None:
            return
        if parent is None:
            await self.computes.make(branch, roles=whole["roles"], databases=whole["databases"])
        elif not self.computes.has(branch):
            await self._made(parent)
            await self.computes.copy(parent, branch, rows=whole["rows"])
