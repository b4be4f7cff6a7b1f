"""A pnpm workspace as its files describe it: packages, pins, who depends on whom. Nothing is run to find out."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wcmatch import glob

from ci.errors import UsageError
from ci.monorepo.documents import Document, read_json, read_yaml
from ci.monorepo.links import KINDS, local_dependencies, merge_dependencies
from ci.monorepo.lockfile import NAME as LOCKFILE
from ci.monorepo.lockfile import Lockfile, read_lockfile
from ci.monorepo.nodes import NodeChoice, choose_node, read_wishes
from ci.monorepo.pins import PnpmPin, read_pin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MANIFEST = "package.json"
SETTINGS = "pnpm-workspace.yaml"
FOREIGN = {
    "package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "yarn.lock": "Yarn",
    "bun.lock": "Bun", "bun.lockb": "Bun", "deno.lock": "Deno",
}  # fmt: skip
GLOB = glob.GLOBSTAR | glob.BRACE | glob.EXTGLOB | glob.NEGATE | glob.FORCEUNIX
NEVER = ("!**/node_modules/**", "!**/bower_components/**")  # what pnpm itself leaves out


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package of the workspace; `path` "." is the root.

    `dependencies` holds all kinds merged, `local` the paths of workspace packages among them. `files` are
    this package's own, from the workspace's root; those of packages nested in it are not among them.
    """

    path: str
    name: str
    manifest: Mapping[str, Any]
    scripts: Mapping[str, str]
    dependencies: Mapping[str, str]
    local: tuple[str, ...]
    files: tuple[str, ...]

    def within(self, file: str) -> str:
        """A path from this package's directory as one from the workspace's root."""
        return posixpath.normpath(posixpath.join(self.path, file))

    @cached_property
    def own(self) -> frozenset[str]:
        """`files` from this package's directory."""
        return frozenset(self.files if self.path == "." else (file[len(self.path) + 1 :] for file in self.files))


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The whole: packages with the root first and then by path, the snapshot's files, and the pins.

    `settings` is what pnpm-workspace.yaml holds, empty where there is none. `notices` are one line each.
    """

    root: Path
    name: str
    packages: tuple[Package, ...]
    files: tuple[str, ...]
    lockfile: Lockfile
    pnpm: PnpmPin
    node: NodeChoice
    settings: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @cached_property
    def by_path(self) -> Mapping[str, Package]:
        """Packages by their path."""
        return {package.path: package for package in self.packages}

    @cached_property
    def by_name(self) -> Mapping[str, Package]:
        """Packages by name; of several with one name the first."""
        return {package.name: package for package in reversed(self.packages)}

    @cached_property
    def file_set(self) -> frozenset[str]:
        """`files`, to ask whether one is there."""
        return frozenset(self.files)

    def owner(self, file: str) -> Package:
        """The package whose directory holds the file most closely."""
        return self.by_path[_owner(file, self.by_path)]

    def version_of(self, package: str, dependency: str) -> str | None:
        """The version a package resolves a dependency to, by the lockfile; the root's where it has none itself."""
        own = self.lockfile.resolved(package, dependency)
        return own if own is not None else self.lockfile.resolved(".", dependency)


def read(root: Path, files: tuple[str, ...], *, known_nodes: tuple[str, ...], default_node: str) -> Workspace:
    """Read the workspace at `root`; `files` are the snapshot's paths from there.

    Rules: https://pnpm.io/pnpm-workspace_yaml. A repository with a lockfile and no pnpm-workspace.yaml is
    a workspace of one. package.yaml and package.json5 are not read.

    Raises:
        UsageError: this is no pnpm workspace, or a file of it is broken; the message has file and line.
    """
    present = frozenset(files)
    _require_pnpm(present)
    manifest = _manifest(root, MANIFEST)
    settings = read_yaml(root, SETTINGS) if SETTINGS in present else None
    if settings is not None and settings.value is None:
        settings = Document(path=settings.path, text=settings.text, value={})
    if settings is not None and not isinstance(settings.value, dict):
        raise UsageError(f"{SETTINGS}:1: not a mapping", hint='it begins with "packages:"')
    lockfile = read_lockfile(root)
    manifests = {".": manifest}
    manifests |= {path: _manifest(root, f"{path}/{MANIFEST}") for path in _member_paths(files, settings)}
    name = manifest.value.get("name")
    return Workspace(
        root=root,
        name=name if isinstance(name, str) and name else root.resolve().name,
        packages=_packages(manifests, files, lockfile),
        files=files,
        lockfile=lockfile,
        pnpm=read_pin(manifest, lockfile.version),
        node=choose_node(read_wishes(root, files, manifest, settings), known=known_nodes, default=default_node),
        settings={} if settings is None else settings.value,
        notices=_notices(manifests, lockfile, present),
    )


def _require_pnpm(present: frozenset[str]) -> None:
    if MANIFEST not in present:
        below = sorted((file for file in present if file.endswith(f"/{LOCKFILE}")), key=lambda file: file.count("/"))
        hint = f"there is one in {posixpath.dirname(below[0])}" if below else "name the directory with package.json"
        raise UsageError(f"no pnpm workspace here: no {MANIFEST}", hint=hint)
    if LOCKFILE in present:
        return
    foreign = next((name for name in FOREIGN if name in present), None)
    if foreign is not None:
        tool = FOREIGN[foreign]
        imports = tool in {"npm", "Yarn"}
        hint = "Shipway runs pnpm workspaces" + (f"; `pnpm import` reads {foreign}" if imports else "")
        raise UsageError(f"this is a workspace of {tool} ({foreign}), not of pnpm: no {LOCKFILE}", hint=hint)
    raise UsageError(f"no {LOCKFILE} here", hint="run `pnpm install` and commit the lockfile")


def _manifest(root: Path, path: str) -> Document:
    document = read_json(root, path)
    value = document.value
    if not isinstance(value, dict):
        raise UsageError(f"{path}:1: not an object")
    for key in ("scripts", *KINDS):
        table = value.get(key)
        if table is None:
            continue
        if not isinstance(table, dict) or not all(isinstance(entry, str) for entry in table.values()):
            raise UsageError(f"{document.at(key)}: {key} must map names to strings")
    return document


def _member_paths(files: Iterable[str], settings: Document | None) -> list[str]:
    """Directories with a package.json that the globs of pnpm-workspace.yaml take in, sorted, without the root."""
    patterns = settings.value.get("packages") if settings is not None else None
    if patterns is None:
        return []
    if settings is not None and not (isinstance(patterns, list) and all(isinstance(entry, str) for entry in patterns)):
        raise UsageError(f"{settings.at('packages')}: packages must be a list of globs")
    wanted = [pattern for pattern in (_normalise(entry) for entry in patterns) if pattern is not None]
    if not any(not pattern.startswith("!") for pattern in wanted):
        return []
    matcher = glob.compile([*wanted, *NEVER], flags=GLOB)
    suffix = f"/{MANIFEST}"
    return sorted(file[: -len(suffix)] for file in files if file.endswith(suffix) and matcher.match(file))


def _normalise(pattern: str) -> str | None:
    """A pattern for directories as one for the package.json in them; None for the root, which is always in."""
    negated = pattern.startswith("!")
    plain = pattern.removeprefix("!").strip().removeprefix("./").rstrip("/")
    if plain in {"", "."}:
        return None
    return f"{'!' if negated else ''}{plain}/{MANIFEST}"


def _packages(manifests: Mapping[str, Document], files: Iterable[str], lockfile: Lockfile) -> tuple[Package, ...]:
    owned: dict[str, list[str]] = {path: [] for path in manifests}
    for file in files:
        owned[_owner(file, manifests)].append(file)
    paths: dict[str, str] = {}
    for path, manifest in manifests.items():
        paths.setdefault(_name(path, manifest), path)
    return tuple(
        Package(
            path=path,
            name=_name(path, manifest),
            manifest=manifest.value,
            scripts=manifest.value.get("scripts") or {},
            dependencies=(dependencies := merge_dependencies(manifest.value)),
            local=local_dependencies(path, dependencies, lockfile.importers.get(path, {}), manifests, paths),
            files=tuple(sorted(owned[path])),
        )
        for path, manifest in manifests.items()
    )


def _name(path: str, manifest: Document) -> str:
    name = manifest.value.get("name")
    return name if isinstance(name, str) and name else path


def _owner(file: str, packages: Mapping[str, Any]) -> str:
    directory = file
    while "/" in directory:
        directory = directory.rpartition("/")[0]
        if directory in packages:
            return directory
    return "."


def _notices(manifests: Mapping[str, Document], lockfile: Lockfile, present: frozenset[str]) -> tuple[str, ...]:
    notices = [
        f"{path} is a package of the workspace but not in {LOCKFILE}"
        for path in manifests
        if len(lockfile.importers) > 1 and path not in lockfile.importers
    ]
    notices += [f"{name} beside {LOCKFILE} is not used" for name in FOREIGN if name in present and name != "deno.lock"]
    names: dict[str, str] = {}
    for path, manifest in manifests.items():
        first = names.setdefault(_name(path, manifest), path)
        if first != path:
            notices.append(f"{path} and {first} are both called {_name(path, manifest)}")
    return tuple(notices)
