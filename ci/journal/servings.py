"""What each environment served since when, what its database has had, and how the repeats of its tests went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sql

from ci.journal.tables import BASELINES, MIGRATIONS, REPEATS, SERVINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.journal.store import Store


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A commit that an environment's users got from a moment on, in seconds since 1970, until the next one."""

    environment: str
    commit: str
    flow: str
    moment: float


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """A repeat of tests on what an environment serves."""

    name: str
    passed: bool
    reason: str
    moment: float


class Servings:
    """Of all environments, the oldest first."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def record(self, environment: str, commit: str, *, flow: str) -> Serving:
        """Note that an environment serves a commit from now on; noted once for each flow."""
        with self._store.writing() as connection:
            known = (SERVINGS.c.environment == environment) & (SERVINGS.c.flow == flow)
            if connection.execute(sql.select(SERVINGS.c.number).where(known)).first() is None:
                row = {
                    "environment": environment,
                    "commit_sha": commit,
                    "flow": flow,
                    "moment": self._store.moment(connection),
                }
                connection.execute(sql.insert(SERVINGS).values(row))
        return next(each for each in self.of(environment) if each.flow == flow)

    def of(self, environment: str) -> tuple[Serving, ...]:
        """Return what an environment served."""
        query = sql.select(SERVINGS).where(SERVINGS.c.environment == environment).order_by(SERVINGS.c.number)
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Serving(environment=row.environment, commit=row.commit_sha, flow=row.flow, moment=row.moment)
            for row in rows
        )

    def migrated(self, environment: str, migrations: Mapping[str, str]) -> None:
        """Note that an environment's database has had these migrations by now, each with its content's SHA-256."""
        with self._store.writing() as connection:
            moment = self._store.moment(connection)
            for name, digest in migrations.items():
                mine = (MIGRATIONS.c.environment == environment) & (MIGRATIONS.c.name == name)
                connection.execute(sql.delete(MIGRATIONS).where(mine))
                row = {"environment": environment, "name": name, "digest": digest, "moment": moment}
                connection.execute(sql.insert(MIGRATIONS).values(row))

    def migrations(self, environment: str) -> dict[str, str]:
        """Return what was noted of an environment's database, by name."""
        query = sql.select(MIGRATIONS).where(MIGRATIONS.c.environment == environment).order_by(MIGRATIONS.c.name)
        with self._store.reading() as connection:
            return {row.name: row.digest for row in connection.execute(query).all()}

    def repeat(self, environment: str, name: str, *, passed: bool, reason: str = "") -> None:
        """Note how a repeat went."""
        with self._store.writing() as connection:
            row = {"environment": environment, "name": name, "passed": passed, "reason": reason}
            connection.execute(sql.insert(REPEATS).values(moment=self._store.moment(connection), **row))

    def repeats(self, environment: str, *, since: float) -> tuple[Repeat, ...]:
        """Return how repeats went since a moment."""
        these = (REPEATS.c.environment == environment) & (REPEATS.c.moment >= since)
        with self._store.reading() as connection:
            rows = connection.execute(sql.select(REPEATS).where(these).order_by(REPEATS.c.number)).all()
        return tuple(Repeat(name=row.name, passed=row.passed, reason=row.reason, moment=row.moment) for row in rows)

    def measure(self, environment: str, commit: str, medians: Mapping[str, float]) -> None:
        """Keep the median seconds of routes, by their names, in the place of those before."""
        with self._store.writing() as connection:
            moment = self._store.moment(connection)
            for name, seconds in medians.items():
                mine = (BASELINES.c.environment == environment) & (BASELINES.c.name == name)
                connection.execute(sql.delete(BASELINES).where(mine))
                row = {"environment": environment, "name": name, "seconds": seconds, "commit_sha": commit}
                connection.execute(sql.insert(BASELINES).values(moment=moment, **row))

    def baseline(self, environment: str) -> dict[str, float]:
        """Return the median seconds of routes that were measured last."""
        query = sql.select(BASELINES).where(BASELINES.c.environment == environment)
        with self._store.reading() as connection:
            return {row.name: row.seconds for row in connection.execute(query).all()}
