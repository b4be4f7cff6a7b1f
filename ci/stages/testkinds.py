"""Unit tests apart from integration and end-to-end tests: by Vitest projects, else by files."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from functools import cached_property
from typing import TYPE_CHECKING

from wcmatch import glob

from ci.monorepo.sources import strip_comments
from ci.monorepo.testconfigs import E2E, INTEGRATION, TYPES, UNIT, VitestConfig, vitest_configs
from ci.monorepo.tests import FoundTest, find_tests
from ci.stages import exclusion, nodetest
from ci.stages.testresults import Run
from ci.stages.testscripts import INTEGRATION as INTEGRATION_NAME
from ci.stages.testscripts import values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci.monorepo.workspace import Workspace

NEGATION_SINCE = 3  # --project=!NAME
ONLY = re.compile(r"\b(?:it|test|describe|suite|bench)(?:\.(?:concurrent|sequential|each|skipIf|runIf))*\.only\b")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Project:
    """A Vitest project: its name, what it is for, and whether it runs in a browser."""

    name: str
    kind: str
    browser: bool = False


@dataclasses.dataclass(frozen=True)
class Kinds:
    """What the workspace's tests and Vitest configurations tell of kinds."""

    workspace: Workspace

    @cached_property
    def tests(self) -> tuple[FoundTest, ...]:
        """All test files."""
        return find_tests(self.workspace)

    @cached_property
    def configs(self) -> tuple[VitestConfig, ...]:
        """All Vitest configurations."""
        return vitest_configs(self.workspace)

    def files(self, cwd: str, *kinds: str) -> tuple[str, ...]:
        """Return the test files of these kinds below a directory."""
        folder = "" if cwd == "." else f"{cwd}/"
        return tuple(test.path for test in self.tests if test.kind in kinds and test.path.startswith(folder))

    def config(self, run: Run) -> VitestConfig | None:
        """Return the configuration that a Vitest command reads: the one it names, else the one of its directory."""
        words = run.argv
        named = next(iter(values(words, "--config", "-c")), None)
        place = posixpath.normpath(posixpath.join(run.cwd, named)) if named else None
        here = [
            config for config in self.configs if posixpath.dirname(config.path) == ("" if run.cwd == "." else run.cwd)
        ]
        if place is not None:
            return next((config for config in self.configs if config.path == place), None)
        default = [config for config in here if re.search(r"(?:vitest|vite)\.(?:config|workspace)\.\w+$", config.path)]
        order = ("vitest.workspace", "vitest.config", "vite.config")
        return min(
            default,
            key=lambda config: next(
                n for n, name in enumerate(order) if posixpath.basename(config.path).startswith(name)
            ),
            default=None,
        )

    def projects(self, config: VitestConfig) -> tuple[Project, ...]:
        """Return the projects of a configuration: those written in it, and those of the packages it names."""
        found = [Project(name=each.name, kind=each.kind, browser=each.browser) for each in config.projects]
        base = posixpath.dirname(config.path)
        for place in config.places:
            pattern = posixpath.normpath(posixpath.join(base, place))
            for package in self.workspace.packages:
                own = [each for each in self.configs if each.package == package.path and each.path != config.path]
                if glob.globmatch(package.path, pattern, flags=glob.GLOBSTAR | glob.BRACE) and package.path != ".":
                    inner = own[0].projects[0] if own and own[0].projects else None
                    name = inner.name if inner is not None and inner.name else package.name
                    kind = _kind(name, inner.kind if inner else UNIT)
                    found.append(Project(name=name, kind=kind, browser=inner is not None and inner.browser))
                for each in own:
                    if glob.globmatch(each.path, pattern, flags=glob.GLOBSTAR | glob.BRACE) and each.projects:
                        found += [Project(name=one.name, kind=one.kind, browser=one.browser) for one in each.projects]
        return tuple(found)


def in_browser(kinds: Kinds, run: Run) -> bool:
    """Whether some of the unit tests of a Vitest command run in a browser that Playwright starts."""
    if run.tool != "vitest" or not any(
        kinds.workspace.version_of(run.package, name) for name in ("playwright", "@playwright/test")
    ):
        return False
    config = kinds.config(run)
    chosen = values(run.argv, "--project")
    projects = () if config is None else kinds.projects(config)
    wanted = (each for each in projects if each.kind in {UNIT, TYPES} and (not chosen or each.name in chosen))
    return any(each.browser for each in wanted) or any(word.startswith("--browser") for word in run.argv)


def unit(kinds: Kinds, run: Run) -> tuple[Run | None, tuple[str, ...]]:
    """Return a command without what is known to be integration or e2e, None where nothing is left."""
    if run.tool == "vitest":
        return _vitest_unit(kinds, run)
    left_out = kinds.files(run.cwd, INTEGRATION, E2E)
    left = exclusion.without(run, left_out, kinds.tests, kinds.workspace) if left_out else run
    return (None if left is None else with_files(kinds, left, UNIT, TYPES)), ()


def _vitest_unit(kinds: Kinds, run: Run) -> tuple[Run | None, tuple[str, ...]]:
    config = kinds.config(run)
    options: list[str] = []
    notices: list[str] = []
    if config is not None and config.multiple and not values(run.argv, "--project"):
        projects = kinds.projects(config)
        others = tuple(project for project in projects if project.kind in {INTEGRATION, E2E} and project.name)
        units = tuple(project for project in projects if project.kind in {UNIT, TYPES})
        if others and not units and config.certain:
            return None, ()
        if others:
            options = _projects(run, config, others, units)
            names = ", ".join(project.name for project in others)
            notices.append(
                f"{config.path}: projects left to other stages: {names}" if options
                else f"{config.path}: Vitest {run.version} cannot leave out the projects {names}: they run here"
            )  # fmt: skip
    elif (
        config is not None and not config.multiple and config.projects and config.projects[0].kind in {INTEGRATION, E2E}
    ):
        return None, ()
    left_out = kinds.files(run.cwd, INTEGRATION, E2E)
    nested = config is not None and config.multiple
    left = dataclasses.replace(run, argv=(*run.argv, *options))
    if left_out and not values(run.argv, "--project") and not any("=!" not in option for option in options):
        left = exclusion.vitest(left, left_out, kinds.tests, kinds.workspace, nested=nested)
    return with_files(kinds, left, UNIT, TYPES), tuple(notices)


def with_files(kinds: Kinds, run: Run, *of: str) -> Run:
    """Return a command that knows which test files it is expected to take up, and where one is focused."""
    files = kinds.files(run.cwd, *of)
    return dataclasses.replace(run, files=files, only=_focused(kinds.workspace, files))


def integration(kinds: Kinds, bases: Iterable[Run]) -> tuple[Run, ...]:
    """Return the commands for Vitest projects and files that are integration tests by their names.

    `bases` are the commands of the unit stage: their flags are taken over, and where a project of theirs says
    integration it is the one to run; else files whose names say so run under the same configuration.
    """
    found: list[Run] = []
    covered: set[str] = set()
    for run in bases:
        config = kinds.config(run)
        projects = kinds.projects(config) if config is not None and config.multiple else ()
        names = [project.name for project in projects if project.kind == INTEGRATION and project.name]
        if names and not values(run.argv, "--project"):
            chosen = tuple(f"--project={name}" for name in names)
            found.append(dataclasses.replace(run, argv=(*run.argv, *chosen), key=f"integration-{len(found)}"))
            covered.update(kinds.files(run.cwd, INTEGRATION))
    special = [
        config for config in kinds.configs if INTEGRATION_NAME.search(posixpath.basename(config.path).replace(".", "-"))
    ]
    for config in special:
        base = Run(
            tool="vitest",
            argv=("vitest", "run", f"--config={posixpath.basename(config.path)}"),
            cwd=posixpath.dirname(config.path) or ".",
            package=config.package,
            key=f"integration-{len(found)}",
            version=kinds.workspace.version_of(config.package, "vitest"),
        )
        found.append(base)
        covered.update(kinds.files(base.cwd, INTEGRATION))
    for run in bases:
        files = [file for file in kinds.files(run.cwd, INTEGRATION) if file not in covered]
        if files:
            covered.update(files)
            own = tuple(file if run.cwd == "." else file[len(run.cwd) + 1 :] for file in files)
            argv = nodetest.chosen(run.argv, own) if run.tool == "node-test" else (*run.argv, *own)
            found.append(dataclasses.replace(run, argv=argv, key=f"integration-{len(found)}"))
    return tuple(with_files(kinds, run, INTEGRATION) for run in found)


def _projects(run: Run, config: VitestConfig, others: tuple[Project, ...], units: tuple[Project, ...]) -> list[str]:
    if config.certain and units and all(project.name for project in units):
        return [f"--project={project.name}" for project in units]
    return [f"--project=!{project.name}" for project in others] if run.major >= NEGATION_SINCE else []


def _kind(name: str, kind: str) -> str:
    return INTEGRATION if kind == UNIT and INTEGRATION_NAME.search(name) else kind


def _focused(workspace: Workspace, files: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for file in files:
        text = (workspace.root / file).read_bytes().decode(errors="replace")
        if ".only" in text and (match := ONLY.search(strip_comments(text))) is not None:
            found[file] = text.count("\n", 0, match.start()) + 1
    return found
