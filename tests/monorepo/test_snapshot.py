from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import UsageError
from ci.monorepo import snapshot as snapshots

if TYPE_CHECKING:
    from pathlib import Path

    from ci.monorepo.snapshot import Snapshot

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def take(root: Path, into: Path, objects: str | None = None) -> Snapshot:
    async def run() -> Snapshot:
        return await snapshots.take(root, into, objects=objects)

    return anyio.run(run)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "packages/a").mkdir(parents=True)
    (root / ".gitignore").write_text("dist\n*.log\n", encoding="utf-8")
    (root / "packages/a/index.ts").write_text("1\n", encoding="utf-8")
    (root / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("run.sh")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    return root


def test_tracked_and_not_ignored_files_come_along_as_they_are_now(repository: Path, tmp_path: Path) -> None:
    (repository / "packages/a/index.ts").write_text("2\n", encoding="utf-8")
    (repository / "new.ts").write_text("new\n", encoding="utf-8")
    (repository / "debug.log").write_text("ignored\n", encoding="utf-8")
    (repository / "link").unlink()
    taken = take(repository, tmp_path / "copy")
    assert taken.files == (".gitignore", "new.ts", "packages/a/index.ts", "run.sh")
    assert (taken.workspace / "packages/a/index.ts").read_text(encoding="utf-8") == "2\n"
    assert taken.dirty
    assert taken.commit == git(repository, "rev-parse", "HEAD")
    assert taken.branch == "main"


def test_links_and_executable_bits_survive(repository: Path, tmp_path: Path) -> None:
    taken = take(repository, tmp_path / "copy")
    assert not taken.dirty
    assert (taken.workspace / "link").readlink().name == "run.sh"
    assert os.access(taken.workspace / "run.sh", os.X_OK)
    assert taken.digests["link"] == "link:run.sh"
    assert taken.digests["run.sh"].startswith("x:")


def test_the_copy_has_a_git_directory_of_its_own(repository: Path, tmp_path: Path) -> None:
    taken = take(repository, tmp_path / "copy")
    assert git(taken.directory, "status", "--porcelain") == ""
    git(taken.directory, "config", "core.hooksPath", ".hooks")
    git(taken.directory, "commit", "-q", "--allow-empty", "-m", "two")
    assert git(repository, "rev-list", "--count", "--all") == "1"
    assert "hooksPath" not in (repository / ".git/config").read_text(encoding="utf-8")


def test_the_repository_is_only_read(repository: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in repository.rglob("*")}
    take(repository, tmp_path / "copy")
    assert {path: path.stat().st_mtime_ns for path in repository.rglob("*")} == before


def test_a_workspace_below_the_top_comes_alone(repository: Path, tmp_path: Path) -> None:
    taken = take(repository / "packages", tmp_path / "copy")
    assert (taken.prefix, taken.files) == ("packages", ("a/index.ts",))
    assert taken.top == repository
    assert not (taken.directory / "run.sh").exists()


def widen(snapshot: Snapshot, *globs: str) -> Snapshot:
    async def run() -> Snapshot:
        return await snapshots.widen(snapshot, globs)

    return anyio.run(run)


def test_files_above_the_workspace_come_along_where_globs_name_them(repository: Path, tmp_path: Path) -> None:
    taken = take(repository / "packages", tmp_path / "copy")
    assert not taken.dirty
    (repository / "run.sh").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (repository / "made.log").write_text("ignored\n", encoding="utf-8")
    widened = widen(taken, "../*.sh", "../**")
    assert widened.files == taken.files
    assert sorted(widened.outside) == ["../.gitignore", "../link", "../run.sh"]
    assert (widened.workspace / "../run.sh").read_text(encoding="utf-8") == "#!/bin/sh\nexit 1\n"
    assert (widened.dirty, widened.edited()) == (True, ())
    (repository / "run.sh").write_text("edited\n", encoding="utf-8")
    assert widened.edited() == ("../run.sh",)


@pytest.mark.parametrize("glob", ["../nothing/**", "../../elsewhere", "../packages/a/*"])
def test_a_glob_that_names_nothing_above_the_workspace_is_told(repository: Path, tmp_path: Path, glob: str) -> None:
    taken = take(repository / "packages", tmp_path / "copy")
    with pytest.raises(UsageError, match="names no file of the git repository"):
        widen(taken, glob)


def test_a_directory_without_git_is_taken_too(tmp_path: Path) -> None:
    root = tmp_path / "plain"
    root.mkdir()
    (root / "a.ts").write_text("1\n", encoding="utf-8")
    (root / ".gitignore").write_text("node_modules\n", encoding="utf-8")
    (root / "node_modules").mkdir()
    (root / "node_modules/x.js").write_text("1\n", encoding="utf-8")
    taken = take(root, tmp_path / "copy")
    assert taken.files == (".gitignore", "a.ts")
    assert (taken.commit, taken.dirty) == (None, True)
    assert not (root / ".git").exists()


def test_a_repository_without_a_commit_is_taken_too(tmp_path: Path) -> None:
    root = tmp_path / "fresh"
    root.mkdir()
    git(root, "init", "-q")
    (root / "a.ts").write_text("1\n", encoding="utf-8")
    taken = take(root, tmp_path / "copy")
    assert (taken.files, taken.commit) == (("a.ts",), None)


def test_a_repository_inside_is_named_and_left_out(repository: Path, tmp_path: Path) -> None:
    inner = repository / "vendored"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "x.ts").write_text("1\n", encoding="utf-8")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "inner")
    taken = take(repository, tmp_path / "copy")
    assert not any(path.startswith("vendored") for path in taken.files)
    assert taken.submodules == ("vendored",)
    assert any("vendored" in notice for notice in taken.notices)


def test_names_that_need_care_come_through(repository: Path, tmp_path: Path) -> None:
    names = ["with space.ts", 'quote".ts', "new\nline.ts", "ünïcode.ts", "-dash.ts", "[brackets].ts"]
    for name in names:
        (repository / name).write_text(name, encoding="utf-8")
    taken = take(repository, tmp_path / "copy")
    assert set(names) <= set(taken.files)
    assert all((taken.workspace / name).read_text(encoding="utf-8") == name for name in names)


def test_what_was_edited_meanwhile_is_told(repository: Path, tmp_path: Path) -> None:
    taken = take(repository, tmp_path / "copy")
    assert taken.edited() == ()
    (repository / "packages/a/index.ts").write_text("changed\n", encoding="utf-8")
    (repository / "run.sh").unlink()
    assert taken.edited() == ("packages/a/index.ts", "run.sh")


def test_the_object_store_can_be_said_to_lie_elsewhere(repository: Path, tmp_path: Path) -> None:
    taken = take(repository, tmp_path / "copy", objects="/elsewhere/objects")
    alternates = taken.directory / ".git/objects/info/alternates"
    assert alternates.read_text(encoding="utf-8") == "/elsewhere/objects\n"
    assert taken.objects == repository / ".git/objects"


def test_a_worktree_is_a_repository_like_any_other(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    taken = take(tmp_path / "tree", tmp_path / "copy")
    assert (taken.branch, taken.dirty) == ("side", False)
    assert git(taken.directory, "log", "--format=%s") == "one"


def test_a_file_instead_of_a_directory_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a directory"):
        take(repository / "run.sh", tmp_path / "copy")


def test_a_broken_repository_is_said_in_one_line(repository: Path, tmp_path: Path) -> None:
    (repository / ".git/HEAD").write_text("nonsense", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        take(repository, tmp_path / "copy")
    assert "\n" not in str(caught.value)


def test_a_new_file_makes_it_dirty_whatever_git_is_told_to_show(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "status.showUntrackedFiles", "no")
    (repository / "new.ts").write_text("new\n", encoding="utf-8")
    assert take(repository, tmp_path / "copy").dirty


def test_a_status_that_git_cannot_tell_is_not_taken_for_clean(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "status.renames", "perhaps")
    with pytest.raises(UsageError, match="git cannot compare the files"):
        take(repository, tmp_path / "copy")
