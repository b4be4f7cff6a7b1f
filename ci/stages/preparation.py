"""What several stages need before they can look: generated code, and the apps built.

A preparation runs once; every check that needs it finds its outputs in its own tree. It is shown under the
first stage that needs it, and its failure makes that stage red.
"""

from __future__ import annotations

import dataclasses

from ci.model import Check, Execution, Status, Step, Verdict
from ci.stages.context import Context
from ci.stages.judging import could_not_run, failed, local, stopped, tail

# Where the usual bundlers put a build.
BUILD_OUTPUTS = ("**/dist", "**/build", "**/out", "**/.next", "**/.output", "**/.svelte-kit", "**/.astro")


def prepare(context: Context) -> Context:
    """Return the context with its preparations."""
    return dataclasses.replace(context, build=_build(context))


def checks(context: Context) -> tuple[Check, ...]:
    """Return all preparations, in order."""
    return (*context.generation, *(() if context.build is None else (context.build,)))


def _build(context: Context) -> Check | None:
    """Return the check that builds the apps: by the settings, else by the root's own `build` script."""
    settings = context.settings.stages
    chosen = settings.audit.build or settings.e2e.build
    root = context.workspace.packages[0]
    if chosen is None and "build" not in root.scripts:
        return None
    return Check(
        stage="audit",
        name="build",
        toolchain=context.toolchain(),
        steps=(Step(argv=chosen or ("pnpm", "run", "build"), timeout=settings.audit.timeout),),
        judge=judge,
        needs=context.generated,
        outputs=settings.e2e.outputs or BUILD_OUTPUTS,
        weight=6,
        why="shipway.toml names it" if chosen else "package.json has a script `build`",
        repeat=" ".join(chosen or ("pnpm", "run", "build")),
    )


def judge(execution: Execution) -> Verdict:
    """A preparation is green when its commands ended with 0."""
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    for step in execution.steps:
        if not step.succeeded:
            verdict = failed(step)
            return dataclasses.replace(
                verdict,
                failures=tuple(
                    dataclasses.replace(failure, detail=tail(local(failure.detail or "", execution)))
                    for failure in verdict.failures
                ),
            )
    return Verdict(status=Status.PASSED)
