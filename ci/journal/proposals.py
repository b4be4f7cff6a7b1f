"""Proposals: what a cycle's diagnosis found, and the patch that it would mend it by.

Who makes one holds the model's key and may write nothing else; who judges it reads no more than this.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci.journal.tables import PROPOSALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Row

    from ci.journal.store import Store


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """`cycle` counts from 1, `document` is JSON; no `patch` means that there is nothing to be changed.

    `transcript` is what the model did, in Markdown. `moment` is in seconds since 1970.
    """

    incident: str
    cycle: int
    document: Mapping[str, Any]
    patch: bytes = b""
    transcript: str = field(default="", repr=False)
    moment: float = 0.0


class Proposals:
    """Of all incidents."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def keep(self, proposal: Proposal) -> Proposal:
        """Keep one; of each cycle the first one stays."""
        own = (PROPOSALS.c.incident == proposal.incident) & (PROPOSALS.c.cycle == proposal.cycle)
        with self._store.writing() as connection:
            row = connection.execute(sql.select(PROPOSALS).where(own)).one_or_none()
            if row is None:
                values = {
                    **vars(proposal),
                    "document": json.dumps(dict(proposal.document)),
                    "moment": self._store.moment(connection),
                }
                connection.execute(sql.insert(PROPOSALS).values(values))
                row = connection.execute(sql.select(PROPOSALS).where(own)).one()
        return _proposal(row)

    def of(self, incident: str) -> tuple[Proposal, ...]:
        """Return all proposals of an incident, the first first."""
        query = sql.select(PROPOSALS).where(PROPOSALS.c.incident == incident).order_by(PROPOSALS.c.cycle)
        with self._store.reading() as connection:
            return tuple(map(_proposal, connection.execute(query).all()))


def _proposal(row: Row[Any]) -> Proposal:
    values = dict(row._mapping)  # noqa: SLF001 - its public name for a row as a mapping
    return Proposal(**{**values, "document": _document(row.document)})


def _document(text: str) -> Mapping[str, Any]:
    """Return a document; one that is no object of JSON, as an object that no reader takes: it is a stranger's."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"unreadable": True}
