"""What Vitest and Playwright configurations say of a repository's tests, read from their text with caution."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.monorepo.documents import read_text
from ci.monorepo.sources import elements, is_literal, literals, members, strip_comments, unwrap, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.monorepo.workspace import Package, Workspace

UNIT, INTEGRATION, E2E, TYPES = "unit", "integration", "e2e", "types"
LEFT_OUT = frozenset({"node_modules", "fixtures", "__fixtures__", "__snapshots__", "dist", "build"})
VITEST_CONFIG = re.compile(
    r"(?:vitest|vite)(?:[.-][\w-]+)*\.config(?:\.[\w-]+)*\.[cm]?[jt]s|vitest\.workspace\.(?:[cm]?[jt]s|json)"
)
PLAYWRIGHT_CONFIG = re.compile(r"playwright(?:[.-][\w-]+)*\.config(?:\.[\w-]+)*\.[cm]?[jt]s")
COMPUTED = re.compile(r"\.\.\.(?!devices\b|\w*Defaults\b|\w*Exclude\b)|mergeConfig|export\s*\{[^}]*\bdefault\b")
DEFAULT_NAME = re.compile(r"export\s+default\s+(?!define)(\w+)")
DEPTH = 2
"""Folders in a package below which no configuration is looked for."""

BROWSERS = (
    ("firefox", re.compile(r"Firefox|firefox")),
    ("webkit", re.compile(r"Safari|iPhone|iPad|webkit")),
    ("chromium", re.compile(r"Chrome|Chromium|chromium|Edge|Pixel|Galaxy")),
)


@dataclass(frozen=True, kw_only=True)
class VitestProject:
    """A project of a Vitest configuration. `include` and `exclude` hold what is literally there."""

    name: str
    line: int
    kind: str
    browser: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VitestConfig:
    """A Vitest configuration as far as its text tells.

    `places` are globs and paths of packages or configurations that are projects. `certain` is false where projects
    are computed, spread or imported: there may be more, or other names. `multiple`: it has projects at all.
    """

    path: str
    package: str
    projects: tuple[VitestProject, ...]
    places: tuple[str, ...]
    multiple: bool
    certain: bool


@dataclass(frozen=True, kw_only=True)
class PlaywrightConfig:
    """A Playwright configuration as far as its text tells.

    `test_dir` counts from the workspace's root. `channels` are installed browsers it wants by name ("chrome").
    `retries` is set where the file speaks of them. `servers` are the literal commands of `webServer`; `server` is
    whether there is one at all.
    """

    path: str
    package: str
    test_dir: str
    projects: tuple[str, ...]
    browsers: tuple[str, ...]
    channels: tuple[str, ...]
    retries: bool
    server: bool
    servers: tuple[str, ...]
    certain: bool


def vitest_configs(workspace: Workspace) -> tuple[VitestConfig, ...]:
    """All Vitest configurations in the packages' own directories; a vite.config where it has a part for tests."""
    return tuple(
        config
        for package in workspace.packages
        for file in sorted(package.own)
        if VITEST_CONFIG.fullmatch(file) and (config := _vitest(workspace, package, file)) is not None
    )


def playwright_configs(workspace: Workspace) -> tuple[PlaywrightConfig, ...]:
    """All Playwright configurations, at most two folders deep in a package."""
    return tuple(
        _playwright(workspace, package, file)
        for package in workspace.packages
        for file in sorted(package.own)
        if file.count("/") <= DEPTH
        and PLAYWRIGHT_CONFIG.fullmatch(posixpath.basename(file))
        and LEFT_OUT.isdisjoint(file.split("/"))
    )


def project_kind(name: str, include: tuple[str, ...] = ()) -> str:
    """What a Vitest project is for, by its name, else by what it includes."""
    for text in (name, *include):
        if re.search(r"e2e|end-to-end|playwright", text, re.IGNORECASE):
            return E2E
        if re.search(r"integration|\binteg?\b|[./-]db\b|database", text, re.IGNORECASE):
            return INTEGRATION
    return TYPES if re.search(r"types?$", name) else UNIT


def _vitest(workspace: Workspace, package: Package, file: str) -> VitestConfig | None:
    path = package.within(file)
    text = strip_comments(read_text(workspace.root, path))
    body, offset = _test_part(text, file)
    if not body and file.startswith("vite."):
        return None
    part = members(body)
    listed, inside = (body, 0) if body.startswith("[") else part.get("projects", part.get("workspace", ("", 0)))
    projects: list[VitestProject] = []
    places: list[str] = []
    certain = listed.startswith("[") if listed else not _is_computed(text)
    for element, at in elements(listed):
        line = text.count("\n", 0, offset + inside + at) + 1
        plain, _ = unwrap(element)
        if plain.startswith("{"):
            projects.append(_project(plain, line))
            certain = certain and bool(projects[-1].name)
        elif element[0] in "'\"`" and is_literal(element):
            places += literals(element)
        else:
            certain = False
    elsewhere = not listed and re.search(r"\bprojects\b\s*[:=,}]", body) is not None
    if not listed:
        projects.append(_project(body, text.count("\n", 0, offset) + 1, file))
    return VitestConfig(
        path=path,
        package=package.path,
        projects=tuple(projects),
        places=tuple(places),
        multiple=bool(listed) or elsewhere,
        certain=certain and not elsewhere,
    )


def _test_part(text: str, file: str) -> tuple[str, int]:
    """The object behind `test:`, or the array of a workspace file, with its offset; empty where there is none."""
    if file.startswith("vitest.workspace"):
        found = re.search(r"export\s+default\s+(?:defineWorkspace\(\s*)?(?=\[)|\A\s*(?=\[)", text)
        return (text[found.end() :], found.end()) if found else ("", 0)
    default = re.search(r"^export\s+default", text, re.MULTILINE)
    test = (default and value_of(text, "test", default.end())) or value_of(text, "test")
    return test if test is not None and test[0].startswith("{") else ("", 0)


def _project(body: str, line: int, file: str = "") -> VitestProject:
    """A project from the object that describes it, or from its `test` part."""
    outer = members(body)
    part = members(outer["test"][0]) if "test" in outer else outer
    named, at = part.get("name", ("", 0))
    label = members(named).get("label", (named, 0))[0]
    name = next(iter(literals(label)), "") if is_literal(label) else ""
    include, exclude = _literal_array(part, "include"), _literal_array(part, "exclude")
    browser = part.get("browser", ("", 0))[0]
    within = outer["test"][1] + at if "test" in outer else at
    return VitestProject(
        name=name,
        line=line + body.count("\n", 0, within),
        kind=project_kind(name or file, include),
        browser=bool(browser) and re.search(r"enabled\s*:\s*false", browser) is None,
        include=include,
        exclude=exclude,
    )


def _is_computed(text: str) -> bool:
    """Whether the configuration may come from elsewhere: spread, merged, or a default that is not written here."""
    name = DEFAULT_NAME.search(text)
    elsewhere = name is not None and not re.search(rf"\b{name.group(1)}\b[^=\n]*=\s*(?:\{{|define)", text)
    return elsewhere or COMPUTED.search(text) is not None


def _literal_array(part: dict[str, tuple[str, int]], key: str) -> tuple[str, ...]:
    value = part.get(key, ("", 0))[0]
    return literals(value) if value.startswith("[") else ()


def _playwright(workspace: Workspace, package: Package, file: str) -> PlaywrightConfig:
    path = package.within(file)
    text = strip_comments(read_text(workspace.root, path))
    test_dir = value_of(text, "testDir")
    folder = literals(test_dir[0])[:1] if test_dir is not None and is_literal(test_dir[0]) else ()
    projects = value_of(text, "projects")
    server = value_of(text, "webServer")
    commands = [literals(command) for command in _values(server[0], "command")] if server is not None else []
    named = "\n".join(_values(text, "browserName") + re.findall(r"devices\s*\[([^\]]+)\]", text))
    browsers = tuple(browser for browser, pattern in BROWSERS if pattern.search(named))
    return PlaywrightConfig(
        path=path,
        package=package.path,
        test_dir=posixpath.normpath(posixpath.join(posixpath.dirname(path), *folder)),
        projects=tuple(name for value in _values(projects[0], "name") for name in literals(value)) if projects else (),
        browsers=browsers or ("chromium",),
        channels=tuple(sorted({name for value in _values(text, "channel") for name in literals(value)})),
        retries=value_of(text, "retries") is not None,
        server=server is not None,
        servers=tuple(command for found in commands for command in found),
        certain=not _is_computed(text) and (test_dir is None or is_literal(test_dir[0])),
    )


def _values(text: str, key: str) -> list[str]:
    def each() -> Iterator[str]:
        start = 0
        while (found := value_of(text, key, start)) is not None:
            yield found[0]
            start = found[1]

    return list(each())
