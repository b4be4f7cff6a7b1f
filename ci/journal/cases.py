"""Cases: what is known of each incident's failure, kept when it was opened, for whoever looks for the cause."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci.journal.tables import CASES, FIXES, INCIDENTS, REVERTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.journal.store import Store


class Cases:
    """Of all incidents."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def keep(self, incident: str, signature: str, document: Mapping[str, Any]) -> None:
        """Keep what is known; what was kept before of this incident stays, until it is opened again."""
        with self._store.writing() as connection:
            known = sql.select(CASES.c.incident).where(CASES.c.incident == incident)
            if connection.execute(known).one_or_none() is not None:
                return
            row = {
                "incident": incident,
                "signature": signature,
                "document": json.dumps(dict(document)),
                "moment": self._store.moment(connection),
            }
            connection.execute(sql.insert(CASES).values(row))

    def signature(self, incident: str) -> str | None:
        """Return what its failure is known by again, None where no case was kept."""
        with self._store.reading() as connection:
            query = sql.select(CASES.c.signature).where(CASES.c.incident == incident)
            return connection.execute(query).scalars().one_or_none()

    def moment(self, incident: str) -> float | None:
        """Return since when that is known: since the incident was opened last. None where no case was kept."""
        with self._store.reading() as connection:
            query = sql.select(CASES.c.moment).where(CASES.c.incident == incident)
            return connection.execute(query).scalars().one_or_none()

    def of(self, incident: str) -> Mapping[str, Any] | None:
        """Return what is known of an incident's failure, as JSON has it."""
        with self._store.reading() as connection:
            row = connection.execute(sql.select(CASES).where(CASES.c.incident == incident)).one_or_none()
        return None if row is None else json.loads(row.document)

    def beginning(self, incident: str) -> str:
        """Return the incident that this one goes on with: it is about a commit that was to mend it. Else itself.

        It goes on, too, where it is about the commit that took such a one back.
        So tries are counted over all commits of one failure's life.
        """
        seen = {incident}
        with self._store.reading() as connection:
            while True:
                own = sql.select(INCIDENTS.c.commit_sha).where(INCIDENTS.c.id == incident).scalar_subquery()
                query = sql.select(FIXES.c.incident).where(FIXES.c.commit_sha == own).order_by(FIXES.c.moment)
                taken = sql.select(REVERTS.c.incident).where(REVERTS.c.commit_sha == own)
                found = connection.execute(query).scalars().first() or connection.execute(taken).scalars().first()
                if found is None or found in seen:
                    return incident
                seen.add(found)
                incident = found
