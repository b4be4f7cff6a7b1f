"""How a workspace configures TypeScript: which tsconfig files there are, and what each of them is for."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.errors import UsageError
from ci.monorepo.documents import read_jsonc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.monorepo.workspace import Package, Workspace

CONFIG = re.compile(r"tsconfig(?:\.[\w.-]+)?\.json")
SOURCE = re.compile(r"\.(?:[cm]?tsx?|vue|svelte|astro)$")
PLAIN_TSC = re.compile(r"\b(?:vue-)?tsc\b(?![^&|;]*(?:\s-p\b|--project|\s-b\b|--build))")
CHECKERS = (("vue-tsc", "vue"), ("vue", "vue"), ("astro", "astro"), ("svelte", "svelte"))
"""A dependency, and the extension of the files for which plain tsc is not enough."""


@dataclass(frozen=True, kw_only=True)
class TypeScriptConfig:
    """One tsconfig file; all paths count from the workspace's root.

    `extends` are the files of the workspace it is built on, the nearest first. `base_only`: it is there for others to
    extend. `solution`: `files: []` and references, for `tsc -b`. `options` are the compilerOptions with those of
    `extends` merged in. `broken` says what is wrong with a file that cannot be read.
    """

    path: str
    extends: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    base_only: bool = False
    solution: bool = False
    options: Mapping[str, Any]
    broken: str = ""

    @property
    def composite(self) -> bool:
        """Whether it is built with `tsc -b`."""
        return self.options.get("composite") is True

    @property
    def strict(self) -> bool | None:
        """What the files in the workspace say; None where they say nothing, or a file outside may."""
        value = self.options.get("strict")
        return value if isinstance(value, bool) else None


@dataclass(frozen=True, kw_only=True)
class TypeScriptPackage:
    """TypeScript in one package. `main` is the tsconfig.json that can be checked by itself, None where there is none.

    `checker` is "vue", "astro" or "svelte" where files of that kind need more than tsc, else "plain".
    """

    package: str
    configs: tuple[TypeScriptConfig, ...]
    main: TypeScriptConfig | None
    sources: int
    checker: str


def typescript_packages(workspace: Workspace) -> tuple[TypeScriptPackage, ...]:
    """Every package that has a tsconfig in its own directory, or TypeScript files, in the workspace's order."""
    read = {
        file: _read(workspace, file)
        for package in workspace.packages
        for file in package.files
        if CONFIG.fullmatch(posixpath.basename(file)) and posixpath.dirname(file) in {package.path, ""}
    }
    extended = {(base, workspace.owner(file).path) for file, config in read.items() for base in config.extends}
    users: dict[str, set[str]] = {}
    for base, user in extended:
        users.setdefault(base, set()).add(user)
    found = []
    for package in workspace.packages:
        own = [read[file] for file in package.files if file in read]
        sources = [file for file in package.files if SOURCE.search(file) and not file.endswith(".d.ts")]
        configs = tuple(_with_purpose(config, package, users.get(config.path, set())) for config in own)
        if configs or sources:
            main = next((config for config in configs if posixpath.basename(config.path) == "tsconfig.json"), None)
            found.append(
                TypeScriptPackage(
                    package=package.path,
                    configs=configs,
                    main=None if main is None or main.base_only else main,
                    sources=len(sources),
                    checker=_checker(workspace, package, sources),
                )
            )
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class _Raw(TypeScriptConfig):
    selects: bool = False  # has `files` or `include` of its own


def _read(workspace: Workspace, file: str) -> _Raw:
    try:
        value = read_jsonc(workspace.root, file).value
    except UsageError as error:
        return _Raw(path=file, options={}, broken=error.message)
    if not isinstance(value, dict):
        return _Raw(path=file, options={}, broken=f"{file}:1: not an object")
    extends, options = _inherit(workspace, file, value, {file})
    references = value.get("references")
    paths = (
        [entry.get("path") for entry in references if isinstance(entry, dict)] if isinstance(references, list) else []
    )
    referenced = [_config_at(workspace, posixpath.dirname(file), path) for path in paths if isinstance(path, str)]
    return _Raw(
        path=file,
        extends=tuple(extends),
        references=tuple(path for path in referenced if path is not None),
        solution=value.get("files") == [] and bool(referenced) and "include" not in value,
        options=options,
        selects=bool(value.get("files")) or "include" in value,
    )


def _inherit(
    workspace: Workspace, file: str, value: Mapping[str, Any], seen: set[str]
) -> tuple[list[str], dict[str, Any]]:
    """The files of the workspace that it extends, and the options of all of them; the nearest wins."""
    extends: list[str] = []
    options: dict[str, Any] = {}
    asked = value.get("extends")
    for base in asked if isinstance(asked, list) else [asked]:
        if not isinstance(base, str):
            continue
        path = _extended(workspace, file, base)
        if path is not None and path not in seen:
            seen.add(path)
            extends.append(path)
            try:
                inner = read_jsonc(workspace.root, path).value
            except UsageError:  # the file is in the list itself, with what is wrong with it
                inner = None
            if isinstance(inner, dict):
                more, inherited = _inherit(workspace, path, inner, seen)
                extends += more
                options.update(inherited)
    own = value.get("compilerOptions")
    options.update(own if isinstance(own, dict) else {})
    return extends, options


def _extended(workspace: Workspace, file: str, base: str) -> str | None:
    """The file of the workspace that `extends` names: a relative path, or one in a workspace package."""
    if base.startswith("."):
        return _config_at(workspace, posixpath.dirname(file), base)
    parts = base.split("/")
    name = "/".join(parts[: 2 if base.startswith("@") else 1])
    package = workspace.by_name.get(name)
    if package is None:
        return None
    rest = base[len(name) :].strip("/")
    exports = package.manifest.get("exports")
    if isinstance(exports, dict) and isinstance(target := exports.get(f"./{rest}" if rest else "."), str):
        rest = target
    return _config_at(workspace, package.path, rest or "tsconfig.json")


def _config_at(workspace: Workspace, directory: str, path: str) -> str | None:
    plain = posixpath.normpath(posixpath.join(directory, path))
    candidates = (plain, f"{plain}.json", posixpath.normpath(f"{plain}/tsconfig.json"))
    return next((candidate for candidate in candidates if candidate in workspace.file_set), None)


def _with_purpose(config: _Raw, package: Package, users: set[str]) -> TypeScriptConfig:
    """Say whether it is only a base: others extend it, and it selects no files of its own."""
    name = posixpath.basename(config.path)
    lends = not config.selects and not config.references
    named = re.search(r"base|shared|common|preset", name) is not None
    checked = name == "tsconfig.json" and any(PLAIN_TSC.search(line) for line in package.scripts.values())
    lent = bool(users - {package.path}) or (bool(users) and name != "tsconfig.json")
    base_only = lends and (named or lent) and not checked
    return TypeScriptConfig(
        path=config.path,
        extends=config.extends,
        references=config.references,
        base_only=base_only,
        solution=config.solution,
        options=config.options,
        broken=config.broken,
    )


def _checker(workspace: Workspace, package: Package, sources: list[str]) -> str:
    present = {file.rpartition(".")[2] for file in sources}
    available = package.dependencies.keys() | workspace.packages[0].dependencies.keys()
    return next((kind for name, kind in CHECKERS if name in available and kind in present), "plain")
