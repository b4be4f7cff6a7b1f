"""Leases: one flow at a time may change an environment, and one that was paused too long may no more.

A lease has an epoch, which is one more for each new holder. Before each outside write its holder asks whether the epoch
is still its own and the time not over; a request that is under way then ends within 15 s. So a new holder waits for
that long after the end of the time, and no two ever write at once. The clock is the journal's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sqlalchemy as sql

from ci.errors import ExitCode, ShipwayError
from ci.journal.tables import LEASES

if TYPE_CHECKING:
    from ci.journal.store import Store

LIFE = 60.0  # seconds
BEAT = 10.0  # between two renewals
GRACE = 15.0  # seconds that a request may take that was begun just before the end


class LeaseLostError(ShipwayError):
    """This process was away for too long, or was asked to end: it may not change the environment any more."""

    exit_code = ExitCode.GATE_REFUSED


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to change an environment. `free` is when somebody else may have it, in seconds since 1970."""

    environment: str
    epoch: int
    flow: str
    holder: str
    expires: float

    @property
    def free(self) -> float:
        """When another may take it."""
        return self.expires + GRACE


class Leases:
    """Of all environments. `holder` names a process, as `host:pid:random`."""

    def __init__(self, store: Store, *, life: float = LIFE) -> None:
        """Be kept there."""
        self._store = store
        self.life = life

    def take(self, environment: str, *, flow: str, holder: str) -> Lease:
        """Return the environment's lease: this holder's from now on, or that of whoever has it."""
        with self._store.writing() as connection:
            query = sql.select(LEASES).where(LEASES.c.environment == environment)
            row = connection.execute(query.with_for_update()).one_or_none()
            now = self._store.moment(connection)
            if row is not None:
                known = Lease(**row._mapping)  # noqa: SLF001 - its public name for a row as a mapping
                if known.holder == holder and known.flow == flow and known.expires > now:
                    return known
                if known.expires and known.free > now:
                    return known
            made = Lease(
                environment=environment,
                epoch=1 if row is None else row.epoch + 1,
                flow=flow,
                holder=holder,
                expires=now + self.life,
            )
            values = {"epoch": made.epoch, "flow": flow, "holder": holder, "expires": made.expires}
            if row is None:
                connection.execute(sql.insert(LEASES).values(environment=environment, **values))
            else:
                connection.execute(sql.update(LEASES).where(LEASES.c.environment == environment).values(**values))
            return made

    def renew(self, lease: Lease) -> Lease:
        """Return the lease with its time begun anew. Raises LeaseLostError, also where the time was over."""
        with self._store.writing() as connection:
            now = self._store.moment(connection)
            mine = self._mine(lease) & (LEASES.c.expires > now)
            done = connection.execute(sql.update(LEASES).where(mine).values(expires=now + self.life))
        if done.rowcount != 1:
            raise self._lost(lease)
        return replace(lease, expires=now + self.life)

    def hold(self, lease: Lease) -> None:
        """Make sure that the lease is held now. Raises LeaseLostError."""
        with self._store.reading() as connection:
            now = self._store.moment(connection)
            found = connection.execute(sql.select(LEASES).where(self._mine(lease) & (LEASES.c.expires > now)))
            if found.one_or_none() is None:
                raise self._lost(lease)

    def give_back(self, lease: Lease) -> None:
        """Let others have it at once; nothing, where others have it."""
        with self._store.writing() as connection:
            connection.execute(sql.update(LEASES).where(self._mine(lease)).values(expires=0.0))

    def of(self, environment: str) -> Lease | None:
        """Return who may change an environment now, None where nobody may."""
        with self._store.reading() as connection:
            now = self._store.moment(connection)
            query = sql.select(LEASES).where((LEASES.c.environment == environment) & (LEASES.c.expires > now))
            row = connection.execute(query).one_or_none()
        return None if row is None else Lease(**row._mapping)  # noqa: SLF001 - as above

    def _mine(self, lease: Lease) -> sql.ColumnElement[bool]:
        return (LEASES.c.environment == lease.environment) & (LEASES.c.epoch == lease.epoch)

    def _lost(self, lease: Lease) -> LeaseLostError:
        now = self.of(lease.environment)
        whose = f"{now.holder} has it" if now else "its time was over"
        return LeaseLostError(
            f"the lease on {lease.environment} was lost: {whose}",
            hint="nothing was changed since; `shipway status` says how it stands",
        )
