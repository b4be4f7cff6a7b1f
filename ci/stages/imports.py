"""The imports that shipway.toml forbids, held against the graph that dependency-cruiser reads from the sources."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

from wcmatch import glob

from ci.model import Check, Execution, Failure, Step, Verdict
from ci.stages.judging import could_not_run, report_of, stopped
from ci.stages.linting import Findings, complaint, conclude
from ci.text import count, few
from ci.toolchains.versions import DEPCRUISE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.monorepo.workspace import Package, Workspace
    from ci.settings import ForbiddenImport
    from ci.stages.context import Context

FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.BRACE
REPORT = "imports.json"
RULE = "forbidden-import"


def check(context: Context) -> Check | None:
    """Return the check of all `forbidden_imports`, None where there are none or no file is meant."""
    rules = context.settings.stages.lint.forbidden_imports
    workspace = context.workspace
    concerned = [package for package in workspace.packages if any(_concerns(rule, package) for rule in rules)]
    if not rules:
        return None
    idle = tuple(", ".join(rule.from_) for rule in rules if not any(_concerns(rule, package) for package in concerned))
    asked = {
        "packages": [{"path": package.path, "config": _config(workspace, package)} for package in concerned],
        "names": {package.name: package.path for package in workspace.packages if package.path != "."},
    }
    return Check(
        stage="lint",
        name="imports",
        toolchain=context.toolchain(depcruise=DEPCRUISE),
        steps=(
            Step(
                argv=("shipway-imports", "--out", "${SHIPWAY_OUT}/" + REPORT, json.dumps(asked)),
                timeout=context.settings.stages.lint.timeout,
            ),
        ),
        judge=functools.partial(judge, rules=rules, idle=idle),
        needs=context.generated,
        weight=3.0,
        why=f"shipway.toml has {count(len(rules), 'forbidden import')}",
        repeat="shipway run --stage lint",
    )


def judge(execution: Execution, *, rules: tuple[ForbiddenImport, ...], idle: tuple[str, ...]) -> Verdict:
    """Hold every import against every rule. Named are imports that lead nowhere and rules that mean no file."""
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    (run,) = execution.steps
    answer = report_of(execution, REPORT)
    if not run.succeeded or not isinstance(answer, dict):
        return conclude(execution, [Findings(error=complaint(run))])
    tests = [(rule, matcher(rule.from_), matcher(rule.to)) for rule in rules]
    failures = [
        _failure(rule, *found)
        for found in answer["imports"]
        for rule, source, target in tests
        if source(found[0]) and target(found[3])
    ]
    lost = [
        f"{file}:{line} ({specifier})"
        for file, line, specifier in answer["unresolved"]
        if any(test[1](file) for test in tests)
    ]
    notices = tuple(f"no file is meant by forbidden_imports from {globs}" for globs in idle)
    if lost:
        notices += (f"{count(len(lost), 'import')} could not be resolved: {few(lost)}",)
    return conclude(execution, [Findings(failures=tuple(failures), files=answer["files"], notices=notices)])


def matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return the test of a path against globs; "!" leaves out."""
    takes = glob.compile([pattern for pattern in patterns if not pattern.startswith("!")], flags=FLAGS)
    leaves = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    leaving = glob.compile(leaves, flags=FLAGS) if leaves else None
    return lambda path: bool(takes.match(path)) and not (leaving and leaving.match(path))


def _failure(rule: ForbiddenImport, file: str, line: int | None, specifier: str, target: str) -> Failure:
    return Failure(message=f"must not import {specifier} ({target}): {rule.why}", file=file, line=line, rule=RULE)


def _concerns(rule: ForbiddenImport, package: Package) -> bool:
    test = matcher(rule.from_)
    return any(test(file) for file in package.files)


def _config(workspace: Workspace, package: Package) -> str | None:
    """Return the tsconfig that knows the package's path aliases: its own, else the root's."""
    own = package.within("tsconfig.json")
    return next((file for file in (own, "tsconfig.json") if file in workspace.file_set), None)
