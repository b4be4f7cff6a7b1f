"""Releases: what an environment was switched to, and whether it proved good: what a rollback goes back to."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci.journal.tables import RELEASES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Row

    from ci.journal.store import Store


ADOPTED = "adopted-"  # how the flow is called of what Shipway did not deploy itself


class Proof(enum.StrEnum):
    """How far a release is proven."""

    SERVING = "serving"  # switched to, and watched
    GOOD = "good"  # it passed its window, or a person adopted it
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, kw_only=True)
class Release:
    """A commit with its deployments by app, as JSON; `moment` is when it was switched to, in seconds since 1970.

    `migrations` are the names of all that the database had had by then.
    """

    environment: str
    commit: str
    flow: str
    deployments: Mapping[str, Mapping[str, Any]]
    migrations: tuple[str, ...]
    state: Proof
    moment: float


class Releases:
    """Of all environments."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def record(
        self,
        environment: str,
        commit: str,
        *,
        flow: str,
        deployments: Mapping[str, Mapping[str, Any]],
        migrations: tuple[str, ...] = (),
        state: Proof = Proof.SERVING,
    ) -> Release:
        """Note what is switched to; noted once for each flow."""
        query = sql.select(RELEASES).where(RELEASES.c.flow == flow)
        with self._store.writing() as connection:
            if connection.execute(query).one_or_none() is None:
                row = {
                    "environment": environment,
                    "commit_sha": commit,
                    "flow": flow,
                    "deployments": json.dumps({name: dict(each) for name, each in deployments.items()}),
                    "migrations": json.dumps(migrations),
                    "state": state.value,
                    "moment": self._store.moment(connection),
                }
                connection.execute(sql.insert(RELEASES).values(row))
            return _release(connection.execute(query).one())

    def move(self, flow: str, state: Proof) -> None:
        """Note how far a flow's release is proven. One that was rolled back stays so."""
        with self._store.writing() as connection:
            these = (RELEASES.c.flow == flow) & (RELEASES.c.state != Proof.ROLLED_BACK.value)
            connection.execute(sql.update(RELEASES).where(these).values(state=state.value))

    def of(self, environment: str, *, limit: int = 50) -> tuple[Release, ...]:
        """Return an environment's releases, the newest first."""
        query = sql.select(RELEASES).where(RELEASES.c.environment == environment)
        with self._store.reading() as connection:
            rows = connection.execute(query.order_by(RELEASES.c.number.desc()).limit(limit)).all()
        return tuple(map(_release, rows))

    def of_flow(self, flow: str) -> Release | None:
        """Return what a flow switched to, None where it did not get so far."""
        with self._store.reading() as connection:
            row = connection.execute(sql.select(RELEASES).where(RELEASES.c.flow == flow)).one_or_none()
        return None if row is None else _release(row)


def _release(row: Row[Any]) -> Release:
    return Release(
        environment=row.environment,
        commit=row.commit_sha,
        flow=row.flow,
        deployments=json.loads(row.deployments),
        migrations=tuple(json.loads(row.migrations)),
        state=Proof(row.state),
        moment=row.moment,
    )
