"""Which tests a repository has, of which kind, and what its Vitest and Playwright configurations say of them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.monorepo.documents import read_text
from ci.monorepo.sources import elements, is_literal, literals, strip_comments, value_of

if TYPE_CHECKING:
    from ci.monorepo.workspace import Package, Workspace

UNIT, INTEGRATION, E2E, TYPES = "unit", "integration", "e2e", "types"

TEST_FILE = re.compile(r"(?:^|[._-])\w*(?:test|spec)(?:-d)?\.[cm]?[jt]sx?$|\.(?:e2e|cy|pw)\.[cm]?[jt]sx?$")
TYPES_FILE = re.compile(r"\.(?:test|spec)-d\.[cm]?tsx?$")
E2E_FILE = re.compile(r"[._-](?:e2e|cy|pw|playwright)(?:[._-](?:test|spec))?\.[cm]?[jt]sx?$")
INTEGRATION_FILE = re.compile(r"[._-](?:integration|integ|int|db)[._-]?(?:test|spec)\.[cm]?[jt]sx?$")
E2E_FOLDERS = frozenset({"e2e", "__e2e__", "e2e-tests", "playwright", "cypress"})
INTEGRATION_FOLDERS = frozenset({"integration", "__integration__", "integration-tests", "test-integration"})
TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", ""})
LEFT_OUT = frozenset({"node_modules", "fixtures", "__fixtures__", "__snapshots__", "dist", "build"})

VITEST_CONFIG = re.compile(r"(?:vitest|vite)\.config(?:\.[\w-]+)*\.[cm]?[jt]s|vitest\.workspace\.(?:[cm]?[jt]s|json)")
PLAYWRIGHT_CONFIG = re.compile(r"playwright(?:[.-][\w-]+)*\.config(?:\.[\w-]+)*\.[cm]?[jt]s")
BROWSERS = (
    ("firefox", re.compile(r"Firefox|firefox")),
    ("webkit", re.compile(r"Safari|iPhone|iPad|webkit")),
    ("chromium", re.compile(r"Chrome|Chromium|chromium|Edge|Pixel|Galaxy")),
)


@dataclass(frozen=True, kw_only=True)
class TestFile:
    """A test by its path; `kind` is unit, integration, e2e or types, and `why` says what made it that."""

    path: str
    package: str
    kind: str
    why: str


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


def find_tests(workspace: Workspace) -> tuple[TestFile, ...]:
    """Every test file by the conventions of names and folders, in the packages' order."""
    playwright = {config.package: [] for config in playwright_configs(workspace)}
    for config in playwright_configs(workspace):
        playwright[config.package].append(config)
    found = []
    for package in workspace.packages:
        folders = {config.test_dir: config.path for config in playwright.get(package.path, [])}
        for file in package.files:
            if not TEST_FILE.search(posixpath.basename(file)):
                continue
            inner = file if package.path == "." else file[len(package.path) + 1 :]
            if LEFT_OUT.isdisjoint(inner.split("/")[:-1]):
                kind, why = _kind(file, inner, folders)
                found.append(TestFile(path=file, package=package.path, kind=kind, why=why))
    return tuple(found)


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
        if file.count("/") < 3
        and PLAYWRIGHT_CONFIG.fullmatch(posixpath.basename(file))
        and LEFT_OUT.isdisjoint(file.split("/"))
    )


def _kind(file: str, inner: str, folders: dict[str, str]) -> tuple[str, str]:
    name = posixpath.basename(file)
    segments = inner.split("/")[:-1]
    for pattern, kind in ((TYPES_FILE, TYPES), (E2E_FILE, E2E), (INTEGRATION_FILE, INTEGRATION)):
        if pattern.search(name):
            return kind, f"the name {name}"
    for folder, config in folders.items():
        if folder not in {".", posixpath.dirname(config)} and file.startswith(f"{folder}/"):
            return E2E, f"testDir of {config}"
    for number, segment in enumerate(segments):
        if segment in E2E_FOLDERS:
            return E2E, f"the folder {segment}"
        before = segments[number - 1] if number else ""
        if segment in INTEGRATION_FOLDERS and (before in TEST_FOLDERS or segment != "integration"):
            return INTEGRATION, f"the folder {segment}"
    return UNIT, "no sign of another kind"


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
    listed = _project_list(text, file)
    if listed is None:
        test = value_of(text, "test")
        if file.startswith("vite.") and (test is None or not test[0].startswith("{")):
            return None
        body, offset = test if test is not None else (text, 0)
        project = _project(body, text.count("\n", 0, offset) + 1, "")
        return VitestConfig(
            path=path, package=package.path, projects=(project,), places=(), multiple=False, certain=True
        )
    array, offset = listed
    projects, places, certain = [], [], array.startswith("[")
    for element, at in elements(array):
        line = text.count("\n", 0, offset + at) + 1
        if element.startswith("{"):
            projects.append(_project(element, line, ""))
            certain = certain and bool(projects[-1].name)
        elif element[0] in "'\"`" and is_literal(element):
            places += literals(element)
        else:
            certain = False
            named = value_of(element, "name")
            if named is not None and literals(named[0]):
                projects.append(_project(element, line, ""))
    return VitestConfig(
        path=path,
        package=package.path,
        projects=tuple(projects),
        places=tuple(places),
        multiple=True,
        certain=certain,
    )


def _project_list(text: str, file: str) -> tuple[str, int] | None:
    """The array of projects, with its offset."""
    if file.startswith("vitest.workspace"):
        found = re.search(r"export\s+default\s+(?:defineWorkspace\(\s*)?(?=\[)|\A\s*(?=\[)", text)
        return (text[found.end() :], found.end()) if found else ("", 0)
    for key in ("projects", "workspace"):
        listed = value_of(text, key)
        if listed is not None:
            return listed
    return None


def _project(body: str, line: int, fallback: str) -> VitestProject:
    named = value_of(body, "name")
    label = value_of(named[0], "label") if named is not None and named[0].startswith("{") else named
    names = literals(label[0]) if label is not None and is_literal(label[0]) else ()
    name = names[0] if names else fallback
    include, exclude = _literal_array(body, "include"), _literal_array(body, "exclude")
    browser = value_of(body, "browser")
    return VitestProject(
        name=name,
        line=line + (body.count("\n", 0, named[1]) if named is not None else 0),
        kind=project_kind(name, include),
        browser=browser is not None and re.search(r"enabled\s*:\s*false", browser[0]) is None,
        include=include,
        exclude=exclude,
    )


def _literal_array(body: str, key: str) -> tuple[str, ...]:
    found = value_of(body, key)
    return literals(found[0]) if found is not None and found[0].startswith("[") else ()


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
        certain=is_literal((test_dir or ("''", 0))[0]) and is_literal((projects or ("[]", 0))[0]),
    )


def _values(text: str, key: str) -> list[str]:
    def each() -> Iterator[str]:
        start = 0
        while (found := value_of(text, key, start)) is not None:
            yield found[0]
            start = found[1]

    return list(each())
