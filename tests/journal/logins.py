"""The login that is limited to what a diagnosis needs, as whoever owns a journal makes it."""

from __future__ import annotations

import sqlalchemy as sql

from ci.diagnosis.worker import queue_tables
from ci.journal import Journal
from ci.journal.login import ROLE, grants

PASSWORD = "of-whoever-diagnoses"  # noqa: S105 - of a server that lives as long as the tests


def limited(owner: str, *, queue: bool = False) -> str:
    """Make it in the journal at `owner`, with the queue of workers where that is asked for, and return its URL."""
    address = sql.make_url(owner)
    Journal.remote(owner)
    engine = sql.create_engine(address.set(drivername="postgresql+psycopg"), poolclass=sql.NullPool)
    for _ in range(2):  # as after an upgrade
        with engine.begin() as connection:
            made = grants() + (queue_tables() if queue else "")
            connection.exec_driver_sql(made.replace("%", "%%"))
            connection.exec_driver_sql(f"alter role {ROLE} password '{PASSWORD}'")
    return address.set(username=ROLE, password=PASSWORD).render_as_string(hide_password=False)
