"""The stand-in for the advisory service answers as the real one is known to, and as a broken one does."""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = Path(__file__).with_name("advisories.py")
BULK, QUICK = "/-/npm/v1/security/advisories/bulk", "/-/npm/v1/security/audits/quick"
TREE = {"dependencies": {".": {"dependencies": {"left": {"version": "1.0.0", "dependencies": {"deep": {}}}}}}}


@pytest.fixture
def ask() -> Iterator[Callable[..., tuple[int, bytes]]]:
    """Start the stand-in in a mode and post a body to it: the status and what it says."""
    started: list[subprocess.Popen[str]] = []

    def post(mode: str, path: str, body: Any, *, packed: bool = False, more: tuple[str, ...] = ()) -> tuple[int, bytes]:
        process = subprocess.Popen([sys.executable, str(PROGRAM), mode, *more], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        place = urlsplit(process.stdout.readline().strip())
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=1)
        content = json.dumps(body).encode()
        headers = {"content-encoding": "gzip"} if packed else {}
        try:
            connection.request("POST", path, gzip.compress(content) if packed else content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    yield post
    for process in started:
        process.kill()
        process.communicate()


def test_clean_is_an_empty_answer_in_each_form(ask: Callable[..., tuple[int, bytes]]) -> None:
    assert ask("clean", BULK, {"left": ["1.0.0"]}) == (200, b"{}")
    status, body = ask("clean", QUICK, TREE)
    assert status == 200
    assert json.loads(body)["advisories"] == {}
    assert json.loads(body)["metadata"]["totalDependencies"] == 2


def test_vulnerable_names_the_package_that_was_asked_for(ask: Callable[..., tuple[int, bytes]]) -> None:
    _, body = ask("vulnerable", BULK, {"left": ["1.0.0"], "right": ["2.0.0"]}, packed=True, more=("--package", "right"))
    assert list(json.loads(body)) == ["right"]
    _, body = ask("vulnerable", QUICK, TREE, more=("--severity", "critical"))
    answer = json.loads(body)
    assert answer["advisories"]["1"]["module_name"] == "deep"
    assert answer["metadata"]["vulnerabilities"]["critical"] == 1


def test_a_package_that_is_not_there_has_no_advisory(ask: Callable[..., tuple[int, bytes]]) -> None:
    assert ask("vulnerable", BULK, {"left": ["1.0.0"]}, more=("--package", "right")) == (200, b"{}")


@pytest.mark.parametrize(("mode", "status"), [("405", 405), ("500", 500), ("html", 200), ("garbage", 200)])
def test_a_broken_service_gives_no_json(ask: Callable[..., tuple[int, bytes]], mode: str, status: int) -> None:
    answered, body = ask(mode, BULK, {"left": ["1.0.0"]})
    assert answered == status
    with pytest.raises(ValueError, match="line 1 column"):
        json.loads(body)


def test_an_absent_service_refuses_and_a_hanging_one_says_nothing(ask: Callable[..., tuple[int, bytes]]) -> None:
    with pytest.raises(ConnectionRefusedError):
        ask("refused", BULK, {})
    with pytest.raises(TimeoutError):
        ask("hanging", BULK, {})
