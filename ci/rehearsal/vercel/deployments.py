"""The API's part about deployments: lists, orders, logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
from starlette.responses import JSONResponse, Response, StreamingResponse

from ci.processes import run
from ci.rehearsal.standin import body_of
from ci.rehearsal.vercel import answers
from ci.rehearsal.vercel.account import LIVE, PRODUCTION, Account, Document
from ci.rehearsal.vercel.answers import RefusedError, limit_of, missing, number_of, page, refused, required

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from anyio.abc import TaskGroup
    from starlette.requests import Request

    from ci.rehearsal.vercel.answers import Table
    from ci.rehearsal.vercel.deploying import Deploying
    from ci.rehearsal.vercel.hosting import Host
    from ci.rehearsal.vercel.logs import Logs

EVENTS = 100  # lines of a log, where nobody asks for more
ORDERED = {"project": str, "deploymentId": str, "target": str, "meta": dict, "env": dict}
LOOK = 0.1  # seconds between two looks at a log that is followed
# What an order may say, as published; and what Vercel's own client says besides (@vercel/client, DeploymentOptions).
ORDER = frozenset(
    [
        "buildMachine",
        "customEnvironmentSlugOrId",
        "deploymentId",
        "files",
        "gitAccessToken",
        "gitMetadata",
        "gitSource",
        "meta",
        "monorepoManager",
        "name",
        "project",
        "projectSettings",
        "target",
        "withLatestCommit",
    ]
)
VARIABLES = frozenset({"env", "build"})


class Deployments:
    """`tasks` gives where builds go on."""

    def __init__(
        self,
        account: Account,
        deploying: Deploying,
        *,
        logs: Logs,
        host: Host,
        team: str,
        tasks: Callable[[], TaskGroup],
    ) -> None:
        """Answer about a team's deployments."""
        self._account = account
        self._deploying = deploying
        self._logs = logs
        self._host = host
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
            ("POST", "/v2/deployments/{deployment}/aliases", self._name),
            ("GET", "/v1/projects/{project}/deployments/{deployment}/runtime-logs", self._spoken),
        ]

    async def _deployments(self, request: Request) -> Response:
        asked = request.query_params
        of = self._account.project(asked["projectId"]) if "projectId" in asked else None
        every = sorted(self._account.deployments.values(), key=lambda each: each["created"], reverse=True)
        found = [each for each in every if "projectId" not in asked or (of and each["project"] == of["id"])]
        until, since = number_of(request, "until", 10**17), number_of(request, "since", 0)
        found = [each for each in found if since < each["created"] < until]
        tests: dict[str, Callable[[Document, str], bool]] = {
            "sha": lambda each, value: each["commit"] == value,
            "branch": lambda each, value: each["branch"] == value,
            "target": lambda each, value: each["target"] == (None if value == "preview" else value),
            "state": lambda each, value: each["state"] in value.split(","),
            "rollbackCandidate": lambda each, value: self._account.is_candidate(each) == (value == "true"),
        }
        for name, test in tests.items():
            if name in asked:
                found = [each for each in found if test(each, asked[name])]
        items = [answers.listed(self._account, each) for each in found]
        return JSONResponse(page("deployments", items, [each["created"] for each in found], limit_of(request)))

    async def _deployment(self, request: Request) -> Response:
        return JSONResponse(answers.deployment(self._account, self._named(request), self._team))

    async def _create(self, request: Request) -> Response:
        body = self._ordered(await body_of(request))
        project = self._account.project(body.get("project") or body["name"])
        if project is None:
            return missing("Project")
        target = body.get("target") or None
        if target not in {None, PRODUCTION}:
            return refused(400, "bad_request", "Invalid request: `target` is no environment of the project.")
        before = self._account.deployment(body.get("deploymentId") or "")
        if before is not None:
            commit, branch = before["commit"], before["branch"]
        else:
            commit, branch = await self._source(project, body.get("gitSource"))
        variables = body.get("env") or {}
        if request.query_params.get("forceNew") not in {"1", "true"}:
            same = {"commit": commit, "branch": branch, "target": target, "variables": variables}
            for each in self._account.of(project):
                if each["state"] in {*LIVE, "READY"} and not each["removed"] and {**each, **same} == each:
                    return JSONResponse(answers.deployment(self._account, each, self._team))
        made = self._deploying.order(
            self._tasks(),
            project,
            commit=commit,
            branch=branch,
            target=target,
            meta=body.get("meta") or {},
            source="redeploy" if before is not None else "api-trigger-git-deploy",
            variables=variables,
        )
        return JSONResponse(answers.deployment(self._account, made, self._team))

    def _ordered(self, body: Any) -> Document:
        """Return an order that says what one may say. Raises RefusedError."""
        if not isinstance(body, dict) or not isinstance(body.get("name"), str):
            raise RefusedError(refused(400, "bad_request", "Invalid request: missing required property `name`."))
        for name, kind in ORDERED.items():
            if body.get(name) is not None and not isinstance(body[name], kind):
                raise RefusedError(refused(400, "bad_request", f"Invalid request: `{name}` has a wrong type."))
        known = ORDER | (VARIABLES if self._account.takes_variables else frozenset())
        if unknown := sorted(set(body) - known):
            told = f"Invalid request: should NOT have additional property `{unknown[0]}`."
            raise RefusedError(refused(400, "bad_request", told))
        return body

    async def _source(self, project: Document, source: Any) -> tuple[str, str]:
        """Return the commit and the branch of an order; the branch's newest commit, where none is named."""
        wanted = source if isinstance(source, dict) else {}
        wrong = refused(400, "incorrect_git_source_info", "The provided Git source is not the project's repository")
        if str(wanted.get("repoId")) != str(project["repo_id"]) or not isinstance(branch := wanted.get("ref"), str):
            raise RefusedError(wrong)
        if not (commit := wanted.get("sha")):
            listed = await run(["git", "ls-remote", "--", project["repository"], f"refs/heads/{branch}"], timeout=30)
            commit = listed.text.partition("\t")[0] if listed.code == 0 else ""
        if not isinstance(commit, str) or not commit:
            raise RefusedError(wrong)
        return commit, branch

    async def _cancel(self, request: Request) -> Response:
        found = self._named(request)
        if found["state"] not in LIVE:
            return refused(400, "bad_request", f"The deployment is {found['state']} and cannot be canceled")
        return JSONResponse(answers.deployment(self._account, self._deploying.cancel(found["id"]), self._team))

    async def _events(self, request: Request) -> Response:
        found = self._named(request)
        if request.query_params.get("follow") in {"1", "true"}:
            return StreamingResponse(self._following(found), media_type="application/stream+json")
        limit = number_of(request, "limit", EVENTS)
        lines = [answers.event(found, line, number) for number, line in enumerate(self._logs.of(found["id"]))]
        if request.query_params.get("direction") == "backward":
            lines.reverse()
        return JSONResponse(lines if limit < 0 else lines[:limit])

    async def _following(self, found: Document) -> AsyncIterator[str]:
        """Yield what a build has said and says, until it has ended."""
        told = 0
        while True:
            ended = self._account.deployments[found["id"]]["state"] not in LIVE
            for line in self._logs.of(found["id"])[told:]:
                yield json.dumps(answers.event(found, line, told)) + "\n"
                told += 1
            if ended:
                return
            await anyio.sleep(LOOK)

    async def _spoken(self, request: Request) -> Response:
        """Tell what a deployment says from now on, for as long as somebody listens."""
        found = self._named(request)

        async def told() -> AsyncIterator[str]:
            with self._host.listening(found["id"]) as lines:
                number = 0
                async for level, text in lines:
                    number += 1
                    yield f"{json.dumps(answers.spoken(found, level, text, number, self._account.now()))}\n"

        return StreamingResponse(told(), media_type="application/stream+json")

    async def _names(self, request: Request) -> Response:
        found = self._named(request)
        there = {name: each for name, each in self._account.aliases.items() if each["deployment"] == found["id"]}
        return JSONResponse({"aliases": [answers.alias(each, name, alone=False) for name, each in there.items()]})

    async def _name(self, request: Request) -> Response:
        """Give a deployment one of its project's domains, and leave alone which one production is."""
        found, body = self._named(request), await body_of(request)
        name = body.get("alias") if isinstance(body, dict) else None
        if not isinstance(name, str):
            return refused(400, "bad_request", "Invalid request: missing required property `alias`.")
        if name not in self._account.projects[found["project"]]["domains"]:
            return missing("The domain used for the alias")
        if found["state"] != "READY" or found["removed"]:
            return refused(400, "deployment_not_ready", "The deployment is not READY and can not be aliased")
        before = self._account.aliases.get(name)
        if before is not None and before["deployment"] == found["id"]:
            return refused(409, "not_modified", "The provided alias is already assigned to the given deployment")
        self._account.lead(name, found)
        old = {"oldDeploymentId": before["deployment"]} if before else {}
        return JSONResponse({**answers.alias(self._account.aliases[name], name, alone=False), **old})

    def _named(self, request: Request) -> Document:
        return required(self._account.deployment(request.path_params["deployment"]), "Deployment")
