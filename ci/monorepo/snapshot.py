"""The snapshot: the tracked and the not-ignored files as they are now, with a git directory of their own.

The repository is only read. The copy carries the commit, the index and the branches (`git clone --shared
--no-checkout`), so that hook installers and `nx affected` work, and write only to the copy.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from ci import processes
from ci.errors import DiskFullError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What was copied.

    `top` is the repository's top directory, `prefix` the workspace below it ("." or "examples/shop");
    `directory` holds the copy of `top`. `digests` maps each path from the workspace's root to
    "mode:sha256" of its content ("link:target" for a symbolic link); `outside` does so for files above it,
    from "../". `submodules` are directories, by their path, that are repositories of their own: they are left out.
    """

    top: Path
    prefix: str
    directory: Path
    digests: Mapping[str, str]
    outside: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    notices: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    objects: Path | None = None  # the real repository's object store, which the copy borrows from
    stamps: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The workspace's root in the real repository."""
        return self.top / self.prefix

    @property
    def workspace(self) -> Path:
        """The workspace's root in the copy."""
        return self.directory / self.prefix

    @property
    def files(self) -> tuple[str, ...]:
        """All paths, sorted."""
        return tuple(sorted(self.digests))

    def edited(self) -> tuple[str, ...]:
        """Return the paths whose file in the real repository is no longer the one that was copied."""
        return tuple(path for path, stamp in self.stamps.items() if _stamp(self.root / path) != stamp)


async def take(root: Path, into: Path, *, objects: str | None = None) -> Snapshot:
    """Copy the workspace at `root` to the new directory `into`.

    `objects` is where the repository's object store will be found by those who use the copy; None
    leaves it where it is. Raises UsageError where `root` is no directory or git cannot read it,
    DiskFullError where there is no room.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is not a directory", hint="name the root of a pnpm workspace")
    root = root.resolve()
    probe = await _git(root, "rev-parse", "--show-toplevel", "--git-common-dir")
    if probe.code == 0:
        top, common = (Path(line) for line in probe.text.splitlines())
        source = Path(os.path.normpath(root / common)) / "objects"
        arguments: tuple[str, ...] = ()
    elif b"not a git repository" in probe.stderr and not (root / ".git").exists():
        top, source = root, None
        arguments = (f"--git-dir={into / '.git'}", f"--work-tree={root}")
    else:
        raise UsageError(f"git cannot read {root}: {probe.complaint}")
    with _room_for(into):
        into.mkdir(parents=True)
        facts = await _make_git_directory(top, into, source, objects)
        listing = await _git(root, *arguments, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        if listing.code != 0:
            raise UsageError(f"git cannot list the files of {root}: {listing.complaint}")
        paths = sorted({os.fsdecode(path) for path in listing.stdout.split(b"\0") if path})
        prefix = os.path.relpath(root, top)
        digests, stamps, submodules = await anyio.to_thread.run_sync(_copy, root, into / prefix, paths)
    commit, branch = facts
    dirty = commit is None or await _is_dirty(root, ".")
    return Snapshot(
        top=top,
        prefix=prefix,
        directory=into,
        digests=digests,
        stamps=stamps,
        commit=commit,
        branch=branch,
        dirty=dirty,
        notices=_left_out(submodules),
        submodules=submodules,
        objects=source,
    )


async def check_out(root: Path, commit: str, into: Path) -> Path:
    """Check a commit of the repository that holds `root` out in the new directory `into`; return `root`'s place there.

    Nothing is written to the repository. Raises UsageError where git does not have the commit.
    """
    probe = await _git(root, "rev-parse", "--show-toplevel")
    if probe.code != 0:
        raise UsageError(f"git cannot read {root}: {probe.complaint}")
    top = Path(probe.text.splitlines()[0])
    known = await _git(root, "cat-file", "-e", f"{commit}^{{commit}}")
    if known.code != 0:
        raise UsageError(f"the commit {commit[:12]} is not in this repository", hint="git fetch origin")
    await _must("clone", "--quiet", "--shared", "--no-checkout", "--no-tags", str(top), str(into))
    hookless = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
    done = await _git(into, *hookless, "checkout", "--quiet", "--detach", commit)
    if done.code != 0:
        raise UsageError(f"git cannot check {commit[:12]} out: {done.complaint}")
    return into / os.path.relpath(root.resolve(), top)


async def adopt(root: Path, *, commit: str | None, branch: str | None) -> Snapshot:
    """Take all files at `root` for the snapshot: they were put there for this run, and nobody changes them.

    `commit` and `branch` are what the caller says they are; without a commit the files count as changed.
    """
    root = root.resolve()
    paths = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
    digests = await anyio.to_thread.run_sync(lambda: {path: digest(root / path) for path in paths})
    return Snapshot(
        top=root, prefix=".", directory=root, digests=digests, commit=commit, branch=branch, dirty=commit is None
    )


async def _is_dirty(root: Path, *paths: str) -> bool:
    """Ask git, whatever the user's own settings leave out of what they want to be shown."""
    status = await _git(root, "status", "--porcelain", "--untracked-files=normal", "--", *paths)
    if status.code != 0:
        raise UsageError(f"git cannot compare the files of {root} with its commit: {status.complaint}")
    return status.stdout.strip() != b""


async def widen(snapshot: Snapshot, globs: tuple[str, ...]) -> Snapshot:
    """Copy the files above the workspace that the globs name, too; git's own rules for what is ignored hold.

    Raises UsageError where a glob names no file of the repository, DiskFullError where there is no room.
    """
    if not globs:
        return snapshot
    outside: dict[str, str] = {}
    stamps = dict(snapshot.stamps)
    notices = list(snapshot.notices)
    for glob in globs:
        selection = ("-z", "--cached", "--others", "--exclude-standard", "--", f":(glob){glob}")
        listing = await _git(snapshot.root, "ls-files", *selection)
        named = {os.fsdecode(path) for path in listing.stdout.split(b"\0") if path.startswith(b"../")}
        if listing.code != 0 or not named:
            raise UsageError(
                f"shipway.toml: [run] outside: {glob!r} names no file of the git repository at {snapshot.top}",
                hint='write it from the workspace, as "../shared/**"',
            )
        with _room_for(snapshot.directory):
            copied = await anyio.to_thread.run_sync(
                _copy, snapshot.root, snapshot.workspace, sorted(named - outside.keys())
            )
        outside |= copied[0]
        stamps |= copied[1]
        notices += _left_out(copied[2])
    return replace(
        snapshot,
        outside=outside,
        stamps=stamps,
        notices=tuple(notices),
        dirty=snapshot.dirty or await _is_dirty(snapshot.root, *(f":(glob){glob}" for glob in globs)),
    )


@contextmanager
def _room_for(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFullError(
                f"no space left for a copy of the repository in {directory.parent}",
                hint="free some, or name another place in SHIPWAY_CACHE",
            ) from error
        raise


async def _make_git_directory(
    top: Path, into: Path, source: Path | None, objects: str | None
) -> tuple[str | None, str | None]:
    """Give the copy a git directory; return the commit and the branch."""
    if source is None:
        await _must("init", "--quiet", str(into))
        return None, None
    await _must("clone", "--quiet", "--shared", "--no-checkout", "--no-tags", str(top), str(into))
    commit = await _git(top, "rev-parse", "--verify", "--quiet", "HEAD")
    if commit.code != 0:
        return None, None
    branch = await _git(top, "symbolic-ref", "--quiet", "--short", "HEAD")
    read = await _git(into, "read-tree", "HEAD")
    if read.code != 0:
        raise UsageError(f"git cannot read the commit of {top}: {read.complaint}")
    if objects is not None:
        (into / ".git/objects/info/alternates").write_text(f"{objects}\n", encoding="utf-8")
    return commit.text.strip(), branch.text.strip() or None


def _copy(
    root: Path, into: Path, paths: list[str]
) -> tuple[dict[str, str], dict[str, tuple[int, int]], tuple[str, ...]]:
    digests: dict[str, str] = {}
    stamps: dict[str, tuple[int, int]] = {}
    submodules: list[str] = []
    made: set[str] = set()
    into.mkdir(parents=True, exist_ok=True)
    for path in paths:
        source, target = root / path, into / path
        try:
            facts = os.lstat(source)
        except (FileNotFoundError, NotADirectoryError):
            continue  # deleted in the working tree, still in the index
        if stat.S_ISDIR(facts.st_mode):
            submodules.append(path.rstrip("/"))
            continue
        parent = path.rpartition("/")[0]
        if parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(parent)
        if stat.S_ISLNK(facts.st_mode):
            link = str(source.readlink())
            target.symlink_to(link)
            digests[path] = f"link:{link}"
        elif stat.S_ISREG(facts.st_mode):
            try:
                digests[path] = _copy_file(source, target, facts.st_mode)
            except PermissionError as error:
                raise UsageError(f"{path} cannot be read: {error.strerror}") from error
            stamps[path] = (facts.st_mtime_ns, facts.st_size)
    return digests, stamps, tuple(submodules)


def _left_out(submodules: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"{path} is a git submodule or a repository of its own: its files are not part of this run"
        for path in submodules
    )


def _copy_file(source: Path, target: Path, mode: int) -> str:
    content = hashlib.sha256()
    executable = bool(mode & stat.S_IXUSR)
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(CHUNK):
            content.update(chunk)
            writer.write(chunk)
    target.chmod(0o755 if executable else 0o644)
    return f"{'x' if executable else '-'}:{content.hexdigest()}"


def digest(path: Path) -> str:
    """Return the digest of one file as the snapshot notes it. Raises OSError."""
    if path.is_symlink():
        return f"link:{path.readlink()}"
    content = hashlib.sha256()
    with path.open("rb") as reader:
        while chunk := reader.read(CHUNK):
            content.update(chunk)
    return f"{'x' if path.stat().st_mode & stat.S_IXUSR else '-'}:{content.hexdigest()}"


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        facts = os.lstat(path)
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size


async def _git(directory: Path, *arguments: str) -> processes.Completed:
    """Run git without the repository's own hooks and monitors."""
    environment = processes.inherited() | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    quiet = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
    return await processes.run(("git", *quiet, *arguments), cwd=directory, environment=environment)


async def _must(*arguments: str) -> None:
    done = await _git(Path("/"), *arguments)
    if done.code != 0:
        if b"No space left" in done.stderr:
            raise OSError(errno.ENOSPC, "No space left on device")
        raise UsageError(f"git {arguments[0]} failed: {done.complaint}")
