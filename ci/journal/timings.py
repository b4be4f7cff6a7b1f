"""How long it took to find that a release was bad, and to put back what served before: of drills and of rehearsals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci.journal.tables import TIMINGS
from ci.model import TimingEntry, written

if TYPE_CHECKING:
    from sqlalchemy.engine import Row

    from ci.journal.store import Store

DRILL, REHEARSAL = "drill", "rehearsal"  # the kinds


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one play of a scenario took, by its flow; `moment` is when it was kept, in seconds since 1970.

    `detected` are the seconds from when users had the bad release to the ruling that it is bad, `recovered` those from
    that ruling until every app was back; None where that did not happen. `expected`: it ended as the scenario says;
    `reason` is what was found, or what went otherwise.
    """

    flow: str
    kind: str
    environment: str
    scenario: str
    commit: str
    expected: bool
    reason: str
    detected: float | None
    recovered: float | None
    moment: float

    @property
    def entry(self) -> TimingEntry:
        """The same as a line of a report."""
        return TimingEntry(
            id=self.flow,
            kind=self.kind,
            started=written(self.moment),
            environment=self.environment,
            scenario=self.scenario,
            expected=self.expected,
            reason=self.reason,
            detected=self.detected,
            recovered=self.recovered,
        )


class Timings:
    """Of all environments."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def record(
        self,
        flow: str,
        *,
        kind: str,
        environment: str,
        scenario: str,
        commit: str,
        expected: bool,
        reason: str,
        detected: float | None,
        recovered: float | None,
    ) -> Timing:
        """Keep what a play took; of two for one flow the first stays."""
        mine = sql.select(TIMINGS).where(TIMINGS.c.flow == flow)
        with self._store.writing() as connection:
            if connection.execute(mine).one_or_none() is None:
                row = {
                    "flow": flow,
                    "kind": kind,
                    "environment": environment,
                    "scenario": scenario,
                    "commit_sha": commit,
                    "expected": expected,
                    "reason": reason,
                    "detected": detected,
                    "recovered": recovered,
                    "moment": self._store.moment(connection),
                }
                connection.execute(sql.insert(TIMINGS).values(row))
            return _timing(connection.execute(mine).one())

    def history(self, kind: str, *, limit: int = 20) -> tuple[TimingEntry, ...]:
        """Return the last ones of a kind as lines of a report, the oldest first."""
        return tuple(each.entry for each in reversed(self.recent(kind, limit=limit)))

    def recent(self, kind: str, *, environment: str | None = None, limit: int = 20) -> tuple[Timing, ...]:
        """Return the last ones of a kind, the newest first: of one environment where it is named."""
        query = sql.select(TIMINGS).where(TIMINGS.c.kind == kind)
        if environment is not None:
            query = query.where(TIMINGS.c.environment == environment)
        query = query.order_by(TIMINGS.c.moment.desc(), TIMINGS.c.flow.desc()).limit(limit)
        with self._store.reading() as connection:
            return tuple(map(_timing, connection.execute(query).all()))


def _timing(row: Row[Any]) -> Timing:
    values = dict(row._mapping)  # noqa: SLF001 - its public name for a row as a mapping
    return Timing(commit=values.pop("commit_sha"), **values)
