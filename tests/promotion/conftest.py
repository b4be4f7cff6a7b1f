"""The Postgres of the journal's tests, for promotions on several machines."""

from tests.journal.conftest import server, url

__all__ = ["server", "url"]
