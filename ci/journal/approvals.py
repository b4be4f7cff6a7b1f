"""Approvals: a person's word that a flow goes on past a step at which it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sql

from ci.journal.tables import APPROVALS

if TYPE_CHECKING:
    from ci.journal.store import Store


@dataclass(frozen=True, kw_only=True)
class Approval:
    """Who said that a flow goes on past a step, why, and when, in seconds since 1970."""

    flow: str
    step: str
    by: str
    reason: str
    moment: float


class Approvals:
    """Of all flows."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def approve(self, flow: str, step: str, *, by: str, reason: str = "") -> Approval:
        """Note it; the first word stays."""
        query = sql.select(APPROVALS).where((APPROVALS.c.flow == flow) & (APPROVALS.c.step == step))
        with self._store.writing() as connection:
            if connection.execute(query).one_or_none() is None:
                row = {"by": by, "reason": reason, "moment": self._store.moment(connection)}
                connection.execute(sql.insert(APPROVALS).values(flow=flow, step=step, **row))
            return Approval(**connection.execute(query).one()._mapping)  # noqa: SLF001 - its public name

    def of(self, flow: str, step: str) -> Approval | None:
        """Return the word on a step, None where nobody gave one."""
        query = sql.select(APPROVALS).where((APPROVALS.c.flow == flow) & (APPROVALS.c.step == step))
        with self._store.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Approval(**row._mapping)  # noqa: SLF001 - its public name
