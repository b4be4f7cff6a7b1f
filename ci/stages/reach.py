"""Which files concern a package: what its checks see, and so what their results are re-used by."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from ci.monorepo.graph import closure

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def _reached(workspace: Workspace, package: str) -> set[str]:
    """Return the packages that files of this one name by a path that leads out of it."""
    found: set[str] = set()
    for file in workspace.by_path[package].files:
        place = workspace.root / file
        if READ.search(file) and place.is_file() and b"../" in (content := place.read_bytes()):
            directory = posixpath.dirname(file)
            for path in set(UPWARD.findall(content)):
                target = posixpath.normpath(posixpath.join(directory, path.decode(errors="replace")))
                if not target.startswith(f"{package}/") and not target.startswith(".."):
                    found.add(workspace.owner(f"{target}/.").path)
    return found - {".", package}


def _hoisted(workspace: Workspace) -> bool:
    """Whether every package can import every other, because all of them lie in the root's node_modules."""
    if workspace.settings.get("nodeLinker") == "hoisted" or workspace.settings.get("shamefullyHoist") is True:
        return True
    file = workspace.root / ".npmrc"
    return ".npmrc" in workspace.file_set and HOISTED.search(file.read_text(errors="replace")) is not None
