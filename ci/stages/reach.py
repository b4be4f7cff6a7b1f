"""What concerns a package: the files that its checks see, and the checks that they need."""

from __future__ import annotations

import functools
import posixpath
import re
from typing import TYPE_CHECKING

from ci.monorepo.documents import read_text
from ci.monorepo.graph import closure
from ci.stages.context import INSTALL, Context

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ci.monorepo.workspace import Workspace

READ = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte|astro)$|(?:^|/)(?:tsconfig[^/]*|package)\.json$")
UPWARD = re.compile(rb"""["'`](\.\./[^"'`\s*]*)""")
HOISTED = re.compile(r"^\s*(?:node-linker\s*=\s*hoisted|shamefully-hoist\s*=\s*true)", re.MULTILINE)


def inputs_of(workspace: Workspace, package: str, *, without: Iterable[str] = ()) -> tuple[str, ...]:
    """Return globs for all that concerns a package: everything but packages that it does not depend on.

    Dependencies are those that its manifest names, those of the root, which every package can import, and what its
    files reach by relative paths. `without` are further globs to leave out.
    """
    if package == "." or _hoisted(workspace):
        return ("**", *without)
    near = set(closure(workspace, package)).union(
        *(closure(workspace, path) for path in (*workspace.packages[0].local, *_reached(workspace, package)))
    )
    far = [other.path for other in workspace.packages if other.path not in near and other.path != "."]
    closed = [path for path in far if not any(one.startswith(f"{path}/") for one in near)]
    return ("**", *(f"!{path}/**" for path in closed), *without)


def needs_of(context: Context, package: str) -> tuple[str, ...]:
    """Return the checks that a check of one package needs: install, and what is generated in what it depends on."""
    near = closure(context.workspace, package)
    return (INSTALL, *(check.id for check in context.generation if package == "." or check.package in near))


def _reached(workspace: Workspace, package: str) -> set[str]:
    """Return the packages that files of this one name by a path that leads out of it."""
    found: set[str] = set()
    for file in filter(READ.search, workspace.by_path[package].files):
        place = workspace.root / file
        try:
            facts = place.stat()
        except OSError:  # a dangling link
            continue
        directory = posixpath.dirname(file)
        for path in _upward(place, facts.st_mtime_ns, facts.st_size):
            target = posixpath.normpath(posixpath.join(directory, path))
            if not target.startswith((f"{package}/", "..")):
                found.add(workspace.owner(f"{target}/.").path)
    return found - {".", package}


@functools.lru_cache(maxsize=65_536)
def _upward(place: Path, _modified: int, _size: int) -> frozenset[str]:
    """Return the paths in a file that lead upwards. Several checks ask; each file is read once."""
    content = place.read_bytes() if place.is_file() else b""
    found = UPWARD.findall(content) if b"../" in content else ()
    return frozenset(path.decode(errors="replace") for path in found)


def _hoisted(workspace: Workspace) -> bool:
    """Whether every package can import every other, because all of them lie in the root's node_modules."""
    if workspace.settings.get("nodeLinker") == "hoisted" or workspace.settings.get("shamefullyHoist") is True:
        return True
    return ".npmrc" in workspace.file_set and HOISTED.search(read_text(workspace.root, ".npmrc")) is not None
