"""The files of one checkout, and nothing beside it.

Code of the repository ran in there before, and may have left anything: links that lead out, pipes that never answer, a
file that is one of somewhere else's under a second name. So no path is looked at and used afterwards: each name of it
is opened in the directory before, never through a link, and what is open is what is asked. What is written is a new
file that takes the old one's place.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from typing import TYPE_CHECKING

from ci.diagnosis.quoting import visible
from ci.diagnosis.secretive import is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST = 1_000_000  # bytes of a file that is read or written
MOST_FILES = 20_000
PASSED_OVER = frozenset({"node_modules", ".git", "dist", ".next", ".turbo"})
NOT_THERE = "the old text does not stand in the file: it must stand there exactly once, blanks and all"
_LONGEST = 400  # characters of a path
_DEEPEST = 30  # directories in one another that are looked into
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class OutsideError(ValueError):
    """What may not be done, or not be done so, in a checkout; the message is one line without a stranger's words."""


class Checkout:
    """One directory."""

    def __init__(self, directory: Path) -> None:
        """Know where it is."""
        self.directory = directory

    def paths(self) -> tuple[str, ...]:
        """Return the files, in order, without those that tools install or build, and without links."""
        found: list[str] = []
        seen = 0
        for top, directories, files, there in os.fwalk(self.directory, follow_symlinks=False):
            inside = os.path.relpath(top, self.directory)
            deep = inside.count("/") >= _DEEPEST
            directories[:] = () if deep else sorted(name for name in directories if name.casefold() not in PASSED_OVER)
            found += [os.path.normpath(f"{inside}/{name}") for name in sorted(files) if _is_file(there, name)]
            seen += 1 + len(files)
            if seen >= MOST_FILES:
                break
        return tuple(sorted(found)[:MOST_FILES])

    def read(self, path: str) -> str:
        """Return a file's text. Raises OutsideError."""
        names = _names(path)
        with self._within(names[:-1]) as there:
            return _text(there, names[-1])[0]

    def replace(self, path: str, old: str, new: str) -> None:
        """Put `new` in the place of `old`, which must stand in the file exactly once. Raises OutsideError."""
        names = _names(path, writing=True)
        with self._within(names[:-1]) as there:
            text, mode = _text(there, names[-1])
            if "\r\n" in text:  # a model gets lines without returns
                old, new = _returned(old), _returned(new)
            if (count := text.count(old)) != 1:
                told = f"the old text stands in the file {count} times: it must stand there exactly once"
                raise OutsideError(told if count else NOT_THERE)
            _write(there, names[-1], text.replace(old, new), mode=mode)

    def add(self, path: str, text: str) -> None:
        """Write a file that is not there yet, and the directories above it. Raises OutsideError."""
        names = _names(path, writing=True)
        with self._within(names[:-1], make=True) as there:
            if _is_there(there, names[-1]):
                raise OutsideError("there is something of that name already: edit it instead")
            _write(there, names[-1], text, mode=0o644)

    @contextlib.contextmanager
    def _within(self, names: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        """Give the directory of these names, open."""
        there = os.open(self.directory, _DIRECTORY)
        try:
            for name in names:
                there = _inner(there, name, make=make)
            yield there
        except OSError as error:
            raise OutsideError(f"the path cannot be used: {os.strerror(error.errno or 0)}") from None
        finally:
            os.close(there)


def _returned(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _is_there(there: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=there, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_file(there: int, name: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=there, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _names(path: str, *, writing: bool = False) -> tuple[str, ...]:
    """Return the names that a path consists of. Raises OutsideError where it may not be gone."""
    if not path or len(path) > _LONGEST or visible(path) != path or "\n" in path or "\t" in path:
        raise OutsideError("the path is empty, too long, or holds characters that nobody sees")
    if path.startswith(("/", "~")) or "\\" in path:
        raise OutsideError("the path must lead from the repository's root, with slashes and without a tilde")
    names = tuple(path.removeprefix("./").split("/"))
    if any(name in {"", ".", ".."} for name in names):
        raise OutsideError("the path leads out of the repository, or has an empty name in it")
    if any(_is_gits(name) for name in names):
        raise OutsideError("what is git's own is not to be read or changed")
    if writing and any(name.casefold() in PASSED_OVER for name in names):
        raise OutsideError("what tools install or build is not to be changed")
    if any(map(is_secret, names)):
        raise OutsideError("a file of that name may hold secrets: it is not to be read or changed")
    return names


def _is_gits(name: str) -> bool:
    """Whether a file system may take a name for .git."""
    return name.casefold().rstrip(" .").partition(":")[0] in {".git", "git~1"}


def _inner(there: int, name: str, *, make: bool) -> int:
    """Return a directory in an open one, and close that one when it is open."""
    if make:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=there)
    try:
        found = os.open(name, _DIRECTORY, dir_fd=there)
    except FileNotFoundError:
        raise OutsideError("there is no such file") from None
    except OSError as error:
        raise OutsideError("a directory of the path is a link, or is none") from error
    os.close(there)
    return found


def _text(there: int, name: str) -> tuple[str, int]:
    """Return the text of a file in an open directory, and its mode."""
    try:
        file = os.open(name, _FILE, dir_fd=there)
    except FileNotFoundError:
        raise OutsideError("there is no such file") from None
    except OSError as error:
        raise OutsideError("the file is a link, or cannot be opened") from error
    with os.fdopen(file, "rb") as opened:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise OutsideError("that is no file")
        if found.st_nlink != 1:
            raise OutsideError("the file has a second name somewhere: it is not to be read or changed")
        content = opened.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OutsideError(f"the file is larger than {LARGEST} bytes")
    if b"\0" in content:
        raise OutsideError("the file is binary")
    try:
        return content.decode(), stat.S_IMODE(found.st_mode) & 0o755
    except UnicodeDecodeError:
        raise OutsideError("the file is not text in UTF-8") from None


def _write(there: int, name: str, text: str, *, mode: int) -> None:
    content = text.encode()
    if len(content) > LARGEST:
        raise OutsideError(f"the file would be larger than {LARGEST} bytes")
    fresh = f".shipway-{secrets.token_hex(8)}"
    file = os.open(fresh, _NEW, mode, dir_fd=there)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(content)
            os.fchmod(file, mode)
        os.replace(fresh, name, src_dir_fd=there, dst_dir_fd=there)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh, dir_fd=there)
        raise
