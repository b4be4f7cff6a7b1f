from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HTTP = "require('http').createServer((q, s) => s.end('hello')).listen({port}, '{host}')"
Started = tuple[subprocess.Popen[str], Path]


@pytest.fixture
def listen(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Start a server through `shipway-listen`: the process, and the file that will say where it listens."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: str, port: int | None = None) -> Started:
        ready = tmp_path / "server.json"
        chosen = () if port is None else ("--port", str(port))
        argv = ["shipway-listen", "--ready", str(ready), *chosen, "--", *command]
        process = subprocess.Popen(argv, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process, ready

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=10)


def url_in(ready: Path) -> str:
    deadline = time.monotonic() + 20
    while not ready.exists():
        assert time.monotonic() < deadline, "the server was not found"
        time.sleep(0.05)
    url: str = json.loads(ready.read_text())["url"]
    return url


def says(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - an address that we were just told
        text: str = answer.read().decode()
    return text


@pytest.mark.parametrize("host", ["127.0.0.1", "::", "0.0.0.0"])  # noqa: S104 - as servers do it
def test_a_server_is_found_wherever_it_listens(listen: Callable[..., Started], host: str) -> None:
    _, ready = listen("node", "-e", HTTP.format(port=0, host=host))
    assert says(url_in(ready)) == "hello"


def test_a_server_that_another_process_of_the_command_starts_is_found(listen: Callable[..., Started]) -> None:
    _, ready = listen("sh", "-c", f'node -e "{HTTP.format(port=0, host="127.0.0.1")}" & wait')
    assert says(url_in(ready)) == "hello"


def test_of_several_servers_the_port_that_was_named_counts(
    listen: Callable[..., Started], free_port: Callable[[], int]
) -> None:
    port = free_port()
    both = f"{HTTP.format(port=0, host='127.0.0.1')};{HTTP.format(port=port, host='127.0.0.1')}"
    _, ready = listen("node", "-e", both, port=port)
    assert url_in(ready) == f"http://127.0.0.1:{port}"


def test_a_socket_that_speaks_no_http_is_no_server(listen: Callable[..., Started]) -> None:
    mute = "require('net').createServer((s) => s.end('220 mail\\r\\n')).listen(0, '127.0.0.1')"
    process, ready = listen("node", "-e", mute)
    time.sleep(1.5)
    assert process.poll() is None
    assert not ready.exists()


def test_a_server_of_somebody_else_is_not_taken_for_ours(listen: Callable[..., Started], tmp_path: Path) -> None:
    _, first = listen("node", "-e", HTTP.format(port=0, host="127.0.0.1"))
    url_in(first)
    first.rename(tmp_path / "first.json")
    process, ready = listen("sleep", "30")
    time.sleep(1.5)
    assert process.poll() is None
    assert not ready.exists()


def test_a_server_that_ends_ends_it_with_its_exit_code(listen: Callable[..., Started]) -> None:
    process, ready = listen("node", "-e", "console.error('no database'); process.exit(3)")
    _, said = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "no database" in said
    assert "the server ended with 3" in said
    assert not ready.exists()


def test_a_server_that_ends_well_did_not_serve(listen: Callable[..., Started]) -> None:
    process, _ = listen("true")
    process.communicate(timeout=20)
    assert process.returncode == 1


def test_a_command_that_is_not_there_is_told(listen: Callable[..., Started]) -> None:
    process, _ = listen("no-such-server")
    _, said = process.communicate(timeout=20)
    assert process.returncode == 127
    assert "no-such-server could not be run: ENOENT" in said
