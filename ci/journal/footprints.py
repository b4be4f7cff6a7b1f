"""Footprints of environments: what each is configured with, told apart without being kept.

Each environment's own process records its own, made with one key of the product, so that they can be compared. Whoever
has the journal can check a guess against one of them; the secrets are not in it.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from ci.journal.tables import FOOTPRINTS, KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.journal.store import Store

NAME = "footprints"
SIZE = 32


class Footprints:
    """The newest of each environment."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def key(self) -> bytes:
        """Return the product's key, 32 bytes; made the first time."""
        insert = postgresql.insert if self._store.shared else sqlite.insert
        fresh = insert(KEYS).values(name=NAME, value=secrets.token_hex(SIZE)).on_conflict_do_nothing()
        with self._store.writing() as connection:
            connection.execute(fresh)
            found = connection.execute(sql.select(KEYS.c.value).where(KEYS.c.name == NAME)).scalar_one()
        return bytes.fromhex(found)

    def record(self, environment: str, footprint: Mapping[str, Any]) -> None:
        """Keep an environment's footprint, which is JSON, in the place of the one before."""
        mine = FOOTPRINTS.c.environment == environment
        with self._store.writing() as connection:
            moment = self._store.moment(connection)
            connection.execute(sql.delete(FOOTPRINTS).where(mine))
            row = {"environment": environment, "moment": moment, "footprint": json.dumps(dict(footprint))}
            connection.execute(sql.insert(FOOTPRINTS).values(row))

    def recorded(self) -> dict[str, dict[str, Any]]:
        """Return the footprints by environment."""
        with self._store.reading() as connection:
            rows = connection.execute(sql.select(FOOTPRINTS).order_by(FOOTPRINTS.c.environment)).all()
        return {row.environment: json.loads(row.footprint) for row in rows}
