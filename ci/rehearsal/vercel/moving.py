"""Promotions and rollbacks: noted at once, done in a while, one of a project at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from ci.rehearsal.vercel.account import Account, Document

PROMOTE, ROLLBACK = "promote", "rollback"
UNDER_WAY = frozenset({"pending", "in-progress"})


class Moving:
    """`delay` is the seconds that each of its steps takes."""

    def __init__(self, account: Account, *, delay: float) -> None:
        """Know where the domains are."""
        self._account = account
        self._delay = delay

    def ask(self, group: TaskGroup, kind: str, project: Document, deployment: Document) -> None:
        """Note a request, which a project shows a while later, and begin with it.

        While it goes on no build is given the domains by itself, after a rollback none until a promotion.
        """
        request = {
            "fromDeploymentId": project["production"],
            "toDeploymentId": deployment["id"],
            "jobStatus": "pending",
            "requestedAt": self._account.now(),
            "type": kind,
        }
        statuses = [{"id": f"als_{domain}", "alias": domain, "status": "pending"} for domain in project["domains"]]
        shown = {"earlier": project["request"], "shown": request["requestedAt"] + self._delay * 1000}
        assign = project["auto_assign"] and kind == PROMOTE
        self._account.change_project(project["id"], request=request, statuses=statuses, auto_assign=assign, **shown)
        group.start_soon(self._move, project["id"])

    def resume(self, group: TaskGroup) -> None:
        """Go on with what was under way when we ended."""
        for project in self._account.projects.values():
            if is_moving(project):
                group.start_soon(self._move, project["id"])

    def assign(self, project: Document, deployment: Document) -> None:
        """Give a new production build the domains, as Vercel does by itself unless a newer one has them."""
        if not project["auto_assign"] or is_moving(project):
            return
        now = self._account.deployment(project["production"] or "")
        if now is not None and now["created"] > deployment["created"]:
            return
        for domain in project["domains"]:
            self._account.lead(domain, deployment)
        self._serves(project["id"], deployment["id"])

    async def _move(self, name: str) -> None:
        await anyio.sleep(self._delay)
        while _is_rolling(self._account.projects[name]):  # noqa: ASYNC110 - it stands in a file; we queue behind it
            await anyio.sleep(self._delay)
        self._note(name, "in-progress")
        project = self._account.projects[name]
        request = project["request"]
        deployment = self._account.deployments[request["toDeploymentId"]]
        for each in project["statuses"]:
            await anyio.sleep(self._delay)
            failing = each["alias"] in self._account.projects[name]["failing"]
            if not failing:
                self._account.lead(each["alias"], deployment)
            self._status(name, each["alias"], "failed" if failing else "completed")
        failed = [each["alias"] for each in self._account.projects[name]["statuses"] if each["status"] == "failed"]
        told = f"{', '.join(failed)} could not be assigned" if failed else None
        self._account.change(deployment["id"], alias_error=told)
        if not failed:
            self._serves(name, deployment["id"])
            self._account.change_project(name, auto_assign=request["type"] == PROMOTE)
        self._note(name, "failed" if failed else "succeeded")

    def _serves(self, project: str, deployment: str) -> None:
        self._account.change(deployment, served=True, substate="PROMOTED")
        self._account.change_project(project, production=deployment)

    def _note(self, name: str, status: str) -> None:
        request = self._account.projects[name]["request"]
        self._account.change_project(name, request={**request, "jobStatus": status})

    def _status(self, name: str, alias: str, status: str) -> None:
        statuses = self._account.projects[name]["statuses"]
        changed = [{**each, "status": status} if each["alias"] == alias else each for each in statuses]
        self._account.change_project(name, statuses=changed)


def is_moving(project: Document) -> bool:
    """Whether a promotion or a rollback is under way."""
    return project["request"] is not None and project["request"]["jobStatus"] in UNDER_WAY


def _is_rolling(project: Document) -> bool:
    return project["rolling"] is not None and project["rolling"]["state"] == "ACTIVE"
