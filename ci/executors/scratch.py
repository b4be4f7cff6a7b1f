"""A run's own directory in the per-user cache, held by a lock: a free lock means that the run is dead.

So a run that was killed needs no clean-up of its own: the next one sweeps what it left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.errors import NO_ROOM, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALL = stat.S_IRWXU


@contextlib.contextmanager
def scratch(cache: Path, run: str) -> Iterator[Path]:
    """Give a run its directory below `cache`; it is gone afterwards. Raises ToolError where it cannot be made."""
    work = cache / "work"
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = _hold(work / f"{run}.lock")
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        raise ToolError(
            f"cannot write to {work}: {error.strerror}", hint="name another place in SHIPWAY_CACHE"
        ) from error
    directory = work / run
    try:
        directory.mkdir(mode=0o700)
        yield directory
    finally:
        remove(directory)
        (work / f"{run}.lock").unlink(missing_ok=True)
        os.close(lock)


def sweep(cache: Path) -> int:
    """Remove what killed runs left behind; return how many there were."""
    swept = 0
    work = cache / "work"
    if not work.is_dir():
        return 0
    for path in work.glob("*.lock"):
        try:
            lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue  # its run just ended
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            remove(work / path.stem)
            path.unlink(missing_ok=True)
            swept += 1
        finally:
            os.close(lock)
    return swept


def is_alive(cache: Path, run: str) -> bool:
    """Whether a run of this machine goes on."""
    try:
        lock = os.open(cache / "work" / f"{run}.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _hold(path: Path) -> int:
    """Return a held lock that lies at `path`: a sweep may take a new one away before it is held."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _lies_at(lock, path):
            return lock
        os.close(lock)


def _lies_at(lock: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def remove(directory: Path) -> None:
    """Remove a tree whatever the modes inside: overlayfs leaves a directory with none. Raises OSError."""

    def unlock(function: Callable[..., Any], path: str, _error: Any) -> None:
        if not os.path.lexists(path):
            return
        Path(path).parent.chmod(ALL)
        if Path(path).is_dir() and not Path(path).is_symlink():  # a file's mode may be that of one in the store
            Path(path).chmod(ALL)
        if function in (os.open, os.scandir, os.listdir, os.lstat):
            remove(Path(path))
        else:
            function(path)

    if directory.is_symlink() or directory.is_file():
        directory.unlink()
    elif directory.exists():
        shutil.rmtree(directory, onerror=unlock)
