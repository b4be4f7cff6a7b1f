from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Start(Protocol):
    """Start a server on a port, in a place of its own."""

    def __call__(
        self, port: int, place: Path, *more: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Return the process, ready or not."""
        ...


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []
    usual = environment

    def run(port: int, place: Path, *more: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ["shipway-postgres", "--port", str(port), "--data", str(place / "data"), "--database", "shop",
             "--role", "web", "--ready", str(place / "ready"), *more],
            env={**usual, **(environment or {}), "SHIPWAY_PG_PASSWORD": "hush"}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield run
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


def ready(process: subprocess.Popen[str], place: Path) -> None:
    deadline = time.monotonic() + 60
    while not (place / "ready").exists():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.02)


def url(port: int, user: str) -> str:
    return f"postgresql://{user}:hush@127.0.0.1:{port}/shop"


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


def test_roles_may_connect_and_are_neither_owner_nor_mighty(
    start: Start, free_port: Callable[[], int], tmp_path: Path
) -> None:
    port = free_port()
    process = start(port, tmp_path, "--role", 'odd "name')
    ready(process, tmp_path)
    with psycopg.connect(url(port, "web")) as connection:
        row = connection.execute(
            "SELECT current_user::text, rolsuper, rolbypassrls, pg_get_userbyid(datdba)::text, "
            "current_setting('listen_addresses'), current_setting('fsync') FROM pg_roles, pg_database "
            "WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
    assert row == ("web", False, False, "postgres", "127.0.0.1", "off")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url(port, "web").replace("hush", "wrong"))
    began = time.monotonic()
    process.terminate()
    assert ended(process) == (0, "")
    assert time.monotonic() - began < 3
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url(port, "web"))


def test_its_server_ends_even_when_it_is_killed(start: Start, free_port: Callable[[], int], tmp_path: Path) -> None:
    port = free_port()
    process = start(port, tmp_path)
    ready(process, tmp_path)
    server = int((tmp_path / "data" / "postmaster.pid").read_text().splitlines()[0])
    process.send_signal(signal.SIGKILL)
    ended(process)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{server}").exists():
        assert time.monotonic() < deadline, "the server lives on"
        time.sleep(0.05)


def test_a_port_that_is_taken_is_named_in_one_line(start: Start, server: dict[str, str], tmp_path: Path) -> None:
    code, errors = ended(start(int(server["port"]), tmp_path))
    assert code == 1
    assert errors == f"shipway-postgres: port {server['port']} of 127.0.0.1 cannot be had: Address already in use\n"


def test_missing_binaries_are_named_in_one_line(start: Start, free_port: Callable[[], int], tmp_path: Path) -> None:
    code, errors = ended(start(free_port(), tmp_path, environment={"SHIPWAY_POSTGRES_BIN": "/nowhere"}))
    assert code == 1
    assert errors == "shipway-postgres: no initdb in '/nowhere', the directory that SHIPWAY_POSTGRES_BIN names\n"


def test_a_directory_that_holds_something_else_is_left_alone(
    start: Start, free_port: Callable[[], int], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter.txt").write_text("dear")
    code, errors = ended(start(free_port(), tmp_path))
    assert code == 1
    assert "exists but is not empty" in errors
    assert (tmp_path / "data" / "letter.txt").read_text() == "dear"


def test_what_is_kept_is_there_when_it_starts_again(start: Start, free_port: Callable[[], int], tmp_path: Path) -> None:
    for statement in ("create table kept as select 'words'::text as words", "select words from kept"):
        port = free_port()
        (tmp_path / "ready").unlink(missing_ok=True)
        process = start(port, tmp_path, "--keep")
        ready(process, tmp_path)
        with psycopg.connect(url(port, "postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement)
            assert cursor.description is None or cursor.fetchall() == [("words",)]
        process.kill()  # nothing that was committed is lost
        ended(process)
        time.sleep(0.5)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become somebody else")
def test_root_without_user_namespaces_changes_the_user_even_in_a_private_home(
    start: Start, environment: dict[str, str], free_port: Callable[[], int], tmp_path: Path
) -> None:
    refusing = tmp_path / "bin" / "unshare"
    refusing.parent.mkdir()
    refusing.write_text("#!/bin/sh\nexit 1\n")
    refusing.chmod(0o755)
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    port = free_port()
    process = start(port, private, environment={"PATH": f"{refusing.parent}:{environment['PATH']}"})
    ready(process, private)
    with psycopg.connect(url(port, "postgres")) as connection:
        row = connection.execute("SELECT current_setting('data_directory')").fetchone()
    assert row is not None
    data = Path(row[0])
    assert data.stat().st_uid == 65534
    process.terminate()
    assert ended(process) == (0, "")
    assert not data.exists()
