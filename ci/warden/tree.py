"""The process tree below the warden, read from /proc: who is left, and how to end all of it."""

from __future__ import annotations

import os
import signal
import time


def descendants(without: set[int] | frozenset[int] = frozenset()) -> dict[int, str]:
    """Return every living process below this one, by pid, with its command line; `without` are left out with theirs."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue  # it ended while we looked
            if fields[0] != "Z":
                children.setdefault(int(fields[1]), []).append(int(entry))
    found: dict[int, str] = {}
    queue = [os.getpid()]
    while queue:
        for pid in children.get(queue.pop(), []):
            if pid not in found and pid not in without:
                found[pid] = command_line(pid)
                queue.append(pid)
    return found


def command_line(pid: int) -> str:
    """Return what the process was started as, or its pid where that cannot be read."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = [word.decode(errors="replace") for word in file.read().split(b"\0") if word]
    except OSError:
        words = []
    return " ".join(words) or f"pid {pid}"


def end_all(*, seconds: float = 2.0) -> None:
    """Kill every descendant, again and again until none is left: a child may fork between the look and the kill."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        living = descendants()
        for pid in living:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        reap()
        if not living:
            return
        time.sleep(0.005)


def reap() -> dict[int, int]:
    """Collect the exit statuses of all children that ended, own and adopted, by pid."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status
