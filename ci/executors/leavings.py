"""What steps leave, looked at from outside their walls: it may be a link, a pipe, or closed to its own owner.

All of it belongs to the user who runs Shipway, and those who made it are dead, so it may be opened up.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_file(path: Path) -> BinaryIO:
    """Open a regular file for reading, whatever its mode; never follow a link, never wait at a pipe. Raises OSError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except PermissionError:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def astray(base: Path, below: str) -> bool:
    """Whether the way from `base` down to `below` leads over a link, and so out of what was given to the step."""
    return _reached(base, below) is None


def walk(base: Path, below: str, *, closed: frozenset[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield every entry below `base`/`below` with its path from there, no link followed. Raises OSError.

    Directories named in `closed` are yielded and not entered; nor is one that was moved away meanwhile.
    """
    top = _reached(base, below)
    if top is None:
        return
    levels = [_entries(top, "")]
    while levels:
        for path, entry in levels[-1]:
            yield path, entry
            if entry.name not in closed and entry.is_dir(follow_symlinks=False):
                levels.append(_entries(top, path))
                break
        else:
            levels.pop()


def _entries(top: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    directory = top / prefix
    try:
        _unlock(directory)
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        entries = []
    return ((f"{prefix}/{entry.name}" if prefix else entry.name, entry) for entry in entries)


def _reached(base: Path, below: str) -> Path | None:
    place = base
    for part in (".", *PurePath(below).parts):
        place /= part
        if place.is_symlink():
            return None
        if place.is_dir():
            _unlock(place)
    return place


def _unlock(directory: Path) -> None:
    if not os.access(directory, os.R_OK | os.X_OK):
        directory.chmod(stat.S_IMODE(directory.lstat().st_mode) | stat.S_IRUSR | stat.S_IXUSR)
