"""Stage 2, lint: the linters and formatters that the repository configures, and the imports it forbids."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ci.model import Check, Plan, Skip
from ci.monorepo.scripts import Invocation
from ci.monorepo.tools import Tool, configured
from ci.monorepo.versions import satisfies
from ci.stages import biome, eslint, formatters, imports, lintcommands, oxlint
from ci.stages.context import INSTALL, Context
from ci.stages.linting import Linter, by_hand, judge, program
from ci.stages.lintscripts import TOOLS, Lint, linting
from ci.stages.reach import needs_of

if TYPE_CHECKING:
    from collections.abc import Mapping

LINTERS: Mapping[str, Linter] = {
    "eslint": eslint.LINTER,
    "biome": biome.LINTER,
    "prettier": formatters.PRETTIER,
    "oxlint": oxlint.LINTER,
    "oxfmt": formatters.OXFMT,
}
WEIGHTS = {"eslint": 12.0, "prettier": 5.0}  # seconds, of some hundred files


def plan(context: Context) -> Plan:
    """Return one check for each linter and package whose script runs it, and the one of forbidden imports."""
    found = linting(context.workspace)
    lints = found.runs
    more, skips = _unused(context, lints)
    groups: dict[tuple[str, str], list[Lint]] = {}
    for lint in (*lints, *more):
        groups.setdefault((_name(lint.run), lint.run.package), []).append(lint)
    checks = [_check(context, name, package, tuple(group)) for (name, package), group in groups.items()]
    forbidden = imports.check(context)
    if forbidden is not None:
        checks.append(forbidden)
    if not checks:
        nothing = Skip(stage="lint", reason="no linter is configured, and no lint script runs one")
        return Plan(checks=(), skips=(nothing, *skips), notices=found.notices)
    return Plan(checks=tuple(checks), skips=skips, notices=found.notices)


def _check(context: Context, name: str, package: str, lints: tuple[Lint, ...]) -> Check:
    linter = _linter(context, name, package)
    timeout = context.settings.stages.lint.timeout
    return Check(
        stage="lint",
        name=name,
        package=package,
        toolchain=context.toolchain(),
        steps=tuple(linter.step(lint.run, index, timeout) for index, lint in enumerate(lints)),
        judge=functools.partial(judge, linter=linter),
        needs=needs_of(context, package) if linter.resolves else (INSTALL,),
        weight=WEIGHTS.get(name, 2.0),
        why="; ".join(dict.fromkeys(lint.why for lint in lints)),
        repeat=" && ".join(dict.fromkeys(_by_hand(lint.run) for lint in lints)),
    )


def _name(run: Invocation) -> str:
    if run.tool == "next":  # `next lint` is ESLint
        return "eslint"
    return run.tool if run.tool in TOOLS else lintcommands.name_of(run)


def _linter(context: Context, name: str, package: str) -> Linter:
    """Return who reads the tool's report; an old Biome has none that could be read."""
    if name == "biome":
        version = context.workspace.version_of(package, "@biomejs/biome")
        if version is not None and not satisfies(version, biome.READABLE):
            return lintcommands.LINTER
    return LINTERS.get(name, lintcommands.LINTER)


def _by_hand(run: Invocation) -> str:
    argv = program(run) if run.tool in TOOLS else lintcommands.command(run)
    return by_hand(run.package if run.opaque else run.cwd, argv, {} if run.opaque else run.environment)


def _unused(context: Context, lints: tuple[Lint, ...]) -> tuple[list[Lint], tuple[Skip, ...]]:
    """Return runs of the linters that are configured and installed but that no script runs.

    A formatter that no script runs is left alone: many configure one for their editors only, and a tree that it
    never formatted is no failure.
    """
    run = {_name(lint.run) for lint in lints}
    waiting: dict[str, list[Tool]] = {}
    for tool in configured(context.workspace):
        if tool.name in LINTERS and tool.name not in run and tool.config is not None and tool.version is not None:
            waiting.setdefault(tool.name, []).append(tool)
    found: list[Lint] = []
    skips: list[Skip] = []
    for name, tools in waiting.items():
        root = [tool for tool in tools if tool.package == "."]
        for tool in root or tools:
            default = LINTERS[name].default
            if default:
                found.append(Lint(run=_default(tool, default), why=f"{tool.config}, and no script runs {name}"))
            else:
                reason = f"{tool.config} configures {name}, but no script runs it"
                skips.append(Skip(stage="lint", name=name, package=tool.package, reason=reason))
    return found, tuple(skips)


def _default(tool: Tool, argv: tuple[str, ...]) -> Invocation:
    return Invocation(
        tool=tool.name, argv=argv, package=tool.package, cwd=tool.package, script="", chain=(), line=" ".join(argv)
    )
