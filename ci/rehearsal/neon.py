"""Neon's API v2, standing in: projects, branches with databases and roles, computes that are real Postgres servers.

Changes answer at once and are done in the background, as operations; while a project has any, it answers other changes
with 423. What it had not done when it was killed it does when it is asked again. A branch is deleted when it expires.
A compute is reached at an address that stays, over restarts too, and wakes when somebody connects. That address is
told at once; nobody listens there before the operations are done.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.errors import ToolError
from ci.rehearsal import neon_restoring as restoring
from ci.rehearsal.computes import Computes, computing
from ci.rehearsal.neon_account import Account, RefusedError
from ci.rehearsal.neon_documents import HOST, MOST_BRANCHES, USER, branch_document, endpoint_document
from ci.rehearsal.neon_requests import COPIED, hold, limit_of, object_of
from ci.rehearsal.standin import StandIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from starlette.requests import Request

API = "/api/v2"
KEY = re.compile(r"Bearer napi_[a-z0-9]{40,}", re.IGNORECASE)
MOMENT = 0.2  # seconds that an operation takes at least


class Neon(StandIn):
    """One account, whose keys are all that look like one; what it knows is in `account`."""

    def __init__(self, directory: Path, computes: Computes | None = None, *, moment: float = MOMENT) -> None:
        """Know what it knew before. Without `computes` there is nothing to connect to."""
        project, branch = f"{API}/projects/{{project}}", f"{API}/projects/{{project}}/branches/{{branch}}"
        endpoint = f"{project}/endpoints/{{endpoint}}"
        routes = [
            self._route("GET", f"{API}/users/me", self._user),
            self._route("GET", project, self._project),
            self._route("GET", f"{project}/branches", self._list),
            self._route("POST", f"{project}/branches", self._create),
            self._route("GET", branch, self._branch),
            self._route("DELETE", branch, self._delete),
            self._route("POST", f"{branch}/restore", self._restore),
            self._route("GET", f"{branch}/endpoints", self._endpoints),
            self._route("GET", f"{branch}/databases", self._databases),
            self._route("GET", f"{branch}/roles", self._roles),
            self._route("POST", f"{project}/endpoints", self._add_endpoint),
            self._route("DELETE", endpoint, self._delete_endpoint),
            self._route("POST", f"{endpoint}/start", self._start),
            self._route("POST", f"{endpoint}/suspend", self._suspend),
            self._route("GET", f"{project}/connection_uri", self._connection_uri),
            self._route("GET", f"{project}/operations", self._operations),
            self._route("GET", f"{project}/operations/{{operation}}", self._operation),
        ]
        super().__init__("neon", directory, routes, unknown=_nothing_there)
        self.account = Account(self.memory, computes, moment=moment)
        self.answer_at(self.account.faults.routes())

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Have computes be reached for as long as it is served. A port that is taken is an OSError."""
        async with anyio.create_task_group() as group:
            try:
                self.account.open_doors(group)
                yield
            finally:
                self.account.doors.end()
                group.cancel_scope.cancel()

    # --- what is asked --------------------------------------------------------------------------

    async def _user(self, _request: Request) -> Response:
        return JSONResponse(dict(USER))

    async def _project(self, request: Request) -> Response:
        return JSONResponse({"project": self.account.projects[_project(request)]})

    async def _list(self, request: Request) -> Response:
        search, cursor = request.query_params.get("search", "").lower(), request.query_params.get("cursor")
        every = [branch["told"] for branch in self.account.branches_of(_project(request))]
        found = [told for told in every if search in told["name"].lower() or search in told["id"]]
        limit = limit_of(request, most=10_000)
        begin = next((n + 1 for n, told in enumerate(found) if told["id"] == cursor), 0)
        page = found[begin : begin + limit]
        more = {"next": page[-1]["id"]} if begin + limit < len(found) else {}
        return JSONResponse({"branches": page, "pagination": more, "annotations": {}})

    async def _branch(self, request: Request) -> Response:
        told = self._named(request)["told"]
        annotation = {"object": {"type": "console/branch", "id": told["id"]}, "value": {}}
        return JSONResponse({"branch": told, "annotation": annotation})

    async def _endpoints(self, request: Request) -> Response:
        return JSONResponse({"endpoints": self.account.endpoints_of(self._named(request)["told"]["id"])})

    async def _databases(self, request: Request) -> Response:
        branch = self._named(request)
        names = enumerate(branch["databases"].items(), 1)
        found = [{**_stamp(branch), "id": n, "name": name, "owner_name": owner} for n, (name, owner) in names]
        return JSONResponse({"databases": found})

    async def _roles(self, request: Request) -> Response:
        branch = self._named(request)
        return JSONResponse(
            {"roles": [{**_stamp(branch), "name": name, "protected": False} for name in branch["roles"]]}
        )

    async def _connection_uri(self, request: Request) -> Response:
        asked = request.query_params
        for name in ("database_name", "role_name"):
            if not asked.get(name):
                raise RefusedError(HTTPStatus.BAD_REQUEST, f"parameter {name!r} in query has an error: is required")
        branch = self.account.branch(_project(request), asked.get("branch_id"))
        database, role = asked["database_name"], asked["role_name"]
        if database not in branch["databases"]:
            raise RefusedError(HTTPStatus.NOT_FOUND, "database not found")
        if role not in branch["roles"]:
            raise RefusedError(HTTPStatus.NOT_FOUND, "role not found")
        endpoint = next(iter(self.account.endpoints_of(branch["told"]["id"])), None)
        if endpoint is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "read-write endpoint not found")
        port = self.account.port(endpoint["id"], pooled=asked.get("pooled") == "true")
        password = branch["roles"][role]
        return JSONResponse({"uri": f"postgresql://{role}:{password}@{HOST}:{port}/{database}?sslmode=disable"})

    async def _operations(self, request: Request) -> Response:
        newest = self.account.operations_of(_project(request))[::-1]
        return JSONResponse({"operations": newest[: limit_of(request, most=1000)]})

    async def _operation(self, request: Request) -> Response:
        operation = self.account.operations.get(request.path_params["operation"])
        if operation is None or operation["project_id"] != _project(request):
            raise RefusedError(HTTPStatus.NOT_FOUND, "operation not found")
        return JSONResponse({"operation": operation})

    # --- what is changed ------------------------------------------------------------------------

    async def _create(self, request: Request) -> Response:
        project, body = _project(request), await object_of(request)
        wanted, computes = body.get("branch") or {}, body.get("endpoints") or []
        hold(wanted, computes)
        if len(self.account.branches_of(project)) >= MOST_BRANCHES:
            message = f"branches limit exceeded, limit: {MOST_BRANCHES}"
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, message, code="BRANCHES_LIMIT_EXCEEDED")
        parent = self.account.branch(project, wanted.get("parent_id"))
        await restoring.hold_moment(self.account, parent, wanted.get("parent_timestamp"))
        self.account.lock(project)
        branch, source = _new("br"), wanted.get("init_source") or COPIED
        told = branch_document(
            branch,
            project,
            wanted.get("name") or branch,
            parent=parent["told"]["id"] if source == COPIED else None,  # without rows it is a root of its own
            expires=wanted.get("expires_at"),
            source=source,
        )
        own = {"told": told, "rows": source == COPIED, "copied_from": parent["told"]["id"]}
        self.account.branches[branch] = {**parent, **own}
        operations = [self.account.begin(project, branch, "create_branch")]
        endpoints = [endpoint_document(_new("ep"), project, branch) for _ in computes]
        for endpoint in endpoints:
            self.account.endpoints[endpoint["id"]] = endpoint
            operations.append(self.account.begin(project, branch, "start_compute", endpoint["id"]))
        answer = {"branch": told, "endpoints": endpoints, "operations": operations, "roles": [], "databases": []}
        return JSONResponse(answer, status_code=HTTPStatus.CREATED)

    async def _delete(self, request: Request) -> Response:
        project = _project(request)
        try:
            told = self._named(request)["told"]
        except RefusedError:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        children = self.account.children(told["id"])
        for wrong, why in (
            (told["default"], "cannot delete the default branch"),
            (told["protected"], "cannot delete a protected branch"),
            (children, "cannot delete a branch that has children"),
        ):
            if wrong:
                raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, why)
        self.account.lock(project)
        return JSONResponse({"branch": told, "operations": self.account.remove(told)})

    async def _restore(self, request: Request) -> Response:
        told, operations = await restoring.begin(self.account, self._named(request), await object_of(request))
        return JSONResponse({"branch": told, "operations": operations})

    async def _add_endpoint(self, request: Request) -> Response:
        project, wanted = _project(request), (await object_of(request)).get("endpoint")
        named = wanted.get("branch_id") if isinstance(wanted, dict) else None
        branch = self.account.branch(project, named if isinstance(named, str) and named else "?")["told"]["id"]
        if self.account.endpoints_of(branch):
            raise RefusedError(HTTPStatus.CONFLICT, "read-write endpoint already exists")
        self.account.lock(project)
        endpoint = endpoint_document(_new("ep"), project, branch)
        self.account.endpoints[endpoint["id"]] = endpoint
        operations = [self.account.begin(project, branch, "start_compute", endpoint["id"])]
        return JSONResponse({"endpoint": endpoint, "operations": operations}, status_code=HTTPStatus.CREATED)

    async def _delete_endpoint(self, request: Request) -> Response:
        project = _project(request)
        try:
            endpoint = self.account.endpoint(project, request.path_params["endpoint"])
        except RefusedError:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        self.account.lock(project)
        return JSONResponse({"endpoint": endpoint, "operations": [self.account.remove_endpoint(endpoint)]})

    async def _start(self, request: Request) -> Response:
        return self._switch(request, "start_compute", already="active")

    async def _suspend(self, request: Request) -> Response:
        return self._switch(request, "suspend_compute", already="idle")

    def _switch(self, request: Request, action: str, *, already: str) -> Response:
        project = _project(request)
        endpoint = self.account.endpoint(project, request.path_params["endpoint"])
        self.account.lock(project)
        wanted = [] if endpoint["current_state"] == already else [action]
        operations = [self.account.begin(project, endpoint["branch_id"], each, endpoint["id"]) for each in wanted]
        return JSONResponse({"endpoint": endpoint, "operations": operations})

    # --- how all are answered -------------------------------------------------------------------

    def _route(self, method: str, path: str, answering: Callable[[Request], Awaitable[Response]]) -> Route:
        async def answer(request: Request) -> Response:
            try:
                if not KEY.fullmatch(request.headers.get("authorization", "")):
                    return _error(HTTPStatus.UNAUTHORIZED, "supplied credentials do not pass authentication")
                if "project" in request.path_params:
                    self.account.look(_project(request))
                response = await answering(request)
            except RefusedError as refused:
                response = _error(refused.status, str(refused), code=refused.code)
            except ToolError as error:
                response = _error(HTTPStatus.SERVICE_UNAVAILABLE, error.message)
            self._behind(response, request.path_params.get("project"))
            return response

        return Route(path, answer, methods=[method])

    def _behind(self, response: Response, project: str | None) -> None:
        """Have what is to be done for a project be done behind an answer."""
        if project and project not in self.account.working and self.account.waiting(project):
            self.account.working.add(project)
            response.background = BackgroundTask(self.account.work, project)

    def _named(self, request: Request) -> dict[str, Any]:
        return self.account.branch(_project(request), request.path_params["branch"])


@contextlib.asynccontextmanager
async def standing(directory: Path, *, moment: float = MOMENT) -> AsyncIterator[Neon]:
    """Give the stand-in with computes that can be connected to. Raises ToolError where Postgres cannot be had."""
    async with computing(directory / "neon") as computes:
        yield Neon(directory, computes, moment=moment)


def _project(request: Request) -> str:
    return str(request.path_params["project"])


def _stamp(branch: Mapping[str, Any]) -> dict[str, Any]:
    told = branch["told"]
    return {"branch_id": told["id"], "created_at": told["created_at"], "updated_at": told["updated_at"]}


def _new(kind: str) -> str:
    return f"{kind}-rehearsal-{secrets.token_hex(4)}"


def _nothing_there(_request: Request) -> Response:
    return _error(HTTPStatus.NOT_FOUND, "this route does not exist")


def _error(status: int, message: str, *, code: str = "") -> Response:
    return JSONResponse({"request_id": str(uuid.uuid4()), "code": code, "message": message}, status_code=status)
