"""Where an install can link packages out of the store instead of copying them.

A hard link reaches only as far as one mount. So the workspace of an install is no overlay but a plain directory
beside the store, and both appear together, as one mount, at the directory above the repository's top. Linking
writes no data: with some hundred megabytes of packages that is most of what an install costs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from ci.executors.scratch import remove

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STORE = ".pnpm-store"
LOCK = ".lock"
# Above a repository in one of these lies more than other repositories.
SYSTEM = frozenset({
    "/", "/usr", "/usr/local", "/etc", "/var", "/dev", "/dev/shm", "/proc", "/sys", "/run", "/tmp", "/var/tmp", "/boot",
    "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
})  # fmt: skip


def packages(cache: Path) -> Path:
    """Return the directory of the store, and of the workspace of the one install that may link at a time."""
    return (cache / "packages").resolve()


def store(cache: Path) -> Path:
    """Return pnpm's package store."""
    return packages(cache) / STORE


@contextlib.contextmanager
def beside_store(cache: Path, top: Path) -> Iterator[Path | None]:
    """Give the directory beside the store that can stand for `top`; None where the install has to copy.

    It has to where another install links at the moment, and where the mount would hide the system. The directory is
    new, and gone afterwards, with all that was made beside it to attach tools to.
    """
    place = packages(cache) / top.name
    if str(top.parent) in SYSTEM or top.name in {STORE, LOCK}:
        yield None
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(place.parent / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        _clear(place.parent)
        place.mkdir()
        try:
            yield place
        finally:
            _clear(place.parent)
    finally:
        os.close(lock)


def sweep(cache: Path) -> None:
    """Remove the workspace of an install that was killed."""
    directory = packages(cache)
    with contextlib.suppress(FileNotFoundError, BlockingIOError):
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _clear(directory)
        finally:
            os.close(lock)


def _clear(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.name not in {STORE, LOCK}:
            remove(entry)
