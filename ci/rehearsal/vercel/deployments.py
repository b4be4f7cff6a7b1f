"""The API's part about deployments: lists, orders, logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from ci.rehearsal.standin import body_of
from ci.rehearsal.vercel import answers
from ci.rehearsal.vercel.account import LIVE, Account, Document
from ci.rehearsal.vercel.answers import limit_of, missing, page, refused, required

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio.abc import TaskGroup
    from starlette.requests import Request

    from ci.rehearsal.vercel.answers import Table
    from ci.rehearsal.vercel.deploying import Deploying

EVENTS = 100  # lines of a log, where nobody asks for more


class Deployments:
    """`tasks` gives where builds go on."""

    def __init__(self, account: Account, deploying: Deploying, team: str, tasks: Callable[[], TaskGroup]) -> None:
        """Answer about a team's deployments."""
        self._account = account
        self._deploying = deploying
        self._team = team
        self._tasks = tasks

    def table(self) -> Table:
        """Return its routes."""
        return [
            ("GET", "/v7/deployments", self._deployments),
            ("POST", "/v13/deployments", self._create),
            ("GET", "/v13/deployments/{deployment}", self._deployment),
            ("PATCH", "/v12/deployments/{deployment}/cancel", self._cancel),
            ("GET", "/v3/deployments/{deployment}/events", self._events),
            ("GET", "/v2/deployments/{deployment}/aliases", self._names),
        ]

    async def _deployments(self, request: Request) -> Response:
        asked = request.query_params
        project = self._account.project(asked.get("projectId", ""))
        found = self._account.of(project) if project else []
        tests: dict[str, Callable[[Document, str], bool]] = {
            "sha": lambda each, value: each["commit"] == value,
            "branch": lambda each, value: each["branch"] == value,
            "target": lambda each, value: each["target"] == (None if value == "preview" else value),
            "state": lambda each, value: each["state"] in value.split(","),
            "rollbackCandidate": lambda each, value: self._account.is_candidate(each) == (value == "true"),
            "until": lambda each, value: each["created"] < int(value),
            "since": lambda each, value: each["created"] > int(value),
        }
        for name, test in tests.items():
            if name in asked:
                found = [each for each in found if test(each, asked[name])]
        items = [answers.listed(self._account, each) for each in found]
        return JSONResponse(page("deployments", items, [each["created"] for each in found], limit_of(request)))

    async def _deployment(self, request: Request) -> Response:
        return JSONResponse(answers.deployment(self._account, self._named(request), self._team))

    async def _create(self, request: Request) -> Response:
        body = await body_of(request)
        if not isinstance(body, dict) or not isinstance(body.get("name"), str):
            return refused(400, "bad_request", "Invalid request: missing required property `name`.")
        project = self._account.project(body.get("project") or body["name"])
        if project is None:
            return missing("Project")
        before = self._account.deployment(body.get("deploymentId") or "")
        source = body.get("gitSource") or {}
        if before is not None:
            source = {"sha": before["commit"], "ref": before["branch"], "repoId": project["repo_id"]}
        if source.get("repoId") != project["repo_id"] or not source.get("sha"):
            return refused(400, "incorrect_git_source_info", "The provided Git source is not the project's repository")
        made = self._deploying.order(
            self._tasks(),
            project,
            commit=source["sha"],
            branch=source["ref"],
            target=body.get("target"),
            meta=body.get("meta") or {},
            source="redeploy" if before is not None else "api-trigger-git-deploy",
            variables=body.get("env"),
        )
        return JSONResponse(answers.deployment(self._account, made, self._team))

    async def _cancel(self, request: Request) -> Response:
        found = self._named(request)
        if found["state"] not in LIVE:
            return refused(400, "bad_request", f"The deployment is {found['state']} and cannot be canceled")
        return JSONResponse(answers.deployment(self._account, self._deploying.cancel(found["id"]), self._team))

    async def _events(self, request: Request) -> Response:
        found = self._named(request)
        log = self._deploying.log(found["id"])
        limit = int(request.query_params.get("limit", EVENTS))
        lines = [answers.event(found, line, number) for number, line in enumerate(log)]
        if request.query_params.get("direction") == "backward":
            lines.reverse()
        return JSONResponse(lines if limit < 0 else lines[:limit])

    async def _names(self, request: Request) -> Response:
        found = self._named(request)
        there = {name: each for name, each in self._account.aliases.items() if each["deployment"] == found["id"]}
        return JSONResponse({"aliases": [answers.alias(each, name, alone=False) for name, each in there.items()]})

    def _named(self, request: Request) -> Document:
        return required(self._account.deployment(request.path_params["deployment"]), "Deployment")
