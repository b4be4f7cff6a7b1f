"""Killed with SIGKILL at any moment, Shipway leaves no process and no mount; the next run sweeps its directory."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import command, environment
from tests.hashes import hashes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Ran

SEED = 20


def running(root: Path) -> list[str]:
    """The processes of any run on this repository: each carries the workspace's place in its environment."""
    marker = f"SHIPWAY_ROOT={root}\0".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (entry / "environ").read_bytes() or str(root).encode() in (entry / "cmdline").read_bytes():
                found.append(f"{entry.name}: {(entry / 'cmdline').read_bytes()!r}")
        except OSError:
            continue
    return [process for process in found if not process.startswith(f"{os.getpid()}:")]


def below(pid: int) -> set[int]:
    """All processes below one, from outside its namespaces."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found: set[int] = set()
    while fresh := {child for child, parent in parents.items() if (parent == pid or parent in found)} - found:
        found |= fresh
    return found


def alive(pid: int) -> bool:
    """A process that ended and waits to be collected by its parent is not alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def mounts(cache: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if str(cache / "work") in line]


def kill_after(seconds: float, root: Path, tmp_path: Path, cache: Path) -> bool:
    """Start a run and kill it; return whether it was still going on."""
    run = subprocess.Popen(
        command("run", ".", "--no-cache", "--report", str(tmp_path / "report")),
        cwd=root,
        env=environment(tmp_path / "state", SHIPWAY_CACHE=str(cache)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        run.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        children = below(run.pid)
        run.send_signal(signal.SIGKILL)
        run.wait()
        time.sleep(1)
        assert [pid for pid in children if alive(pid)] == []
        assert running(root) == []
        assert mounts(cache) == []
        return True
    return False


def started(root: Path, tmp_path: Path, cache: Path) -> float:
    """Measure on this machine, as it is now, after how many seconds the middle of an install is reached."""
    began = time.monotonic()
    run = subprocess.Popen(
        command("run", ".", "--no-cache", "--stage", "install", "--report", str(tmp_path / "report")),
        cwd=root,
        env=environment(tmp_path / "state", SHIPWAY_CACHE=str(cache)),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    with run.stdout:
        first = next(time.monotonic() - began for line in run.stdout if "started" in line)
        run.stdout.read()
    run.wait(timeout=300)
    return (first + time.monotonic() - began) / 2


def own_cache(tmp_path: Path) -> Path:
    """A cache with the user's tools and package store, and a work directory of its own."""
    users = Path(os.environ.get("SHIPWAY_CACHE") or Path.home() / ".cache/shipway")
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in ("tools", "packages", "pnpm"):
        (users / name).mkdir(parents=True, exist_ok=True)
        (cache / name).symlink_to(users / name)
    return cache


def test_a_run_killed_in_the_middle_leaves_nothing_alive_and_the_next_run_sweeps(
    subject: Callable[[str], Path], tmp_path: Path, shipway: Callable[..., Ran]
) -> None:
    root, cache = subject("turbo-biome"), own_cache(tmp_path)
    before = hashes(root)
    shipway("tools", ".", "--fetch", cwd=root, env={"SHIPWAY_CACHE": str(cache)})
    assert kill_after(started(root, tmp_path, cache), root, tmp_path, cache), "it was over before it could be killed"
    assert list((cache / "work").glob("*.lock")), "a killed run leaves its directory; this one left none"
    ran = shipway("run", ".", cwd=root, env={"SHIPWAY_CACHE": str(cache)})
    assert ran.code == 0, ran.out
    assert list((cache / "work").iterdir()) == []
    assert hashes(root) == before


@pytest.mark.long
def test_ten_random_moments_of_a_whole_run_of_the_example(
    receipts: Path, tmp_path: Path, shipway: Callable[..., Ran]
) -> None:
    cache = own_cache(tmp_path)
    before = hashes(receipts)
    began = time.monotonic()
    whole = shipway("run", ".", "--no-cache", cwd=receipts, env={"SHIPWAY_CACHE": str(cache)}, timeout=900)
    assert whole.code == 0, whole.out
    length = time.monotonic() - began
    moments = random.Random(SEED)  # noqa: S311 - moments, no secrets
    killed = sum(kill_after(moments.uniform(0.2, length), receipts, tmp_path, cache) for _ in range(10))
    assert killed >= 5, f"only {killed} of ten runs were still going on"
    assert hashes(receipts) == before
    ran = shipway("run", ".", "--stage", "install", cwd=receipts, env={"SHIPWAY_CACHE": str(cache)})
    assert ran.code == 0, ran.out
    assert list((cache / "work").iterdir()) == []
