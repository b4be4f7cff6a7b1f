"""Which tools a repository configures, by its files and dependencies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.monorepo.typescript import typescript_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.monorepo.workspace import Package, Workspace

CODE = r"\.[cm]?[jt]sx?"
DEPTH = 2
"""Folders in a package below which no configuration is looked for."""

DATA = r"(?:\.(?:json5?|jsonc|ya?ml|toml))?"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A tool that is configured. `config` is its file from the workspace's root, None where a dependency alone tells.

    `package` is the path of the package whose directory holds it, `version` what the lockfile resolves it to.
    `flavour` is "flat" or "legacy" for eslint; "root", "package", "solution" or "base" for typescript.
    """

    name: str
    config: str | None
    package: str
    flavour: str = ""
    version: str | None = None
    why: str


@dataclass(frozen=True, kw_only=True)
class _Sign:
    """How a tool shows: names of its file, a key in package.json, its npm package."""

    name: str
    file: str
    npm: str
    key: str = ""
    flavour: str = ""


SIGNS = (
    _Sign(name="eslint", file=rf"eslint\.config{CODE}", npm="eslint", flavour="flat"),
    _Sign(name="eslint", file=rf"\.eslintrc(?:{CODE}|{DATA})", npm="eslint", key="eslintConfig", flavour="legacy"),
    _Sign(name="biome", file=r"\.?biome\.jsonc?", npm="@biomejs/biome"),
    _Sign(name="prettier", file=rf"(?:\.prettierrc|prettier\.config)(?:{CODE}|{DATA})", npm="prettier", key="prettier"),
    _Sign(name="oxlint", file=rf"\.?oxlint(?:rc)?(?:\.config)?(?:{CODE}|\.jsonc?)", npm="oxlint"),
    _Sign(name="oxfmt", file=rf"\.?oxfmt(?:rc)?(?:\.config)?(?:{CODE}|\.jsonc?)", npm="oxfmt"),
    _Sign(name="stylelint", file=rf"(?:\.stylelintrc|stylelint\.config)(?:{CODE}|{DATA})",
          npm="stylelint", key="stylelint"),
    _Sign(name="dprint", file=r"\.?dprint\.jsonc?", npm="dprint"),
    _Sign(name="vitest", file=rf"vitest(?:[.-][\w-]+)*\.(?:config|workspace)(?:\.[\w-]+)*(?:{CODE}|\.json)",
          npm="vitest"),
    _Sign(name="jest", file=rf"jest(?:[.-][\w-]+)*\.config(?:\.[\w-]+)*(?:{CODE}|\.json)", npm="jest", key="jest"),
    _Sign(name="playwright", file=rf"playwright(?:[.-][\w-]+)*\.config(?:\.[\w-]+)*{CODE}", npm="@playwright/test"),
    _Sign(name="cypress", file=rf"cypress\.config{CODE}", npm="cypress"),
    _Sign(name="vite", file=rf"vite\.config(?:\.[\w-]+)*{CODE}", npm="vite"),
    _Sign(name="vue", file=rf"vue\.config{CODE}", npm="vue"),
    _Sign(name="svelte", file=rf"svelte\.config{CODE}", npm="svelte"),
    _Sign(name="astro", file=rf"astro\.config{CODE}", npm="astro"),
    _Sign(name="next", file=rf"next\.config{CODE}", npm="next"),
    _Sign(name="nuxt", file=rf"nuxt\.config{CODE}", npm="nuxt"),
    _Sign(name="prisma", file=rf"prisma\.config{CODE}|(?:prisma/)?schema\.prisma|prisma/schema/[\w-]+\.prisma",
          npm="prisma"),
    _Sign(name="drizzle", file=rf"drizzle(?:[.-][\w-]+)*\.config{CODE}", npm="drizzle-kit"),
    _Sign(name="turbo", file=r"turbo\.jsonc?", npm="turbo"),
    _Sign(name="nx", file=r"nx\.json", npm="nx"),
    _Sign(name="lerna", file=r"lerna\.json", npm="lerna"),
    _Sign(name="size-limit", file=rf"\.size-limit(?:{CODE}|\.json)|\.size-limit", npm="size-limit", key="size-limit"),
    _Sign(name="lighthouse", file=rf"\.?lighthouserc(?:{CODE}|{DATA})", npm="@lhci/cli"),
    _Sign(name="dependency-cruiser", file=rf"\.dependency-cruiser{CODE}", npm="dependency-cruiser"),
    _Sign(name="knip", file=rf"\.?knip(?:\.config)?(?:{CODE}|\.jsonc?)", npm="knip", key="knip"),
)  # fmt: skip


def configured(workspace: Workspace) -> tuple[Tool, ...]:
    """All tools, in the order of the table and of the packages; TypeScript last.

    A file in the package's own directory tells, or a key in its package.json. A dependency without either
    tells only where neither the package nor the root has a file for that tool.
    """
    found: dict[tuple[str, str, str], Tool] = {}
    for sign in SIGNS:
        pattern = re.compile(sign.file)
        for package in workspace.packages:
            for tool in _by_file(workspace, package, sign, pattern):
                found.setdefault((tool.name, tool.package, tool.config or ""), tool)
    with_files = {(tool.name, tool.package) for tool in found.values()}
    for sign in SIGNS:
        for package in workspace.packages:
            known = (sign.name, package.path) in with_files or (sign.name, ".") in with_files
            if sign.npm in package.dependencies and not known:
                tool = _tool(workspace, package, sign, None, f"{_manifest(package)} depends on {sign.npm}")
                found.setdefault((tool.name, tool.package, ""), tool)
    return (*found.values(), *_typescript(workspace))


def _by_file(workspace: Workspace, package: Package, sign: _Sign, pattern: re.Pattern[str]) -> Iterator[Tool]:
    for file in sorted(package.own):
        if file.count("/") <= DEPTH and pattern.fullmatch(file):
            path = package.within(file)
            yield _tool(workspace, package, sign, path, path)
    if sign.key and sign.key in package.manifest:
        path = _manifest(package)
        yield _tool(workspace, package, sign, path, f"{path} has a part {sign.key!r}")


def _tool(workspace: Workspace, package: Package, sign: _Sign, config: str | None, why: str) -> Tool:
    version = workspace.version_of(package.path, sign.npm)
    flavour = sign.flavour
    if config is None and sign.name == "eslint":
        flavour = ""
    return Tool(name=sign.name, config=config, package=package.path, flavour=flavour, version=version, why=why)


def _typescript(workspace: Workspace) -> Iterator[Tool]:
    for member in typescript_packages(workspace):
        for config in member.configs:
            flavour = "root" if member.package == "." else "package"
            if config.base_only:
                flavour = "base"
            elif config.solution:
                flavour = "solution"
            yield Tool(
                name="typescript",
                config=config.path,
                package=member.package,
                flavour=flavour,
                version=workspace.version_of(member.package, "typescript"),
                why=config.path,
            )


def _manifest(package: Package) -> str:
    return package.within("package.json")
