"""What was seen of a release while it was watched: written down before anything is ruled on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci.journal.tables import LOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.journal.store import Store


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look of a kind, by its number. `moment` is when it was written down, in seconds since 1970."""

    flow: str
    kind: str
    number: int
    moment: float
    document: Mapping[str, Any]


class Looks:
    """Of all flows. `heard` is called after each was written: where a rehearsal has us killed."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store
        self.heard: Callable[[Look], None] = lambda _look: None

    def record(self, flow: str, kind: str, number: int, document: Mapping[str, Any]) -> Look:
        """Write a look down and return it; of two with the same number the first stays."""
        mine = (LOOKS.c.flow == flow) & (LOOKS.c.kind == kind) & (LOOKS.c.number == number)
        with self._store.writing() as connection:
            if connection.execute(sql.select(LOOKS.c.number).where(mine)).first() is None:
                row = {
                    "flow": flow,
                    "kind": kind,
                    "number": number,
                    "moment": self._store.moment(connection),
                    "document": json.dumps(dict(document)),
                }
                connection.execute(sql.insert(LOOKS).values(row))
        found = next(each for each in self.of(flow, kind) if each.number == number)
        self.heard(found)
        return found

    def of(self, flow: str, kind: str | None = None) -> tuple[Look, ...]:
        """Return a flow's looks, of one kind where it is named, by their numbers."""
        query = sql.select(LOOKS).where(LOOKS.c.flow == flow).order_by(LOOKS.c.kind, LOOKS.c.number)
        if kind is not None:
            query = query.where(LOOKS.c.kind == kind)
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(Look(**{**row._mapping, "document": json.loads(row.document)}) for row in rows)  # noqa: SLF001 - public
