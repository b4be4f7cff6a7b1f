"""What apps are built from, and whether that differs between two commits. In doubt it does.

An app's inputs are the files of its own package, those of the packages that it depends on in the workspace, and all
files that belong to no package: the lock file, pnpm-workspace.yaml, shipway.toml, configuration at the root. Another
package that one of its files names, by its name or by a path, counts too.
"""

from __future__ import annotations

import posixpath
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci.errors import UsageError
from ci.monorepo import graph, lockfile
from ci.monorepo import workspace as workspaces
from ci.toolchains.versions import DEFAULT_NODE, known_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci.monorepo.workspace import Package, Workspace
    from ci.promotion.history import History

NAMES = frozenset({workspaces.MANIFEST, workspaces.SETTINGS, lockfile.NAME})
ROOT = "."


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Of all apps, by the workspace as `commit` has it."""

    history: History
    commit: str
    workspace: Workspace

    async def difference(self, place: str, earlier: str) -> str | None:
        """Return what differs of an app's inputs since an earlier commit, None where nothing does.

        `place` is the directory of its package. Raises UsageError where that cannot be told.
        """
        if place == ROOT or place not in self.workspace.by_path:
            raise UsageError(f"{place} is no package of its own in this workspace")
        mine = frozenset(graph.closure(self.workspace, place))
        others: dict[str, Package] = {}
        for path in await self.history.changed(earlier, self.commit):
            owner = self.workspace.owner(path)
            if path.startswith("../") or owner.path == ROOT:
                return f"{path} changed, which belongs to no package"
            if owner.path in mine or any(owner.path.startswith(f"{each}/") for each in mine):
                return f"{path} changed"
            others[owner.path] = owner
        return await self._mentioned(mine, others.values())

    async def _mentioned(self, mine: frozenset[str], others: Iterable[Package]) -> str | None:
        """Return which of the other packages one of an app's files names: it may be read past pnpm's back."""
        for other in others:
            words = {word for place in mine for word in _spellings(other, place)}
            if found := await self.history.mentions(self.commit, sorted(words), sorted(mine)):
                return f"{other.path} changed, which {found[0]} names"
        return None


async def read_inputs(history: History, commit: str) -> Inputs:
    """Read what apps are built from, by the manifests of a commit. Raises UsageError."""
    paths = tuple(path for path in await history.paths(commit) if posixpath.basename(path) in NAMES)
    with tempfile.TemporaryDirectory(prefix="shipway-manifests-") as name:
        place = Path(name)
        for path, content in (await history.read_many(commit, paths)).items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(content)
        workspace = workspaces.read(place, paths, known_nodes=known_nodes(), default_node=DEFAULT_NODE)
    return Inputs(history=history, commit=commit, workspace=workspace)


def _spellings(package: Package, place: str) -> list[str]:
    """Return how a file below `place` may name another package: as it is called, or by where it is."""
    way = posixpath.relpath(package.path, place)
    while way.startswith("../../"):
        way = way.removeprefix("../")
    words = [way, package.name]
    if "/" in package.path:
        words.append(package.path)
    return words
