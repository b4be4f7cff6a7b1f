"""A commit of the example, as a promotion runs it: out of git, with a real Postgres and the host's own executor."""

from __future__ import annotations

import io
import subprocess
from typing import TYPE_CHECKING

import anyio
import psycopg
import pytest
from rich.console import Console

from ci.commits import Commits
from ci.journal import Journal
from ci.model import RunVerdict
from ci.promotion.work import Asked, What
from ci.rehearsal.computes import computing
from tests.conftest import IDENTITY, copy_example

if TYPE_CHECKING:
    from pathlib import Path

    from ci.model import RunReport

pytestmark = pytest.mark.long

ROLE, PASSWORD, DATABASE = "owner", "of-the-database-0123", "receipts"
MORE = "-- shipway: phase=expand\n\nalter table receipts add column tags text;\n"


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_migration_is_the_commits_own_and_waits_for_no_lock_longer_than_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    root = copy_example(tmp_path / "receipts")
    first = git(root, "rev-parse", "HEAD")
    (root / "packages/db/migrations/0099_tags.sql").write_text(MORE)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    second = git(root, "rev-parse", "HEAD")
    (root / "packages/db/migrations/0001_accounts.sql").write_text("not SQL, and not committed")
    commits = Commits(
        root=root,
        journal=Journal.local(root, directory=tmp_path / "state"),
        console=Console(file=io.StringIO(), width=200),
        executor="host",
    )

    async def migrated(commit: str, url: str) -> RunReport:
        return await commits.run(Asked(what=What.MIGRATION, commit=commit, given={"DATABASE_URL": url}))

    async def play() -> None:
        async with computing(tmp_path / "postgres") as computes:
            await computes.make("main", roles={ROLE: PASSWORD}, databases={DATABASE: ROLE})
            url = f"postgres://{ROLE}:{PASSWORD}@127.0.0.1:{await computes.start('main')}/{DATABASE}"
            report = await migrated(first, url)
            assert report.verdict is RunVerdict.PASSED, report
            async with await psycopg.AsyncConnection.connect(url) as held:
                await held.execute("lock table receipts in access share mode")
                red = await migrated(second, url)
                await held.rollback()
            (check,) = [each for stage in red.stages for each in stage.checks if each.name == "migrate"]
            assert check.reason is not None
            assert check.reason.startswith("migration failed: ")
            assert "lock timeout" in check.reason
            assert PASSWORD not in str(red)
            assert (await migrated(second, url)).verdict is RunVerdict.PASSED

    anyio.run(play)
    assert git(root, "status", "--porcelain") == "M packages/db/migrations/0001_accounts.sql"
