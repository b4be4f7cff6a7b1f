from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ci.errors import ToolError
from ci.executors.scratch import remove, scratch, sweep


def test_a_runs_directory_is_gone_after_it(tmp_path: Path) -> None:
    with scratch(tmp_path, "one") as place:
        (place / "deep/er").mkdir(parents=True)
        (place / "deep/er/file").write_text("x", encoding="utf-8")
    assert list((tmp_path / "work").iterdir()) == []


def test_a_living_run_is_not_swept(tmp_path: Path) -> None:
    with scratch(tmp_path, "one") as place:
        assert sweep(tmp_path) == 0
        assert place.is_dir()


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from ci.executors.scratch import scratch\n"
        "with scratch(Path(sys.argv[1]), 'killed') as place: (place / 'left').mkdir(); os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).resolve().parents[2]
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=root, check=False)
    assert killed.returncode == -9
    assert (tmp_path / "work/killed/left").is_dir()
    assert sweep(tmp_path) == 1
    assert list((tmp_path / "work").iterdir()) == []


def test_a_tree_is_removed_whatever_the_modes_inside(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "closed/inner").mkdir(parents=True)
    (tree / "closed/inner/file").write_text("x", encoding="utf-8")
    (tree / "link").symlink_to("/nowhere")
    (tree / "closed/inner").chmod(0)
    (tree / "closed").chmod(0o500)
    if os.geteuid() == 0:
        program = (
            "import sys; from pathlib import Path; from ci.executors.scratch import remove; remove(Path(sys.argv[1]))"
        )
        root = Path(__file__).resolve().parents[2]
        subprocess.run(["chown", "-hR", "65534:65534", str(tmp_path)], check=True)
        tmp_path.chmod(0o777)
        asked = ["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c", program, str(tree)]
        readable = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        if subprocess.run([*asked[:3], "test", "-x", str(tmp_path)], check=False).returncode != 0:
            pytest.skip("an ordinary user cannot reach the tests' directory here")
        subprocess.run(asked, env=readable, cwd="/", check=True)
    else:
        remove(tree)
    assert not tree.exists()


def test_a_cache_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ToolError, match="SHIPWAY_CACHE"), scratch(tmp_path / "file", "one"):
        pass
