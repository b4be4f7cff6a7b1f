"""Which tests a repository has, of which kind, and what its Vitest and Playwright configurations say of them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.monorepo.documents import read_text
from ci.monorepo.testconfigs import (
    E2E,
    INTEGRATION,
    LEFT_OUT,
    TYPES,
    UNIT,
    PlaywrightConfig,
    VitestConfig,
    VitestProject,
    playwright_configs,
    project_kind,
    vitest_configs,
)

if TYPE_CHECKING:
    from ci.monorepo.workspace import Workspace

__all__ = [
    "FoundTest",
    "PlaywrightConfig",
    "VitestConfig",
    "VitestProject",
    "find_tests",
    "playwright_configs",
    "project_kind",
    "vitest_configs",
]

TEST_FILE = re.compile(
    r"[._-](?:unit|server|client|browser|integration|int|e2e|api|db|ui|node|smoke)?(?:test|spec)(?:-d)?\.[cm]?[jt]sx?$"
    r"|^(?:integration|e2e|unit)\.(?:test|spec)\.[cm]?[jt]sx?$"
    r"|(?<!config)\.(?:e2e|cy|pw|integration)\.[cm]?[jt]sx?$"
)
TYPES_FILE = re.compile(r"\.(?:test|spec)-d\.[cm]?tsx?$")
E2E_FILE = re.compile(r"(?:^|[._-])(?:e2e|cy|pw|playwright)(?:[._-]?(?:test|spec))?\.[cm]?[jt]sx?$")
INTEGRATION_FILE = re.compile(r"(?:^|\.)(?:integration|integ|int|db)(?:[._-]?(?:test|spec))?\.[cm]?[jt]sx?$")
E2E_FOLDERS = frozenset({"e2e", "__e2e__", "e2e-tests", "playwright", "cypress"})
INTEGRATION_FOLDERS = frozenset({"integration", "__integration__", "integration-tests", "test-integration"})
TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", ""})

PLAYWRIGHT_IMPORT = re.compile(r"""(?:from|require\()\s*['"]@playwright/test['"]""")


@dataclass(frozen=True, kw_only=True)
class FoundTest:
    """A test by its path; `kind` is unit, integration, e2e or types, and `why` says what made it that."""

    path: str
    package: str
    kind: str
    why: str


def find_tests(workspace: Workspace) -> tuple[FoundTest, ...]:
    """Every test file by the conventions of names and folders, in the packages' order.

    In a package with a Playwright configuration a file that imports Playwright's test runner is e2e too.
    """
    configs = playwright_configs(workspace)
    found = []
    for package in workspace.packages:
        own = [config for config in configs if config.package == package.path]
        for file in package.files:
            inner = file if package.path == "." else file[len(package.path) + 1 :]
            *folders, name = inner.split("/")
            if TEST_FILE.search(name) and LEFT_OUT.isdisjoint(folders):
                kind, why = _kind(workspace, file, inner, own)
                found.append(FoundTest(path=file, package=package.path, kind=kind, why=why))
    return tuple(found)


def _kind(workspace: Workspace, file: str, inner: str, playwright: list[PlaywrightConfig]) -> tuple[str, str]:
    *segments, name = inner.split("/")
    for pattern, kind in ((TYPES_FILE, TYPES), (E2E_FILE, E2E), (INTEGRATION_FILE, INTEGRATION)):
        if pattern.search(name):
            return kind, f"the name {name}"
    for config in playwright:
        if config.test_dir != posixpath.dirname(config.path) and file.startswith(f"{config.test_dir}/"):
            return E2E, f"testDir of {config.path}"
    for number, segment in enumerate(segments):
        if segment in E2E_FOLDERS:
            return E2E, f"the folder {segment}"
        before = segments[number - 1] if number else ""
        if segment in INTEGRATION_FOLDERS and (before in TEST_FOLDERS or segment != "integration"):
            return INTEGRATION, f"the folder {segment}"
    if playwright and PLAYWRIGHT_IMPORT.search(read_text(workspace.root, file)):
        return E2E, "it imports Playwright's test runner"
    return UNIT, "no sign of another kind"
