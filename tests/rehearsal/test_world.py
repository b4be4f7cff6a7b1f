"""The world as a person starts it: up with the example in it, and gone without a trace."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.model import Toolchain
from ci.toolchains import versions
from ci.toolchains.catalogue import provide
from ci.toolchains.chromium import COMMAND
from tests.conftest import ROOT, command, environment
from tests.vendors.npm import installed, played

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.long


@dataclass(frozen=True, kw_only=True)
class World:
    """The tool, with a world up. `places` are addresses by name."""

    process: subprocess.Popen[str]
    places: dict[str, str]

    def below(self) -> dict[int, str]:
        """The command lines of all processes below it, by their ids."""
        listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], check=True, capture_output=True, text=True).stdout
        rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
        found = {self.process.pid: ""}
        for pid, parent, arguments in sorted(rows, key=lambda row: int(row[0])):
            if int(parent) in found:
                found[int(pid)] = arguments
        return {pid: arguments for pid, arguments in found.items() if arguments}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Start one and wait until it says how it is to be ended."""
    with started(tmp_path) as made:
        yield made


@contextlib.contextmanager
def started(tmp_path: Path, *words: str) -> Iterator[World]:
    with (tmp_path / "err").open("w") as errors:
        process = subprocess.Popen(
            command("rehearse", "world", *words),
            cwd=tmp_path,
            env=environment(tmp_path / "state"),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Ctrl-C"):
                break
        else:
            pytest.fail("".join(said) + (tmp_path / "err").read_text())
        found = (re.match(r"(\S.*?)\s{2,}(http://\S+)", line) for line in said)
        yield World(process=process, places={match[1]: match[2] for match in found if match})
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_the_example_is_served_with_its_services_connected(world: World) -> None:
    with httpx.Client(trust_env=False) as client:
        health = client.get(world.places["its health"]).json()
        page = client.get(world.places["Receipts"])
    assert health["status"] == "ok"
    assert re.fullmatch("[0-9a-f]{40}", health["commit"])
    connected = {name for name, state in health["components"].items() if state != "not configured"}
    assert connected == {"database", "auth", "ai", "email", "payments", "errors"}
    assert "<title>Receipts" in page.text


def test_a_person_goes_from_sign_in_to_a_paid_plan_in_a_browser(world: World, tmp_path: Path) -> None:
    """With the error in Sentry, the mail in the inbox, and the file back as it was; then the plan is given up."""

    async def calls() -> dict[str, Any]:
        place = await installed("person", tmp_path, among=ROOT / "tests/rehearsal")
        toolchain = Toolchain(name="browser", tools={"chromium": versions.CHROMIUM})
        browser = await provide(toolchain, cache=tmp_path / "state", note=lambda _: None)
        words = [
            json.dumps(world.places),
            str(next(path for each in browser.path if (path := Path(each, COMMAND)).exists())),
            str(ROOT / "examples/receipts/apps/web/e2e/samples/corner-bakery.pdf"),
            str(tmp_path / "bought.png"),  # for whoever looks into a failure
        ]
        told: dict[str, Any] = await played(place, *words, environment=browser.environment)
        return told

    assert anyio.run(calls) == {
        "read": {"merchant": "Corner Bakery", "amount": "12.50", "date": "2026-01-15"},
        "same": True,
        "file": "corner-bakery.pdf",
        "declined": "Your card was declined.",
        "mails": ["Saved: Corner Bakery, €12.50", "Welcome to Receipts"],
        "error": "Error: planted by a person",
        "failures": ["402 /c/pay/…"],  # the declined card's
    }


def test_an_interrupt_ends_it_well_and_nothing_is_left_running(world: World) -> None:
    below = world.below()
    assert any("server.ts" in each for each in below.values())
    assert any("postgres" in each for each in below.values())
    world.process.send_signal(signal.SIGINT)
    assert world.process.wait(120) == 0
    assert [below[pid] for pid in below if is_running(pid, below[pid])] == []


def test_nothing_is_left_running_after_a_kill(world: World) -> None:
    below = world.below()
    world.process.kill()
    world.process.wait()
    deadline = time.monotonic() + 10
    while any(is_running(pid, below[pid]) for pid in below) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [below[pid] for pid in below if is_running(pid, below[pid])] == []
    with pytest.raises(httpx.ConnectError), httpx.Client(trust_env=False) as client:
        client.get(world.places["Receipts"])


def test_a_world_that_is_kept_comes_back_as_it_was_and_holds_its_directory(tmp_path: Path) -> None:
    kept = ("--keep", str(tmp_path / "kept"))
    account = {"name": "Ada", "email": "ada@example.test", "password": "correct horse battery"}
    with started(tmp_path, *kept) as first, httpx.Client(trust_env=False) as client:
        page = first.places["Receipts"]
        origin = {"origin": page}
        assert client.post(f"{page}/api/auth/sign-up/email", json=account, headers=origin).is_success
        second = subprocess.run(
            command("rehearse", "world", *kept),
            cwd=tmp_path,
            env=environment(tmp_path / "state"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (second.returncode, "is up already" in second.stderr) == (4, True), second.stderr
        branch = ["git", "push", "-q", first.places["git"], "HEAD:refs/heads/work"]
        subprocess.run(["git", "clone", "-q", first.places["git"], str(tmp_path / "clone")], check=True)
        subprocess.run(branch, cwd=tmp_path / "clone", check=True)  # the newest deployment is then a preview
        first.process.kill()
        first.process.wait()
    with started(tmp_path, *kept) as again, httpx.Client(trust_env=False) as client:
        assert again.places == first.places
        assert client.post(f"{page}/api/auth/sign-in/email", json=account, headers=origin).is_success
        assert client.get(again.places["its health"]).json()["status"] == "ok"


def is_running(pid: int, arguments: str) -> bool:
    """Whether the process is still there and not another one with its id."""
    told = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], check=False, capture_output=True, text=True).stdout
    return told.strip() == arguments.strip()
