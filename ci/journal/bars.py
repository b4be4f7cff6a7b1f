"""What bars promotions: commits that are pinned out, environments that are frozen. Both until a person lifts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci.journal.tables import FREEZES, PINS

if TYPE_CHECKING:
    from sqlalchemy.engine import Row

    from ci.journal.store import Store


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A commit that no candidate may contain; with `good`, all that came after that one up to it. Why, since when."""

    commit: str
    good: str | None
    reason: str
    moment: float


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """An environment to which nothing is promoted: why, and since when, in seconds since 1970."""

    environment: str
    reason: str
    moment: float


class Bars:
    """Pins of all environments together, and a freeze for each."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def pin(self, commit: str, reason: str, *, good: str | None = None) -> Pin:
        """Pin a commit out; one that is pinned stays as it is."""
        with self._store.writing() as connection:
            query = sql.select(PINS).where(PINS.c.commit_sha == commit)
            if connection.execute(query).one_or_none() is None:
                row = {"good": good, "reason": reason, "moment": self._store.moment(connection)}
                connection.execute(sql.insert(PINS).values(commit_sha=commit, **row))
        return next(each for each in self.pins() if each.commit == commit)

    def unpin(self, commit: str) -> bool:
        """Let a commit be promoted again; say whether it was pinned."""
        with self._store.writing() as connection:
            return connection.execute(sql.delete(PINS).where(PINS.c.commit_sha == commit)).rowcount == 1

    def pins(self) -> tuple[Pin, ...]:
        """Return all pins, the oldest first."""
        with self._store.reading() as connection:
            rows = connection.execute(sql.select(PINS).order_by(PINS.c.moment, PINS.c.commit_sha)).all()
        return tuple(Pin(commit=row.commit_sha, good=row.good, reason=row.reason, moment=row.moment) for row in rows)

    def freeze(self, environment: str, reason: str) -> Freeze:
        """Freeze an environment; one that is frozen stays so for its first reason."""
        with self._store.writing() as connection:
            query = sql.select(FREEZES).where(FREEZES.c.environment == environment)
            if connection.execute(query).one_or_none() is None:
                row = {"reason": reason, "moment": self._store.moment(connection)}
                connection.execute(sql.insert(FREEZES).values(environment=environment, **row))
            return _freeze(connection.execute(query).one())

    def unfreeze(self, environment: str) -> bool:
        """Let an environment be promoted to again; say whether it was frozen."""
        with self._store.writing() as connection:
            return connection.execute(sql.delete(FREEZES).where(FREEZES.c.environment == environment)).rowcount == 1

    def frozen(self, environment: str) -> Freeze | None:
        """Return an environment's freeze, None where it has none."""
        with self._store.reading() as connection:
            row = connection.execute(sql.select(FREEZES).where(FREEZES.c.environment == environment)).one_or_none()
        return None if row is None else _freeze(row)


def _freeze(row: Row[Any]) -> Freeze:
    return Freeze(environment=row.environment, reason=row.reason, moment=row.moment)
