"""What pnpm-lock.yaml knows: the version each dependency of each package resolves to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.errors import UsageError
from ci.monorepo.documents import parse_yaml, read_text, refuse_conflicts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "pnpm-lock.yaml"
KINDS = ("dependencies", "devDependencies", "optionalDependencies")
PACKAGES = re.compile(r"^packages:", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Lockfile:
    """`version` as written ("9.0"); `importers`: path of a package -> name of a dependency -> what it resolves to.

    A resolution is a version, perhaps with peers in parentheses, or `link:` and a path from that package.
    """

    version: str
    importers: Mapping[str, Mapping[str, str]]

    def resolved(self, package: str, name: str) -> str | None:
        """The bare version of a dependency; None where it is a link or not there."""
        found = self.importers.get(package, {}).get(name)
        if found is None or found.startswith(("link:", "file:")):
            return None
        plain = re.split(r"[(_]", found, maxsplit=1)[0]
        return plain.rpartition("@")[2] if "@" in plain else plain


def read_lockfile(root: Path) -> Lockfile:
    """The head of the lockfile: all up to its list of downloaded packages.

    That list is nine tenths of the file, and of use to pnpm alone, which also answers for its being whole;
    only merge conflict markers are looked for in it.

    Raises:
        UsageError: broken YAML, conflict markers, or no lockfile at all inside.
    """
    text = read_text(root, NAME)
    refuse_conflicts(NAME, text)
    begin = text.rfind("\n---\n") + 1  # since pnpm 11 a first document may hold pnpm's own dependencies
    end = PACKAGES.search(text, begin)
    head = text[begin : end.start() if end else len(text)].removeprefix("---")
    value = parse_yaml(NAME, head, first_line=text.count("\n", 0, begin) + 1)
    if not isinstance(value, dict) or "lockfileVersion" not in value:
        raise UsageError(f"{NAME}: no lockfileVersion in it", hint="run `pnpm install` and commit the lockfile")
    importers = value.get("importers")
    if not isinstance(importers, dict):
        importers = {".": value}  # pnpm 8 and older, without a workspace
    return Lockfile(
        version=str(value["lockfileVersion"]),
        importers={str(path): _resolutions(importer) for path, importer in importers.items()},
    )


def _resolutions(importer: Any) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for kind in KINDS:
        table = importer.get(kind) if isinstance(importer, dict) else None
        for name, entry in table.items() if isinstance(table, dict) else ():
            version = entry.get("version") if isinstance(entry, dict) else entry
            if isinstance(version, str | int | float):
                found[str(name)] = str(version)
    return found
