"""Spendings: what calls of a model cost, set aside before each of them, so that no two who ask at once overspend.

What was set aside and never settled counts as spent in full: the call was paid for, for all that anybody knows.
"""

from __future__ import annotations

import datetime
import enum
import itertools
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sql

from ci.journal.tables import SPENDINGS

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from ci.journal.store import Store

_DUST = 1e-9  # dollars that sums of floats may be off by


class Shortage(enum.StrEnum):
    """Which limit a call would break, as the end of a sentence about a cycle."""

    CYCLE = "has spent its dollars"
    DAY = "finds the day's dollars spent"
    STEPS = "has taken its steps"
    TIME = "has used its time"


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """Limits: dollars of a cycle and of a day of all incidents (in UTC), calls and seconds of a cycle.

    `silence` is how long a time without a call may count: a cycle whose process was killed slept in between.
    """

    cycle: float = 2.0
    day: float = 10.0
    steps: int = 40
    seconds: float = 900.0
    silence: float = 300.0


@dataclass(frozen=True, kw_only=True)
class Spending:
    """A call. `spent` is None until it is known; moments are seconds since 1970."""

    id: str
    incident: str
    cycle: int
    reserved: float
    spent: float | None
    moment: float

    @property
    def dollars(self) -> float:
        """What it counts for."""
        return self.reserved if self.spent is None else self.spent


class Spendings:
    """Of all incidents."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def reserve(self, incident: str, cycle: int, dollars: float, *, allowance: Allowance) -> Spending | Shortage:
        """Set dollars aside for a call, or say which limit it would break. One at a time does, on all machines."""
        with self._store.writing() as connection:
            if self._store.shared:
                connection.exec_driver_sql("select pg_advisory_xact_lock(hashtext('shipway spendings'))")
            now = self._store.moment(connection)
            calls = _of(connection, incident, cycle)
            if len(calls) >= allowance.steps:
                return Shortage.STEPS
            if used(calls, now, silence=allowance.silence) >= allowance.seconds:
                return Shortage.TIME
            if sum(call.dollars for call in calls) + dollars > allowance.cycle + _DUST:
                return Shortage.CYCLE
            if _of_day(connection, now) + dollars > allowance.day + _DUST:
                return Shortage.DAY
            made = Spending(
                id=uuid.uuid4().hex, incident=incident, cycle=cycle, reserved=dollars, spent=None, moment=now
            )
            connection.execute(sql.insert(SPENDINGS).values(**vars(made)))
            return made

    def settle(self, spending: Spending, dollars: float) -> None:
        """Note what a call did cost. It is settled once."""
        with self._store.writing() as connection:
            open_ = (SPENDINGS.c.id == spending.id) & SPENDINGS.c.spent.is_(None)
            connection.execute(sql.update(SPENDINGS).where(open_).values(spent=dollars))

    def of(self, incident: str, cycle: int) -> tuple[Spending, ...]:
        """Return the calls of a cycle, in order."""
        with self._store.reading() as connection:
            return _of(connection, incident, cycle)

    def today(self) -> float:
        """Return what all incidents spent since the day began, with what is set aside."""
        with self._store.reading() as connection:
            return _of_day(connection, self._store.moment(connection))

    def used(self, incident: str, cycle: int, *, silence: float) -> float:
        """Return the seconds that a cycle has used until now."""
        with self._store.reading() as connection:
            return used(_of(connection, incident, cycle), self._store.moment(connection), silence=silence)


def used(calls: tuple[Spending, ...], now: float, *, silence: float) -> float:
    """Return the seconds between the first call and now, each time without one as far as it counts."""
    moments = [*(call.moment for call in calls), now]
    return sum(min(max(0.0, after - before), silence) for before, after in itertools.pairwise(moments))


def _of(connection: Connection, incident: str, cycle: int) -> tuple[Spending, ...]:
    these = (SPENDINGS.c.incident == incident) & (SPENDINGS.c.cycle == cycle)
    rows = connection.execute(sql.select(SPENDINGS).where(these).order_by(SPENDINGS.c.moment, SPENDINGS.c.id))
    return tuple(Spending(**row._mapping) for row in rows)  # noqa: SLF001 - its public name for a row as a mapping


def _of_day(connection: Connection, now: float) -> float:
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    began = moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    each = sql.func.coalesce(SPENDINGS.c.spent, SPENDINGS.c.reserved)
    query = sql.select(sql.func.coalesce(sql.func.sum(each), 0.0)).where(SPENDINGS.c.moment >= began)
    return float(connection.execute(query).scalar_one())
