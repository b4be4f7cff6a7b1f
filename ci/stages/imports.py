"""The imports that shipway.toml forbids, held against the graph that dependency-cruiser reads from the sources."""

from __future__ import annotations

import functools
import json
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wcmatch import glob

from ci.config import NAME
from ci.model import Check, Execution, Failure, Step, Verdict
from ci.monorepo.documents import read_text
from ci.stages.judging import could_not_run, report_of, stopped
from ci.stages.linting import Findings, complaint, conclude
from ci.text import count, few
from ci.toml_lines import locate
from ci.toolchains.versions import DEPCRUISE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ci.monorepo.workspace import Package, Workspace
    from ci.settings.stages import ForbiddenImport
    from ci.stages.context import Context

FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.BRACE
REPORT = "imports.json"
RULE = "forbidden-import"
WILD = re.compile(r"[*?\[{]")
TABLE = ("stages", "lint", "forbidden_imports")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One of the `forbidden_imports` as the judge needs it: `line` is that of its `from` and of its `to`.

    `idle` names the one of the two that means no file of the snapshot; a `to` may still mean one that was generated.
    """

    asked: ForbiddenImport
    line: Mapping[str, int | None]
    idle: frozenset[str]


def check(context: Context) -> Check | None:
    """Return the check of all `forbidden_imports`, None where there are none."""
    workspace = context.workspace
    rules = _rules(workspace, context.settings.stages.lint.forbidden_imports)
    if not rules:
        return None
    concerned = [package for package in workspace.packages if any(_concerns(rule.asked, package) for rule in rules)]
    doubtful = {pattern for rule in rules if "to" in rule.idle for pattern in rule.asked.to}
    asked = {
        "packages": [{"path": package.path, "config": _config(workspace, package)} for package in concerned],
        "names": {package.name: package.path for package in workspace.packages if package.path != "."},
        "look": sorted({_literal(pattern) for pattern in doubtful if not pattern.startswith("!")}),
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
        judge=functools.partial(judge, rules=rules),
        needs=context.generated,
        weight=3.0,
        why=f"shipway.toml has {count(len(rules), 'forbidden import')}",
        repeat="shipway run --stage lint",
    )


def judge(execution: Execution, *, rules: tuple[Rule, ...]) -> Verdict:
    """Hold every import against every rule. Imports that lead nowhere are named; a rule that means no file has failed.

    Such a rule forbids nothing, and would be green for ever.
    """
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    (run,) = execution.steps
    answer = report_of(execution, REPORT)
    if not run.succeeded or not isinstance(answer, dict):
        return conclude(execution, [Findings(error=complaint(run))])
    tests = [(rule.asked, matcher(rule.asked.from_), matcher(rule.asked.to)) for rule in rules]
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
    notices = (f"{count(len(lost), 'import')} could not be resolved: {few(lost)}",) if lost else ()
    failures += [failure for rule in rules for failure in _idle(rule, answer["there"])]
    return conclude(execution, [Findings(failures=tuple(failures), files=answer["files"], notices=notices)])


def matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return the test of a path against globs; "!" leaves out. One that ends in a plain name takes what is in it."""
    every = [each for pattern in patterns for each in _with_content(pattern)]
    takes = glob.compile([pattern for pattern in every if not pattern.startswith("!")], flags=FLAGS)
    leaves = [pattern[1:] for pattern in every if pattern.startswith("!")]
    leaving = glob.compile(leaves, flags=FLAGS) if leaves else None
    return lambda path: bool(takes.match(path)) and not (leaving and leaving.match(path))


def _with_content(pattern: str) -> tuple[str, ...]:
    plain = pattern.rstrip("/")
    return (pattern,) if re.search(r"[*?\[]", posixpath.basename(plain)) else (plain, f"{plain}/**")


def _literal(pattern: str) -> str:
    """Return the path in front of a glob's first wildcard."""
    found = WILD.search(pattern)
    return (pattern.rstrip("/") if found is None else posixpath.dirname(pattern[: found.start()])) or "."


def _rules(workspace: Workspace, asked: tuple[ForbiddenImport, ...]) -> tuple[Rule, ...]:
    lines = locate(read_text(workspace.root, NAME)) if asked and NAME in workspace.file_set else {}
    rules = []
    for number, rule in enumerate(asked):
        globs = {"from": rule.from_, "to": rule.to}
        idle = {side for side, patterns in globs.items() if not any(map(matcher(patterns), workspace.files))}
        if any("node_modules" in pattern for pattern in rule.to):
            idle.discard("to")
        line = {side: lines.get((*TABLE, number, side)) for side in globs}
        rules.append(Rule(asked=rule, line=line, idle=frozenset(idle)))
    return tuple(rules)


def _idle(rule: Rule, there: list[str]) -> Iterator[Failure]:
    """Yield what is wrong with a rule that means no file; `there` are those that were made since the snapshot."""
    for side, patterns in (("from", rule.asked.from_), ("to", rule.asked.to)):
        if side in rule.idle and not (side == "to" and any(map(matcher(patterns), there))):
            message = f"`{side}` means no file, so that nothing is forbidden: {', '.join(patterns)}"
            hint = "a glob counts from the workspace's root"
            yield Failure(message=f"{message} ({hint})", file=NAME, line=rule.line[side], rule=RULE)


def _failure(rule: ForbiddenImport, file: str, line: int | None, specifier: str, target: str) -> Failure:
    return Failure(message=f"must not import {specifier} ({target}): {rule.why}", file=file, line=line, rule=RULE)


def _concerns(rule: ForbiddenImport, package: Package) -> bool:
    test = matcher(rule.from_)
    return any(test(file) for file in package.files)


def _config(workspace: Workspace, package: Package) -> str | None:
    """Return the tsconfig that knows the package's path aliases: its own, else the root's."""
    own = package.within("tsconfig.json")
    return next((file for file in (own, "tsconfig.json") if file in workspace.file_set), None)
