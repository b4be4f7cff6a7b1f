"""How many checks the machine has room for: what it has, and what a container may use of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GIB = 1024**3
MEMORY_PER_SLOT = 2 * GIB  # a typed ESLint of some 25 packages, or Chromium beside a server
ROOT = Path("/")


def room() -> int:
    """Return how many checks may run side by side: one more than cores, as memory allows.

    One more, because most checks wait for a disk or a page now and then; measured on 2 cores, 3 slots were
    as quick as 7 and steadier.
    """
    allowed_cores, allowed_memory = limits()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(int(min(cores, allowed_cores)) + 1, int(min(memory, allowed_memory) / MEMORY_PER_SLOT)))


def limits(root: Path = ROOT) -> tuple[float, float]:
    """Return the cores and the bytes of memory that the control groups of this process allow; infinite: no limit.

    Version 2 (https://docs.kernel.org/admin-guide/cgroup-v2.html) has one tree with all limits, version 1 a tree a
    controller. `root` is where the system's /proc and /sys lie.
    """
    cores = memory = float("inf")
    for group in _groups(root):
        cores = min(cores, _quota(*_words(group / "cpu.max")))
        cores = min(cores, _quota(*_words(group / "cpu.cfs_quota_us"), *_words(group / "cpu.cfs_period_us")))
        for name in ("memory.max", "memory.limit_in_bytes"):
            memory = min([memory, *map(_number, _words(group / name)[:1])])
    return cores, memory


def _groups(root: Path) -> Iterator[Path]:
    """Yield the directory of each group that this process is in, up to the root of its tree: every level limits.

    Inside a container the path may be one that only the host has: then its own group is mounted as the root.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux, or /proc is hidden
        return
    top = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        trees = (top / controllers,) if controllers else (top, top / "unified")
        for tree in trees:
            own = Path(path.lstrip("/"))
            yield from (tree / level for level in (own, *own.parents) if (tree / level).is_dir())


def _words(file: Path) -> tuple[str, ...]:
    try:
        return tuple(file.read_text(encoding="utf-8").split())
    except OSError:  # this version or level has no such limit
        return ()


def _quota(quota: str = "max", period: str = "100000", *_: str) -> float:
    """Return the cores of a quota of microseconds in each period; "max" and -1 say that there is none."""
    given, each = _number(quota), _number(period)
    return given / each if given > 0 and 0 < each < float("inf") else float("inf")


def _number(text: str) -> float:
    return float(text) if text.lstrip("-").isdecimal() else float("inf")
