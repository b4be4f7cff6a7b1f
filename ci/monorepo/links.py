"""Which dependencies of a package are packages of the workspace."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

KINDS = ("peerDependencies", "optionalDependencies", "devDependencies", "dependencies")
"""The parts of package.json with dependencies; where a name stands in several, the last one here counts."""


def merge_dependencies(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """Dependencies of all kinds: name -> specification."""
    merged: dict[str, str] = {}
    for kind in KINDS:
        merged.update(manifest.get(kind) or {})
    return merged


def local_dependencies(
    path: str,
    dependencies: Mapping[str, str],
    resolutions: Mapping[str, str],
    paths: Container[str],
    names: Mapping[str, str],
) -> tuple[str, ...]:
    """Paths of the workspace packages among the dependencies of the package at `path`, sorted, without itself.

    The lockfile's `resolutions` know best; else links and `workspace:` say so. `paths` are all packages, `names`
    leads from a name to a path.
    """
    found = set()
    for name, specification in dependencies.items():
        candidates = (
            _linked(resolutions.get(name, ""), path, files_from="."),
            _linked(specification, path, files_from=path),
            _by_protocol(name, specification, names),
        )
        found.add(next((target for target in candidates if target in paths), None))
    return tuple(sorted(target for target in found if target is not None and target != path))


def _by_protocol(name: str, specification: str, names: Mapping[str, str]) -> str | None:
    """`workspace:^` is the package of that name, `workspace:other@^` the one called other."""
    scheme, _, rest = specification.partition(":")
    return names.get(rest.rpartition("@")[0] or name) if scheme == "workspace" else None


def _linked(reference: str, path: str, *, files_from: str) -> str | None:
    """The directory that a link leads to. `file:` in a lockfile counts from the root, all else from the package."""
    scheme, _, rest = reference.partition(":")
    if scheme not in {"link", "file"}:
        return None
    base = files_from if scheme == "file" else path
    return posixpath.normpath(posixpath.join(base, rest.split("(", maxsplit=1)[0]))
