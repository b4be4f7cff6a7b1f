"""From an order or a push to a deployment that is reached: queued, built, started, and one day removed."""

from __future__ import annotations

import functools
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from ci.errors import ShipwayError
from ci.rehearsal.switch import Switch
from ci.rehearsal.vercel.account import LIVE, PREVIEW, PRODUCTION, Account, Document
from ci.rehearsal.vercel.building import BuildFailedError, BuildIgnoredError, Order, Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio.abc import TaskGroup

    from ci.rehearsal.vercel.build_faults import BuildFault, BuildFaults
    from ci.rehearsal.vercel.building import Build
    from ci.rehearsal.vercel.logs import Logs
    from ci.rehearsal.vercel.moving import Moving
    from ci.rehearsal.vercel.retention import Retention
    from ci.rehearsal.vercel.waking import Waking

SIDE_BY_SIDE = 2  # builds; the others wait in a queue


class Deploying:
    """Its orders go on for as long as it is served. Where deployments lie and how many stay, `retention` knows."""

    def __init__(
        self,
        account: Account,
        *,
        build: Build,
        faults: BuildFaults,
        logs: Logs,
        moving: Moving,
        retention: Retention,
        waking: Waking,
    ) -> None:
        """Build and run with what is handed in."""
        self._account = account
        self._build = build
        self._faults = faults
        self._logs = logs
        self._moving = moving
        self._retention = retention
        self._waking = waking
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._room = anyio.Semaphore(SIDE_BY_SIDE)

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
        """Note a deployment, with the variables that the project has now, and begin with it."""
        port = self._account.free_port()
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
            "given": {**project["variables"].get(target or PREVIEW, {}), **(variables or {})},
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
        group.start_soon(self._deploy, group, document["id"])
        return document

    def cancel(self, name: str) -> Document:
        """Stop a build."""
        if (scope := self._scopes.get(name)) is not None:
            scope.cancel()
        return self._account.change(name, state="CANCELED")

    def site(self, name: str) -> Site:
        """Return how a deployment is served; with the variables of its build, whatever the project has by now."""
        document = self._account.deployments[name]
        site = document["site"]
        environment = {**site["environment"], **_variables(document)}
        return Site(argv=tuple(site["argv"]), directory=Path(site["directory"]), environment=environment)

    async def resume(self, group: TaskGroup) -> None:
        """Be reached where it was reached before, and build again what was being built."""
        await self._retention.sweep()
        for document in self._account.deployments.values():
            if document["state"] == "READY" and not document["removed"]:
                await self._reached(group, document)
                if document["target"] == PRODUCTION:
                    group.start_soon(self._warm, document["id"])
            elif document["state"] in LIVE:
                group.start_soon(self._deploy, group, document["id"])

    async def _warm(self, name: str) -> None:
        try:
            await self._waking.wake(name)
        except BuildFailedError as error:  # it is a deployment that does not answer
            self._logs.say(name, str(error), kind="stderr")
            self._logs.keep(name)

    async def _deploy(self, group: TaskGroup, name: str) -> None:
        scope = self._scopes[name] = anyio.CancelScope()
        try:
            with scope:
                document = self._account.deployments[name]
                await self._reached(group, document)
                async with self._room:
                    self._account.change(name, state="BUILDING")
                    fault = self._faults.of(document["name"])
                    if fault is not None and fault.kind == "blocked":
                        self._account.change(name, state="BLOCKED")
                    else:
                        await self._make(name, fault)
        except BuildIgnoredError as error:
            self._logs.say(name, f"The deployment is cancelled, for the command that says whether to build: {error}")
            self._account.change(name, state="CANCELED")
        except (BuildFailedError, ShipwayError, OSError) as error:
            for line in str(error).splitlines():
                self._logs.say(name, line, kind="stderr")
            self._account.change(name, state="ERROR", error=(str(error).splitlines() or [""])[0])
        finally:
            self._logs.keep(name)
            del self._scopes[name]
        if self._account.deployments[name]["state"] != "READY":
            await self._retention.drop(name)

    async def _make(self, name: str, fault: BuildFault | None) -> None:
        document = self._account.deployments[name]
        project = self._account.projects[document["project"]]
        order = Order(
            repository=project["repository"],
            commit=document["commit"],
            root=project["root"],
            build=tuple(project["build"]),
            start=tuple(project["start"]),
            directory=await self._retention.place(name),
            variables=_variables(document),
            ignoring=project["ignoring"],
        )
        if fault is not None:
            await anyio.sleep(fault.seconds)
            if fault.kind == "fail":
                raise BuildFailedError(fault.reason)
        site = await self._build(order, lambda line: self._logs.say(name, line))
        told = {"argv": list(site.argv), "directory": str(site.directory), "environment": dict(site.environment)}
        self._account.change(name, site=told)
        if document["target"] == PRODUCTION:
            await self._waking.wake(name)
        if self._account.deployments[name]["state"] == "CANCELED":  # in the same moment
            return
        ready = self._account.change(name, state="READY", ready=self._account.now())
        self._retention.addresses[name].move(self._account.reach(name))
        if document["target"] == PRODUCTION:
            self._moving.assign(self._account.projects[document["project"]], ready)
        await self._retention.retire(self._account.projects[document["project"]])

    async def _reached(self, group: TaskGroup, document: Document) -> None:
        """Have a deployment's own address be there. Nothing is behind it until it is built."""
        switch = Switch(port=document["port"])
        switch.admits = functools.partial(self._account.admits, document["id"])
        if document["state"] == "READY":
            switch.move(self._account.reach(document["id"]))
        await self._retention.open(group, document["id"], switch)


def _variables(document: Document) -> dict[str, Any]:
    """Return what a deployment is given, building and running; Vercel's own names for what it is."""
    return {
        **document["given"],
        "VERCEL": "1",
        "VERCEL_ENV": document["target"] or PREVIEW,
        "VERCEL_URL": document["url"],
        "VERCEL_DEPLOYMENT_ID": document["id"],
        "VERCEL_GIT_COMMIT_SHA": document["commit"],
        "VERCEL_GIT_COMMIT_REF": document["branch"],
    }
