"""Neon's API v2, standing in: projects, branches with databases and roles, computes that are real Postgres servers.

Changes answer at once and are done in the background, as operations; while a project has any, it answers other changes
with 423. What it had not done when it was killed it does when it is asked again. A branch is deleted when it expires.
A suspended compute wakes when its address is asked for: the real one does when somebody connects.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import secrets
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.errors import ToolError
from ci.rehearsal.computes import Computes, computing
from ci.rehearsal.neon_account import PORT, Account, RefusedError
from ci.rehearsal.neon_documents import HOST, USER, branch_document, endpoint_document
from ci.rehearsal.standin import StandIn, body_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from starlette.requests import Request

API = "/api/v2"
KEY = re.compile(r"Bearer napi_[a-z0-9]{40,}", re.IGNORECASE)
MOMENT = 0.2  # seconds that an operation takes at least
LONGEST_NAME = 256
SOURCES = ("parent-data", "schema-only")


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
            self._route("GET", f"{branch}/endpoints", self._endpoints),
            self._route("GET", f"{branch}/databases", self._databases),
            self._route("GET", f"{branch}/roles", self._roles),
            self._route("POST", f"{project}/endpoints", self._add_endpoint),
            self._route("POST", f"{endpoint}/start", self._start),
            self._route("POST", f"{endpoint}/suspend", self._suspend),
            self._route("GET", f"{project}/connection_uri", self._connection_uri),
            self._route("GET", f"{project}/operations", self._operations),
            self._route("GET", f"{project}/operations/{{operation}}", self._operation),
        ]
        super().__init__("neon", directory, routes, unknown=_nothing_there)
        self.account = Account(self.memory, computes, moment=moment)

    # --- what is asked --------------------------------------------------------------------------

    async def _user(self, _request: Request) -> Response:
        return JSONResponse(dict(USER))

    async def _project(self, request: Request) -> Response:
        return JSONResponse({"project": self.account.projects[_project(request)]})

    async def _list(self, request: Request) -> Response:
        search, cursor = request.query_params.get("search", "").lower(), request.query_params.get("cursor")
        every = [branch["told"] for branch in self.account.branches_of(_project(request))]
        found = [told for told in every if search in told["name"].lower() or search in told["id"]]
        limit = _limit(request, most=10_000)
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
        port = await self.account.wake(endpoint) if self.account.computes else PORT
        host = f"{HOST}-pooler" if asked.get("pooled") == "true" else HOST
        password = branch["roles"][role]
        return JSONResponse({"uri": f"postgresql://{role}:{password}@{host}:{port}/{database}?sslmode=disable"})

    async def _operations(self, request: Request) -> Response:
        newest = self.account.operations_of(_project(request))[::-1]
        return JSONResponse({"operations": newest[: _limit(request, most=1000)]})

    async def _operation(self, request: Request) -> Response:
        operation = self.account.operations.get(request.path_params["operation"])
        if operation is None or operation["project_id"] != _project(request):
            raise RefusedError(HTTPStatus.NOT_FOUND, "operation not found")
        return JSONResponse({"operation": operation})

    # --- what is changed ------------------------------------------------------------------------

    async def _create(self, request: Request) -> Response:
        project, body = _project(request), await body_of(request) or {}
        wanted, computes = body.get("branch") or {}, body.get("endpoints") or []
        _hold(wanted, computes)
        parent = self.account.branch(project, wanted.get("parent_id"))
        self.account.lock(project)
        branch, source = _new("br"), wanted.get("init_source") or SOURCES[0]
        told = branch_document(
            branch,
            project,
            wanted.get("name") or branch,
            parent=parent["told"]["id"] if source == SOURCES[0] else None,  # without rows it is a root of its own
            expires=wanted.get("expires_at"),
            source=source,
        )
        own = {"told": told, "rows": source == SOURCES[0], "copied_from": parent["told"]["id"]}
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
        children = [each for each in self.account.branches_of(project) if each["told"].get("parent_id") == told["id"]]
        for wrong, why in (
            (told["default"], "cannot delete the default branch"),
            (told["protected"], "cannot delete a protected branch"),
            (children, "cannot delete a branch that has children"),
        ):
            if wrong:
                raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, why)
        self.account.lock(project)
        return JSONResponse({"branch": told, "operations": self.account.remove(told)})

    async def _add_endpoint(self, request: Request) -> Response:
        project, body = _project(request), await body_of(request) or {}
        branch = self.account.branch(project, (body.get("endpoint") or {}).get("branch_id") or "?")["told"]["id"]
        if self.account.endpoints_of(branch):
            raise RefusedError(HTTPStatus.CONFLICT, "read-write endpoint already exists")
        self.account.lock(project)
        endpoint = endpoint_document(_new("ep"), project, branch)
        self.account.endpoints[endpoint["id"]] = endpoint
        operations = [self.account.begin(project, branch, "start_compute", endpoint["id"])]
        return JSONResponse({"endpoint": endpoint, "operations": operations}, status_code=HTTPStatus.CREATED)

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
                response = _error(refused.status, str(refused))
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


def _limit(request: Request, *, most: int) -> int:
    asked = request.query_params.get("limit", "100")
    if not asked.isdigit() or not 1 <= int(asked) <= most:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"limit must be between 1 and {most}")
    return int(asked)


def _hold(wanted: Mapping[str, Any], computes: list[Any]) -> None:
    name, source, expires = wanted.get("name", "?"), wanted.get("init_source"), wanted.get("expires_at")
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"branch name must have 1 to {LONGEST_NAME} characters")
    if source not in {None, *SOURCES}:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"init_source must be one of {', '.join(SOURCES)}")
    if wanted.get("parent_lsn") or wanted.get("parent_timestamp"):
        raise RefusedError(HTTPStatus.NOT_IMPLEMENTED, "this stand-in branches from what the parent holds now")
    if len(computes) > 1:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "a branch can have only one read-write endpoint")
    if expires is not None:
        try:
            moment = datetime.datetime.fromisoformat(expires)
        except (TypeError, ValueError):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "expires_at is no date and time of RFC 3339") from None
        if moment.tzinfo is None or moment <= datetime.datetime.now(datetime.UTC):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "expires_at must be in the future")


def _nothing_there(_request: Request) -> Response:
    return _error(HTTPStatus.NOT_FOUND, "this route does not exist")


def _error(status: int, message: str) -> Response:
    return JSONResponse({"request_id": str(uuid.uuid4()), "code": "", "message": message}, status_code=status)
