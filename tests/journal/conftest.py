"""Journals as they are kept: in a file, and in a real Postgres."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ci.journal import Journal
from tests.journal.servers import server, url  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path("/repository")


@pytest.fixture(params=["file", "server"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Journal]:
    """Return what opens one and the same journal, each time as another process would."""
    if request.param == "file":
        return lambda: Journal.local(ROOT, directory=tmp_path)
    shared = request.getfixturevalue("url")
    return lambda: Journal.remote(shared)


@pytest.fixture
def journal(opened: Callable[[], Journal]) -> Journal:
    """Return a journal in which nothing is."""
    return opened()
