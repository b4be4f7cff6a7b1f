"""Stage 3, typecheck: TypeScript in every package, each error said once, in the package that owns the file."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ci.model import Check, Plan, Skip, Step
from ci.monorepo.graph import closure
from ci.monorepo.typescript import typescript_packages
from ci.stages import lintcommands, strictness, tsc
from ci.stages.context import INSTALL, Context
from ci.stages.generation import inputs_of
from ci.stages.linting import by_hand, program
from ci.stages.typeerrors import Place, judge, not_covered
from ci.stages.typescripts import COMPILERS, TypeRun, TypeRuns, builds, configs_of, type_runs

if TYPE_CHECKING:
    from ci.monorepo.workspace import Workspace

UNREAD = ("!**/*.md", "!**/*.{png,jpg,jpeg,gif,webp,ico,woff,woff2,pdf,mp4}")  # by the compilers


def plan(context: Context) -> Plan:
    """Return one check for each package and compiler, and one that verifies that they are strict."""
    workspace = context.workspace
    found = type_runs(workspace)
    groups: dict[tuple[str, str], list[TypeRun]] = {}
    for each in found.runs:
        groups.setdefault((_name(each), each.run.package), []).append(each)
    if not groups:
        reason = "no TypeScript is configured: no script checks types, and no package has a tsconfig.json of its own"
        return Plan(checks=(), skips=(Skip(stage="typecheck", reason=reason), *_missing(found)))
    checked = frozenset(package for _, package in groups)
    uncovered = _uncovered(workspace, found, checked)
    notices = () if "." in checked else not_covered(uncovered)
    checks = [
        _check(context, name, tuple(group), _place(workspace, package, checked, uncovered))
        for (name, package), group in groups.items()
    ]
    verified = strictness.check(context, found.runs)
    return Plan(checks=(*checks, *verified), skips=_missing(found), notices=notices)


def _place(workspace: Workspace, package: str, checked: frozenset[str], uncovered: tuple[str, ...]) -> Place:
    packages = tuple(each.path for each in workspace.packages)
    return Place(package=package, packages=packages, checked=checked, uncovered=uncovered if package == "." else ())


def _check(context: Context, name: str, group: tuple[TypeRun, ...], place: Place) -> Check:
    workspace, package = context.workspace, place.package
    timeout = context.settings.stages.typecheck.timeout
    steps: list[Step] = []
    kinds: list[bool] = []
    for run in {id(run): run for each in group for run in each.before}.values():
        steps.append(Step(argv=program(run), cwd=run.cwd, environment=run.environment, timeout=timeout))
        kinds.append(False)
    for each in group:
        opaque = bool(each.run.opaque)
        steps.append(
            lintcommands.step(each.run, len(steps), timeout) if opaque else tsc.step(each.run, len(steps), timeout)
        )
        kinds.append(True)
    near = set(closure(workspace, package))
    needs = tuple(check.id for check in context.generation if package == "." or check.package in near)
    compilers = all(each.run.tool in COMPILERS for each in group)
    return Check(
        stage="typecheck",
        name=name,
        package=package,
        toolchain=context.toolchain(),
        steps=tuple(steps),
        judge=functools.partial(judge, kinds=tuple(kinds), place=place),
        needs=(INSTALL, *needs),
        inputs=inputs_of(workspace, package, without=UNREAD if compilers else ()),
        weight=2.0 + len(workspace.by_path[package].files) * 0.01,
        why="; ".join(dict.fromkeys(each.why for each in group)),
        repeat=" && ".join(dict.fromkeys(_by_hand(each) for each in group)),
    )


def _name(each: TypeRun) -> str:
    return lintcommands.name_of(each.run) if each.run.opaque else each.run.tool


def _by_hand(each: TypeRun) -> str:
    if each.run.opaque:
        return by_hand(each.run.package, lintcommands.command(each.run), {})
    return by_hand(each.run.cwd, program(each.run), each.run.environment)


def _uncovered(workspace: Workspace, found: TypeRuns, checked: frozenset[str]) -> tuple[str, ...]:
    """Return the packages with TypeScript of their own for which there is no check; references are followed."""
    members = typescript_packages(workspace)
    configs = {config.path: config for member in members for config in member.configs}
    reached: set[str] = set()
    waiting = [config for each in found.runs if builds(each.run) for config in configs_of(workspace, each.run)]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += configs[path].references if path in configs else ()
    covered = {workspace.owner(path).path for path in reached} | checked | {package for package, _ in found.missing}
    return tuple(
        member.package
        for member in members
        if member.package not in covered and member.package != "." and member.sources and member.main is not None
    )


def _missing(found: TypeRuns) -> tuple[Skip, ...]:
    return tuple(
        Skip(stage="typecheck", name="types", package=package, reason=f"not covered: {why}")
        for package, why in found.missing
    )
