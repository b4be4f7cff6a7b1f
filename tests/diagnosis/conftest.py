"""The small shop, once for all tests of a worker: they read its repository and write into benches of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.diagnosis.bench import Bench, prepare
from tests.diagnosis.shop import make_repository
from tests.journal.servers import server, url  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The repository, its only commit, and a bench on it."""

    root: Path
    commit: str
    bench: Bench


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return the small shop; nobody may change its files."""
    root = tmp_path_factory.mktemp("shop")
    commit = make_repository(root)
    bench = anyio.run(prepare, root, tmp_path_factory.mktemp("bench") / "scratch.git")
    return Shop(root=root, commit=commit, bench=bench)
