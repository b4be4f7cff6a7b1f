"""The commands about promotions, as a user types them: what they say, and what the process ends with."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from ci.errors import ExitCode
from tests.conftest import IDENTITY, command, environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Shipway = Callable[..., subprocess.CompletedProcess[str]]

ABSENT = "f" * 40


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    for arguments in (("init", "-q", "-b", "main"), ("commit", "-q", "--allow-empty", "-m", "one")):
        subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True)
    return root


@pytest.fixture
def asked(repository: Path, tmp_path: Path) -> Shipway:
    """Run the tool in the repository."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        env = environment(tmp_path / "state")
        return subprocess.run(
            command(*words), cwd=repository, env=env, capture_output=True, text=True, timeout=120, check=False
        )

    return run


def test_an_environment_is_frozen_with_a_reason_and_opened_again(asked: Shipway) -> None:
    assert asked("freeze", "staging").returncode == ExitCode.USAGE
    assert asked("freeze", "staging", "--reason", "a demo").stdout == "staging is frozen: a demo\n"
    assert asked("freeze", "staging", "--reason", "another").stdout == "staging is frozen: a demo\n"
    assert asked("unfreeze", "staging").stdout == "staging is open again\n"
    assert asked("unfreeze", "staging").stdout == "staging was not frozen\n"


def test_a_commit_is_pinned_by_its_beginning_and_let_go_again(asked: Shipway, repository: Path) -> None:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    commit = done.stdout.strip()
    assert asked("pin", commit[:9], "--reason", "it loses files").stdout == (
        f"{commit[:12]} is pinned out: it loses files\n"
    )
    assert asked("unpin", commit[:8]).stdout == f"{commit[:12]} may be promoted again\n"
    again = asked("unpin", commit[:8])
    assert (again.returncode, again.stderr) == (
        ExitCode.USAGE,
        f"shipway: {commit[:8]} is not pinned (`shipway status` names what is)\n",
    )
    unknown = asked("pin", ABSENT, "--reason", "x")
    assert (unknown.returncode, unknown.stderr) == (
        ExitCode.USAGE,
        "shipway: ffffffffffff is no commit of this clone (git fetch origin)\n",
    )
    assert asked("pin", "no commit", "--reason", "x").returncode == ExitCode.USAGE


def test_incidents_are_named_and_one_that_is_not_open_cannot_be_closed(asked: Shipway) -> None:
    assert asked("incident", "list").stdout == "none is open\n"
    closing = asked("incident", "close", "i-1")
    assert (closing.returncode, closing.stderr) == (
        ExitCode.USAGE,
        "shipway: there is no incident i-1 (`shipway incident list` names them)\n",
    )


@pytest.mark.parametrize("word", ["resume", "abort"])
def test_where_no_promotion_is_unfinished_there_is_none_to_go_on_with(asked: Shipway, word: str) -> None:
    done = asked(word, "staging")
    assert (done.returncode, done.stderr) == (
        ExitCode.GATE_REFUSED,
        "shipway: no promotion to staging is unfinished (`shipway status` tells what there is)\n",
    )
    assert asked("tick").returncode == ExitCode.PASSED


def test_production_is_never_drilled_and_nothing_is_where_no_environment_is(asked: Shipway) -> None:
    named = asked("drill", "production")
    assert named.returncode == ExitCode.USAGE
    assert "a drill is played on staging alone, never in production: name a scenario" in named.stderr
    nowhere = asked("drill")
    assert nowhere.returncode == ExitCode.USAGE
    assert nowhere.stderr.startswith("shipway: shipway.toml does not say where staging is (a drill needs [github], ")
    assert "failing-smoke" in asked("drill", "--help").stdout


def test_without_github_nobody_says_what_is_to_be_promoted(asked: Shipway) -> None:
    done = asked("promote", "staging")
    assert done.returncode == ExitCode.USAGE
    assert done.stderr == "shipway: shipway.toml has no [github]: where main is, nobody says (name the commit)\n"
    named = asked("promote", "staging", "--commit", ABSENT)
    assert (named.returncode, named.stderr.count("\n")) == (ExitCode.USAGE, 1)
    assert "is not in this clone (git fetch origin)" in named.stderr
