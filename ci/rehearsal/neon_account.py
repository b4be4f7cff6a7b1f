"""What the Neon stand-in knows, and what it does behind its answers."""

from __future__ import annotations

import datetime
import secrets
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
import psycopg

from ci.errors import ToolError
from ci.rehearsal.neon_documents import branch_document, endpoint_document, operation_document, project_document
from ci.rehearsal.neon_doors import Doors
from ci.rehearsal.neon_faults import OperationFaults
from ci.toolchains.versions import POSTGRES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio.abc import TaskGroup

    from ci.rehearsal.computes import Computes
    from ci.rehearsal.memory import Memory

PORT = 5432  # where nothing can be connected to
VERSION = int(POSTGRES.partition(".")[0])
RESETTING = "resetting"
OPEN = ("scheduling", "running")
OF_A_BRANCH = ("create_branch", "create_timeline", "start_compute")  # which there must be
MAIN, DATABASE, ROLE = "main", "neondb", "neondb_owner"


class RefusedError(Exception):
    """What the real one refuses, with its status and in its words; most have no code."""

    def __init__(self, status: int, message: str, *, code: str = "") -> None:
        """Take what is to be answered."""
        super().__init__(message)
        self.status = status
        self.code = code


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
        self.faults = OperationFaults()
        self.doors = Doors(memory.shelf("ports"), self.reach)
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
        self.doors.open(endpoint)

    def open_doors(self, group: TaskGroup) -> None:
        """Have all computes be reached where they were. Raises OSError where a port is taken."""
        self.doors.group = group
        for name, endpoint in self.endpoints.items() if self.computes else ():
            if endpoint["current_state"] != "init":
                self.doors.open(name)

    def port(self, endpoint: str, *, pooled: bool) -> int:
        """Return where a compute is reached: at once, though nobody listens there before its operations are done."""
        return self.doors.port(endpoint, pooled=pooled) if self.computes else PORT

    # --- what is there --------------------------------------------------------------------------

    def look(self, project: str) -> None:
        """Know the project, and delete what expired in it: when nothing else goes on, and not what has children."""
        if project not in self.projects:
            raise RefusedError(HTTPStatus.NOT_FOUND, "project not found")
        if self.waiting(project):
            return
        now = datetime.datetime.now(datetime.UTC)
        for branch in self.branches_of(project):
            expires = branch["told"].get("expires_at")
            if expires and datetime.datetime.fromisoformat(expires) <= now and not self.children(branch["told"]["id"]):
                self.remove(branch["told"])

    def children(self, branch: str) -> list[dict[str, Any]]:
        """Return the branches that were made of one."""
        return [each for each in self.branches.values() if each["told"].get("parent_id") == branch]

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
        operations = [self.remove_endpoint(endpoint) for endpoint in self.endpoints_of(branch)]
        del self.branches[branch]
        return [*operations, self.begin(project, branch, "delete_timeline")]

    def remove_endpoint(self, endpoint: Mapping[str, Any]) -> dict[str, Any]:
        """Forget a compute, which is reached no more, and note what is to be done about it."""
        self.doors.close(endpoint["id"])
        del self.endpoints[endpoint["id"]]
        return self.begin(endpoint["project_id"], endpoint["branch_id"], "suspend_compute", endpoint["id"])

    async def work(self, project: str) -> None:
        """Do what is to be done for a project, in its order."""
        try:
            while waiting := self.waiting(project):
                operation = {**waiting[0], "status": "running"}
                self.operations[operation["id"]] = operation
                await anyio.sleep(self.moment)
                self.operations[operation["id"]] = {**operation, **await self._done(operation)}
        finally:
            self.working.discard(project)

    async def _done(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        """Do an operation, and return what became of it. What follows for the same branch is not begun if it fails."""
        if operation["action"] in OF_A_BRANCH and operation["branch_id"] not in self.branches:
            return {"status": "skipped"}
        try:
            self.faults.meet(operation["action"])
            await self._do(operation)
        except (ToolError, OSError, psycopg.Error) as error:
            for other in self.waiting(operation["project_id"]):
                if other["branch_id"] == operation["branch_id"]:
                    self.operations[other["id"]] = {**other, "status": "cancelled"}
            return {"status": "failed", "error": str(error), "failures_count": 1}
        return {"status": "finished"}

    async def reach(self, endpoint: str) -> int:
        """Have a compute run for whoever connects to it, and return its port. Raises OSError where it does not."""
        found = self.endpoints.get(endpoint)
        if found is None or self.computes is None or self._is_resetting(found["branch_id"]):
            raise ConnectionRefusedError(endpoint)
        if found["current_state"] == "active" and found["branch_id"] in self.computes.ports:
            return self.computes.ports[found["branch_id"]]
        try:
            return await self.wake(found)
        except (ToolError, psycopg.Error) as error:
            raise ConnectionRefusedError(str(error)) from error

    async def wake(self, endpoint: Mapping[str, Any]) -> int:
        """Have a compute run, and return its port. Raises ToolError."""
        branch, port = endpoint["branch_id"], PORT
        if self.computes:
            await self._made(branch)
            port = await self.computes.start(branch)
        if endpoint["id"] in self.endpoints:  # nobody deleted it meanwhile
            self.endpoints[endpoint["id"]] = {**endpoint, "current_state": "active"}
        return port

    async def _do(self, operation: Mapping[str, Any]) -> None:
        branch, endpoint = operation["branch_id"], self.endpoints.get(operation.get("endpoint_id") or "")
        match operation["action"]:
            case "create_branch":
                await self._made(branch)
                whole = self.branches[branch]
                self.branches[branch] = {**whole, "told": {**whole["told"], "current_state": "ready"}}
            case "create_timeline":
                await self._restored(branch)
            case "start_compute" if endpoint:
                await self.wake(endpoint)
                if self.computes:
                    self.doors.open(endpoint["id"])
            case "suspend_compute":
                if self.computes:
                    await self.computes.stop(branch)
                if endpoint:
                    self.endpoints[endpoint["id"]] = {**endpoint, "current_state": "idle"}
            case _:
                if self.computes:
                    await self.computes.drop(branch)

    def _is_resetting(self, branch: str) -> bool:
        """Whether a branch is being restored, while which nobody may wake what it held."""
        return bool(self.branches[branch]["told"]["current_state"] == RESETTING)

    async def _restored(self, branch: str) -> None:
        """Have a branch hold what another one holds, and the one that keeps what it held before be there."""
        whole = self.branches[branch]
        wanted = whole["restoring"]
        if self.computes:
            if wanted["keep"] is None or not self.computes.has(wanted["keep"]):  # else it has been moved there
                await self._made(branch)
            if wanted["source"] != wanted["keep"]:
                await self._made(wanted["source"])
            await self.computes.replace(branch, wanted["source"], keep=wanted["keep"])
        if wanted["keep"] is not None:
            kept = self.branches[wanted["keep"]]
            self.branches[wanted["keep"]] = {**kept, "told": {**kept["told"], "current_state": "ready"}}
        self.branches[branch] = {**whole, "told": {**whole["told"], "current_state": "ready"}}

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
