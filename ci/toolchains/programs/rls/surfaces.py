"""What runs with its owner's eyes, past the policies of who asks: views, and SECURITY DEFINER functions.

Whether one leaks is tried: what tenant A gets from it must not change when the rows of tenant B are gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from .session import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .catalog import Table
    from .rows import Row
    from .session import Session


@dataclass(frozen=True, kw_only=True)
class Held:
    """A table that holds a row of tenant A (`mine`) and one of tenant B (`theirs`)."""

    table: Table
    mine: Row
    theirs: Row


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What reading it showed: `leaks` is None where that could not be told, and `message` says why."""

    leaks: bool | None
    message: str


def look(
    session: Session,
    source: sql.Composable,
    held: Sequence[Held],
    tenants: tuple[str, str],
    stored: sql.Composable | None = None,
) -> Sight:
    """Read the source as tenant A, with the rows of tenant B and without; `stored` is first refreshed."""
    with session.undone():
        try:
            before, again = (_contents(session, source, tenants[0], stored) for _ in range(2))
            session.hush()
            gone = _forget(session, held, tenants[1])
            after = _contents(session, source, tenants[0], stored)
        except psycopg.Error as error:
            return Sight(leaks=None, message=f"it could not be tried: {str(error).splitlines()[0]}")
    if isinstance(before.error, psycopg.errors.InsufficientPrivilege):
        return Sight(leaks=False, message=f"refused: {before.said}")
    failed = next((outcome for outcome in (before, gone, after) if outcome.error is not None), None)
    if failed is not None:
        return Sight(leaks=None, message=f"it could not be tried: {failed.said}")
    if before.value != again.value:
        return Sight(leaks=None, message="it could not be tried: it gives something else each time")
    if before.value != after.value:
        return Sight(leaks=True, message="shows tenant A what belongs to tenant B")
    return Sight(leaks=False, message="shows tenant A nothing of tenant B")


def _forget(session: Session, held: Sequence[Held], tenant: str) -> Outcome:
    """Delete all rows of the tenant, children before their parents, whichever these are."""
    left = tuple(held)
    while True:
        failed = [(one, outcome) for one in left if (outcome := session.forget(one.table, tenant)).error is not None]
        if not failed:
            return Outcome()
        if len(failed) == len(left):
            return failed[0][1]
        left = tuple(one for one, _ in failed)


def _contents(session: Session, source: sql.Composable, tenant: str, stored: sql.Composable | None) -> Outcome:
    if stored is not None:
        session.connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(stored))
    query = sql.SQL("SELECT md5(string_agg(x::text, chr(10) ORDER BY x::text)) FROM {} x").format(source)
    with session.role(tenant):
        return session.attempt(query)
