"""`shipway status` as a user runs it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from ci.errors import ExitCode
from ci.journal import Journal, State
from ci.rehearsal.serving import serving
from tests.conftest import IDENTITY, command, commit, environment

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
[[apps]]
name = "web"
path = "apps/web"
serves = {{ path = "/version" }}

[environments.staging]
addresses = {{ web = "{address}" }}

[environments.production]
addresses = {{ web = "http://127.0.0.1:1" }}
"""


def asked(root: Path, served: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Ask for the status where staging serves a commit, and production does not answer."""

    async def version(_request: object) -> JSONResponse:
        return JSONResponse({"commit": served})

    def run() -> subprocess.CompletedProcess[str]:
        argv = command("status", str(root), *words)
        env = environment(root.parent / "state")
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)

    async def calls() -> subprocess.CompletedProcess[str]:
        async with serving(Starlette(routes=[Route("/version", version)])) as address:
            (root / "shipway.toml").write_text(TEXT.format(address=address))
            return await anyio.to_thread.run_sync(run)

    return anyio.run(calls)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose main has three commits."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "a").write_text("a")
    commit(root)
    for number in range(2):
        words = ["commit", "-q", "--allow-empty", "-m", str(number)]
        subprocess.run(["git", *IDENTITY, *words], cwd=root, check=True)
    return root


def named(root: Path, name: str) -> str:
    return subprocess.run(
        ["git", "rev-parse", name], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_it_says_what_is_served_and_how_far_it_is_behind_main(repository: Path) -> None:
    told = asked(repository, named(repository, "HEAD~2"))
    assert told.returncode == ExitCode.PASSED, told.stderr
    assert f"{named(repository, 'HEAD~2')[:12]}  2 commits of main not released" in told.stdout
    assert "unknown: web cannot be reached" in told.stdout
    assert "all of main" in asked(repository, named(repository, "HEAD")).stdout
    assert "a commit that is not known here" in asked(repository, "f" * 40).stdout


def test_it_says_what_goes_on_and_who_holds_the_environment(repository: Path) -> None:
    journal = Journal.local(repository, directory=repository.parent / "state")
    words: dict[str, Any] = {"kind": "promotion", "commit": "a" * 40, "asked": {}, "lasting": 60}
    journal.flows.begin("p-1", environment="staging", **words)
    journal.flows.move("p-1", State.WAITING, "for an approval")
    journal.leases.take("staging", flow="p-1", holder="laptop:1:abcd")
    told = asked(repository, named(repository, "HEAD"))
    assert "p-1 waiting: for an approval" in told.stdout
    assert "held by laptop:1:abcd" in told.stdout
    (staging, production) = json.loads(asked(repository, named(repository, "HEAD"), "--json").stdout)
    assert (staging["environment"], staging["state"], staging["holder"]) == ("staging", "waiting", "laptop:1:abcd")
    assert (production["served"][0]["commit"], production["flow"]) == (None, None)


def test_what_an_app_says_moves_no_terminal(repository: Path) -> None:
    told = asked(repository, "\x1b[2Jc0ffee")
    assert "\x1b" not in told.stdout
    assert "unknown: web gives an answer that cannot be read" in told.stdout


def test_without_environments_it_says_so(tmp_path: Path, shipway: Any) -> None:
    ran = shipway("status", cwd=tmp_path)
    assert (ran.code, "No environment is configured" in ran.out) == (ExitCode.PASSED, True)
