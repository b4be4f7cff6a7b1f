"""The throw-away workspace of one check: made of the snapshot and the outputs of what it needs.

With namespaces it is an overlay on the repository's own path; without, a copy. Either way it answers the
same questions afterwards: which outputs to keep, which files to bring back, what else was written.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import anyio.to_thread
from wcmatch import glob

from ci import processes
from ci.errors import DiskFullError, ToolError
from ci.executors import leavings
from ci.executors.isolation import Mode
from ci.monorepo.snapshot import Snapshot, digest

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.BRACE
CHANGES_SHOWN = 1000
MOST_LAYERS = 499  # overlayfs takes 500 below the writable one; the last is the snapshot
# What no check's writes there concern anybody: git's own bookkeeping, and the tools' caches beside packages.
UNWATCHED = frozenset({".git", "node_modules"})
OUT = ".shipway/out"  # below the steps' /tmp


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Directories of one check. `writes` is where its writes can be read from outside, at the repository's top.

    With an overlay `writes` holds nothing else; a copy holds everything. `linked` is such a copy beside the package
    store (linking.py), None where this is none.
    """

    mode: Mode
    place: Path
    snapshot: Snapshot
    layers: tuple[Path, ...]  # topmost first
    writes: Path
    linked: Path | None = None

    @property
    def whole(self) -> bool:
        """Whether `writes` holds the repository's files too."""
        return self.mode is Mode.COPY or self.linked is not None

    @property
    def top(self) -> Path:
        """Where the repository's top directory appears to the steps."""
        return self.snapshot.top if self.mode is Mode.NAMESPACES else self.place / "copy"

    @property
    def root(self) -> Path:
        """Where the workspace's root appears to the steps."""
        return self.top / self.snapshot.prefix

    @property
    def tree(self) -> Path:
        """The workspace's root in `writes`."""
        return self.writes / self.snapshot.prefix

    @property
    def tmp(self) -> Path:
        """The steps' own /tmp, seen from outside; `.shipway` in it holds home and reports."""
        return self.place / "tmp"

    @property
    def inside(self) -> Path:
        """That `.shipway`, as the steps see it."""
        return (Path("/tmp") if self.mode is Mode.NAMESPACES else self.tmp) / ".shipway"

    @property
    def logs(self) -> Path:
        """What the steps print, out of their reach."""
        return self.place / "logs"

    def walk(self, closed: frozenset[str] = UNWATCHED) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Yield what lies at `tree`."""
        return leavings.walk(self.writes, self.snapshot.prefix, closed=closed)


async def assemble(
    place: Path, snapshot: Snapshot, layers: tuple[Path, ...], mode: Mode, *, linked: Path | None = None
) -> Workspace:
    """Make the directories; a copy, which `linked` is always, is filled. Raises DiskFullError, ToolError."""
    for name in ("logs", "tmp/.shipway/home", "tmp/.shipway/out"):
        (place / name).mkdir(parents=True)
    if mode is Mode.NAMESPACES and linked is None:
        if len(layers) > MOST_LAYERS:
            raise ToolError(f"{len(layers)} preparations at once are more than the {MOST_LAYERS} that overlayfs takes")
        for name in ("upper", "work", "staging"):
            (place / name).mkdir()
        return Workspace(mode=mode, place=place, snapshot=snapshot, layers=layers, writes=place / "upper")
    copy = linked or place / "copy"
    copy.mkdir(exist_ok=True)
    for source in (snapshot.directory, *reversed(layers)):
        done = await processes.run(("cp", "-a", "--reflink=auto", f"{source}/.", str(copy)))
        if done.code != 0:
            if b"No space left" in done.stderr:
                raise DiskFullError(f"no space left for a workspace in {place}", hint="free some, or set SHIPWAY_CACHE")
            raise ToolError(f"a workspace could not be copied: {done.complaint}")
    return Workspace(mode=mode, place=place, snapshot=snapshot, layers=layers, writes=copy, linked=linked)


def keep(workspace: Workspace, outputs: tuple[str, ...], target: Path) -> None:
    """Move what the globs of `outputs` take to `target`, as a layer of the repository's top directory.

    Never git's own directory, and of a copy only what was written: the repository's files are no outputs.
    """
    given = _given(workspace) if workspace.whole else frozenset()
    target = target / workspace.snapshot.prefix
    target.mkdir(parents=True, exist_ok=True)
    wanted = glob.compile(list(outputs), flags=FLAGS)
    inside_packages = any("node_modules/" in pattern for pattern in outputs)
    shared: tuple[str, ...] = ()  # directories of outputs that hold files of the repository too
    for path, entry in workspace.walk(closed=frozenset({".git"}) if inside_packages else UNWATCHED):
        if path == ".git" or not (wanted.match(path) or path.startswith(shared)):
            continue
        if path in given:
            shared = (*shared, f"{path}/")
            continue
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        _move(Path(entry.path), place)


def _given(workspace: Workspace) -> frozenset[str]:
    """Return the snapshot's files that are as they were, and the directories of all its files."""
    known = workspace.snapshot.digests
    directories = {str(parent) for path in known for parent in PurePath(path).parents}
    return frozenset(directories | {path for path in known if not _may_differ(workspace, path)})


def _move(source: Path, target: Path) -> None:
    """Rename; a directory that may not be written can be moved all the same, and keeps its mode."""
    try:
        source.rename(target)
    except PermissionError:
        mode = source.lstat().st_mode
        source.parent.chmod(stat.S_IRWXU)
        if stat.S_ISDIR(mode):
            source.chmod(stat.S_IRWXU)
        source.rename(target)
        if stat.S_ISDIR(mode):
            target.chmod(stat.S_IMODE(mode))


def bring_back(workspace: Workspace, patterns: tuple[str, ...], *, limit: int) -> tuple[dict[str, bytes], list[str]]:
    """Read the out directory and the files that the globs take; return them with notices on what was too large."""
    found: dict[str, bytes] = {}
    notices: list[str] = []
    left = limit
    if leavings.astray(workspace.tmp, OUT):
        notices.append("put a link in place of the directory of its reports, so none were read")
    sources = list(leavings.walk(workspace.tmp, OUT, closed=UNWATCHED))
    if patterns:
        wanted = glob.compile(list(patterns), flags=FLAGS)
        sources += [(path, entry) for path, entry in workspace.walk() if wanted.match(path)]
    for path, entry in sources:
        if not entry.is_file(follow_symlinks=False):
            continue
        size = entry.stat(follow_symlinks=False).st_size
        if size > left:
            notices.append(f"{path} ({size // 1024} kB) is too large to keep with the report")
            continue
        left -= size
        with leavings.open_file(Path(entry.path)) as file:
            found[path] = file.read()
    return found, notices


async def changes(workspace: Workspace, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """Return what was written beside the outputs and is not ignored by git: `M path`, `A path`, `D path`."""
    changed, added = await anyio.to_thread.run_sync(_find_changes, workspace, outputs)
    if added:
        ignored = await _ignored(workspace.snapshot, added)
        changed += [f"A {path}" for path in added if path not in ignored]
    return tuple(sorted(changed, key=lambda change: change[2:])[:CHANGES_SHOWN])


async def _ignored(snapshot: Snapshot, paths: list[str]) -> set[str]:
    """Return those that git ignores: by the repository's rules, or where it is none, by those of the files alone."""
    git = () if snapshot.objects else (f"--git-dir={snapshot.directory / '.git'}", f"--work-tree={snapshot.top}")
    done = await processes.run(
        ("git", *git, "check-ignore", "--no-index", "-z", "--stdin"),
        cwd=snapshot.root,
        stdin=b"\0".join(map(os.fsencode, paths)),
    )
    return {os.fsdecode(path) for path in done.stdout.split(b"\0")}


def _find_changes(workspace: Workspace, outputs: tuple[str, ...]) -> tuple[list[str], list[str]]:
    known = workspace.snapshot.digests
    wanted = glob.compile(list(outputs), flags=FLAGS) if outputs else None
    changed: list[str] = []
    added: list[str] = []
    seen: set[str] = set()
    for path, entry in workspace.walk():
        if wanted and wanted.match(path):
            continue
        facts = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(facts.st_mode):
            continue
        seen.add(path)
        if stat.S_ISCHR(facts.st_mode) and facts.st_rdev == 0:  # overlayfs' mark for "deleted"
            changed += [f"D {deleted}" for deleted in known if deleted == path or deleted.startswith(f"{path}/")]
        elif path not in known:
            if not any(os.path.lexists(layer / workspace.snapshot.prefix / path) for layer in workspace.layers):
                added.append(path)
        elif _may_differ(workspace, path) and _digest(Path(entry.path), facts.st_mode) != known[path]:
            changed.append(f"M {path}")
    if workspace.whole:
        changed += [f"D {path}" for path in known if path not in seen and not os.path.lexists(workspace.tree / path)]
    return changed, added


def _may_differ(workspace: Workspace, path: str) -> bool:
    """Whether a known file must be read to know; in a copy its stamp tells, an overlay holds written ones only."""
    if not workspace.whole:
        return True
    try:
        now, then = os.lstat(workspace.tree / path), os.lstat(workspace.snapshot.workspace / path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    return (now.st_mtime_ns, now.st_size) != (then.st_mtime_ns, then.st_size)


def _digest(path: Path, mode: int) -> str | None:
    """Return the digest of what a step put at a known path; None where that is neither a file nor a link."""
    if stat.S_ISREG(mode) and not mode & stat.S_IRUSR:
        path.chmod(stat.S_IMODE(mode) | stat.S_IRUSR)
    return digest(path) if stat.S_ISREG(mode) or stat.S_ISLNK(mode) else None
