"""A patch as git reads it, and the tree that it makes.

What a patch says of itself is not believed: it is applied to an index of our own, and git tells what differs then.
Renames and copies come out as what they do, headers that lie or name a file twice as what came of them.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ci import catfile
from ci.diagnosis.lines import Lines, compare, readable
from ci.errors import DiskFullError, UsageError
from ci.gates.changes import LINK, SUBMODULE, FileChange
from ci.gates.judges import holds_tests
from ci.gates.lookalikes import folded
from ci.text import first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ci.diagnosis.bench import Bench

MOST = 2**20  # bytes of a patch
MOST_FILES = 500  # that it may touch to be looked at
MOST_OF_A_FILE = 8 * 2**20

# What git inflates by itself may be a thousand times its size; a fix has no binary files anyway.
_BINARY = re.compile(rb"^GIT binary patch", re.MULTILINE)
_KINDS: Mapping[str, Literal["added", "deleted", "modified"]] = {"A": "added", "D": "deleted"}
_NO_FILE = "000000"


@dataclass(frozen=True, kw_only=True)
class Patched:
    """What a patch makes of a commit: a tree, and each file that it changes.

    `digest` is the same for the same change, however its patch is written. `alike` are paths beside added ones that
    look like them, or are the same to some file systems.
    """

    tree: str
    changes: tuple[FileChange, ...]
    digest: str
    alike: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A patch that makes nothing of the commit, and why: one line."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class _Entry:
    path: str
    kind: Literal["added", "deleted", "modified"]
    modes: tuple[str, str]
    blobs: tuple[str, str]


async def apply(bench: Bench, commit: str, patch: bytes, *, most: int = MOST) -> Patched | Refused:
    """Apply a patch (the text of `git diff`) to a commit, all of it or nothing.

    Raises UsageError where the commit is not here.
    """
    if not patch.strip():
        return Refused(reason="the patch is empty")
    if len(patch) > most:
        return Refused(reason=f"the patch is too large: {len(patch)} bytes, at most {most}")
    if _BINARY.search(patch):
        return Refused(reason="the patch changes a binary file")
    index = {"GIT_INDEX_FILE": str(bench.index())}
    await bench.read("read-tree", f"{commit}^{{commit}}", extra=index)
    done = await bench.git("apply", "--cached", "--whitespace=nowarn", "-", stdin=patch, extra=index)
    if done.code != 0:
        if b"No space left" in done.stderr:
            raise DiskFullError("no space left to apply a patch", hint="free some")
        return Refused(reason=f"git does not apply the patch: {_said(done.stderr)}")
    raw = await bench.read("diff-index", "--cached", "--raw", "-z", "--no-renames", "--full-index", commit, extra=index)
    try:
        entries = tuple(_entries(raw))
    except UnicodeDecodeError:
        return Refused(reason="the patch names a file by bytes that are no UTF-8")
    if not entries:
        return Refused(reason="the patch changes nothing")
    if len(entries) > MOST_FILES:
        return Refused(reason=f"the patch is too large: {len(entries)} files, at most {MOST_FILES}")
    blobs = await _blobs(bench, entries)
    if isinstance(blobs, Refused):
        return blobs
    tree = (await bench.read("write-tree", extra=index)).decode().strip()
    more = any(entry.kind == "added" for entry in entries)
    paths = await bench.read("ls-files", "--cached", "-z", extra=index) if more else b""
    return Patched(
        tree=tree,
        changes=tuple(_change(entry, blobs) for entry in entries),
        digest=_digest(entries),
        alike=_alike(entries, paths),
    )


async def commit_tree(
    bench: Bench, tree: str, *, parent: str, message: str, name: str, email: str, moment: float
) -> str:
    """Make a commit of a tree, by one author at a moment (seconds since 1970), and return its name.

    The same arguments make the same commit.
    """
    who: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        who |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email, f"GIT_{role}_DATE": f"@{int(moment)} +0000"}
    made = await bench.read("commit-tree", tree, "-p", parent, "-F", "-", stdin=message.encode(), extra=who)
    return made.decode().strip()


async def collect(bench: Bench, checkout: Path, commit: str) -> bytes:
    """Return the patch from a commit to the files at `checkout`, a repository's top directory; b"" where there is none.

    New files are in it, ignored ones are not. A symbolic link is one, a repository within one commit; neither is gone
    into. Nothing of the checkout's own git directory is read. Raises UsageError where git cannot read the files, or
    they are too large.
    """
    index = {"GIT_INDEX_FILE": str(bench.index())}
    within = {**index, "GIT_WORK_TREE": str(checkout)}
    await bench.read("read-tree", f"{commit}^{{commit}}", extra=index)
    await bench.git("update-index", "-q", "--refresh", extra=within)  # so that each file is read once
    listed = await bench.read("ls-files", "-z", "--modified", "--others", "--exclude-standard", extra=within)
    sizes = {path: _size(checkout / os.fsdecode(path)) for path in listed.split(b"\0") if path}
    if sum(sizes.values()) > MOST_OF_A_FILE:
        raise UsageError(f"the changed files come to more than {MOST_OF_A_FILE >> 20} MiB")
    if not sizes:
        return b""
    await bench.read("add", "--all", extra=within)
    return await written(bench, commit, index)


async def written(bench: Bench, commit: str, index: Mapping[str, str]) -> bytes:
    """Return the patch from a commit to an index, which is named by git's variable for it."""
    how = ("--cached", "-p", "--text", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
    return await bench.read("diff-index", *how, "--src-prefix=a/", "--dst-prefix=b/", commit, extra=index)


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0  # deleted


def _said(complaint: bytes) -> str:
    lines = complaint.decode(errors="replace").splitlines()
    return first_line("; ".join(line.removeprefix("error: ").removeprefix("fatal: ") for line in lines[:2]))


def _entries(raw: bytes) -> Iterable[_Entry]:
    fields = raw.split(b"\0")[:-1]
    for facts, path in zip(fields[::2], fields[1::2], strict=True):
        mode_before, mode_after, before, after, kind = facts.decode().lstrip(":").split(" ")
        yield _Entry(
            path=path.decode(),
            kind=_KINDS.get(kind, "modified"),
            modes=(_mode(mode_before), _mode(mode_after)),
            blobs=(before, after),
        )


def _mode(told: str) -> str:
    return "" if told == _NO_FILE else told


async def _blobs(bench: Bench, entries: tuple[_Entry, ...]) -> dict[str, bytes] | Refused:
    """Read every file as it was and as it is, unless one is too large to be looked at."""
    asked = sorted(
        {
            blob
            for entry in entries
            for blob, mode in zip(entry.blobs, entry.modes, strict=True)
            if mode not in {"", SUBMODULE}
        }
    )
    if not asked:
        return {}
    names = "".join(f"{each}\n" for each in asked).encode()
    told = await bench.git("cat-file", "--batch", stdin=names, most=MOST_OF_A_FILE)
    if len(told.stdout) > MOST_OF_A_FILE:
        return Refused(reason=f"the patch changes files of more than {MOST_OF_A_FILE >> 20} MiB")
    found = catfile.files(told.stdout, asked)
    if missing := [each for each in asked if each not in found]:
        raise UsageError(f"git has no file {missing[0][:12]} here", hint="a clone without all files is not enough")
    return found


def _change(entry: _Entry, blobs: Mapping[str, bytes]) -> FileChange:
    before, after = (_text(blob, mode, blobs) for blob, mode in zip(entry.blobs, entry.modes, strict=True))
    binary = before is None or after is None
    lines = Lines() if before is None or after is None else compare(before, after)
    return FileChange(
        path=entry.path,
        kind=entry.kind,
        mode_before=entry.modes[0],
        mode_after=entry.modes[1],
        binary=binary,
        removed=lines.removed,
        added=lines.added,
        before=lines.before,
        after=lines.after,
        judging=before is not None and holds_tests(before),
    )


def _text(blob: str, mode: str, blobs: Mapping[str, bytes]) -> str | None:
    if not mode:
        return ""
    if mode == SUBMODULE:
        return f"Subproject commit {blob}\n"
    text = readable(blobs[blob])
    return "\ufffd" if text is None and mode == LINK else text


def _digest(entries: tuple[_Entry, ...]) -> str:
    facts = sorted("\0".join((entry.path, *entry.modes, *entry.blobs)) for entry in entries)
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _alike(entries: tuple[_Entry, ...], listing: bytes) -> tuple[str, ...]:
    """Find what stands beside an added file, or beside a directory on the way to it, and folds to the same name."""
    names: dict[str, set[str]] = {}
    for path in listing.decode(errors="replace").split("\0"):
        parent, below = "", path.split("/")
        for name in below:
            names.setdefault(parent, set()).add(name)
            parent = f"{parent}/{name}" if parent else name
    found = []
    for entry in entries:
        parent = ""
        for name in entry.path.split("/") if entry.kind == "added" else ():
            looks = folded(name)
            found += [
                f"{parent}/{other}" if parent else other
                for other in names.get(parent, ())
                if other != name and folded(other) == looks
            ]
            parent = f"{parent}/{name}" if parent else name
    return tuple(sorted(set(found)))
