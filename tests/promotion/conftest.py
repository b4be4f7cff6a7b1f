"""The Postgres of the journal's tests, for promotions on several machines; a town that is released to over and over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.journal.servers import server, url
from tests.promotion.released import Lender

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["server", "town", "url"]


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lender]:
    """Return who lends the town."""
    lender = Lender(tmp_path_factory.mktemp("released"))
    with lender.open():
        yield lender
