"""A real Postgres for journals, for whichever tests import these fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sql
from anyio.from_thread import start_blocking_portal

from ci.rehearsal.computes import computing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROLE, PASSWORD = "shipway", "of-the-journal"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run a Postgres, and give its port."""
    with start_blocking_portal() as portal:
        place = tmp_path_factory.mktemp("journal") / "postgres"
        with portal.wrap_async_context_manager(computing(place)) as computes:
            portal.call(lambda: computes.make("journal", roles={ROLE: PASSWORD}, databases={}))
            yield portal.call(computes.start, "journal")


@pytest.fixture
def url(server: int, tmp_path: Path) -> str:
    """Return the URL of a database in which nothing is."""
    return database(server, f"j{abs(hash(tmp_path))}")


def database(server: int, name: str) -> str:
    """Make a database, and return its URL."""
    at = f"postgres://{ROLE}:{PASSWORD}@127.0.0.1:{server}"
    admin = sql.create_engine(sql.make_url(f"{at}/postgres").set(drivername="postgresql+psycopg"))
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"create database {name}")
    admin.dispose()
    return f"{at}/{name}"
