"""Where an engine may be: what is chosen and why, and what is said of one that does not answer."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import graphql
import pytest

from ci.errors import NoExecutorError, ShipwayError, UsageError
from ci.executors import engine
from ci.executors.engine import CLI, RUNNER, SESSION, VERSION, Choice, Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (RUNNER, SESSION, CLI):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def listening() -> Iterator[int]:
    """Give a port of the loopback at which somebody takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_take, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _take(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


@pytest.fixture
def dagger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a `dagger` on PATH, alone, that tells the version which Shipway speaks."""
    program = tmp_path / "bin/dagger"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho 'dagger v{VERSION} (image://x) linux/amd64'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


def choose(asked: str, **environment: str) -> Choice:
    return anyio.run(engine.choose, asked, environment)


def refusal(asked: str, **environment: str) -> str:
    with pytest.raises(ShipwayError) as raised:
        choose(asked, **environment)
    return str(raised.value)


def test_the_module_the_sdk_and_the_command_are_of_one_version() -> None:
    assert f'"engineVersion": "v{VERSION}"' in (ROOT / "dagger.json").read_text()
    assert f"dagger-io=={VERSION} " in (ROOT / "requirements-dagger.txt").read_text()


def test_the_host_is_taken_where_no_engine_is_named() -> None:
    assert choose("auto") == Choice(reason=f"no Dagger engine is named: neither {SESSION} nor {RUNNER} is set")


def test_the_host_is_taken_where_it_was_asked_for_whatever_is_named(listening: int) -> None:
    assert choose("host", **{RUNNER: f"tcp://127.0.0.1:{listening}"}) == Choice(reason="it was asked for")


def test_an_engine_that_answers_is_taken(listening: int, dagger: Path) -> None:
    address = f"tcp://127.0.0.1:{listening}"
    assert dagger.exists()
    assert choose("auto", **{RUNNER: address}) == Choice(engine=Engine(address=address), reason=f"{address} answers")


def test_a_session_that_answers_is_taken_without_a_command(listening: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    choice = choose("auto", **{SESSION: str(listening), RUNNER: "unix:///nowhere"})
    assert choice.engine is not None
    assert choice.engine.session
    assert choice.reason == "the Dagger session that this runs in answers"


def test_an_engine_that_does_not_answer_leaves_the_host_and_says_why(tmp_path: Path) -> None:
    choice = choose("auto", **{RUNNER: f"unix://{tmp_path}/engine.sock"})
    assert choice.engine is None
    assert choice.reason == f"unix://{tmp_path}/engine.sock cannot be used: No such file or directory"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "unix:///nowhere/engine.sock", "tcp://192.0.2.1:1234"])
def test_an_engine_that_was_asked_for_and_is_absent_is_told_at_once(address: str) -> None:
    began = time.monotonic()
    said = refusal("dagger", **{RUNNER: address})
    assert time.monotonic() - began < engine.PATIENT + 0.5
    assert said.startswith(f"{address} does not answer: ")
    assert "--executor host" in said


def test_no_engine_at_all_is_told_with_what_to_set() -> None:
    said = refusal("dagger")
    assert "no Dagger engine is known here" in said
    assert RUNNER in said


def test_a_password_in_an_address_is_not_told() -> None:
    assert "hunter2" not in refusal("dagger", **{RUNNER: "tcp://me:hunter2@127.0.0.1:1"})


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "127.0.0.1:1234", "/run/engine.sock", "tcp://127.0.0.1"])
def test_what_is_no_address_of_an_engine_is_refused_with_what_is(address: str) -> None:
    with pytest.raises(UsageError, match=r"engine's address|names no host and port"):
        choose("dagger", **{RUNNER: address})


@pytest.mark.parametrize("address", ["ssh://me@build.example.test", "kube-pod://dagger-0?namespace=ci", "image://x"])
def test_an_address_that_another_program_leads_to_is_not_tried_from_here(address: str, dagger: Path) -> None:
    assert dagger.exists()
    choice = choose("dagger", **{RUNNER: address})
    assert choice.engine == Engine(address=address)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ssh://me@build.example.test:2222/x", "try `ssh me@build.example.test buildctl --version`"),
        ("kube-pod://dagger-0?namespace=ci", "try `kubectl get pod dagger-0`"),
        ("tls://build.example.test:1", None),
    ],
)
def test_what_to_try_by_hand_is_known_for_other_programs_ways(address: str, words: str | None) -> None:
    assert Engine(address=address).by_hand == words


def told(program: Path | None, monkeypatch: pytest.MonkeyPatch) -> str:
    if program is None:
        monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(NoExecutorError) as raised:
        anyio.run(engine.program, Engine(address="unix:///nowhere"))
    return str(raised.value)


def test_a_missing_command_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    said = told(None, monkeypatch)
    assert said == (f"the command `dagger` is not on PATH (install Dagger {VERSION}, or take --executor host)")


def test_a_command_of_another_version_is_named(dagger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dagger.write_text("#!/bin/sh\necho 'dagger v0.19.1 (image://x) linux/amd64'\n")
    assert f"{dagger} is version 0.19.1, Shipway speaks {VERSION}" in told(dagger, monkeypatch)


def test_a_command_that_is_none_of_daggers_is_named(dagger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dagger.write_text("#!/bin/sh\necho 'no such thing' >&2; exit 3\n")
    assert f"{dagger} does not tell its version: no such thing" in told(dagger, monkeypatch)


class OlderEngine(http.server.BaseHTTPRequestHandler):
    """A session whose engine knows nothing but its version."""

    def do_POST(self) -> None:
        """Answer a query."""
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["query"]
        schema = graphql.build_schema("type Query { version: String! }")
        answer = json.dumps(graphql.graphql_sync(schema, query, {"version": "v0.20.1"}).formatted).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_an_engine_of_another_version_is_named_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from ci.executors.session import session  # noqa: PLC0415 - it costs a second

    async def enter() -> None:
        async with session(Engine(address="tcp://x", session=True), on_output=lambda *_: None):
            pytest.fail("it is taken for one that Shipway speaks to")

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OlderEngine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(SESSION, str(server.server_address[1]))
        monkeypatch.setenv("DAGGER_SESSION_TOKEN", "none")
        with pytest.raises(NoExecutorError) as raised:
            anyio.run(enter)
        server.shutdown()
    assert str(raised.value) == (
        f"the Dagger session that this runs in is version 0.20.1, Shipway speaks {VERSION} "
        f"(use an engine of version {VERSION}, or take --executor host)"
    )
