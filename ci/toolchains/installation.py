"""Putting a tool into the cache: in a directory beside its place, then renamed, so that there is never half a tool.

A place that exists is whole: it is used as it is, without a lock and without a look at the network.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from ci.errors import NO_ROOM, DiskFullError, ToolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator


async def install(place: Path, build: Callable[[Path], Awaitable[None]], *, room: int = 0) -> None:
    """Have `build` fill a fresh directory and make it `place`; nothing is done when `place` is there.

    `room` is the bytes that it takes while it is being built. It is looked for before: what fetches and unpacks
    does not always say that the disk was full.

    Of two that want the same place at once, in this process or another, the second waits and finds it done.
    Whatever `build` raises, nothing of it stays. Raises DiskFullError when there is no room, ToolError when the
    cache cannot be written.
    """
    if _is_there(place):
        return
    with _told_in_one_line(place):
        async with _only_one(place):
            if _is_there(place):
                return
            if _free(place) < room:
                raise no_room(place)
            with _beside(place) as beside:
                await build(beside)


def _is_there(place: Path) -> bool:
    return place.exists()


@contextlib.contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """Give a directory that becomes `place` when all goes well, and is removed when not."""
    for left in place.parent.glob(f".{place.name}.new-*"):  # by one that was killed: the lock is ours now
        shutil.rmtree(left, ignore_errors=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{place.name}.new-", dir=place.parent))
    try:
        yield beside
        beside.chmod(0o755)
        beside.rename(place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextlib.asynccontextmanager
async def _only_one(place: Path) -> AsyncIterator[None]:
    """Hold the place's lock. Its file stays when released: removing it would let two in."""
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = place.parent / f".{place.name}.lock"
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
        if error.errno in NO_ROOM:
            raise no_room(place) from error
        raise ToolError(
            f"{place.name} cannot be put into {place.parent}: {error.strerror or error}",
            hint="make it writable, or name another directory in SHIPWAY_CACHE",
        ) from error


def no_room(place: Path) -> DiskFullError:
    """Return the error for a tool for which the disk has no room, naming what is free."""
    return DiskFullError(
        f"no room for {place.name} in {place.parent}: {_free(place) // 1_000_000} MB are free",
        hint="make room, or name another directory in SHIPWAY_CACHE",
    )


def _free(place: Path) -> int:
    return shutil.disk_usage(next(path for path in place.parents if path.exists())).free
