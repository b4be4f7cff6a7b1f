"""`shipway-postgres`: a Postgres of one check's own, on loopback, alive until it is killed.

    shipway-postgres --port N --data DIR --database NAME --role NAME... --ready FILE [--keep]

The owner is `postgres`; it and all roles have the password of SHIPWAY_PG_PASSWORD. The binaries are those of the
directory SHIPWAY_POSTGRES_BIN. FILE is written when the database and its roles are there. With `--keep` the data of an
earlier server is taken as it is.

Postgres refuses to run as root. Root becomes `nobody`: inside a user namespace, where nothing on disk changes hands,
else by changing the user for real; then binaries and data move to where `nobody` can get at them.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

_NOBODY = 65534
_NAMESPACE = ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"]
_COMMON = ("/tmp", "/var/tmp")  # noqa: S108 - a fresh private directory is made in it
_SOCKET_ROOM = 80  # bytes of a socket's path, which may have 107, for its directory
_START = 60.0  # seconds a server may take on a busy machine
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # it need not outlive the machine
    "fsync": "off",
    "full_page_writes": "off",
    "logging_collector": "off",
    "log_min_messages": "warning",
}
_KEPT = {"track_commit_timestamp": "on"}  # when something was committed last can be asked
_FLEETING = {"synchronous_commit": "off"}  # what was committed last need not outlive the server


class RefusalError(Exception):
    """Why there is no server, in one line."""


def main() -> int:
    """Run the server until it is killed, and return the exit code."""
    options = _options()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    try:
        password = _password()
        with _placed(_binaries(), options.data.absolute(), keep=options.keep) as (start, bin_, data):
            _check_port(options.port)
            fresh = not (options.keep and (data / "PG_VERSION").exists())
            if fresh:
                _initialise(start, bin_, data, password)
            settings = {**_SETTINGS, "port": str(options.port), **(_KEPT if options.keep else _FLEETING)}
            with _server(start, bin_, data, settings) as server:
                with _first_connection(server, data, options.port, password) as connection:
                    if fresh:
                        _create(connection, options, password)
                _announce(options.ready, options.port)
                _watch(server, data)
    except RefusalError as refusal:
        sys.stderr.write(f"shipway-postgres: {refusal}\n")
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="shipway-postgres", description="A Postgres of one check's own.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--role", action="append", default=[])
    parser.add_argument("--ready", type=Path, required=True)
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _password() -> str:
    password = os.environ.get("SHIPWAY_PG_PASSWORD")
    if not password:
        raise RefusalError("SHIPWAY_PG_PASSWORD is not set")
    return password


def _binaries() -> Path:
    bin_ = Path(os.environ.get("SHIPWAY_POSTGRES_BIN", ""))
    for name in ("initdb", "postgres"):
        if not os.access(bin_ / name, os.X_OK):
            raise RefusalError(f"no {name} in {str(bin_)!r}, the directory that SHIPWAY_POSTGRES_BIN names")
    return bin_


@contextlib.contextmanager
def _placed(bin_: Path, data: Path, *, keep: bool) -> Iterator[tuple[list[str], Path, Path]]:
    """Say which prefix makes a command run as somebody Postgres accepts, and where binaries and data lie for it."""
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    if os.geteuid() != 0:
        yield [], bin_, data
    elif _succeeds([*_NAMESPACE, "true"]):
        yield _NAMESPACE, bin_, data
    else:
        change = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
        common = next((path for path in (tempfile.gettempdir(), *_COMMON) if _reachable(Path(path) / "x")), None)
        with tempfile.TemporaryDirectory(prefix="shipway-postgres-", dir=common) as ground:
            Path(ground).chmod(0o755)
            if not _reachable(bin_):
                bin_ = copied(bin_, Path(ground))
            if not _reachable(data):
                if keep:
                    raise RefusalError(f"nobody may pass through the directories above {data}, where data is to stay")
                data = Path(ground) / "data"
                data.mkdir(mode=0o700)
            for path in (data, *data.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
            yield change, bin_, data


def staying(directory: Path) -> Path:
    """Return where data that is kept can lie: in `directory`, else in a place of its own that `nobody` can get at.

    Raises RefusalError where that place is somebody else's.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or _reachable(directory / "x") or _succeeds([*_NAMESPACE, "true"]):
        return directory
    name = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]
    place = Path(_COMMON[-1]) / f"shipway-{name}"
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o755)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise RefusalError(f"{place} is not ours")
    return place


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own words


def _reachable(path: Path) -> bool:
    """Whether everybody may pass through each directory above the path."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def copied(bin_: Path, ground: Path) -> Path:
    """Copy the installation, and the libraries that a wheel keeps beside its package, unless that was done."""
    root = bin_.parent
    copy = ground / "package" / root.name
    if not copy.exists():
        libraries = root.parent.with_name(f"{root.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, ground / libraries.name, symlinks=True, dirs_exist_ok=True)  # they look there
        fresh = ground / "package.new"
        shutil.rmtree(fresh, ignore_errors=True)  # of one that was killed
        shutil.copytree(root, fresh / root.name, symlinks=True)
        fresh.rename(copy.parent)
    return copy / bin_.name


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise RefusalError(f"port {port} of 127.0.0.1 cannot be had: {error.strerror}") from error


def _initialise(start: list[str], bin_: Path, data: Path, password: str) -> None:
    command = [*start, str(bin_ / "initdb"), "-D", str(data), "-U", "postgres", "-A", "scram-sha-256"]
    command += ["--pwfile=/dev/stdin", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
    with _readable(f"{password}\n", start) as stdin:
        ended = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False)  # noqa: S603 - a list
    if ended.returncode != 0:
        said = (ended.stderr.strip() or ended.stdout.strip() or f"exit code {ended.returncode}").splitlines()
        raise RefusalError(next((line for line in said if "error:" in line), said[-1]))


@contextlib.contextmanager
def _readable(text: str, start: list[str]) -> Iterator[int]:
    """Give a pipe that holds the text, readable for whoever runs behind `start`, and for nobody else."""
    end, entry = os.pipe()
    try:
        if "setpriv" in start:
            os.fchown(end, _NOBODY, _NOBODY)
        os.write(entry, text.encode())
        os.close(entry)
        yield end
    finally:
        os.close(end)


@contextlib.contextmanager
def _server(start: list[str], bin_: Path, data: Path, settings: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    settings = {**settings, "unix_socket_directories": _quoted_directory(data)}
    arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    # Armed inside the namespace: entering one disarms it.
    dies_with_us = [setpriv, "--pdeathsig", "QUIT", "--"] if (setpriv := shutil.which("setpriv")) else []
    command = [*start, *dies_with_us, str(bin_ / "postgres"), "-D", str(data), *arguments]
    with _log(data).open("wb") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - a list
    try:
        yield server
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGQUIT)  # an immediate shutdown
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _quoted_directory(data: Path) -> str:
    """Quote it: a comma separates directories. One too long for a socket's name is not used at all."""
    directory = str(data)
    return '"' + directory.replace('"', '""') + '"' if len(directory.encode()) < _SOCKET_ROOM else ""


def _log(data: Path) -> Path:
    return data / "server.log"


def _first_connection(server: subprocess.Popen[bytes], data: Path, port: int, password: str) -> psycopg.Connection:
    """Connect as soon as the server takes connections."""
    deadline = time.monotonic() + _START
    while True:
        try:
            return psycopg.connect(
                host="127.0.0.1", port=port, user="postgres", password=password, dbname="postgres",
                autocommit=True, connect_timeout=5,
            )  # fmt: skip
        except psycopg.OperationalError as error:
            if server.poll() is not None:
                raise RefusalError(f"postgres ended at its start: {_last_words(data)}") from error
            if time.monotonic() > deadline:
                raise RefusalError(f"postgres took no connection within {_START:.0f} s: {_last_words(data)}") from error
            time.sleep(0.02)


def _create(connection: psycopg.Connection, options: argparse.Namespace, password: str) -> None:
    """Create the database and its roles."""
    database = sql.Identifier(options.database)
    try:
        if options.database != "postgres":
            connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        for name in dict.fromkeys(options.role):
            role = sql.Identifier(name)
            create = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {}")
            connection.execute(create.format(role, sql.Literal(password)))
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
    except psycopg.Error as error:
        raise RefusalError(f"the database cannot be prepared: {str(error).splitlines()[0]}") from error


def _last_words(data: Path) -> str:
    lines = _log(data).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return next(
        (line for line in lines if "FATAL:" in line or "could not" in line), lines[-1] if lines else "nothing said"
    )


def _announce(ready: Path, port: int) -> None:
    beside = ready.with_name(f".{ready.name}.new")
    beside.write_text(f"{port}\n", encoding="ascii")
    beside.rename(ready)


def _watch(server: subprocess.Popen[bytes], data: Path) -> NoReturn:
    code = server.wait()
    raise RefusalError(f"postgres ended by itself with {code}: {_last_words(data)}")


if __name__ == "__main__":
    sys.exit(main())
