from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from ci.catfile import files
from tests.conftest import IDENTITY

if TYPE_CHECKING:
    from pathlib import Path

CONTENTS = {"a.ts": b"one\ntwo\n", "b blob 3": b"\n\n", "empty": b"", "last": b"x missing\nsha blob 9\n\0"}


def git(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(["git", *IDENTITY, *arguments], cwd=root, input=stdin, check=True, capture_output=True).stdout


def test_each_file_is_read_whole_and_what_is_none_is_left_out(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    for path, content in CONTENTS.items():
        (tmp_path / path).write_bytes(content)
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory/inner").write_bytes(b"inner")
    git(tmp_path, "add", "--all")
    head = git(tmp_path, "write-tree").decode().strip()
    names = ["a.ts", "nowhere", "directory", "b blob 3", "nowhere blob 7", "empty", "directory/inner", "last"]
    asked = [f"{head}:{name}" for name in names]
    told = git(tmp_path, "cat-file", "--batch", stdin="".join(f"{each}\n" for each in asked).encode())
    found = {each.partition(":")[2]: content for each, content in files(told, asked).items()}
    assert found == {**CONTENTS, "directory/inner": b"inner"}


def test_what_was_not_told_to_its_end_is_no_file() -> None:
    assert files(b"", ["a", "b"]) == {}
    assert files(b"0123 blob 2\nab\n4567 blob 5\nab", ["a", "b"]) == {"a": b"ab"}
