from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import UsageError
from ci.monorepo import snapshot as snapshots
from ci.promotion.history import History, digest
from ci.settings import Settings
from ci.settings.aimed import aimed
from tests.conftest import IDENTITY

if TYPE_CHECKING:
    from pathlib import Path

ABSENT = "f" * 40


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A workspace below the top of its repository, with two commits and something that is not committed."""
    root = tmp_path / "repository"
    place = root / "shop"
    (place / "db").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (place / "db/0001.sql").write_text("create table orders (total_minor int);\n")
    (place / "app.ts").write_text("const x = row.totalMinor\n")
    (root / "other.ts").write_text("totalMinor\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    (place / "db/0002.sql").write_text("select 2;\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two\n\nShipway-Fixes: i-1")
    (place / "app.ts").write_text("not committed\n")
    return root


def test_it_tells_of_commits_without_touching_what_is_there(repository: Path) -> None:
    first, second = git(repository, "rev-parse", "HEAD~1"), git(repository, "rev-parse", "HEAD")
    history = History(root=repository / "shop")

    async def ask() -> None:
        assert await history.contains(second, first)
        assert not await history.contains(first, second)
        assert await history.whole(second[:9]) == second
        assert await history.messages(second, without=first) == ("two\n\nShipway-Fixes: i-1",)
        assert await history.between(first, second) == (second,)
        assert await history.text(second, "app.ts") == "const x = row.totalMinor\n"
        assert await history.text(second, "gone.ts") is None
        files = await history.files(second, "db", ("**/*.sql",))
        assert files == {"0001.sql": "create table orders (total_minor int);\n", "0002.sql": "select 2;\n"}
        assert list(await history.files(first, "db/", ("*.sql",))) == ["0001.sql"]
        assert await history.naming(second, ("total_minor", "totalMinor"), but="db") == ("app.ts",)
        assert await history.naming(second, ("nothing",), but="db") == ()
        assert digest("a") == digest("a") != digest("b")

    anyio.run(ask)
    assert git(repository, "status", "--porcelain") == "M shop/app.ts"


def test_a_commit_that_is_not_here_is_said_with_what_to_do(repository: Path) -> None:
    history = History(root=repository)

    async def ask() -> None:
        for asked in (
            lambda: history.require(ABSENT, "the candidate"),
            lambda: history.whole(ABSENT),
            lambda: history.contains(ABSENT, "HEAD"),
            lambda: history.files(ABSENT, "db", ("*",)),
            lambda: snapshots.check_out(repository, ABSENT, repository.parent / "nowhere"),
        ):
            with pytest.raises(UsageError) as raised:
                await asked()
            assert raised.value.hint == "git fetch origin"

    anyio.run(ask)


def test_a_commit_is_checked_out_as_it_is_in_git_and_no_hook_runs(repository: Path, tmp_path: Path) -> None:
    hook = repository / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    first = git(repository, "rev-parse", "HEAD~1")

    async def run() -> Path:
        return await snapshots.check_out(repository / "shop", first, tmp_path / "commit")

    place = anyio.run(run)
    assert place == tmp_path / "commit/shop"
    assert (place / "app.ts").read_text() == "const x = row.totalMinor\n"
    assert not (place / "db/0002.sql").exists()
    assert not (tmp_path / "ran").exists()
    assert git(place, "rev-parse", "HEAD") == first


def test_settings_are_aimed_at_an_environment_by_its_own_services_and_variables() -> None:
    settings = Settings.model_validate(
        {
            "stages": {
                "integration": {"env": {"MODE": "dev", "KEPT": "1"}, "secrets": {"KEY": "env://DEV"}},
                "e2e": {"env": {"KEY": "plain"}},
            },
            "environments": {
                "development": {"neon": {"project": "dev", "token": "env://N"}},
                "staging": {
                    "neon": {"project": "stage", "token": "env://S", "parent": "main"},
                    "tests": {"variables": {"MODE": "staging"}, "secrets": {"KEY": "env://STAGING"}},
                },
            },
        }
    )
    same = aimed(settings, None)
    assert same == settings
    found = aimed(settings, "staging", database="copy")
    neon = found.environments.development.neon
    assert neon is not None
    assert (neon.project, neon.parent) == ("stage", "copy")
    assert dict(found.stages.integration.env) == {"MODE": "staging", "KEPT": "1"}
    assert dict(found.stages.integration.secrets) == {"KEY": "env://STAGING"}
    assert dict(found.stages.e2e.env) == {"MODE": "staging"}
    assert dict(found.stages.e2e.secrets) == {"KEY": "env://STAGING"}
    assert found.environments.staging == settings.environments.staging
