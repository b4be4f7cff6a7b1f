"""Vercel's REST API over builds, processes and switches of this machine. https://vercel.com/docs/rest-api."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import anyio
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.rehearsal.standin import StandIn
from ci.rehearsal.vercel import answers
from ci.rehearsal.vercel.account import PRODUCTION, Account, Document, Project
from ci.rehearsal.vercel.answers import RefusedError, missing, refused, required
from ci.rehearsal.vercel.deploying import Deploying
from ci.rehearsal.vercel.deployments import Deployments
from ci.rehearsal.vercel.hosting import Processes
from ci.rehearsal.vercel.moving import Moving
from ci.rehearsal.vercel.projects import Projects

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from anyio.abc import TaskGroup, TaskStatus
    from starlette.requests import Request

    from ci.rehearsal.switch import Switch
    from ci.rehearsal.vercel.building import Build
    from ci.rehearsal.vercel.hosting import Host

TEAM = "team_rehearsal"
KEPT = 12  # deployments of a project


class Vercel(StandIn):
    """One team's projects. `build` makes a deployment of a commit, `host` runs it; `delay` is the pace of a move."""

    def __init__(
        self,
        directory: Path,
        *,
        token: str,
        build: Build,
        host: Host | None = None,
        team: str = TEAM,
        plan: str = "pro",
        keep: int = KEPT,
        delay: float = 0.05,
    ) -> None:
        """Know what it knew before; what ran then runs again once it is served."""
        super().__init__("vercel", directory, unknown=lambda _: missing("The endpoint"))
        self.account = Account(self.memory, plan=plan)
        self._host: Host = host or Processes()
        self._moving = Moving(self.account, delay=delay)
        self._deploying = Deploying(
            self.account, directory / "deployments", build=build, host=self._host, moving=self._moving, keep=keep
        )
        self._token = token
        self._team = team
        self._group: TaskGroup | None = None
        table = [
            ("GET", "/v2/user", self._user),
            *Deployments(self.account, self._deploying, team, self._tasks).table(),
            *Projects(self.account, self._moving, team, self._tasks).table(),
        ]
        self.answer_at([Route(path, self._guarded(answer), methods=[method]) for method, path, answer in table])

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Build, run and move for as long as it is served."""
        async with self._host.open(), anyio.create_task_group() as group:
            self._group = group
            for switch in self.account.open_switches().values():
                await group.start(_stand, switch)
            await self._deploying.resume(group)
            self._moving.resume(group)
            try:
                yield
            finally:
                self._group = None
                group.cancel_scope.cancel()

    async def add(self, project: Project) -> Document:
        """Set up a project, or change it, and open the switches of its domains."""
        known = set(self.account.switches)
        document = self.account.add(project)
        for domain in set(document["domains"]) - known:
            if self._group is not None:
                await self._group.start(_stand, self.account.switches[domain])
        return document

    def pushed(self, branch: str, commit: str) -> None:
        """Deploy a commit that was pushed, in all projects whose Git deployments are on, as Vercel does by itself."""
        for project in self.account.projects.values():
            if project["creating"] == "enabled":
                target = PRODUCTION if branch == project["branch"] else None
                self._deploying.order(
                    self._tasks(), project, commit=commit, branch=branch, target=target, meta={}, source="git"
                )

    def set_project(self, project: str, **fields: Any) -> None:
        """Change what only a person can: `creating`, a `rolling` release, `failing` domains."""
        self.account.change_project(required(self.account.project(project), "Project")["id"], **fields)

    def _tasks(self) -> TaskGroup:
        if self._group is None:
            raise RuntimeError("the stand-in is not served")
        return self._group

    def _guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Ask for the token, and for the team wherever it is about something of the team's."""

        async def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self._token}":
                return refused(403, "forbidden", "Not authorized", invalidToken=True)
            if request.url.path != "/v2/user" and request.query_params.get("teamId") != self._team:
                return refused(403, "forbidden", "You don't have permission to access this resource.")
            try:
                return await answer(request)
            except RefusedError as error:
                return error.answer

        return guarded

    async def _user(self, _request: Request) -> Response:
        return JSONResponse(answers.user())


async def _stand(switch: Switch, *, task_status: TaskStatus[None]) -> None:
    """Have a switch listen until the task is cancelled."""
    async with switch.open():
        task_status.started()
        await anyio.sleep_forever()
