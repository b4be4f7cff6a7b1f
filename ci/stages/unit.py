"""Stage 4, unit: the repository's own test commands, without what is known to be integration or e2e."""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import TYPE_CHECKING

from ci.model import Check, Plan, Skip, Step
from ci.monorepo.documents import read_text
from ci.monorepo.generation import builds
from ci.monorepo.graph import closure
from ci.monorepo.testconfigs import TYPES, UNIT
from ci.stages import testkinds, testreach, testruns, testverdicts
from ci.stages.generation import BUILD
from ci.stages.reach import inputs_of
from ci.stages.testkinds import Kinds
from ci.stages.testresults import Run
from ci.stages.testruns import Trial
from ci.stages.testscripts import UNIT_SCRIPTS, Group, Selection, select
from ci.text import count
from ci.toolchains.versions import CHROMIUM

if TYPE_CHECKING:
    from ci.monorepo.workspace import Workspace
    from ci.stages.context import Context

STAGE = "unit"
BROWSERS = "${SHIPWAY_ROOT}/node_modules/.cache/shipway-browsers"
CONFIG = re.compile(r"(?:^|/)(?:vite|vitest|jest)\.config(?:\.[\w-]+)*\.[cm]?[jt]s$")
ALIAS = re.compile(r"\balias\b|tsconfigPaths|tsconfig-paths|moduleNameMapper")
PER_FILE = 0.2  # seconds, on two cores


def plan(context: Context) -> Plan:
    """Return a check per runner and package, and name the packages with tests that none of them takes up."""
    kinds = Kinds(context.workspace)
    selection = chosen(context, kinds)
    groups: list[Group] = []
    notices = list(selection.notices)
    for group in selection.groups:
        runs: list[Run] = []
        for run in group.runs:
            mine, said = testkinds.unit(kinds, run)
            notices += said
            if mine is not None:
                runs.append(dataclasses.replace(mine, coverage=context.settings.stages.unit.coverage))
        if runs:
            groups.append(dataclasses.replace(group, runs=tuple(runs)))
    checks = [_check(context, kinds, group, [other for other in groups if other != group]) for group in groups]
    notices += _left_out(context.workspace, kinds, selection, checks)
    if checks:
        return Plan(checks=tuple(checks), notices=tuple(dict.fromkeys(notices)))
    return Plan(checks=(), skips=(Skip(stage=STAGE, reason=_nothing(selection, kinds)),), notices=tuple(notices))


def chosen(context: Context, kinds: Kinds) -> Selection:
    """Return the test commands: of the settings, else of scripts, else Vitest as it stands where nothing calls it."""
    workspace, settings = context.workspace, context.settings.stages.unit
    if settings.projects:
        run = _vitest(workspace, ".", tuple(f"--project={name}" for name in settings.projects))
        group = Group(tool="vitest", package=".", runs=(run,), why="shipway.toml names its projects")
        return Selection(groups=(group,), root=True)
    found = select(workspace, UNIT_SCRIPTS)
    if found.root:
        return dataclasses.replace(found, groups=(*found.groups, *testreach.members(kinds, found.groups)))
    with_groups = {group.package for group in found.groups}
    tested = {test.package for test in kinds.tests if test.kind in {UNIT, TYPES}}
    at_root = any(config.package == "." for config in kinds.configs)
    if not found.groups and at_root and workspace.version_of(".", "vitest"):
        group = Group(
            tool="vitest", package=".", runs=(_vitest(workspace, "."),), why="a Vitest configuration at the root"
        )
        return dataclasses.replace(found, groups=(group,))
    bare = tuple(
        Group(
            tool="vitest",
            package=package.path,
            runs=(_vitest(workspace, package.path),),
            why=f"{package.within('package.json')} depends on vitest, and no script runs it",
        )
        for package in workspace.packages
        if package.path in tested - with_groups
        and package.path not in found.placeholders
        and "vitest" in package.dependencies
        and not any(name in package.scripts for name in UNIT_SCRIPTS)
    )
    return dataclasses.replace(found, groups=(*found.groups, *bare))


def needs(context: Context, packages: tuple[str, ...]) -> tuple[str, ...]:
    """Return what tests of these packages need: generated code, and a build where they import what only one writes.

    Packages that build for others are built with the generated code, but for those that TypeScript reads by a path
    alias; then a Vitest that knows no alias still wants the build.
    """
    workspace = context.workspace
    reached = {other for path in packages for other in closure(workspace, path) if other != path}
    if "." in packages:
        reached.update(package.path for package in workspace.packages)
    made = {check.package for check in context.generation if check.name == BUILD}
    missing = {build.package for build in builds(workspace)} & reached - made
    configs = (file for path in {".", *packages} for file in workspace.by_path[path].files if CONFIG.search(file))
    aliased = any(ALIAS.search(read_text(workspace.root, file)) for file in configs)
    return context.built if missing and not aliased else context.generated


def _vitest(workspace: Workspace, path: str, options: tuple[str, ...] = ()) -> Run:
    return Run(
        tool="vitest",
        argv=("vitest", "run", *options),
        cwd=path,
        package=path,
        key="vitest-0",
        version=workspace.version_of(path, "vitest"),
    )


def _check(context: Context, kinds: Kinds, group: Group, others: list[Group]) -> Check:
    runs = group.runs
    browser = any(testkinds.in_browser(kinds, run) for run in runs)
    # Playwright's browsers are where the project's own Playwright, of whatever version, looks for them.
    place = Step(argv=("shipway-browsers", group.package, BROWSERS))
    before = (*group.before, *((place,) if browser else ()))
    trial = Trial(
        runs=runs,
        before=len(before),
        expected=testreach.expected(kinds, group, others),
        present=context.workspace.file_set,
    )
    timeout = context.settings.stages.unit.timeout
    steps = (*(dataclasses.replace(step, timeout=timeout) for step in before), *testruns.steps(trial, timeout))
    check = Check(
        stage=STAGE,
        name=group.tool,
        package=group.package,
        toolchain=context.toolchain("playwright", chromium=CHROMIUM) if browser else context.toolchain(),
        steps=steps,
        environment={"PLAYWRIGHT_BROWSERS_PATH": BROWSERS} if browser else {},
        judge=testverdicts.unjudged,
        needs=needs(context, (group.package,)),
        inputs=inputs_of(context.workspace, group.package, steps=steps),
        weight=2 + PER_FILE * len({file for run in runs for file in run.files}),
        why=group.why,
        repeat=testruns.repeat(runs[0]),
    )
    return dataclasses.replace(check, judge=functools.partial(testverdicts.judge, check=check, trial=trial))


def _left_out(workspace: Workspace, kinds: Kinds, selection: Selection, checks: list[Check]) -> list[str]:
    """Say which packages have a placeholder for a test script, and which have unit tests that nothing runs."""
    notices = [
        f"{path}: its test script is a placeholder ({line})"
        for path, line in selection.placeholders.items()
        if path != "." or not checks
    ]
    covered = {check.package for check in checks}
    if "." in covered:
        return notices
    tested: dict[str, int] = {}
    for test in kinds.tests:
        if test.kind in {UNIT, TYPES} and test.package not in covered:
            tested[test.package] = tested.get(test.package, 0) + 1
    return notices + [
        f"{path} has {count(number, 'test file')} that no test script runs"
        for path, number in tested.items()
        if checks or workspace.by_path[path].scripts
    ]


def _nothing(selection: Selection, kinds: Kinds) -> str:
    files = sum(test.kind in {UNIT, TYPES} for test in kinds.tests)
    if files:
        return f"no test script, and no runner for {count(files, 'test file')}"
    if selection.placeholders:
        return "no unit tests: the test script is a placeholder"
    return "no unit tests: no test script and no test files"
