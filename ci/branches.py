"""Databases of a run: each check of stage 5 gets a branch at Neon of its own, which is taken away when it ended.

A branch outlives a killed run. So a run that makes any notes that beforehand, in the per-user cache, and the next run
deletes what dead ones left; on another machine their age tells, and Neon itself deletes them when they expire.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

import anyio
import anyio.to_thread
import psycopg
from psycopg import conninfo, sql

from ci.errors import Trouble, UsageError, VendorError
from ci.executors.scratch import is_alive
from ci.redact import Redactor
from ci.text import clean, first_line
from ci.vendors import neon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    from ci.model import Check, Execution, Executor, Service
    from ci.settings.environments import Neon as Settings
    from ci.vendors.neon import Neon

SERVICE = "neon"
PREFIX = "shipway-run-"
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
MARGIN = datetime.timedelta(minutes=15)  # beside what the steps may take
COLD = 60.0  # seconds in which a compute takes its first connection
CONNECTING = 10  # seconds for one try
PARTING = 30.0  # seconds that it may take to delete a branch, where the run is interrupted
HINT = "without [environments.development.neon] in shipway.toml, stage 5 has a server of its own"


@dataclass(frozen=True, kw_only=True)
class Branching:
    """An executor whose checks find a branch where they ask for one."""

    executor: Executor
    branches: Branches

    @property
    def name(self) -> str:
        """The name of the executor inside."""
        return self.executor.name

    async def execute(self, check: Check) -> Execution:
        """Execute with a branch, and take what is secret of it out of what came of that.

        Raises VendorError where Neon is out of reach or refuses, UsageError where a setting means nothing there.
        """
        service = next((each for each in check.services if each.name == SERVICE), None)
        if service is None:
            return await self.executor.execute(check)
        async with self.branches.branch(check, service) as (given, redactor):
            others = tuple(each for each in check.services if each is not service)
            execution = await self.executor.execute(dataclasses.replace(check, services=others, given=given))
        return await anyio.to_thread.run_sync(redactor.execution, execution)


@dataclass(kw_only=True)
class Branches:
    """The branches of one run. `notices` are one line each: what could not be deleted."""

    settings: Settings
    client: Neon
    cache: Path
    run: str
    notices: list[str] = field(default_factory=list)
    _redactors: dict[str, Redactor] = field(default_factory=dict)
    _count: int = 0
    _left: set[str] = field(default_factory=set)
    _swept: bool = False
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    def around(self, executor: Executor) -> Branching:
        """Return the executor with a branch for each check that asks for one."""
        return Branching(executor=executor, branches=self)

    def shown(self, identity: str, line: str) -> str:
        """Return what may be shown of a line that the running step of the check with this id printed last."""
        redactor = self._redactors.get(identity)
        return line if redactor is None else redactor.last_line(line)

    @contextlib.asynccontextmanager
    async def branch(self, check: Check, service: Service) -> AsyncIterator[tuple[Mapping[str, str], Redactor]]:
        """Give the variables by which a check finds its branch, and a redactor that knows what is secret in them.

        It is deleted afterwards, also on an interrupt.
        """
        begun: list[str] = []
        try:
            with _hinting():
                made = await self._make(check, begun)
                owner = await self.client.connection_uri(
                    self.settings.project, made, database=self.settings.database, role=self.settings.role
                )
                application = await self._admit(owner, made, service.roles[0])
                parts = {"owner": _parts(owner), "application": _parts(application)}
            redactor = Redactor({f"{whose} of the branch": parts[whose]["password"] for whose in parts})
            self._redactors[check.id] = redactor
            filling = {**parts["owner"], "owner": owner, "application": application}
            yield {name: value.format(**filling) for name, value in service.environment.items()}, redactor
        finally:
            for name in begun:
                with anyio.CancelScope(shield=True):
                    await self._delete(name)

    async def close(self) -> None:
        """Delete what dead runs left, where no branch was wanted and so nobody looked; close the connections."""
        try:
            if self._dead() and not self._swept:
                await self._sweep()
        except VendorError as error:
            self.notices.append(f"branches of an earlier run are left at Neon until they expire: {error.message}")
        finally:
            if not self._left:
                self._note(self.run).unlink(missing_ok=True)
            with anyio.CancelScope(shield=True):
                await self.client.aclose()

    # --- making and deleting --------------------------------------------------------------------

    async def _make(self, check: Check, begun: list[str]) -> str:
        """Return the id of a new branch; its name is in `begun` before it may be there."""
        async with self._lock:  # a project makes one at a time
            if not self._swept:
                await self._sweep()
            parent = await self._parent()
            self._count += 1
            name = f"{PREFIX}{self.run}-{self._count}"
            begun.append(name)
            self._left.add(name)
            self._write_down()
            lasting = datetime.timedelta(seconds=sum(step.timeout for step in check.steps)) + MARGIN
            expires = datetime.datetime.now(datetime.UTC) + max(HOUR, lasting)
            made = await self.client.make_branch(self.settings.project, name, parent=parent, expires=expires)
            return made.id

    async def _parent(self) -> str | None:
        wanted, project = self.settings.parent, self.settings.project
        if wanted is None:
            return None
        if wanted.startswith("br-") and await self.client.branch(project, wanted) is not None:
            return wanted
        found = await self.client.find_branch(project, wanted)
        if found is None:
            raise UsageError(f"shipway.toml: environments.development.neon.parent: {project} has no branch {wanted!r}")
        return found.id

    async def _delete(self, name: str) -> None:
        """Delete one of ours; what cannot be deleted expires, and does not change what came of its check."""
        try:
            with anyio.fail_after(PARTING):
                await self.client.delete_named(self.settings.project, name)
        except (VendorError, TimeoutError) as error:
            why = error.message if isinstance(error, VendorError) else f"it takes more than {PARTING:.0f} s"
            self.notices.append(f"the branch {name} is left at Neon until the next run, or until it expires: {why}")
        else:
            self._left.discard(name)

    async def _sweep(self) -> None:
        """Delete what dead runs left. One that Neon does not let go, as it has children, is only told of."""
        project = self.settings.project
        try:
            for run in self._dead():
                for each in await self.client.branches(project, search=f"{PREFIX}{run}-"):
                    if each.name.startswith(f"{PREFIX}{run}-"):
                        await self.client.delete_branch(project, each.id)
                self._note(run).unlink(missing_ok=True)
            await self.client.sweep(project, PREFIX, now=datetime.datetime.now(datetime.UTC), age=DAY)
        except VendorError as error:
            if error.trouble is not Trouble.REFUSING:
                raise
            self.notices.append(f"branches of an earlier run are left at Neon until they expire: {error.message}")
        self._swept = True

    # --- the notes of runs ----------------------------------------------------------------------

    def _note(self, run: str) -> Path:
        return self.cache / "branches" / run

    def _write_down(self) -> None:
        """Note that this run has branches, before it has one."""
        note = self._note(self.run)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(self._whose(), encoding="utf-8")

    def _whose(self) -> str:
        return f"{self.settings.address} {self.settings.project}\n"

    def _dead(self) -> tuple[str, ...]:
        """Return the runs that ended without having deleted what they made in this project."""
        place = self.cache / "branches"
        notes = sorted(place.iterdir()) if place.is_dir() else []
        return tuple(
            note.name
            for note in notes
            if note.name != self.run
            and not is_alive(self.cache, note.name)
            and note.read_text(encoding="utf-8") == self._whose()
        )

    # --- the branch's own server ----------------------------------------------------------------

    async def _admit(self, owner: str, branch: str, role: str) -> str:
        """Return how the application's role connects, when it can: on a branch it has another password."""
        password = secrets.token_hex(24)
        async with await connect(owner) as connection:
            name = sql.Identifier(role)
            grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
            try:
                found = await (await connection.execute("select from pg_roles where rolname = %s", [role])).fetchone()
                words = "ALTER ROLE {} LOGIN PASSWORD {}"
                if found is None:
                    words = "CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {}"
                await connection.execute(sql.SQL(words).format(name, sql.Literal(password)))
                await connection.execute(grant.format(sql.Identifier(connection.info.dbname), name))
            except psycopg.errors.InsufficientPrivilege:  # Neon made it, and knows its password
                return await self.client.connection_uri(
                    self.settings.project, branch, database=self.settings.database, role=role
                )
            except psycopg.Error as error:
                told = error.diag.message_primary or type(error).__name__  # the statement holds the password
                lost = connection.closed and error.diag.message_primary is None
                trouble = Trouble.UNREACHABLE if lost else Trouble.REFUSING
                raise _error(trouble, f"no role {role!r} on the branch: {told}") from None
        parts = urlsplit(owner)
        place = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}:{password}@{place}"))


@contextlib.asynccontextmanager
async def branches(settings: Settings, token: str, *, cache: Path, run: str) -> AsyncIterator[Branches]:
    """Give the branches of a run; what is left of them, and of dead runs, is deleted at the end."""
    made = Branches(settings=settings, client=neon.connect(token, address=settings.address), cache=cache, run=run)
    try:
        yield made
    finally:
        await made.close()


async def connect(uri: str) -> psycopg.AsyncConnection:
    """Connect, with patience: a compute may have to wake, and its name to become known."""
    until = time.monotonic() + COLD
    while True:
        try:
            return await psycopg.AsyncConnection.connect(uri, autocommit=True, connect_timeout=CONNECTING)
        except psycopg.OperationalError as error:
            if time.monotonic() > until:
                raise _error(Trouble.UNREACHABLE, f"the branch's server: {error}") from None
        except psycopg.ProgrammingError:
            raise _error(Trouble.UNREADABLE, "a connection URI") from None
        await anyio.sleep(1)


def _parts(uri: str) -> dict[str, str]:
    """Take a connection URI apart."""
    usual = {"port": "5432", "sslmode": "prefer", "channel_binding": "prefer"}
    try:
        parts = {name: str(value) for name, value in conninfo.conninfo_to_dict(uri).items()}
        named = {"host": parts["host"], "user": parts["user"], "password": parts["password"]}
        return {**usual, **parts, **named, "database": parts["dbname"]}
    except (psycopg.ProgrammingError, KeyError):
        raise _error(Trouble.UNREADABLE, "a connection URI") from None


def _error(trouble: Trouble, told: str) -> VendorError:
    return VendorError(f"Neon {trouble.value}: {first_line(clean(told))}", trouble=trouble)


@contextlib.contextmanager
def _hinting() -> Iterator[None]:
    try:
        yield
    except VendorError as error:
        error.hint = error.hint or HINT
        raise
