"""The API's part about projects: settings, domains, and which deployment they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from ci.rehearsal.standin import body_of
from ci.rehearsal.vercel import answers, moving
from ci.rehearsal.vercel.account import PRODUCTION, Account, Document
from ci.rehearsal.vercel.answers import RefusedError, limit_of, missing, number_of, page, refused, required
from ci.rehearsal.vercel.moving import PROMOTE, ROLLBACK, Moving

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio.abc import TaskGroup
    from starlette.requests import Request

    from ci.rehearsal.vercel.answers import Table

# What a PATCH may change: our name for it, and its types.
SETTINGS: dict[str, tuple[str, tuple[type, ...]]] = {
    "autoAssignCustomDomains": ("auto_assign", (bool,)),
    "autoExposeSystemEnvs": ("exposing", (bool,)),
    "commandForIgnoringBuildStep": ("ignoring", (str, type(None))),
}


class Projects:
    """`tasks` gives where moves go on."""

    def __init__(self, account: Account, moving: Moving, team: str, tasks: Callable[[], TaskGroup]) -> None:
        """Answer about a team's projects."""
        self._account = account
        self._moving = moving
        self._team = team
        self._tasks = tasks

    def table(self) -> Table:
        """Return its routes."""
        project = "/v9/projects/{project}"
        return [
            ("GET", project, self._project),
            ("PATCH", project, self._change),
            ("GET", f"{project}/domains", self._domains),
            ("GET", "/v4/aliases", self._aliases),
            ("GET", "/v4/aliases/{alias}", self._alias),
            ("POST", "/v10/projects/{project}/promote/{deployment}", self._promote),
            ("POST", "/v1/projects/{project}/rollback/{deployment}", self._rollback),
            ("POST", f"{project}/rollback/{{deployment}}", self._rollback),
            ("GET", "/v1/projects/{project}/promote/aliases", self._statuses),
            ("GET", "/v1/projects/{project}/rolling-release", self._rolling),
        ]

    async def _project(self, request: Request) -> Response:
        return JSONResponse(answers.project(self._account, self._of(request), self._team))

    async def _change(self, request: Request) -> Response:
        found, body = self._of(request), await body_of(request)
        changes = {}
        for name, value in body.items() if isinstance(body, dict) else [("body", body)]:
            field, kinds = SETTINGS.get(name, ("", ()))
            if not isinstance(value, kinds):
                return refused(400, "bad_request", f"Invalid request: `{name}` is not allowed or has a wrong type.")
            changes[field] = value
        changed = self._account.change_project(found["id"], **changes)
        return JSONResponse(answers.project(self._account, changed, self._team))

    async def _domains(self, request: Request) -> Response:
        found = self._of(request)
        items = [answers.domain(found, name) for name in found["domains"]]
        return JSONResponse(page("domains", items, [found["created"]] * len(items), limit_of(request)))

    async def _aliases(self, request: Request) -> Response:
        wanted, until = request.query_params.get("projectId"), number_of(request, "until", 10**17)
        names = sorted(self._account.aliases.items(), key=lambda each: each[1]["created"], reverse=True)
        found = [(name, each) for name, each in names if wanted in {None, each["project"]} and each["created"] < until]
        items = [answers.alias(each, name) for name, each in found]
        return JSONResponse(page("aliases", items, [each["created"] for _, each in found], limit_of(request)))

    async def _alias(self, request: Request) -> Response:
        name = request.path_params["alias"]
        found = self._account.aliases.get(name)
        return JSONResponse(answers.alias(found, name)) if found else missing("Alias")

    async def _promote(self, request: Request) -> Response:
        project, found = self._to_move(request)
        if found["target"] != PRODUCTION:
            told = "The deployment is a preview: create a production deployment of it"
            return refused(422, "unprocessable_entity", told)
        rolling = project["rolling"] is not None and project["rolling"]["state"] == "ACTIVE"
        self._moving.ask(self._tasks(), PROMOTE, project, found)
        return Response(status_code=202 if rolling else 201)

    async def _rollback(self, request: Request) -> Response:
        project, found = self._to_move(request)
        if found["id"] == project["production"]:
            if project["rolling"] is not None:  # it ends a rolling release
                ended = {**project["rolling"], "state": "ABORTED"}
                project = self._account.change_project(project["id"], rolling=ended)
        elif not self._account.is_candidate(found):
            return refused(422, "unprocessable_entity", "The deployment is not eligible for a rollback")
        elif self._account.plan == "hobby" and found != self._before(project):
            return refused(402, "payment_required", "Only the previous deployment can be rolled back to on this plan")
        self._moving.ask(self._tasks(), ROLLBACK, project, found)
        return Response(status_code=201)

    async def _statuses(self, request: Request) -> Response:
        found = self._of(request)["statuses"]
        if request.query_params.get("failedOnly") == "true":
            found = [each for each in found if each["status"] == "failed"]
        return JSONResponse(page("aliases", found, [0] * len(found), limit_of(request)))

    async def _rolling(self, request: Request) -> Response:
        return JSONResponse({"rollingRelease": self._of(request)["rolling"]})

    def _to_move(self, request: Request) -> tuple[Document, Document]:
        project, found = self._of(request), self._account.deployment(request.path_params["deployment"])
        if found is None or found["project"] != project["id"]:
            raise RefusedError(refused(400, "bad_request", "The deployment does not belong to the project"))
        if found["state"] != "READY" or found["removed"]:
            raise RefusedError(refused(422, "unprocessable_entity", "The deployment is not ready"))
        if moving.is_moving(project):
            raise RefusedError(refused(409, "conflict", "Another promotion or rollback is in progress"))
        return project, found

    def _before(self, project: Document) -> Document | None:
        return next((each for each in self._account.of(project) if self._account.is_candidate(each)), None)

    def _of(self, request: Request) -> Document:
        return required(self._account.project(request.path_params["project"]), "Project")
