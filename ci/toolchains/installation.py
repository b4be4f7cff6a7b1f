"""Putting a tool into the cache: in a directory beside its place, then renamed, so that there is never half a tool.

A place that exists is whole: it is used as it is, without a lock and without a look at the network.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import anyio

from ci.errors import DiskFullError, ToolError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


async def install(place: Path, build: Callable[[Path], Awaitable[None]]) -> None:
    """Have `build` fill a fresh directory and make it `place`; nothing is done when `place` is there.

    Of two that want the same place at once, in this process or another, the second waits and finds it done.
    Whatever `build` raises, nothing of it stays. Raises DiskFullError when there is no room, ToolError when the
    cache cannot be written.
    """
    if place.exists():
        return
    with _told_in_one_line(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        async with _only_one(place.parent / f".{place.name}.lock"):
            if place.exists():
                return
            _sweep(place)
            beside = Path(tempfile.mkdtemp(prefix=f".{place.name}.new-", dir=place.parent))
            try:
                await build(beside)
                beside.chmod(0o755)
                beside.rename(place)
            finally:
                shutil.rmtree(beside, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove what an installation that was killed has left; its lock is ours now."""
    for left in place.parent.glob(f".{place.name}.new-*"):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.asynccontextmanager
async def _only_one(lock: Path) -> AsyncIterator[None]:
    """Hold an exclusive lock on the file. It stays when released: removing it would let two in."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await anyio.sleep(0.05)  # a blocking wait in a thread could not be cancelled
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _told_in_one_line(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise no_room(place) from error
        raise ToolError(
            f"{place.name} cannot be put into {place.parent}: {error.strerror or error}",
            hint="make it writable, or name another directory in SHIPWAY_CACHE",
        ) from error


def no_room(place: Path) -> DiskFullError:
    """Return the error for a tool for which the disk has no room, naming what is free."""
    parent = next(path for path in place.parents if path.exists())
    free = shutil.disk_usage(parent).free // 1_000_000
    return DiskFullError(
        f"no room for {place.name} in {place.parent}: {free} MB are free",
        hint="make room, or name another directory in SHIPWAY_CACHE",
    )
