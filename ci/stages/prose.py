"""What only formatters read: the README and its like, unless something in the workspace speaks of them."""

from __future__ import annotations

import dataclasses
import posixpath
from typing import TYPE_CHECKING

from ci.stages.reach import READ, content_of

if TYPE_CHECKING:
    from ci.model import Check
    from ci.monorepo.workspace import Workspace

PROSE = frozenset({"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md"})
# A file that names one of them, or Markdown at all, or a generator that makes pages of what it finds.
MENTIONS = (
    b"readme", b"changelog", b"contributing", b"security.md", b"conduct", b".md", b"markdown",
    b"vitepress", b"vuepress", b"docusaurus", b"nextra", b"astro", b"gatsby", b"eleventy", b"11ty", b"docsify",
)  # fmt: skip
OF_FORMATTERS = frozenset({"biome.json", "biome.jsonc", ".prettierrc", "pnpm-lock.yaml", "shipway.toml"})
PROGRAMS = frozenset({"eslint", "oxlint", "imports"})  # of the linters; what else is in a lint script may read all


def without_prose(workspace: Workspace, checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Return the checks so that an edit of prose keeps the results of those that do not read it."""
    if not any(posixpath.basename(path) in PROSE for path in workspace.files) or _mentioned(workspace):
        return checks
    leave = tuple(f"!**/{name}" for name in sorted(PROSE))
    return tuple(
        check if check.stage == "lint" and check.name not in PROGRAMS
        else dataclasses.replace(check, inputs=(*check.inputs, *leave))
        for check in checks
    )  # fmt: skip


def _mentioned(workspace: Workspace) -> bool:
    """Whether any source, script or setting speaks of prose; manifests first, where most that do say so."""
    files = [path for path in workspace.files if READ.search(path) and posixpath.basename(path) not in OF_FORMATTERS]
    files.sort(key=lambda path: not path.endswith("package.json"))
    return any(_speaks(workspace, path) for path in files)


def _speaks(workspace: Workspace, path: str) -> bool:
    text = content_of(workspace.root / path).lower()
    return any(word in text for word in MENTIONS)
