"""Which packages a filter of pnpm, turbo, nx or lerna selects."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wcmatch import fnmatch, glob

from ci.monorepo.graph import closure, dependents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci.monorepo.workspace import Package, Workspace

SELECTOR = re.compile(
    r"(?P<exclude>!)?(?P<users>\.\.\.)?(?P<users_only>\^)?(?P<core>.*?)(?P<needs_only>\^)?(?P<needs>\.\.\.)?"
)
PATH_FLAGS = glob.GLOBSTAR | glob.BRACE | glob.EXTGLOB | glob.FORCEUNIX
NAME_FLAGS = fnmatch.BRACE | fnmatch.EXTMATCH | fnmatch.FORCEUNIX | fnmatch.CASE


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Paths of packages in the workspace's order. `notices` say what could not be evaluated."""

    paths: tuple[str, ...]
    notices: tuple[str, ...] = ()


def select(workspace: Workspace, selectors: Iterable[str], *, base: str = ".", root: bool = False) -> Selection:
    """What `--filter` selects. With no selector, or only exclusions, that is all packages.

    Known: names and globs of names, `./path` and `{path}` with globs, `foo...`, `...foo`, `foo^...`,
    `...^foo`, and `!` before any of them. `[since]` needs git: all packages and a notice. `base` is the directory
    that paths count from. The root is selected where `root` is set or its name or path is given.
    """
    taken: set[str] = set()
    refused: set[str] = set()
    notices = []
    selectors = tuple(selectors)
    everything = {package.path for package in workspace.packages if root or package.path != "."}
    for selector in selectors:
        if "[" in selector:
            notices.append(f"filter {selector!r} asks git for changes: all packages are taken")
            taken |= everything
            continue
        found = SELECTOR.fullmatch(selector)
        exclude, reached = selector.startswith("!"), _reached(workspace, selector, base)
        if not reached and not exclude:
            notices.append(f"filter {selector!r} selects no package")
        if found is not None:
            (refused if exclude else taken).update(reached)
    if all(selector.startswith("!") for selector in selectors):
        taken = everything
    return Selection(
        paths=tuple(package.path for package in workspace.packages if package.path in taken - refused),
        notices=tuple(notices),
    )


def _reached(workspace: Workspace, selector: str, base: str) -> set[str]:
    found = SELECTOR.fullmatch(selector)
    if found is None:
        return set()
    starts = {package.path for package in workspace.packages if _is_meant(package, found["core"], base)}
    reached = set(starts)
    for start in starts:
        if found["needs"]:
            reached.update(closure(workspace, start))
        if found["users"]:
            reached.update(dependents(workspace, start))
    return reached - starts if found["users_only"] or found["needs_only"] else reached


def _is_meant(package: Package, core: str, base: str) -> bool:
    if core in {"//", package.name}:
        return core != "//" or package.path == "."
    braced = re.fullmatch(r"\{(.*)\}", core)
    if braced is not None or core.startswith((".", "/")):
        path = posixpath.normpath(posixpath.join(base, (braced.group(1) if braced else core).rstrip("/")))
        if package.path == path.removesuffix("/**"):
            return True
        return path != "." and bool(glob.globmatch(package.path, path, flags=PATH_FLAGS))
    if fnmatch.fnmatch(package.name, core, flags=NAME_FLAGS):
        return package.path != "."  # a glob of names never means the root
    return package.name.startswith("@") and package.name.partition("/")[2] == core  # `core` for `@scope/core`
