"""size-limit, where a package configures it: its own limits, its own way to measure."""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import TYPE_CHECKING

from ci.model import Check, Counts, Execution, Failure, Measure, Status, Step, Verdict
from ci.stages.bundles import KIND, size
from ci.stages.judging import could_not_run, ended, local, report_of, stopped, tail
from ci.text import clean, first_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.model import CheckRun
    from ci.monorepo.workspace import Package
    from ci.stages.context import Context

REPORT = "size-limit.json"
CONFIG = re.compile(r"\.size-limit(?:\.(?:json|[cm]?[jt]s))?")


def checks(context: Context) -> tuple[Check, ...]:
    """Return a check per package that configures size-limit."""
    return tuple(
        _check(context, package, config) for package in context.workspace.packages if (config := _config(package))
    )


def _config(package: Package) -> str | None:
    """Return the file that configures it, from the workspace's root."""
    if isinstance(package.manifest.get("size-limit"), list):
        return package.within("package.json")
    return next((package.within(name) for name in sorted(package.own) if CONFIG.fullmatch(name)), None)


def _check(context: Context, package: Package, config: str) -> Check:
    group = f"{package.path} size-limit" if package.path != "." else "size-limit"
    baseline = {
        name: measure.value for (kind, of, name), measure in context.baseline.items() if (kind, of) == (KIND, group)
    }
    here = "" if package.path == "." else f"cd {package.path} && "
    return Check(
        stage="audit",
        name="size-limit",
        package=package.path,
        toolchain=context.toolchain(),
        steps=(
            Step(
                argv=("size-limit", "--json"),
                cwd=package.path,
                stdout=REPORT,
                timeout=context.settings.stages.audit.timeout,
            ),
        ),
        judge=functools.partial(judge, config=config, group=group, baseline=baseline),
        stands=functools.partial(stands, baseline=baseline),
        needs=context.built,
        weight=2,
        why=f"{config} configures it",
        repeat=f"{here}pnpm exec size-limit",
    )


def judge(execution: Execution, *, config: str, group: str, baseline: Mapping[str, float]) -> Verdict:
    """size-limit's own verdict on each of its entries, with its numbers."""
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    step = execution.steps[-1]
    report = report_of(execution, REPORT)
    if not isinstance(report, list) or not all(isinstance(entry, dict) for entry in report):
        said = report.get("error") if isinstance(report, dict) else None
        text = local(clean(str(said or step.output)), execution)
        reason = first_line(text) or f"size-limit: {ended(step)}"
        status = Status.ERROR if step.succeeded else Status.FAILED
        return Verdict(
            status=status, reason=reason, failures=(Failure(message=reason, file=config, detail=tail(text)),)
        )
    if not report:
        return Verdict(status=Status.ERROR, reason=f"{config} names nothing for size-limit to weigh")
    # Where it finds no files it says "passed", and exits with 1.
    empty = [entry for entry in report if entry.get("size") == 0]
    measures = tuple(
        Measure(
            name=first_line(str(entry.get("name", index))),
            value=float(entry["size"]),
            unit="bytes",
            group=group,
            kind=KIND,
            limit=entry.get("sizeLimit"),
            baseline=baseline.get(first_line(str(entry.get("name", index)))),
            ok=entry.get("passed"),
        )
        for index, entry in enumerate(report)
        if isinstance(entry.get("size"), int | float) and entry not in empty
    )
    failures = tuple(_failure(entry, config) for entry in report if entry.get("passed") is False or entry in empty)
    if not failures and not step.succeeded:
        failures = (Failure(message=f"size-limit: {ended(step)}", file=config, detail=tail(step.output)),)
    counts = Counts(files=len(report), failed=len(failures))
    if failures:
        return Verdict(
            status=Status.FAILED, reason=failures[0].message, counts=counts, failures=failures, measures=measures
        )
    return Verdict(status=Status.PASSED, counts=counts, measures=measures)


def stands(kept: CheckRun, *, baseline: Mapping[str, float]) -> CheckRun:
    """Show kept sizes beside the last green run as it is now; only size-limit's own limits decide."""
    measures = (dataclasses.replace(measure, baseline=baseline.get(measure.name)) for measure in kept.measures)
    return dataclasses.replace(kept, measures=tuple(measures))


def _failure(entry: Mapping[str, object], config: str) -> Failure:
    name, found, limit = first_line(str(entry.get("name"))), entry.get("size"), entry.get("sizeLimit")
    if found == 0:
        message = f"{name}: size-limit finds no files to weigh"
    elif isinstance(found, int | float) and isinstance(limit, int | float):
        message = f"{name} weighs {size(found)}, {size(found - limit)} over its limit of {size(limit)}"
    else:
        message = f"{name} is over its limit"
    return Failure(message=message, file=config, rule="size-limit")
