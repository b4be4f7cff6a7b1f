from __future__ import annotations

import gzip
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def weigh(environment: dict[str, str], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Weigh directories below the temporary one."""

    def run(*directories: str, pattern: str = "**/*.{js,css}") -> dict[str, Any]:
        argv = ["shipway-sizes", "--out", str(tmp_path / "sizes.json"), "--pattern", pattern, *directories]
        subprocess.run(argv, env=environment, cwd=tmp_path, check=True)
        answer: dict[str, Any] = json.loads((tmp_path / "sizes.json").read_text())
        return answer

    return run


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_files_are_weighed_raw_and_compressed_largest_first(
    weigh: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    content = b"export const answer = 42;\n" * 200
    write(tmp_path / "dist/assets/small.css", b"a{}")
    write(tmp_path / "dist/assets/deep/large.js", content)
    write(tmp_path / "dist/index.html", b"<!doctype html>")
    answer = weigh("dist")
    assert answer["directory"] == "dist"
    large, small = answer["files"]
    assert (large["path"], large["raw"]) == ("assets/deep/large.js", len(content))
    assert abs(large["gzip"] - len(gzip.compress(content, 9))) < 20
    assert 0 < large["brotli"] < large["gzip"] < large["raw"]
    assert small["path"] == "assets/small.css"


def test_the_first_directory_with_such_files_counts(weigh: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    write(tmp_path / "dist/client/robots.txt", b"")
    write(tmp_path / "dist/a.js", b"1")
    write(tmp_path / "build/b.js", b"1")
    assert weigh("nowhere", "dist/client", "dist", "build")["directory"] == "dist"


def test_nothing_to_weigh_is_an_answer_too(weigh: Callable[..., dict[str, Any]]) -> None:
    assert weigh("nowhere") == {"directory": None, "files": []}


def test_no_link_leads_out_of_the_build(weigh: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    write(tmp_path / "dist/a.js", b"1")
    write(tmp_path / "secret.js", b"1" * 100)
    (tmp_path / "dist/b.js").symlink_to(tmp_path / "secret.js")
    assert [file["path"] for file in weigh("dist")["files"]] == ["a.js"]
