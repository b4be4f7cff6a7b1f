"""The calls. A team's projects are only seen by who says which team: `teamId` goes with every one of them."""

from __future__ import annotations

import dataclasses
import email.utils
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import BeforeValidator

from ci.errors import Trouble, VendorError
from ci.text import first_line
from ci.vendors import answers
from ci.vendors.adapter import Adapter, ensure
from ci.vendors.answers import Answer, Dialect
from ci.vendors.exchange import Exchange, Patience, Query, segment
from ci.vendors.vercel.values import (
    Alias,
    AliasStatus,
    Deployment,
    Domain,
    Event,
    Project,
    Ready,
    RollingRelease,
    Spoken,
    User,
)

T = TypeVar("T")
ADDRESS = "https://api.vercel.com"
LONGEST_REASON = 500  # it goes into an address
PAGE = 100  # the most that Vercel gives in one answer
PRODUCTION = "production"
NOT_FOUND = 404


@dataclass(frozen=True, kw_only=True)
class _Pagination:
    next: float | None


@dataclass(frozen=True, kw_only=True)
class _Page:
    pagination: _Pagination


@dataclass(frozen=True, kw_only=True)
class _Account:
    user: User


@dataclass(frozen=True, kw_only=True)
class _Rolling:
    rollingRelease: RollingRelease | None  # noqa: N815 - Vercel's word


def _pause(answer: Answer) -> float | None:
    """Return the seconds until its limit is lifted: at `x-ratelimit-reset`, in seconds since 1970 by its own clock."""
    if (asked := answers.pause(answer)) is not None:
        return asked
    reset = answer.headers.get("x-ratelimit-reset", "")
    try:
        now = email.utils.parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
        return max(0.0, float(reset) - now)
    except (ValueError, OverflowError):
        return None


DIALECT = Dialect(vendor="Vercel", pause=_pause)


class Vercel(Adapter):
    """Speaks for one token, in one team or, without one, for the token's own account."""

    def __init__(self, exchange: Exchange, team: str | None = None) -> None:
        """Take the way there, and whose projects are meant."""
        super().__init__(exchange)
        self._team: Query = {"teamId": team} if team else {}
        self._hint = None if team else "a team's project needs the team's id"

    async def user(self) -> User:
        """Return whom the token stands for. Raises VendorError."""
        answer = await self.exchange.ask("GET", "/v2/user")
        return self.exchange.read(answer, _Account, what="the account").user

    async def project(self, project: str) -> Project | None:
        """Return a project by its id or name, None where there is none that the token sees. Raises VendorError."""
        return await self._find(f"/v9/projects/{segment(project)}", Project, what="the project")

    async def require_project(self, project: str) -> Project:
        """The same where it must be there. Raises VendorError."""
        found = await self.project(project)
        if found is None:
            raise VendorError(
                f"Vercel {Trouble.REFUSING.value}: there is no project {project} for this token",
                hint=self._hint,
                trouble=Trouble.REFUSING,
                status=NOT_FOUND,
            )
        return found

    async def set_auto_assign(self, project: str, on: bool) -> Project:  # noqa: FBT001 - what it is set to
        """Have new production builds take the domains by themselves, or not; read back. Raises VendorError."""
        query, body = self._team, {"autoAssignCustomDomains": on}
        path = f"/v9/projects/{segment(project)}"
        await self.exchange.ask("PATCH", path, query=query, body=body, repeatable=True)
        found = await self.require_project(project)
        if found.auto_assign is not on:
            told = f"autoAssignCustomDomains of {found.name} is {found.auto_assign} though it was set to {on}"
            raise VendorError(f"Vercel {Trouble.REFUSING.value}: {told}", trouble=Trouble.REFUSING)
        return found

    async def domains(self, project: str) -> tuple[Domain, ...]:
        """Return a project's domains. Raises VendorError."""
        path = f"/v9/projects/{segment(project)}/domains"
        return tuple([each async for each in self._pages(path, "domains", Domain)])

    async def aliases(self, project: str) -> tuple[Alias, ...]:
        """Return all names that lead to deployments of a project, by its id. Raises VendorError."""
        found = self._pages("/v4/aliases", "aliases", Alias, {"projectId": project})
        return tuple([each async for each in found])

    async def alias(self, name: str) -> Alias | None:
        """Return where a name leads, None where it leads nowhere. Raises VendorError."""
        return await self._find(f"/v4/aliases/{segment(name)}", Alias, what="the alias")

    async def failed_aliases(self, project: str) -> tuple[AliasStatus, ...]:
        """Return the names that the last promotion or rollback could not move. Raises VendorError."""
        query: Query = {**self._team, "failedOnly": True, "limit": PAGE}
        answer = await self.exchange.ask("GET", f"/v1/projects/{segment(project)}/promote/aliases", query=query)
        body = self.exchange.read(answer, dict[str, Any], what="the aliases")
        return self.exchange.value(body.get("aliases", ()), tuple[AliasStatus, ...], what="the aliases")

    async def rolling_release(self, project: str) -> RollingRelease | None:
        """Return the newest rolling release, None where there is none. Raises VendorError."""
        path = f"/v1/projects/{segment(project)}/rolling-release"
        found = await self._find(path, _Rolling, what="the rolling release")
        return found.rollingRelease if found is not None else None

    async def deployments(
        self,
        project: str,
        *,
        commit: str | None = None,
        branch: str | None = None,
        target: str | None = None,
        state: Ready | None = None,
        rollback_candidate: bool | None = None,
        most: int = 1000,
    ) -> tuple[Deployment, ...]:
        """Return a project's deployments that are all of this, the newest first. Raises VendorError."""
        asked = {
            "projectId": project,
            "sha": commit,
            "branch": branch,
            "target": target,
            "state": state,
            "rollbackCandidate": rollback_candidate,
        }
        query: Query = {name: value for name, value in asked.items() if value is not None}
        found: dict[str, Deployment] = {}
        async for each in self._pages("/v7/deployments", "deployments", Deployment, query):
            found[each.id] = each  # two of one millisecond may stand on two pages
            if len(found) >= most:
                break
        return tuple(found.values())

    async def deployment(self, deployment: str) -> Deployment | None:
        """Return a deployment by its id or address, None where there is none. Raises VendorError."""
        return await self._find(f"/v13/deployments/{segment(deployment)}", Deployment, what="the deployment")

    async def create(self, body: Mapping[str, Any]) -> Deployment:
        """Create a deployment, and a new one in any case; building.py sees that it is one. Raises VendorError."""
        # Without forceNew it may give a deployment of the same files in place of a new one.
        query: Query = {**self._team, "forceNew": 1, "skipAutoDetectionConfirmation": 1}
        answer = await self.exchange.ask("POST", "/v13/deployments", query=query, body=body)
        return self.exchange.read(answer, Deployment, what="the new deployment")

    async def cancel(self, deployment: str) -> Deployment:
        """Stop a build; one that has ended stays as it is. Raises VendorError."""
        path = segment(deployment)

        async def look() -> Deployment | None:
            found = await self.deployment(deployment)
            return found if found is not None and found.ready.ended else None

        async def write() -> Deployment:
            answer = await self.exchange.ask("PATCH", f"/v12/deployments/{path}/cancel", query=self._team)
            return self.exchange.read(answer, Deployment, what="the cancelled deployment")

        return await ensure(look, write)

    async def events(self, deployment: str) -> tuple[Event, ...]:
        """Return all of a build's log; text of strangers, in which secrets may stand. Raises VendorError."""
        query: Query = {**self._team, "limit": -1, "direction": "forward"}
        answer = await self.exchange.ask("GET", f"/v3/deployments/{segment(deployment)}/events", query=query)
        return self.exchange.read(answer, _Events, what="the build's log")

    async def spoken(self, project: str, deployment: str, *, seconds: float = 10.0) -> tuple[Spoken, ...]:
        """Return what a deployment says while it is listened to: Vercel keeps nothing of before. Raises VendorError."""
        path = f"/v1/projects/{segment(project)}/deployments/{segment(deployment)}/runtime-logs"
        answer = await self.exchange.ask("GET", path, query=self._team, plain=True, within=seconds)
        lines = answer.content.split(b"\n")
        if not answer.whole:
            lines.pop()  # it may be half a line
        return tuple(
            self.exchange.read(dataclasses.replace(answer, content=line), Spoken, what="what an app said")
            for line in lines
            if line.strip()
        )

    async def ask_promotion(self, project: str, deployment: str) -> None:
        """Ask for it; moving.py sees it through. Raises VendorError."""
        path = f"/v10/projects/{segment(project)}/promote/{segment(deployment)}"
        await self.exchange.ask("POST", path, query=self._team, body={}, accept=(201, 202), plain=True)

    async def ask_rollback(self, project: str, deployment: str, *, why: str = "") -> None:
        """Ask for it; moving.py sees it through. Raises VendorError."""
        path = f"/v1/projects/{segment(project)}/rollback/{segment(deployment)}"
        query: Query = {**self._team, **({"description": first_line(why, LONGEST_REASON)} if why else {})}
        await self.exchange.ask("POST", path, query=query, body={}, accept=(201,), plain=True)

    async def _find(self, path: str, kind: type[T], *, what: str) -> T | None:
        try:
            answer = await self.exchange.ask("GET", path, query=self._team)
        except VendorError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return self.exchange.read(answer, kind, what=what)

    async def _pages(self, path: str, name: str, kind: type[T], query: Query | None = None) -> AsyncIterator[T]:
        """Yield what stands on all pages. They go back in time: the next one ends where `next` says."""
        until: float | None = None
        while True:
            here: Query = {"until": int(until)} if until is not None else {}
            whole: Query = {**self._team, **(query or {}), "limit": PAGE, **here}
            answer = await self.exchange.ask("GET", path, query=whole)
            body = self.exchange.read(answer, dict[str, Any], what=f"the {name}")
            for each in self.exchange.value(body.get(name), tuple[kind, ...], what=f"the {name}"):  # type: ignore[valid-type]
                yield each
            following = self.exchange.value(body, _Page, what=f"the {name}").pagination.next
            if following is None or (until is not None and following >= until):
                return
            until = following


def _listed(data: Any) -> Any:
    """Take one event, as the published API allows, for a list of one."""
    return [data] if isinstance(data, dict) and data else data


_Events = Annotated[tuple[Event, ...], BeforeValidator(_listed)]


def connect(
    token: str,
    *,
    team: str | None = None,
    address: str = ADDRESS,
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Vercel:
    """Return the client of a token. `team` is a team's id, as team_..."""
    authorization = {"authorization": f"Bearer {token}"}
    exchange = Exchange(DIALECT, address, authorization=authorization, patience=patience, transport=transport)
    return Vercel(exchange, team)
