"""Stage 3, typecheck: TypeScript in every package, each error said once, in the package that owns the file."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

from ci.model import Check, Plan, Skip, Step
from ci.monorepo.typescript import typescript_packages
from ci.stages import lintcommands, strictness, tsc
from ci.stages.linting import by_hand, program
from ci.stages.reach import inputs_of, needs_of
from ci.stages.typeerrors import Place, judge, not_covered
from ci.stages.typescripts import (
    COMPILERS,
    UNREAD,
    TypeRun,
    TypeRuns,
    configs_of,
    follows_references,
    reached,
    type_runs,
)

if TYPE_CHECKING:
    from ci.monorepo.scripts import Invocation
    from ci.monorepo.typescript import TypeScriptPackage
    from ci.monorepo.workspace import Workspace
    from ci.stages.context import Context


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
    members = typescript_packages(workspace)
    covered = frozenset(package for _, package in groups)
    uncovered = _uncovered(workspace, members, found, covered)
    steps = {key: _steps(context, group) for key, group in groups.items()}
    checked = {package: tuple(step for key in steps if key[1] == package for step in steps[key]) for package in covered}
    checks = []
    for (name, package), group in groups.items():
        place = Place(
            package=package,
            packages=tuple(each.path for each in workspace.packages),
            checked=checked,
            uncovered=uncovered if package == "." else (),
        )
        checks.append(_check(context, name, group, steps[name, package], place))
    notices = () if "." in covered else not_covered(uncovered)
    return Plan(checks=(*checks, *strictness.check(context, found.runs)), skips=_missing(found), notices=notices)


def _steps(context: Context, group: list[TypeRun]) -> tuple[Step, ...]:
    """Return what the script runs before its compilers, and the compilers."""
    timeout = context.settings.stages.typecheck.timeout
    steps = [
        Step(argv=program(run), cwd=run.cwd, environment=run.environment, timeout=timeout) for run in _before(group)
    ]
    for each in group:
        step = lintcommands.step if each.run.opaque else tsc.step
        steps.append(step(each.run, len(steps), timeout))
    return tuple(steps)


def _check(context: Context, name: str, group: list[TypeRun], steps: tuple[Step, ...], place: Place) -> Check:
    workspace, package = context.workspace, place.package
    compilers = all(each.run.tool in COMPILERS for each in group)
    kinds = (*(False for _ in _before(group)), *(True for _ in group))
    check = Check(
        stage="typecheck",
        name=name,
        package=package,
        toolchain=context.toolchain(),
        steps=steps,
        judge=functools.partial(judge, kinds=kinds, place=place),
        needs=needs_of(context, package),
        inputs=inputs_of(workspace, package, steps=steps, without=UNREAD if compilers else ()),
        weight=2.0 + len(workspace.by_path[package].files) * 0.01,
        why="; ".join(dict.fromkeys(each.why for each in group)),
        repeat=" && ".join(dict.fromkeys(_by_hand(each) for each in group)),
    )
    return dataclasses.replace(check, judge=functools.partial(judge, kinds=kinds, place=place, again=check))


def _before(group: list[TypeRun]) -> tuple[Invocation, ...]:
    """Return what the script runs before its compilers, each command once."""
    return tuple({(run.cwd, *run.argv): run for each in group for run in each.before}.values())


def _name(each: TypeRun) -> str:
    return lintcommands.name_of(each.run) if each.run.opaque else each.run.tool


def _by_hand(each: TypeRun) -> str:
    if each.run.opaque:
        return by_hand(each.run.package, lintcommands.command(each.run), {})
    return by_hand(each.run.cwd, program(each.run), each.run.environment)


def _uncovered(
    workspace: Workspace, members: tuple[TypeScriptPackage, ...], found: TypeRuns, checked: frozenset[str]
) -> tuple[str, ...]:
    """Return the packages with TypeScript of their own for which there is no check; references are followed."""
    references = {config.path: config.references for member in members for config in member.configs}
    starts = [path for each in found.runs if follows_references(each.run) for path in configs_of(workspace, each.run)]
    covered = (
        {workspace.owner(path).path for path in reached(starts, references)}
        | checked
        | {package for package, _ in found.missing}
    )
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
