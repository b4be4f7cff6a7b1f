"""Where a journal is kept: a file of SQLite for one machine, a schema in Postgres for several.

Several machines must not each keep their own: two of them could then promote at once. So a CI host, whose disk ends
with the job, needs the second kind.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from ci.errors import DiskFullError, UsageError, VendorError
from ci.journal.tables import ABOUT, METADATA, UPGRADES, VERSION
from ci.text import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine, ExceptionContext

FILE = "journal.sqlite"
SCHEMA = "shipway"
# The write lock is taken at the start and waited for: a lock that is only raised later is refused at once.
LOCK = "begin immediate"
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
PATIENCE = 15  # seconds to connect, and for each statement
IDLE = 5  # seconds; a machine that falls asleep in a transaction must not keep its locks
NEWER = "was written by a newer Shipway"
UPGRADE = "upgrade this one"


def state_directory() -> Path:
    """Return the per-user state directory: SHIPWAY_STATE, else XDG_STATE_HOME/shipway, else ~/.local/state/shipway."""
    if chosen := os.environ.get("SHIPWAY_STATE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "shipway"


class Store:
    """One journal's place. `shared` says whether other machines see it too.

    Whatever uses it raises UsageError where the file cannot be read or is locked for too long, DiskFullError where
    there is no room, VendorError where the Postgres does not answer.
    """

    def __init__(self, engine: Engine, *, shared: bool) -> None:
        """Take what `local` or `remote` made."""
        self.engine = engine
        self.shared = shared

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that only reads, and keeps nobody waiting."""
        with self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a transaction. In SQLite it is the only one that writes."""
        with self.engine.begin() as connection:
            if not self.shared:
                connection.exec_driver_sql(LOCK)
            yield connection

    def moment(self, connection: Connection) -> float:
        """Return the time in seconds since 1970, by the one clock that all who share the journal have."""
        if self.shared:
            return float(connection.exec_driver_sql("select extract(epoch from clock_timestamp())").scalar_one())
        return time.time()


def local(root: Path, directory: Path | None = None) -> Store:
    """Return the store of the workspace at `root` on this machine; it is made when there is none."""
    place = (directory or state_directory()) / hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(
            f"cannot write to {place}: {error.strerror}", hint="name another place in SHIPWAY_STATE"
        ) from error
    engine = sql.create_engine(
        f"sqlite:///{place / FILE}",
        connect_args={"timeout": 15, "isolation_level": None},
        poolclass=sql.NullPool,
    )
    sql.event.listen(engine, "handle_error", functools.partial(_said_of_file, place=place))
    store = Store(engine, shared=False)
    with store.reading() as connection:
        version = connection.exec_driver_sql("pragma user_version").scalar_one()
    if version > VERSION:
        raise UsageError(f"the journal in {place} {NEWER}", hint=UPGRADE)
    if version < VERSION:
        with store.writing() as connection:
            version = connection.exec_driver_sql("pragma user_version").scalar_one()  # somebody may have been first
            _upgrade(connection, version)
            connection.exec_driver_sql(f"pragma user_version={VERSION}")
    return store


def remote(url: str) -> Store:
    """Return the store in the Postgres at `url`, in a schema of its own; it is made when there is none.

    Raises UsageError for an address that is none, VendorError where the server does not answer.
    """
    try:
        address = sql.make_url(url).set(drivername="postgresql+psycopg")
    except SQLAlchemyError:
        raise UsageError("the journal's address is none", hint="as postgres://user:password@host/database") from None
    limits = {
        "statement_timeout": PATIENCE,
        "lock_timeout": PATIENCE,
        "idle_in_transaction_session_timeout": IDLE,
    }
    options = " ".join((f"-c search_path={SCHEMA}", *(f"-c {name}={seconds}s" for name, seconds in limits.items())))
    engine = sql.create_engine(
        address,
        connect_args={"connect_timeout": PATIENCE, "options": options},
        poolclass=sql.NullPool,
    )
    sql.event.listen(engine, "handle_error", functools.partial(_said_of_server, place=str(address.host)))
    store = Store(engine, shared=True)
    with store.reading() as connection:
        version = _version(connection)
        mine = version == VERSION or _may_upgrade(connection)
    if version > VERSION:
        raise UsageError(f"the journal at {address.host} {NEWER}", hint=UPGRADE)
    if not mine:
        raise UsageError(
            f"the journal at {address.host} is older than this Shipway, and this login may not renew it",
            hint="any command of whoever owns it does",
        )
    if version < VERSION:
        with store.writing() as connection:
            # Two may come first at once: this lock is the schema's, under a number that nobody else has a use for.
            connection.exec_driver_sql("select pg_advisory_xact_lock(hashtext('shipway journal'))")
            connection.exec_driver_sql(f"create schema if not exists {SCHEMA}")
            version = _version(connection)
            if version < VERSION:
                _upgrade(connection, version)
                connection.execute(sql.insert(ABOUT).values(version=VERSION))
    return store


def _version(connection: Connection) -> int:
    """Return the version of the journal in a Postgres, 0 where there is none."""
    if connection.exec_driver_sql(f"select to_regclass('{SCHEMA}.{ABOUT.name}')").scalar_one() is None:
        return 0
    return connection.execute(sql.select(sql.func.max(ABOUT.c.version))).scalar_one() or 0


def _may_upgrade(connection: Connection) -> bool:
    """Whether this login may make tables: in the schema where there is one, else a schema."""
    query = (
        f"select case when to_regnamespace('{SCHEMA}') is null "
        "then has_database_privilege(current_database(), 'create') "
        f"else has_schema_privilege('{SCHEMA}', 'create') end"
    )
    return bool(connection.exec_driver_sql(query).scalar_one())


def _upgrade(connection: Connection, version: int) -> None:
    """Make the tables of a journal of that version, 0 for a new one, what they are now."""
    for since, until, statement in UPGRADES:
        if since <= version < until:
            connection.exec_driver_sql(statement)
    METADATA.create_all(connection)


def _said_of_file(context: ExceptionContext, *, place: Path) -> None:
    """Say in one line what SQLite would not do; SQLAlchemy calls this for each of its errors."""
    error = context.original_exception
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what the extended codes add
    if code == sqlite3.SQLITE_FULL:
        raise DiskFullError(
            f"no space left for the journal in {place}", hint="free some, or set SHIPWAY_STATE"
        ) from error
    hint = "move it away: the next run begins a new one" if code in DAMAGED else None
    raise UsageError(f"{place / FILE} cannot be used: {first_line(str(error))}", hint=hint) from error


def _said_of_server(context: ExceptionContext, *, place: str) -> None:
    """Say in one line what Postgres would not do; never its address, which holds the password."""
    said = first_line(str(context.original_exception))
    raise VendorError(f"the journal at {place} cannot be used: {said}") from None
