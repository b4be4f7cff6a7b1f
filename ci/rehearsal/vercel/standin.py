"""Vercel's REST API over builds, processes and switches of this machine. https://vercel.com/docs/rest-api."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import anyio
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.rehearsal.standin import StandIn
from ci.rehearsal.switch import Target
from ci.rehearsal.vercel import answers
from ci.rehearsal.vercel.account import PRODUCTION, Account, Document, Project
from ci.rehearsal.vercel.answers import RefusedError, missing, refused, required
from ci.rehearsal.vercel.build_faults import BuildFaults
from ci.rehearsal.vercel.deploying import Deploying
from ci.rehearsal.vercel.deployments import Deployments
from ci.rehearsal.vercel.hosting import Processes
from ci.rehearsal.vercel.logs import Logs
from ci.rehearsal.vercel.moving import Moving
from ci.rehearsal.vercel.projects import Projects
from ci.rehearsal.vercel.retention import Retention
from ci.rehearsal.vercel.waking import IDLE, Waking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
    from pathlib import Path

    from anyio.abc import TaskGroup
    from starlette.requests import Request

    from ci.rehearsal.vercel.building import Build, Site
    from ci.rehearsal.vercel.hosting import Host

TEAM = "team_rehearsal"
GIT = "git"
KEPT = 6  # production builds of a project, each of which runs


class Vercel(StandIn):
    """One team's projects. `build` makes a deployment of a commit, `host` runs it; `delay` is the pace of a move.

    `keep` production builds of a project stay and run, a preview ends when nobody asked it for `idle` seconds. `pushes`
    tells what a Git host remembers of its pushes, the newest last: at its start, it hears of what it missed.
    """

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
        idle: float = IDLE,
        delay: float = 0.05,
        pushes: Callable[[], Iterable[Mapping[str, Any]]] = tuple,
    ) -> None:
        """Know what it knew before; what ran then runs again once it is served."""
        super().__init__("vercel", directory, unknown=lambda _: missing("The endpoint"))
        self.account = Account(self.memory, plan=plan, reach=self._reach)
        self.builds = BuildFaults()
        self._pushes = pushes
        self._host: Host = host or Processes()
        self._moving = Moving(self.account, delay=delay)
        self._waking = Waking(self._host, self._site, self._is_warm, idle=idle)
        self._retention = Retention(self.account, directory / "deployments", self._waking, keep=keep)
        logs = Logs(self.account)
        self._deploying = Deploying(
            self.account,
            build=build,
            faults=self.builds,
            logs=logs,
            moving=self._moving,
            retention=self._retention,
            waking=self._waking,
        )
        self._token = token
        self._team = team
        self._group: TaskGroup | None = None
        table = [
            ("GET", "/v2/user", self._user),
            *Deployments(
                self.account, self._deploying, logs=logs, host=self._host, team=team, tasks=self._tasks
            ).table(),
            *Projects(self.account, self._moving, team, self._tasks).table(),
        ]
        self.answer_at([Route(path, self._guarded(answer), methods=[method]) for method, path, answer in table])
        self.answer_at(self.builds.routes())

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Build, run and move for as long as it is served."""
        async with self._host.open(), anyio.create_task_group() as group:
            self._group = group
            for switch in self.account.open_switches().values():
                await group.start(switch.stand)
            await self._deploying.resume(group)
            self._moving.resume(group)
            group.start_soon(self._waking.rest)
            self._catch_up()
            try:
                yield
            finally:
                self._group = None
                self._waking.forget()
                self._retention.forget()
                group.cancel_scope.cancel()

    async def add(self, project: Project) -> Document:
        """Set up a project, or change it, and open the switches of its domains."""
        known = set(self.account.switches)
        document = self.account.add(project)
        for domain in set(document["domains"]) - known:
            if self._group is not None:
                await self._group.start(self.account.switches[domain].stand)
        return document

    def pushed(self, branch: str, commit: str) -> None:
        """Deploy a commit that was pushed, in all projects whose Git deployments are on, as Vercel does by itself.

        While it is not served nobody hears of it: it catches up at its next start.
        """
        if self._group is None:
            return
        for project in self.account.projects.values():
            self._hear(self._group, project, branch, commit)
        self.account.pushes[branch] = commit

    def _catch_up(self) -> None:
        """Hear of the last push to each branch, where another one was seen last or a kill came in between."""
        for branch, commit in {each["branch"]: each["after"] for each in self._pushes()}.items():
            if commit is None or self.account.pushes.get(branch) == commit:
                continue
            for project in self.account.projects.values():
                mine = (each for each in self.account.of(project) if each["source"] == GIT)
                newest = next((each for each in mine if each["branch"] == branch), None)
                if newest is None or newest["commit"] != commit:
                    self._hear(self._tasks(), project, branch, commit)
            self.account.pushes[branch] = commit

    def _hear(self, group: TaskGroup, project: Document, branch: str, commit: str) -> None:
        if project["creating"] == "enabled":
            target = PRODUCTION if branch == project["branch"] else None
            self._deploying.order(group, project, commit=commit, branch=branch, target=target, meta={}, source=GIT)

    def set_project(self, project: str, **fields: Any) -> None:
        """Change what only a person can: `creating`, a `rolling` release, `failing` domains, a `password`.

        With a password, the addresses of deployments let in who sends it by its own header. `login` says which of them,
        as "preview" or "prod_deployment_urls_and_all_previews", which is so where it is not said.
        """
        self.account.change_project(required(self.account.project(project), "Project")["id"], **fields)

    def _tasks(self) -> TaskGroup:
        if self._group is None:
            raise RuntimeError("the stand-in is not served")
        return self._group

    def _reach(self, name: str) -> Target:
        """Return where a deployment is reached, of which each request has it run."""
        return Target(name=name, awake=functools.partial(self._waking.awake, name))

    def _site(self, name: str) -> Site:
        return self._deploying.site(name)

    def _is_warm(self, name: str) -> bool:
        return bool(self.account.deployments[name]["target"] == PRODUCTION)

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
