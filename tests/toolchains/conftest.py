from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import psycopg
import pytest

from ci.model import Toolchain
from ci.toolchains import versions
from ci.toolchains.catalogue import Provided, provide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def cache() -> Path:
    """Give the real per-user cache: a tool is downloaded once, not once per test."""
    return Path(os.environ.get("SHIPWAY_CACHE") or Path.home() / ".cache" / "shipway")


@pytest.fixture(scope="session")
def tools(cache: Path) -> Provided:
    """Provide all that the programs need; the default Node is the wheel's."""
    toolchain = Toolchain(
        name="all",
        tools={
            "node": versions.DEFAULT_NODE,
            "postgres": versions.POSTGRES,
            "chromium": versions.CHROMIUM,
            "lighthouse": versions.LIGHTHOUSE,
            "depcruise": versions.DEPCRUISE,
            "rls": "1",
        },
    )

    async def ready() -> Provided:
        return await provide(toolchain, cache=cache, note=lambda _: None)

    return anyio.run(ready)


@pytest.fixture(scope="session")
def environment(tools: Provided) -> dict[str, str]:
    """Give what a step sees: the tools and little else."""
    path = ":".join((*tools.path, "/usr/bin", "/bin"))
    return {**tools.environment, "PATH": path, "HOME": "/nonexistent", "LANG": "C.UTF-8"}


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Find a port that nobody has."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port

    return find


@pytest.fixture(scope="session")
def server(
    environment: dict[str, str], free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Start one Postgres for the session: `url` of its owner, `password`, `port`."""
    place, port, password = tmp_path_factory.mktemp("postgres"), free_port(), secrets.token_hex(8)
    process = subprocess.Popen(
        ["shipway-postgres", "--port", str(port), "--data", str(place / "data"), "--database", "app",
         "--role", "app_user", "--ready", str(place / "ready")],
        env={**environment, "SHIPWAY_PG_PASSWORD": password},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not (place / "ready").exists():
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, "the server does not become ready"
            time.sleep(0.02)
        yield {"port": str(port), "password": password, "data": str(place / "data")}
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def database(server: dict[str, str]) -> Iterator[Database]:
    """Give a database of the test's own."""
    made = Database(port=int(server["port"]), password=server["password"], name=f"test_{secrets.token_hex(4)}")
    with made.connect("postgres") as connection:
        connection.execute(f"CREATE DATABASE {made.name}".encode())
    yield made
    with made.connect("postgres") as connection:
        connection.execute(f"DROP DATABASE {made.name} WITH (FORCE)".encode())


class Database:
    """A database of the session's server."""

    def __init__(self, *, port: int, password: str, name: str) -> None:
        """Name it; it is made by the fixture."""
        self.port, self.password, self.name = port, password, name

    def url(self, user: str = "postgres", name: str | None = None) -> str:
        """Return its address for that login."""
        return f"postgresql://{user}:{self.password}@127.0.0.1:{self.port}/{name or self.name}"

    @contextlib.contextmanager
    def connect(self, name: str | None = None) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """Connect as the owner."""
        with contextlib.closing(psycopg.connect(self.url(name=name), autocommit=True)) as connection:
            yield connection

    def execute(self, statements: str) -> None:
        """Execute statements as the owner."""
        with self.connect() as connection:
            connection.execute(statements.encode())
