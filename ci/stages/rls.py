"""Row-level security, tried for real on the migrated database by `shipway-rls`."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from ci.model import Check, Counts, Execution, Failure, Skip, Status, Step, Verdict
from ci.stages import database
from ci.stages.judging import could_not_run, failed, report_of, stopped
from ci.text import clean, count, first_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.settings.stages import RowLevelSecurity
    from ci.stages.context import Context

NAME = "rls"
REPORT = "rls.json"
VARIABLE = "SHIPWAY_RLS_CONFIG"
PROGRAM = "3"  # of shipway-rls: part of what a result is re-used by
UNCONFIGURED = (
    "not configured: set [stages.integration.rls] role and set_tenant in shipway.toml, "
    "to have row-level security verified"
)


def plan(context: Context, needs: tuple[str, ...]) -> Check | Skip:
    """Return the check, or why there is none."""
    settings = context.settings.stages.integration
    if settings.rls is None:
        return Skip(stage="integration", name=NAME, reason=UNCONFIGURED)
    migration = database.find_migration(context)
    verify = Step(
        argv=("shipway-rls", "--out", f"${{SHIPWAY_OUT}}/{REPORT}"),
        timeout=settings.timeout,
        environment={VARIABLE: json.dumps(_told(settings.rls), sort_keys=True)},
    )
    return Check(
        stage="integration",
        name=NAME,
        toolchain=database.toolchain(context, rls=PROGRAM),
        steps=(*migration.steps, verify),
        judge=functools.partial(
            judge,
            before=len(migration.steps),
            places=database.declarations(context.workspace),
            scripts=database.scripts(context.workspace),
            seed=settings.rls.seed,
        ),
        needs=needs,
        environment=settings.env,
        secrets=tuple(settings.secrets),
        network=database.network(context),
        services=(database.service_of(context),),
        weight=4,
        why=f"[stages.integration.rls] in shipway.toml; {migration.why}",
        repeat="shipway run . --stage integration",
    )


def judge(
    execution: Execution,
    *,
    before: int,
    places: Mapping[str, tuple[str, int]],
    scripts: tuple[str, ...],
    seed: str | None,
) -> Verdict:
    """Problems are failures, each at the statement that made the table; what could not be tried is an error."""
    if (verdict := database.unavailable(execution)) is not None:
        return verdict
    own = tuple(step for step in execution.steps if not step.background)
    for step in own[:before]:
        if not step.succeeded:
            return stopped(execution) or database.explain(step, execution, scripts=scripts)
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    report = report_of(execution, REPORT)
    step = own[before]
    if not isinstance(report, dict):
        reason = first_line(step.output).removeprefix("shipway-rls: ") or "shipway-rls left no report"
        known = Failure(message=reason, file=seed if seed and "the seed" in reason else None)
        return Verdict(status=Status.ERROR, reason=f"not verified: {reason}", failures=(known,))
    problems = tuple(_problem(problem, places) for problem in report["problems"])
    errors = tuple(Failure(message=_said(error), rule="rls") for error in report["errors"])
    checks = [check for table in report["tables"] for check in table["checks"]]
    counts = Counts(tests=len(checks) + len(report["role"]), failed=len(problems))
    notices = (*_exempt(report), *_surfaces(report), *(_said(note) for note in report["notes"]))
    if problems:
        tables = len({problem["table"] for problem in report["problems"]} - {None})
        where = f" in {count(tables, 'table')}" if tables else ""
        reason = f"{count(len(problems), 'hole')}{where}: {problems[0].message}"
        return Verdict(
            status=Status.FAILED, reason=reason, counts=counts, failures=(*problems, *errors), notices=notices
        )
    if errors:
        reason = f"could not be verified: {errors[0].message}"
        return Verdict(status=Status.ERROR, reason=reason, counts=counts, failures=errors, notices=notices)
    if not step.succeeded:
        return failed(step)
    return Verdict(status=Status.PASSED, counts=counts, notices=notices)


def _told(settings: RowLevelSecurity) -> dict[str, Any]:
    told: dict[str, Any] = {
        "role": settings.role,
        "tenant_column": settings.tenant_column,
        "set_tenant": settings.set_tenant,
        "exempt": dict(settings.exempt),
    }
    if settings.seed is not None:
        told["seed"] = settings.seed
    if settings.tenants is not None:
        told["tenants"] = list(settings.tenants)
    return told


def _problem(problem: Mapping[str, Any], places: Mapping[str, tuple[str, int]]) -> Failure:
    table = str(problem.get("table") or "")
    bare = table.partition("(")[0].rpartition(".")[2].strip('"').lower()
    file, line = places.get(bare, (None, None))
    return Failure(message=_said(problem.get("problem")), file=file, line=line, rule=f"rls/{problem.get('kind')}")


def _exempt(report: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"{_said(table['table'])}: {_said(check['message'])}"
        for table in report["tables"]
        for check in table["checks"]
        if check["name"] == "exempt"
    )


def _surfaces(report: Mapping[str, Any]) -> tuple[str, ...]:
    """List views and functions that look past the policies; one that was seen to leak is a problem already."""
    return tuple(
        f"{_said(entry[kind])}: {_said(entry['message'])}"
        for kind, entries in (("view", report["views"]), ("function", report["functions"]))
        for entry in entries
        if not entry["leaks"]
    )


def _said(text: object) -> str:
    return first_line(clean(str(text)))
