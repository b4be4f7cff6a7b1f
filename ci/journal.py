"""What Shipway remembers of a product: the history of its runs, and what the last green run on main measured.

SQLite in the per-user state directory, one file a repository. This is the only writer of product state.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci import outcome
from ci.errors import DiskFullError, UsageError
from ci.model import HistoryEntry, Measure, RunReport, RunVerdict
from ci.text import first_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import ExceptionContext

SCHEMA = 1
KEPT = 500
MAIN = ("main", "master")
FILE = "journal.sqlite"
# The write lock is taken at the start and waited for: a lock that is only raised later is refused at once.
LOCK = "begin immediate"
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_METADATA = sql.MetaData()
RUNS = sql.Table(
    "runs",
    _METADATA,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("started", sql.String, nullable=False, index=True),
    sql.Column("verdict", sql.String, nullable=False),
    sql.Column("seconds", sql.Float, nullable=False),
    sql.Column("commit_sha", sql.String),
    sql.Column("branch", sql.String),
    sql.Column("dirty", sql.Boolean, nullable=False),
    sql.Column("stages", sql.Text, nullable=False),
    sql.Column("flaky", sql.Text, nullable=False),
    sql.Column("measures", sql.Text, nullable=False),
)


def state_directory() -> Path:
    """Return the per-user state directory: SHIPWAY_STATE, else XDG_STATE_HOME/shipway, else ~/.local/state/shipway."""
    if chosen := os.environ.get("SHIPWAY_STATE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "shipway"


class Journal:
    """The memory of one repository.

    Every method raises UsageError where the file cannot be read or is locked for too long, DiskFullError where there
    is no room. Only `record` takes the lock that keeps other runs waiting.
    """

    def __init__(self, root: Path, *, directory: Path | None = None) -> None:
        """Open the journal of the workspace at `root`; it is made when there is none."""
        place = (directory or state_directory()) / hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise UsageError(
                f"cannot write to {place}: {error.strerror}", hint="name another place in SHIPWAY_STATE"
            ) from error
        self._engine = sql.create_engine(
            f"sqlite:///{place / FILE}",
            connect_args={"timeout": 15, "isolation_level": None},
            poolclass=sql.NullPool,
        )
        sql.event.listen(self._engine, "handle_error", functools.partial(_said_plainly, place=place))
        with self._engine.connect() as connection:
            version = connection.exec_driver_sql("pragma user_version").scalar_one()
        if version > SCHEMA:
            raise UsageError(f"the journal in {place} was written by a newer Shipway", hint="upgrade this one")
        if version < SCHEMA:
            with self._engine.begin() as connection:
                connection.exec_driver_sql(LOCK)
                _METADATA.create_all(connection)
                connection.exec_driver_sql(f"pragma user_version={SCHEMA}")

    def history(self, limit: int = 49) -> tuple[HistoryEntry, ...]:
        """Return the last runs, oldest first."""
        query = sql.select(RUNS).order_by(RUNS.c.started.desc(), RUNS.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return tuple(
            HistoryEntry(
                id=row.id,
                started=row.started,
                verdict=row.verdict,
                seconds=row.seconds,
                commit=row.commit_sha,
                stages=json.loads(row.stages),
                flaky=tuple(json.loads(row.flaky)),
            )
            for row in reversed(rows)
        )

    def baseline(self) -> Mapping[tuple[str, str, str], Measure]:
        """Return what green, clean runs of all stages on main measured last, by (kind, group, name).

        A run that measured less than those before it, for an app was not served, takes nothing away.
        """
        query = (
            sql.select(RUNS.c.measures)
            .where(
                RUNS.c.verdict == RunVerdict.PASSED.value,
                RUNS.c.dirty == sql.false(),
                RUNS.c.branch.in_(MAIN),
                RUNS.c.measures != "[]",
            )
            .order_by(RUNS.c.started.desc(), RUNS.c.id.desc())
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).scalars().all()
        found: dict[tuple[str, str, str], dict[str, Any]] = {}
        for measure in (each for row in rows for each in json.loads(row)):
            found.setdefault((measure["kind"], measure["group"], measure["name"]), measure)
        return {key: Measure(**measure) for key, measure in found.items()}

    def record(self, report: RunReport, *, whole: bool = True) -> None:
        """Add a run, and forget those that are older than the last 500.

        One that was not asked for all stages (`whole`) is no baseline: what it did not look at may be red.
        """
        entry = outcome.entry(report)
        checks = [check for stage in report.stages for check in stage.checks]
        row = {
            "id": entry.id,
            "kind": report.kind,
            "started": entry.started,
            "verdict": entry.verdict,
            "seconds": entry.seconds,
            "commit_sha": entry.commit,
            "branch": None if report.pull_request else report.branch,  # a fork's main is not ours
            "dirty": report.dirty,
            "stages": json.dumps(dict(entry.stages)),
            "flaky": json.dumps(entry.flaky),
            "measures": json.dumps(
                [dataclasses.asdict(measure) for check in checks for measure in check.measures if whole]
            ),
        }
        kept = sql.select(RUNS.c.id).order_by(RUNS.c.started.desc()).limit(KEPT)
        with self._engine.begin() as connection:
            connection.exec_driver_sql(LOCK)
            connection.execute(sql.insert(RUNS).values(row))
            connection.execute(sql.delete(RUNS).where(RUNS.c.id.not_in(kept)))


def _said_plainly(context: ExceptionContext, *, place: Path) -> None:
    """Say in one line what SQLite would not do; SQLAlchemy calls this for each of its errors."""
    error = context.original_exception
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what the extended codes add
    if code == sqlite3.SQLITE_FULL:
        raise DiskFullError(
            f"no space left for the journal in {place}", hint="free some, or set SHIPWAY_STATE"
        ) from error
    hint = "move it away: the next run begins a new one" if code in DAMAGED else None
    raise UsageError(f"{place / FILE} cannot be used: {first_line(str(error))}", hint=hint) from error
