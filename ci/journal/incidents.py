"""Incidents: what went wrong with a commit, from when it was noticed until it is over."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci.journal.tables import CASES, INCIDENTS

if TYPE_CHECKING:
    from sqlalchemy.engine import Row

    from ci.journal.store import Store


class Stage(enum.StrEnum):
    """How far an incident is."""

    WAITING = "waiting"  # for its diagnosis
    PROPOSED = "proposed"  # what came of it waits to be judged
    FIXING = "fixing"  # a fix is out: to be reviewed, or promoted
    ESCALATED = "escalated"  # a person has to
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One failure's life. `what` names the step or the stage, `reason` what it said; moments since 1970."""

    id: str
    environment: str
    commit: str
    what: str
    reason: str
    state: Stage
    moment: float
    ended: float | None = None


class Incidents:
    """Of all environments."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def open(
        self, identity: str, *, environment: str, commit: str, what: str, reason: str, again: bool = False
    ) -> Incident:
        """Open an incident, or find it: one for each id, however often that is asked for.

        One that is closed stays so, unless it is to be opened `again`: then its case is to be kept anew.
        """
        with self._store.writing() as connection:
            if connection.execute(sql.select(INCIDENTS.c.id).where(INCIDENTS.c.id == identity)).one_or_none() is None:
                row = {
                    "id": identity,
                    "environment": environment,
                    "commit_sha": commit,
                    "what": what,
                    "reason": reason,
                    "state": Stage.WAITING.value,
                    "moment": self._store.moment(connection),
                }
                connection.execute(sql.insert(INCIDENTS).values(row))
            elif again:
                closed = (INCIDENTS.c.id == identity) & (INCIDENTS.c.state == Stage.CLOSED.value)
                values = {"what": what, "reason": reason, "state": Stage.WAITING.value, "ended": None}
                if connection.execute(sql.update(INCIDENTS).where(closed).values(values)).rowcount == 1:
                    connection.execute(sql.delete(CASES).where(CASES.c.incident == identity))
            row_ = connection.execute(sql.select(INCIDENTS).where(INCIDENTS.c.id == identity)).one()
        return _incident(row_)

    def close(self, identity: str) -> bool:
        """Close an incident; say whether it was open."""
        with self._store.writing() as connection:
            these = (INCIDENTS.c.id == identity) & (INCIDENTS.c.state != Stage.CLOSED.value)
            values = {"state": Stage.CLOSED.value, "ended": self._store.moment(connection)}
            return connection.execute(sql.update(INCIDENTS).where(these).values(values)).rowcount == 1

    def get(self, identity: str) -> Incident | None:
        """Return an incident, None where there is none of that id."""
        with self._store.reading() as connection:
            row = connection.execute(sql.select(INCIDENTS).where(INCIDENTS.c.id == identity)).one_or_none()
        return None if row is None else _incident(row)

    def move(self, identity: str, state: Stage) -> None:
        """Note how far an incident is; one that is closed stays so."""
        with self._store.writing() as connection:
            going_on = (INCIDENTS.c.id == identity) & (INCIDENTS.c.state != Stage.CLOSED.value)
            connection.execute(sql.update(INCIDENTS).where(going_on).values({"state": state.value}))

    def recent(self, *, limit: int = 50) -> tuple[Incident, ...]:
        """Return incidents, the newest first."""
        query = sql.select(INCIDENTS).order_by(INCIDENTS.c.moment.desc(), INCIDENTS.c.id).limit(limit)
        with self._store.reading() as connection:
            return tuple(map(_incident, connection.execute(query).all()))

    def going_on(self, *, environment: str | None = None, commit: str | None = None) -> tuple[Incident, ...]:
        """Return the open incidents, the oldest first: of an environment, about a commit."""
        query = sql.select(INCIDENTS).where(INCIDENTS.c.state != Stage.CLOSED.value).order_by(INCIDENTS.c.moment)
        if environment is not None:
            query = query.where(INCIDENTS.c.environment == environment)
        if commit is not None:
            query = query.where(INCIDENTS.c.commit_sha == commit)
        with self._store.reading() as connection:
            return tuple(map(_incident, connection.execute(query).all()))

    def about(self, commit: str) -> tuple[Incident, ...]:
        """Return all incidents about a commit, those that are closed too, the oldest first."""
        query = sql.select(INCIDENTS).where(INCIDENTS.c.commit_sha == commit).order_by(INCIDENTS.c.moment)
        with self._store.reading() as connection:
            return tuple(map(_incident, connection.execute(query).all()))


def _incident(row: Row[Any]) -> Incident:
    values = dict(row._mapping)  # noqa: SLF001 - its public name for a row as a mapping
    return Incident(commit=values.pop("commit_sha"), state=Stage(values.pop("state")), **values)
