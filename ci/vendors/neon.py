"""Neon's API v2: projects, their branches with databases and roles, and the computes by which one connects.

https://api-docs.neon.tech/reference. What changes something answers at once and is done later: its operations are
asked for until they are finished. While a project has any, it answers other changes with 423, which does nothing.
A branch's name is no key: two may have the same, so one is looked for before it is made. neon_restoring.py has the
way back to an earlier state.
"""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from ci.errors import Trouble, VendorError
from ci.text import clean, first_line
from ci.vendors.adapter import Adapter, ensure
from ci.vendors.answers import Answer, Dialect, said
from ci.vendors.exchange import Exchange, Patience, Query, segment
from ci.vendors.neon_values import Branch, Database, Endpoint, Operation, Pagination, Project, Role, Source, User

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

ADDRESS = "https://console.neon.tech/api/v2"
PAGE = 100  # branches of one answer
LONGEST_NAME = 256
READ_WRITE = "read_write"
READY = frozenset({"ready", "archived"})  # an archived one is slow at first
LOOKS = 5  # at a branch that is not ready though all is done
# Nothing was done: https://api-docs.neon.tech/reference/getting-started-with-neon-api#response-codes
UNDONE = frozenset({HTTPStatus.LOCKED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds between two looks at an operation, and how long all of them may take, or a lock may last."""

    look: float = 0.5
    whole: float = 180.0


DONE = frozenset({"finished", "skipped"})
STOPPED = frozenset({"failed", "error", "cancelled"})


def _said(answer: Answer) -> tuple[str, str | None]:
    message, code = said(answer)
    return message, code or None  # most errors have an empty one


DIALECT = Dialect(vendor="Neon", said=_said, undone=UNDONE)


class Neon(Adapter):
    """One account's projects, by a key of it. What changes something returns when Neon has done it."""

    def __init__(self, exchange: Exchange, *, pace: Pace | None = None, page: int = PAGE) -> None:
        """Take the way there. `page` is how many branches are asked for at once."""
        super().__init__(exchange)
        self.pace = pace or Pace()
        self.page = page

    # --- reads ----------------------------------------------------------------------------------

    async def user(self) -> User:
        """Return whose key it is. Raises VendorError."""
        return self.exchange.read(await self.exchange.ask("GET", "/users/me"), User, what="the user")

    async def project(self, project: str) -> Project | None:
        """Return a project by its id. Raises VendorError."""
        return await self._single(_at(project), "project", Project)

    async def branches(self, project: str, *, search: str = "") -> tuple[Branch, ...]:
        """Return all branches, or those with `search` in their name or id. Raises VendorError."""
        found: list[Branch] = []
        cursors: list[str] = []
        while True:
            query: dict[str, str | int] = {"limit": self.page}
            query |= {"search": search} if search else {}
            query |= {"cursor": cursors[-1]} if cursors else {}
            answer = await self.exchange.ask("GET", f"{_at(project)}/branches", query=query)
            page = self.part(answer, "branches", tuple[Branch, ...])
            found += page
            cursor = self.part(answer, "pagination", Pagination | None)
            if not page or cursor is None or not cursor.next:
                return tuple(found)
            if cursor.next in cursors:
                raise self._error(Trouble.UNREADABLE, f"the page of branches behind {cursor.next} is its own next one")
            cursors.append(cursor.next)

    async def branch(self, project: str, branch: str) -> Branch | None:
        """Return a branch by its id. Raises VendorError."""
        return await self._single(f"{_at(project)}/branches/{segment(branch)}", "branch", Branch)

    async def find_branch(self, project: str, name: str) -> Branch | None:
        """Return the branch of exactly this name, the oldest where there are several. Raises VendorError."""
        found = [each for each in await self.branches(project, search=name) if each.name == name]
        return min(found, key=lambda each: each.created, default=None)

    async def endpoints(self, project: str, branch: str) -> tuple[Endpoint, ...]:
        """Return a branch's computes. Raises VendorError."""
        return await self._several(f"{_at(project)}/branches/{segment(branch)}", "endpoints", Endpoint)

    async def databases(self, project: str, branch: str) -> tuple[Database, ...]:
        """Return a branch's databases. Raises VendorError."""
        return await self._several(f"{_at(project)}/branches/{segment(branch)}", "databases", Database)

    async def roles(self, project: str, branch: str) -> tuple[str, ...]:
        """Return the names of a branch's roles, as far as Neon itself made them. Raises VendorError."""
        return tuple(
            role.name for role in await self._several(f"{_at(project)}/branches/{segment(branch)}", "roles", Role)
        )

    async def connection_uri(self, project: str, branch: str, *, database: str, role: str) -> str:
        """Return how to connect: a secret, for the password is in it. Not by the pooler, which has no sessions.

        Raises VendorError, also for a role that has no password that Neon knows.
        """
        query: Query = {"branch_id": branch, "database_name": database, "role_name": role, "pooled": False}
        answer = await self.exchange.ask("GET", f"{_at(project)}/connection_uri", query=query)
        uri: str = self.part(answer, "uri", str)
        return uri

    # --- writes ---------------------------------------------------------------------------------

    async def make_branch(
        self,
        project: str,
        name: str,
        *,
        parent: str | None = None,
        source: Source = Source.DATA,
        expires: datetime.datetime | None = None,
        at: datetime.datetime | None = None,
        compute: bool = True,
    ) -> Branch:
        """Return the branch of this name, ready to be connected to; made of `parent`, an id, where there is none.

        Without `parent` it is one of the default branch; it is what that held `at` a moment, or holds now. Without
        `compute` nobody can connect, and it costs its data alone. At `expires` Neon itself deletes it. One whose making
        failed is an error: it stays until it is deleted. Raises VendorError.
        """
        wanted: dict[str, Any] = {"name": name[:LONGEST_NAME], "init_source": source.value}
        wanted |= {"parent_id": parent} if parent else {}
        wanted |= {"parent_timestamp": precisely(at)} if at else {}
        wanted |= {"expires_at": _written(expires)} if expires else {}
        body: dict[str, Any] = {"branch": wanted} | ({"endpoints": [{"type": READ_WRITE}]} if compute else {})

        async def write() -> tuple[Branch, tuple[Operation, ...]]:
            answer = await self.change("POST", f"{_at(project)}/branches", body=body, accept=(201,))
            return self.part(answer, "branch", Branch), self.part(answer, "operations", tuple[Operation, ...])

        async def look() -> tuple[Branch, tuple[Operation, ...]] | None:
            found = await self.find_branch(project, name[:LONGEST_NAME])
            return None if found is None else (found, await self.pending(project, found.id))

        made, operations = await ensure(look, write)
        await self.settle(project, operations)
        ready = await self.ready(project, made.id)
        if compute and not [each for each in await self.endpoints(project, made.id) if each.kind == READ_WRITE]:
            await self._add_endpoint(project, made.id)
        return ready

    async def delete_branch(self, project: str, branch: str) -> None:
        """Delete a branch by its id, for good; one that is gone is fine. Connections to it end. Raises VendorError."""
        path = f"{_at(project)}/branches/{segment(branch)}"
        answer = await self.change("DELETE", path, query={"hard_delete": True}, accept=(200, 204))
        if answer.status == HTTPStatus.OK:
            await self.settle(project, self.part(answer, "operations", tuple[Operation, ...]))

    async def delete_named(self, project: str, name: str) -> None:
        """Delete all branches of exactly this name, as delete_branch does: there may be several. Raises VendorError."""
        for each in await self.branches(project, search=name):
            if each.name == name:
                await self.delete_branch(project, each.id)

    async def start(self, project: str, endpoint: str) -> None:
        """Start a compute; one that runs is fine. Raises VendorError."""
        await self._of_endpoint(project, endpoint, "start")

    async def suspend(self, project: str, endpoint: str) -> None:
        """Suspend a compute, which ends its connections; one that is idle is fine. Raises VendorError."""
        await self._of_endpoint(project, endpoint, "suspend")

    async def sweep(
        self, project: str, prefix: str, *, now: datetime.datetime, age: datetime.timedelta
    ) -> tuple[str, ...]:
        """Delete branches whose names begin with `prefix` and that are past their time; return their names.

        That is when they expire, or, where no moment is set, when they are of that `age`. Raises VendorError.
        """
        overdue = [
            each
            for each in await self.branches(project, search=prefix)
            if each.name.startswith(prefix) and (each.expires or each.created + age) <= now
        ]
        for each in overdue:
            await self.delete_branch(project, each.id)
        return tuple(each.name for each in overdue)

    # --- their parts ----------------------------------------------------------------------------

    async def ready(self, project: str, branch: str) -> Branch:
        """Return a branch whose operations are over, as it is now. Raises VendorError where it is not ready."""
        for _ in range(LOOKS):
            found = await self.branch(project, branch)
            if found is not None and found.state in READY:
                return found
            await anyio.sleep(self.pace.look)
        state = found.state if found is not None else "gone"
        raise self._error(Trouble.BROKEN, f"the branch {branch} is {state}, and no operation goes on")

    async def _add_endpoint(self, project: str, branch: str) -> None:
        body = {"endpoint": {"branch_id": branch, "type": READ_WRITE}}
        answer = await self.change("POST", f"{_at(project)}/endpoints", body=body, accept=(201,))
        await self.settle(project, self.part(answer, "operations", tuple[Operation, ...]))

    async def _of_endpoint(self, project: str, endpoint: str, verb: str) -> None:
        path = f"{_at(project)}/endpoints/{segment(endpoint)}/{verb}"
        answer = await self.change("POST", path, repeatable=True)
        await self.settle(project, self.part(answer, "operations", tuple[Operation, ...]))

    async def change(self, method: str, path: str, **more: Any) -> Answer:
        """Ask for a change until the project's other operations are over."""
        until = time.monotonic() + self.pace.whole
        while True:
            try:
                return await self.exchange.ask(method, path, **more)
            except VendorError as error:
                if error.status != HTTPStatus.LOCKED or time.monotonic() > until:
                    raise
            await anyio.sleep(self.pace.look)

    async def pending(self, project: str, branch: str) -> tuple[Operation, ...]:
        """Return what is still to be done for a branch; the newest operations come first."""
        answer = await self.exchange.ask("GET", f"{_at(project)}/operations", query={"limit": PAGE})
        found = self.part(answer, "operations", tuple[Operation, ...])
        return tuple(each for each in found if each.branch_id == branch and each.status not in DONE | STOPPED)

    async def settle(self, project: str, operations: tuple[Operation, ...]) -> None:
        """Wait until all operations are finished. Raises VendorError where one is not, or not in time."""
        until = time.monotonic() + self.pace.whole
        for operation in operations:
            current = operation
            while current.status not in DONE:
                if current.status in STOPPED:
                    why = f": {current.error}" if current.error else ""
                    raise self._error(Trouble.BROKEN, f"{current.action} {current.status}{why}", unsettled=True)
                if time.monotonic() > until:
                    told = f"{current.action} is {current.status} after {self.pace.whole:.0f} s"
                    raise self._error(Trouble.BROKEN, told, unsettled=True)
                await anyio.sleep(self.pace.look)
                answer = await self.exchange.ask("GET", f"{_at(project)}/operations/{segment(operation.id)}")
                current = self.part(answer, "operation", Operation)

    async def _single(self, path: str, name: str, kind: type[T]) -> T | None:
        try:
            answer = await self.exchange.ask("GET", path)
        except VendorError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        found: T = self.part(answer, name, kind)
        return found

    async def _several(self, path: str, name: str, kind: type[T]) -> tuple[T, ...]:
        answer = await self.exchange.ask("GET", f"{path}/{name}")
        found: tuple[T, ...] = self.part(answer, name, tuple[kind, ...])  # type: ignore[valid-type]
        return found

    def part(self, answer: Answer, name: str, kind: Any) -> Any:
        """Return one field of an answer."""
        body = answer.json()
        part = body.get(name) if isinstance(body, dict) else None
        return self.exchange.value({name: part}, dict[str, kind], what=name)[name]

    def _error(self, trouble: Trouble, told: str, *, unsettled: bool = False) -> VendorError:
        line = self.exchange.redactor.text(first_line(clean(told)))
        return VendorError(f"Neon {trouble.value}: {line}", trouble=trouble, unsettled=unsettled)


def _at(project: str) -> str:
    return f"/projects/{segment(project)}"


def _written(moment: datetime.datetime) -> str:
    """Write it as RFC 3339 in whole seconds of UTC: https://neon.com/docs/guides/branch-expiration."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precisely(moment: datetime.datetime) -> str:
    """Write a moment in the history of a branch: https://neon.com/docs/guides/branch-restore."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def connect(
    key: str,
    *,
    address: str = ADDRESS,
    patience: Patience | None = None,
    pace: Pace | None = None,
    page: int = PAGE,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Neon:
    """Return the client of whoever the API key belongs to: a person, an organisation, or one project alone."""
    authorization = {"authorization": f"Bearer {key}"}
    exchange = Exchange(DIALECT, address, authorization=authorization, patience=patience, transport=transport)
    return Neon(exchange, pace=pace, page=page)
