"""From an order or a push to a deployment that listens: queued, built, started, kept, and one day removed."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from ci.errors import ShipwayError
from ci.processes import free_port
from ci.rehearsal.vercel.account import LIVE, PREVIEW, PRODUCTION, Account, Document
from ci.rehearsal.vercel.building import BuildFailedError, Order, Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio.abc import TaskGroup

    from ci.rehearsal.vercel.building import Build
    from ci.rehearsal.vercel.hosting import Host
    from ci.rehearsal.vercel.moving import Moving

SIDE_BY_SIDE = 2  # builds; the others wait in a queue
STARTS = 8  # of deployments at a time, after a restart
SAID = 50  # lines of a build that may be lost when we are killed


class Deploying:
    """Deployments are below `directory`, and `keep` of each project stay; Vercel's retention removes older ones too."""

    def __init__(
        self, account: Account, directory: Path, *, build: Build, host: Host, moving: Moving, keep: int
    ) -> None:
        """Build and host with what is handed in."""
        self._account = account
        self._directory = directory
        self._build = build
        self._host = host
        self._moving = moving
        self._keep = keep
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._room = anyio.Semaphore(SIDE_BY_SIDE)
        self._logs: dict[str, list[dict[str, Any]]] = {}

    def order(
        self,
        group: TaskGroup,
        project: Document,
        *,
        commit: str,
        branch: str,
        target: str | None,
        meta: Mapping[str, str],
        source: str,
        variables: Mapping[str, str] | None = None,
    ) -> Document:
        """Note a deployment and begin with it."""
        port = free_port()
        document = {
            "id": f"dpl_{uuid.uuid4().hex[:28]}",
            "project": project["id"],
            "name": project["name"],
            "commit": commit,
            "branch": branch,
            "target": target,
            "meta": {"githubCommitSha": commit, "githubCommitRef": branch, **meta},
            "source": source,
            "variables": dict(variables or {}),
            "state": "QUEUED",
            "substate": "STAGED" if target == PRODUCTION else None,
            "created": self._account.now(),
            "ready": None,
            "error": None,
            "port": port,
            "url": f"127.0.0.1:{port}",
            "site": None,
            "served": False,
            "removed": False,
        }
        self._account.deployments[document["id"]] = document
        group.start_soon(self._deploy, document["id"])
        return document

    def cancel(self, name: str) -> Document:
        """Stop a build."""
        if (scope := self._scopes.get(name)) is not None:
            scope.cancel()
        return self._account.change(name, state="CANCELED")

    def log(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a build, of one that goes on too."""
        return list(self._logs.get(name) or self._account.logs.get(name, []))

    async def resume(self, group: TaskGroup) -> None:
        """Start again what listened, and build again what was being built."""
        room = anyio.Semaphore(STARTS)

        async def start(document: Document) -> None:
            async with room:
                try:
                    await self._start(document)
                except (BuildFailedError, ShipwayError) as error:  # it is a deployment that does not answer
                    self._say(document["id"], str(error), kind="stderr")
                    self._kept_log(document["id"])

        async with anyio.create_task_group() as starting:
            for document in self._account.deployments.values():
                if document["state"] == "READY" and not document["removed"]:
                    starting.start_soon(start, document)
                elif document["state"] in LIVE:
                    group.start_soon(self._deploy, document["id"])

    async def _deploy(self, name: str) -> None:
        scope = self._scopes[name] = anyio.CancelScope()
        try:
            with scope:
                async with self._room:
                    self._account.change(name, state="BUILDING")
                    await self._make(name)
        except (BuildFailedError, ShipwayError, OSError) as error:
            for line in str(error).splitlines():
                self._say(name, line, kind="stderr")
            self._account.change(name, state="ERROR", error=(str(error).splitlines() or [""])[0])
        finally:
            self._kept_log(name)
            del self._scopes[name]

    async def _make(self, name: str) -> None:
        document = self._account.deployments[name]
        project = self._account.projects[document["project"]]
        place = self._directory / name
        shutil.rmtree(place, ignore_errors=True)  # of one that was cut short
        place.mkdir(parents=True)
        order = Order(
            repository=project["repository"],
            commit=document["commit"],
            root=project["root"],
            build=tuple(project["build"]),
            start=tuple(project["start"]),
            directory=place,
            variables=self._variables(document, project),
        )
        site = await self._build(order, lambda line: self._say(name, line))
        told = {"argv": list(site.argv), "directory": str(site.directory), "environment": dict(site.environment)}
        await self._start(self._account.change(name, site=told))
        if self._account.deployments[name]["state"] == "CANCELED":  # in the same moment
            await self._host.stop(name)
            return
        ready = self._account.change(name, state="READY", ready=self._account.now())
        now = self._account.projects[document["project"]]
        if document["target"] == PRODUCTION and now["auto_assign"]:
            self._moving.assign(now, ready)
        await self._retire(now)

    async def _start(self, document: Document) -> None:
        site = document["site"]
        project = self._account.projects[document["project"]]
        environment = {**site["environment"], **self._variables(document, project)}
        directory = Path(site["directory"])
        found = Site(argv=tuple(site["argv"]), directory=directory, environment=environment)
        await self._host.start(document["id"], found, document["port"])

    async def _retire(self, project: Document) -> None:
        """Remove what is older than the newest few, but never what serves."""
        ready = [each for each in self._account.of(project) if each["state"] == "READY" and not each["removed"]]
        serving = {project["production"], *(alias["deployment"] for alias in self._account.aliases.values())}
        for each in ready[self._keep :]:
            if each["id"] not in serving:
                self._account.change(each["id"], removed=True)
                await self._host.stop(each["id"])
                shutil.rmtree(self._directory / each["id"], ignore_errors=True)

    def _variables(self, document: Document, project: Document) -> dict[str, str]:
        """Return what a deployment is given, building and running; Vercel's own names for what it is."""
        target = document["target"] or PREVIEW
        return {
            **project["variables"].get(target, {}),
            **document["variables"],
            "VERCEL": "1",
            "VERCEL_ENV": target,
            "VERCEL_URL": document["url"],
            "VERCEL_DEPLOYMENT_ID": document["id"],
            "VERCEL_GIT_COMMIT_SHA": document["commit"],
            "VERCEL_GIT_COMMIT_REF": document["branch"],
        }

    def _say(self, name: str, line: str, *, kind: str = "stdout") -> None:
        log = self._logs.setdefault(name, list(self._account.logs.get(name, [])))
        log.append({"type": kind, "created": self._account.now(), "text": line})
        if len(log) % SAID == 0:
            self._account.logs[name] = log

    def _kept_log(self, name: str) -> None:
        self._account.logs[name] = self._logs.pop(name, self._account.logs.get(name, []))
