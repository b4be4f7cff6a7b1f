"""Whether every covered package is strict, as its own TypeScript has it: what strict means changed with version 6."""

from __future__ import annotations

import functools
import json
import posixpath
from typing import TYPE_CHECKING, Any

from ci.model import Check, Counts, Execution, Failure, Status, Step, Verdict
from ci.stages.judging import could_not_run, report_of, stopped
from ci.stages.linting import complaint
from ci.stages.typescripts import UNREAD, TypeRun, configs_of, follows_references
from ci.text import count, few

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci.monorepo.workspace import Workspace
    from ci.settings.stages import Typecheck
    from ci.stages.context import Context

REPORT = "strict.json"
MISSING = "there is no such file"  # the compiler itself complains, where it needs one


def check(context: Context, runs: Iterable[TypeRun]) -> tuple[Check, ...]:
    """Return the one check of all packages that some run covers, none where no run names a tsconfig."""
    workspace = context.workspace
    asked: dict[str, bool] = {}
    for each in runs:
        if not each.run.opaque:
            for config in configs_of(workspace, each.run):
                asked[config] = asked.get(config, False) or follows_references(each.run)
    if not asked:
        return ()
    wanted = [{"config": config, "build": build} for config, build in asked.items()]
    settings = context.settings.stages.typecheck
    return (
        Check(
            stage="typecheck",
            name="strict",
            toolchain=context.toolchain(),
            steps=(
                Step(
                    argv=("shipway-strict", "--out", "${SHIPWAY_OUT}/" + REPORT, json.dumps(wanted)),
                    timeout=settings.timeout,
                ),
            ),
            judge=functools.partial(judge, settings=settings, packages=tuple(each.path for each in workspace.packages)),
            needs=context.generated,
            inputs=("**", *UNREAD),  # the sources too: one that selects none is no program of its own
            weight=1.0,
            why=f"what the compiler makes of each tsconfig; strict = {settings.strict!r}",
            repeat=_by_hand(workspace, next(iter(asked))),
        ),
    )


def judge(execution: Execution, *, settings: Typecheck, packages: tuple[str, ...]) -> Verdict:
    """A package is strict when every member of the strict family is on in each of its configurations.

    One that is not is a failure where `strict` is "require" and nothing excepts it, else a warning.
    """
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    (run,) = execution.steps
    answer = report_of(execution, REPORT)
    if not run.succeeded or not isinstance(answer, list):
        reason = f"the strictness could not be read: {complaint(run)}"
        return Verdict(status=Status.ERROR, reason=reason, failures=(Failure(message=reason),))
    unread = tuple(f"{each['config']}: {each['error']}" for each in answer if "error" in each)
    loose = {_owner(each["config"], packages): each for each in reversed(answer) if each.get("off")}
    strict = {_owner(each["config"], packages) for each in answer} - loose.keys()
    excepted = {package for package in loose if _is_excepted(package, settings)}
    notices = [f"strictness not verified: {each}" for each in unread]
    if excepted:
        notices.append(f"not strict yet, as shipway.toml allows: {few(sorted(excepted), most=8)}")
    if done := [path for path in settings.strict_exceptions if path in strict]:
        notices.append(f"strict by now, so shipway.toml need not except them: {few(done, most=8)}")
    wrong = sorted(loose.keys() - excepted)
    counts = Counts(files=len(answer), failed=len(wrong))
    if wrong and settings.strict == "require":
        reason = f"{count(len(wrong), 'package')} not strict: {few(wrong)}"
        failures = tuple(_failure(package, loose[package]) for package in wrong)
        return Verdict(status=Status.FAILED, reason=reason, counts=counts, failures=failures, notices=tuple(notices))
    lost = [each for each in unread if MISSING not in each]
    if lost and settings.strict == "require":
        reason = f"strictness not verified: {lost[0]}"
        failures = tuple(Failure(message=each, rule="strict") for each in lost)
        return Verdict(status=Status.ERROR, reason=reason, counts=counts, failures=failures, notices=tuple(notices))
    notices += [_said(package, loose[package]) for package in wrong]
    counts = Counts(files=len(answer), failed=0, warnings=len(wrong))
    return Verdict(status=Status.PASSED, counts=counts, notices=tuple(notices))


def _failure(package: str, found: dict[str, Any]) -> Failure:
    return Failure(message=_said(package, found), file=found["file"], line=found.get("line"), rule="strict")


def _said(package: str, found: dict[str, Any]) -> str:
    off = found["off"]
    what = "`strict` is off" if found["family"] == len(off) else f"{', '.join(off)} is off"
    where = found["file"] + (f":{found['line']}" if found.get("line") else "")
    return f"{package} is not strict: {what} ({where}, TypeScript {found['typescript']})"


def _owner(config: str, packages: tuple[str, ...]) -> str:
    return max((path for path in packages if config.startswith(f"{path}/")), key=len, default=".")


def _is_excepted(package: str, settings: Typecheck) -> bool:
    return any(package == path or package.startswith(f"{path.rstrip('/')}/") for path in settings.strict_exceptions)


def _by_hand(workspace: Workspace, config: str) -> str:
    package = workspace.owner(config).path
    place = posixpath.relpath(config, package)
    line = f"pnpm exec tsc --showConfig -p {place}"
    return line if package == "." else f"cd {package} && {line}"
