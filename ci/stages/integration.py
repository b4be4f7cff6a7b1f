"""Stage 5, integration: tests on a real Postgres, and row-level security tried with two tenants."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

from ci.model import Check, Plan, Skip
from ci.monorepo.testconfigs import INTEGRATION
from ci.stages import database, rls, testkinds, testruns, testverdicts, unit
from ci.stages.reach import inputs_of
from ci.stages.testkinds import Kinds
from ci.stages.testresults import Run
from ci.stages.testruns import Trial
from ci.stages.testscripts import INTEGRATION_SCRIPTS, KNOWN, select
from ci.text import count

if TYPE_CHECKING:
    from ci.model import Execution, Step, StepRun, Verdict
    from ci.stages.context import Context

STAGE = "integration"
PER_FILE = 0.5  # seconds, on two cores


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """The commands of the integration tests, what must run before them, and why these."""

    runs: tuple[Run, ...] = ()
    before: tuple[Step, ...] = ()
    why: str = ""
    notices: tuple[str, ...] = ()


def plan(context: Context) -> Plan:
    """Return one check for all integration tests, so that `require` looks at all of them, and one for the policies."""
    kinds = Kinds(context.workspace)
    found = find(context, kinds)
    packages = tuple(dict.fromkeys(run.package for run in found.runs)) or (".",)
    policies = rls.plan(context, unit.needs(context, ("." if len(packages) > 1 else packages[0],)))
    checks = [policies] if isinstance(policies, Check) else []
    skips = [policies] if isinstance(policies, Skip) else []
    if found.runs:
        checks.insert(0, _check(context, found, packages))
    elif isinstance(policies, Check):
        skips.append(Skip(stage=STAGE, name="vitest", reason=_nothing(kinds)))
    else:
        skips.insert(0, Skip(stage=STAGE, reason=_nothing(kinds)))
    return Plan(checks=tuple(checks), skips=tuple(skips), notices=found.notices)


def find(context: Context, kinds: Kinds) -> Found:
    """Return the integration tests: of the settings, else of scripts called so, else Vitest projects and files."""
    workspace, settings = context.workspace, context.settings.stages.integration
    if settings.projects:
        run = Run(
            tool="vitest",
            argv=("vitest", "run", *(f"--project={name}" for name in settings.projects)),
            cwd=".",
            package=".",
            key="vitest-0",
            version=workspace.version_of(".", "vitest"),
        )
        return Found(runs=(testkinds.with_files(kinds, run, INTEGRATION),), why="shipway.toml names its projects")
    scripts = select(workspace, INTEGRATION_SCRIPTS, integration=True)
    if scripts.groups:
        runs = [
            testkinds.with_files(kinds, dataclasses.replace(run, key=f"{group.tool}-{number}"), INTEGRATION)
            for number, (group, run) in enumerate((group, run) for group in scripts.groups for run in group.runs)
        ]
        return Found(
            runs=tuple(runs),
            before=tuple(step for group in scripts.groups for step in group.before),
            why="; ".join(group.why for group in scripts.groups),
            notices=scripts.notices,
        )
    bases = tuple(run for group in unit.chosen(context, kinds).groups for run in group.runs if run.tool in KNOWN)
    runs = list(testkinds.integration(kinds, bases))
    return Found(runs=tuple(runs), why="Vitest projects and files whose names say integration")


def _check(context: Context, found: Found, packages: tuple[str, ...]) -> Check:
    settings = context.settings.stages.integration
    service = database.service_of(context)
    migration = database.find_migration(context)
    runs = tuple(
        dataclasses.replace(run, environment=database.with_ours(run.environment, service)) for run in found.runs
    )
    done = {(step.argv, step.cwd) for step in found.before}
    before = (*found.before, *(step for step in migration.steps if (step.argv, step.cwd) not in done))
    explain = functools.partial(_explain, builds=len(found.before), scripts=database.scripts(context.workspace))
    trial = Trial(runs=runs, before=len(before), required=settings.require, explain=explain)
    tools = {run.tool for run in runs}
    package = packages[0] if len(packages) == 1 else "."
    steps = (
        *(
            dataclasses.replace(
                step, timeout=settings.timeout, environment=database.with_ours(step.environment, service)
            )
            for step in before
        ),
        *testruns.steps(trial, settings.timeout),
    )
    check = Check(
        stage=STAGE,
        name=tools.pop() if len(tools) == 1 else "tests",
        package=package,
        toolchain=database.toolchain(context),
        steps=steps,
        judge=testverdicts.unjudged,
        needs=unit.needs(context, packages),
        inputs=("**",) if migration.steps else inputs_of(context.workspace, package, steps=steps),
        environment=settings.env,
        secrets=tuple(settings.secrets),
        network=database.network(context),
        services=(service,),
        weight=4 + PER_FILE * len({file for run in runs for file in run.files}),
        why=f"{found.why}; {migration.why}",
        repeat=testruns.repeat(runs[0]),
    )
    return dataclasses.replace(check, judge=functools.partial(judge, check=check, trial=trial))


def judge(execution: Execution, *, check: Check, trial: Trial) -> Verdict:
    """Judge as any tests, once Postgres was there."""
    return database.unavailable(execution) or testverdicts.judge(execution, check=check, trial=trial)


def _explain(step: StepRun, execution: Execution, *, builds: int, scripts: tuple[str, ...]) -> Verdict:
    own = [each for each in execution.steps if not each.background]
    if own.index(step) < builds:
        return testverdicts.preparation(step, execution)
    return database.explain(step, execution, scripts=scripts)


def _nothing(kinds: Kinds) -> str:
    files = sum(test.kind == INTEGRATION for test in kinds.tests)
    if files:
        return f"no runner is found for {count(files, 'integration test file')}"
    return "no integration tests: no script, Vitest project or file is called so"
