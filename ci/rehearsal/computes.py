"""Postgres servers of the world: one for each branch of a Neon project, with data that is there after a restart.

Not one server with a database for each: roles and their passwords belong to a whole server, a branch has its own. And
a database can be copied by `CREATE DATABASE ... TEMPLATE` only while nobody is connected to it; a server can always.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import sys
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import psycopg
from psycopg import sql

from ci import processes
from ci.errors import ToolError
from ci.rehearsal import ports
from ci.toolchains.postgres import provide_postgres
from ci.toolchains.programs import postgres as program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from anyio.abc import TaskGroup, TaskStatus

OWNER = "postgres"
START = 60  # seconds
# As https://neon.com/docs/manage/roles#the-neonsuperuser-role has it: what Neon makes is above row-level security.
POWERS = "CREATEDB CREATEROLE BYPASSRLS REPLICATION"
MIGHTY = "neon_superuser"
# Until something is committed Postgres does not know when that was last; it was before the server started.
CHANGED = "select extract(epoch from coalesce((pg_last_committed_xact()).timestamp, pg_postmaster_start_time()))"
TABLES = """
    select string_agg(format('%I.%I', nspname, relname), ', ') from pg_class join pg_namespace n on n.oid = relnamespace
    where relkind in ('r', 'p') and nspname !~ '^pg_' and nspname <> 'information_schema'
"""


class Computes:
    """The servers below `directory`, by branch. Made by `computing`."""

    def __init__(self, directory: Path, bin_: Path, group: TaskGroup) -> None:
        """Know where they lie; none runs yet."""
        self.directory = directory
        self.ports: dict[str, int] = {}
        self._bin = bin_
        self._group = group
        self._stops: dict[str, tuple[anyio.Event, anyio.Event]] = {}
        self._lock = anyio.Lock()
        key = directory / "superuser"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_text(secrets.token_hex(16), encoding="ascii")
        self._password = key.read_text(encoding="ascii")

    def has(self, branch: str) -> bool:
        """Whether the branch's data is there."""
        return (self.directory / branch).is_dir()

    async def make(self, branch: str, *, roles: Mapping[str, str], databases: Mapping[str, str]) -> None:
        """Make a root branch: roles by their passwords, databases by their owners. Raises ToolError."""
        async with self._lock:
            if self.has(branch):
                return
            fresh = f"new-{branch}"
            port = await self._start(fresh)
            async with await self._connect(port) as connection:
                await connection.execute(f"CREATE ROLE {MIGHTY} NOLOGIN {POWERS}")
                for role, password in roles.items():
                    create = sql.SQL(f"CREATE ROLE {{}} LOGIN {POWERS} IN ROLE {MIGHTY} PASSWORD {{}}")
                    await connection.execute(create.format(sql.Identifier(role), sql.Literal(password)))
                for database, owner in databases.items():
                    create = sql.SQL("CREATE DATABASE {} OWNER {}")
                    await connection.execute(create.format(sql.Identifier(database), sql.Identifier(owner)))
            await self._stop(fresh)
            (self.directory / fresh).rename(self.directory / branch)

    async def copy(self, parent: str, branch: str, *, rows: bool) -> None:
        """Make a branch of what its parent holds now, whoever is connected to that. Raises ToolError."""
        async with self._lock:
            await self._copy(parent, branch, rows=rows)

    async def replace(self, branch: str, source: str, *, keep: str | None) -> None:
        """Have a branch hold what `source` holds now; `keep` gets what it held. Raises ToolError."""
        async with self._lock:
            await self._stop(branch)
            place = self.directory / branch
            if keep is not None and not self.has(keep):
                place.rename(self.directory / keep)
            elif keep is None and place.exists():
                await anyio.to_thread.run_sync(shutil.rmtree, place)
            await self._copy(source, branch, rows=True)  # before anybody can start it, as one without data

    async def changed(self, branch: str) -> float:
        """Return a moment, in seconds since 1970, after which nothing was committed in a branch. Raises ToolError."""
        if branch not in self.ports:
            log = (self.directory / branch / "pg_wal").iterdir()  # whatever was committed stands in it
            return max(each.stat().st_mtime for each in log)
        async with await self._connect(self.ports[branch]) as connection:
            found = await connection.execute(CHANGED)
            row = await found.fetchone()
        if row is None:
            raise ToolError(f"the Postgres of {branch} does not say when it changed")
        return float(row[0])

    async def start(self, branch: str) -> int:
        """Have the branch's server run, and return its port. Raises ToolError."""
        async with self._lock:
            return await self._start(branch)

    async def stop(self, branch: str) -> None:
        """End the branch's server and all connections to it."""
        async with self._lock:
            await self._stop(branch)

    async def drop(self, branch: str) -> None:
        """End the branch's server and remove its data."""
        async with self._lock:
            await self._stop(branch)
            place = self.directory / branch
            if place.exists():
                await anyio.to_thread.run_sync(shutil.rmtree, place)

    async def _start(self, branch: str) -> int:
        if branch not in self.ports:
            self.ports[branch] = await self._group.start(self._serve, branch)
        return self.ports[branch]

    async def _stop(self, branch: str) -> None:
        if branch in self._stops:
            stop, stopped = self._stops[branch]
            stop.set()
            await stopped.wait()

    async def _serve(self, branch: str, *, task_status: TaskStatus[int]) -> None:
        port = ports.borrow(self.ports.values())
        ready = self.directory / f"{branch}.ready"
        ready.unlink(missing_ok=True)
        argv = [sys.executable, "-P", program.__file__, "--keep", "--port", str(port), "--database", OWNER]
        argv += ["--data", str(self.directory / branch), "--ready", str(ready)]
        complaint: list[bytes] = []
        stopped = anyio.Event()
        async with (
            processes.supervised(argv, environment=self._environment(program="SHIPWAY_PG_PASSWORD")) as process,
            anyio.create_task_group() as group,
        ):
            group.start_soon(processes.drain, process.stderr, complaint)
            with anyio.move_on_after(START):
                while not ready.exists() and process.returncode is None:  # noqa: ASYNC110 - a file has no event
                    await anyio.sleep(0.02)
            if not ready.exists():
                group.cancel_scope.cancel()
                said = b"".join(complaint).decode(errors="replace").strip().splitlines()
                raise ToolError(f"the Postgres of {branch} did not start: {said[-1] if said else 'nothing said'}")
            self._stops[branch] = (stop := anyio.Event(), stopped)
            task_status.started(port)
            try:
                group.start_soon(_tell, process, stop)
                await stop.wait()
            finally:
                self.ports.pop(branch, None)
                self._stops.pop(branch, None)
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()  # it ends its server
                with anyio.CancelScope(shield=True), anyio.move_on_after(10):
                    await process.wait()
                stopped.set()
            group.cancel_scope.cancel()

    async def _copy(self, parent: str, branch: str, *, rows: bool) -> None:
        if self.has(branch):
            return
        fresh = self.directory / f"new-{branch}"
        await anyio.to_thread.run_sync(lambda: shutil.rmtree(fresh, ignore_errors=True))
        if parent in self.ports:
            await self._back_up(self.ports[parent], fresh)
        else:
            leaving = shutil.ignore_patterns("postmaster.pid", "server.log", ".s.*")
            source = self.directory / parent
            await anyio.to_thread.run_sync(lambda: shutil.copytree(source, fresh, symlinks=True, ignore=leaving))
        if not rows:
            await self._empty(fresh.name)
        fresh.rename(self.directory / branch)

    async def _back_up(self, port: int, into: Path) -> None:
        argv = [str(self._bin / "pg_basebackup"), "--pgdata", str(into), "--checkpoint=fast", "--no-sync"]
        argv += ["--wal-method=fetch", "--no-manifest", "-h", "127.0.0.1", "-p", str(port), "-U", OWNER, "-w"]
        done = await processes.run(argv, environment=self._environment(program="PGPASSWORD"), timeout=START)
        if done.code != 0:
            raise ToolError(f"a branch cannot be copied: {done.complaint}")

    async def _empty(self, branch: str) -> None:
        """Take all rows out of all databases, as a branch of the schema alone has it."""
        port = await self._start(branch)
        async with await self._connect(port) as connection:
            found = await connection.execute("select datname from pg_database where datallowconn and not datistemplate")
            names = [row[0] for row in await found.fetchall()]
        for name in names:
            async with await self._connect(port, name) as connection:
                tables = await (await connection.execute(TABLES)).fetchone()
                if tables is not None and tables[0]:
                    await connection.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY CASCADE")
        await self._stop(branch)

    async def _connect(self, port: int, database: str = OWNER) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            host="127.0.0.1", port=port, user=OWNER, password=self._password, dbname=database, autocommit=True
        )

    def _environment(self, *, program: str) -> dict[str, str]:
        return {**processes.inherited(), "SHIPWAY_POSTGRES_BIN": str(self._bin), program: self._password}


@contextlib.asynccontextmanager
async def computing(directory: Path) -> AsyncIterator[Computes]:
    """Give the servers of a directory; all of them end with the block. Raises ToolError."""
    directory.mkdir(parents=True, exist_ok=True)
    bin_ = (await provide_postgres(_nobody)).bin
    try:
        place = program.staying(directory)
    except program.RefusalError as error:
        raise ToolError(f"Postgres cannot keep its data: {error}") from error
    if place != directory:
        bin_ = await anyio.to_thread.run_sync(program.copied, bin_, place)
    for left in place.glob("new-*"):  # of a world that was killed while it made a branch
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    async with anyio.create_task_group() as group:
        try:
            yield Computes(place, bin_, group)
        finally:
            group.cancel_scope.cancel()


async def _tell(process: anyio.abc.Process, stop: anyio.Event) -> None:
    """Take a server that ends by itself for one that was stopped: it is started again when it is asked for."""
    await process.wait()
    stop.set()


def _nobody(_line: str) -> None:
    """Tell nobody which Postgres it is."""
