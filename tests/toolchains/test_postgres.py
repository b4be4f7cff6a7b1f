from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def start(environment: Mapping[str, str], port: int, place: Path, *more: str) -> subprocess.Popen[str]:
    place.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        ["shipway-postgres", "--port", str(port), "--data", str(place / "data"), "--database", "shop",
         "--role", "web", "--ready", str(place / "ready"), *more],
        env={**environment, "SHIPWAY_PG_PASSWORD": "hush"}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


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
    environment: dict[str, str], free_port: Callable[[], int], tmp_path: Path
) -> None:
    port = free_port()
    process = start(environment, port, tmp_path, "--role", 'odd "name')
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


def test_its_server_ends_even_when_it_is_killed(
    environment: dict[str, str], free_port: Callable[[], int], tmp_path: Path
) -> None:
    port = free_port()
    process = start(environment, port, tmp_path)
    ready(process, tmp_path)
    server = int((tmp_path / "data" / "postmaster.pid").read_text().splitlines()[0])
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{server}").exists():
        assert time.monotonic() < deadline, "the server lives on"
        time.sleep(0.05)


def test_a_port_that_is_taken_is_named_in_one_line(
    environment: dict[str, str], server: dict[str, str], tmp_path: Path
) -> None:
    code, errors = ended(start(environment, int(server["port"]), tmp_path))
    assert code == 1
    assert errors == f"shipway-postgres: port {server['port']} of 127.0.0.1 cannot be had: Address already in use\n"


def test_missing_binaries_are_named_in_one_line(
    environment: dict[str, str], free_port: Callable[[], int], tmp_path: Path
) -> None:
    code, errors = ended(start({**environment, "SHIPWAY_POSTGRES_BIN": "/nowhere"}, free_port(), tmp_path))
    assert code == 1
    assert errors == "shipway-postgres: no initdb in '/nowhere', the directory that SHIPWAY_POSTGRES_BIN names\n"


def test_a_directory_that_holds_something_else_is_left_alone(
    environment: dict[str, str], free_port: Callable[[], int], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter.txt").write_text("dear")
    code, errors = ended(start(environment, free_port(), tmp_path))
    assert code == 1
    assert "exists but is not empty" in errors
    assert (tmp_path / "data" / "letter.txt").read_text() == "dear"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become somebody else")
def test_root_without_user_namespaces_changes_the_user_even_in_a_private_home(
    environment: dict[str, str], free_port: Callable[[], int], tmp_path: Path
) -> None:
    refusing = tmp_path / "bin" / "unshare"
    refusing.parent.mkdir()
    refusing.write_text("#!/bin/sh\nexit 1\n")
    refusing.chmod(0o755)
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    port = free_port()
    process = start({**environment, "PATH": f"{refusing.parent}:{environment['PATH']}"}, port, private)
    ready(process, private)
    with psycopg.connect(url(port, "web")) as connection:
        row = connection.execute("SELECT current_setting('data_directory')").fetchone()
    assert row is not None
    data = Path(row[0])
    assert data.stat().st_uid == 65534
    process.terminate()
    assert ended(process) == (0, "")
    assert not data.exists()
