"""The throw-away workspace of one check: made of the snapshot and the outputs of what it needs.

With namespaces it is an overlay on the repository's own path; without, a copy. Either way it answers the
same questions afterwards: which outputs to keep, which files to bring back, what else was written.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread
from wcmatch import glob

from ci import processes
from ci.errors import DiskFullError, ToolError
from ci.executors.isolation import Mode
from ci.monorepo.snapshot import Snapshot, digest

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.BRACE
CHANGES_SHOWN = 1000
MOST_LAYERS = 499  # overlayfs takes 500 below the writable one; the last is the snapshot
# What no check's writes there concern anybody: git's own bookkeeping, and the tools' caches beside packages.
UNWATCHED = frozenset({".git", "node_modules"})


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Directories of one check. `tree` is where its writes can be read from outside, at the workspace's root.

    With namespaces `tree` holds the writes only; in a copy it holds everything.
    """

    mode: Mode
    place: Path
    snapshot: Snapshot
    layers: tuple[Path, ...]  # topmost first
    tree: Path

    @property
    def top(self) -> Path:
        """Where the repository's top directory appears to the steps."""
        return self.snapshot.top if self.mode is Mode.NAMESPACES else self.place / "copy"

    @property
    def root(self) -> Path:
        """Where the workspace's root appears to the steps."""
        return self.top / self.snapshot.prefix

    @property
    def private(self) -> Path:
        """Home, reports and logs of the check, seen from outside."""
        return self.place / "tmp/.shipway"

    @property
    def inside(self) -> Path:
        """The same, as the steps see it."""
        return Path("/tmp/.shipway") if self.mode is Mode.NAMESPACES else self.private


async def assemble(place: Path, snapshot: Snapshot, layers: tuple[Path, ...], mode: Mode) -> Workspace:
    """Make the directories; in a copy, fill them. Raises DiskFullError, ToolError."""
    for name in ("home", "out", "logs"):
        (place / "tmp/.shipway" / name).mkdir(parents=True)
    if mode is Mode.NAMESPACES:
        if len(layers) > MOST_LAYERS:
            raise ToolError(f"{len(layers)} preparations at once are more than the {MOST_LAYERS} that overlayfs takes")
        for name in ("upper", "work", "staging"):
            (place / name).mkdir()
        tree = place / "upper" / snapshot.prefix
        return Workspace(mode=mode, place=place, snapshot=snapshot, layers=layers, tree=tree)
    copy = place / "copy"
    copy.mkdir()
    for source in (snapshot.directory, *reversed(layers)):
        done = await processes.run(("cp", "-a", "--reflink=auto", f"{source}/.", str(copy)))
        if done.code != 0:
            if b"No space left" in done.stderr:
                raise DiskFullError(f"no space left for a workspace in {place}", hint="free some, or set SHIPWAY_CACHE")
            raise ToolError(f"a workspace could not be copied: {done.complaint}")
    return Workspace(mode=mode, place=place, snapshot=snapshot, layers=layers, tree=copy / snapshot.prefix)


def keep(workspace: Workspace, outputs: tuple[str, ...], target: Path) -> None:
    """Move what the globs of `outputs` take to `target`, as a layer of the repository's top directory."""
    target = target / workspace.snapshot.prefix
    target.mkdir(parents=True, exist_ok=True)
    wanted = glob.compile(list(outputs), flags=FLAGS)
    inside_packages = any("node_modules/" in pattern for pattern in outputs)
    for path, entry in _walk(workspace.tree, closed=frozenset({".git"}) if inside_packages else UNWATCHED):
        if wanted.match(path):
            place = target / path
            place.parent.mkdir(parents=True, exist_ok=True)
            Path(entry.path).rename(place)


def bring_back(workspace: Workspace, patterns: tuple[str, ...], *, limit: int) -> tuple[dict[str, bytes], list[str]]:
    """Read the out directory and the files that the globs take; return them with notices on what was too large."""
    found: dict[str, bytes] = {}
    notices: list[str] = []
    left = limit
    sources = [(path, entry) for path, entry in _walk(workspace.private / "out")]
    if patterns:
        wanted = glob.compile(list(patterns), flags=FLAGS)
        sources += [(path, entry) for path, entry in _walk(workspace.tree) if wanted.match(path)]
    for path, entry in sources:
        if not entry.is_file(follow_symlinks=False):
            continue
        size = entry.stat(follow_symlinks=False).st_size
        if size > left:
            notices.append(f"{path} ({size // 1024} kB) is too large to keep with the report")
            continue
        left -= size
        found[path] = Path(entry.path).read_bytes()
    return found, notices


async def changes(workspace: Workspace, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """Return what was written beside the outputs and is not ignored by git: `M path`, `A path`, `D path`."""
    changed, added = await anyio.to_thread.run_sync(_find_changes, workspace, outputs)
    if added:
        ignored = await processes.run(
            ("git", "check-ignore", "--no-index", "--", *added[:CHANGES_SHOWN]), cwd=workspace.snapshot.root
        )
        skip = set(ignored.text.splitlines())
        changed += [f"A {path}" for path in added if path not in skip and f'"{path}"' not in skip]
    return tuple(sorted(changed, key=lambda change: change[2:])[:CHANGES_SHOWN])


def _find_changes(workspace: Workspace, outputs: tuple[str, ...]) -> tuple[list[str], list[str]]:
    known = workspace.snapshot.digests
    wanted = glob.compile(list(outputs), flags=FLAGS) if outputs else None
    changed: list[str] = []
    added: list[str] = []
    seen: set[str] = set()
    for path, entry in _walk(workspace.tree):
        if wanted and wanted.match(path):
            continue
        facts = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(facts.st_mode):
            continue
        seen.add(path)
        if stat.S_ISCHR(facts.st_mode) and facts.st_rdev == 0:  # overlayfs' mark for "deleted"
            changed += [f"D {deleted}" for deleted in known if deleted == path or deleted.startswith(f"{path}/")]
        elif path not in known:
            if not any((layer / workspace.snapshot.prefix / path).exists() for layer in workspace.layers):
                added.append(path)
        elif _may_differ(workspace, path, entry) and digest(Path(entry.path)) != known[path]:
            changed.append(f"M {path}")
    if workspace.mode is Mode.COPY:
        changed += [f"D {path}" for path in known if path not in seen and not os.path.lexists(workspace.tree / path)]
    return changed, added


def _may_differ(workspace: Workspace, path: str, entry: os.DirEntry[str]) -> bool:
    """Whether a known file must be read to know; in a copy its stamp tells, an overlay holds written ones only."""
    if workspace.mode is Mode.NAMESPACES:
        return True
    now, then = entry.stat(follow_symlinks=False), os.lstat(workspace.snapshot.workspace / path)
    return (now.st_mtime_ns, now.st_size) != (then.st_mtime_ns, then.st_size)


def _walk(top: Path, prefix: str = "", closed: frozenset[str] = UNWATCHED) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield every entry below `top` with its path.

    Directories named in `closed` are yielded and not entered; nor is one that was moved away meanwhile.
    """
    try:
        entries = sorted(os.scandir(top / prefix), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        path = f"{prefix}/{entry.name}" if prefix else entry.name
        yield path, entry
        if entry.name not in closed and entry.is_dir(follow_symlinks=False) and Path(entry.path).is_dir():
            yield from _walk(top, path, closed)
