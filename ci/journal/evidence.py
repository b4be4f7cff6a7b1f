"""Reports of the seven stages by the commit that they are about: what a promotion goes by.

Each is kept as the report.json that it is, so that another machine can read all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sql

from ci.journal.tables import EVIDENCE

if TYPE_CHECKING:
    from ci.journal.store import Store

KEPT = 50


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A report as it was kept: the text of report.json, and when it ended, in seconds since 1970."""

    id: str
    commit: str
    environment: str | None
    moment: float
    report: str


class Evidence:
    """Of all commits. `environment` is that whose services a run's tests used, None for an ordinary run."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def record(self, identity: str, *, commit: str, environment: str | None, report: str) -> None:
        """Keep a report, once, and forget those that are older than the last 50."""
        with self._store.writing() as connection:
            if connection.execute(sql.select(EVIDENCE.c.id).where(EVIDENCE.c.id == identity)).one_or_none():
                return
            row = {
                "id": identity,
                "commit_sha": commit,
                "environment": environment,
                "moment": self._store.moment(connection),
                "report": report,
            }
            connection.execute(sql.insert(EVIDENCE).values(row))
            newest = sql.select(EVIDENCE.c.id).order_by(EVIDENCE.c.moment.desc()).limit(KEPT)
            connection.execute(sql.delete(EVIDENCE).where(EVIDENCE.c.id.not_in(newest)))

    def newest(self, commit: str, *, environment: str | None = None) -> Kept | None:
        """Return a commit's newest report, of an ordinary run or in an environment."""
        of = EVIDENCE.c.environment.is_(None) if environment is None else EVIDENCE.c.environment == environment
        query = sql.select(EVIDENCE).where((EVIDENCE.c.commit_sha == commit) & of).order_by(EVIDENCE.c.moment.desc())
        with self._store.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return Kept(id=row.id, commit=row.commit_sha, environment=row.environment, moment=row.moment, report=row.report)
