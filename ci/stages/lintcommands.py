"""Linters of which only the exit code can be read, and script lines that only a shell understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.model import Execution, Failure, Step
from ci.stages.judging import ended, local, shown, tail
from ci.stages.linting import NODE, Findings, Linter, complaint, program

if TYPE_CHECKING:
    from ci.monorepo.scripts import Invocation


def name_of(invocation: Invocation) -> str:
    """Return a name for the check: the tool's, or the script's where there is none or it is Node itself."""
    return invocation.script if invocation.opaque or invocation.tool in NODE else invocation.tool


def command(invocation: Invocation) -> tuple[str, ...]:
    """Return its argv; a line that cannot be read is left to the package manager."""
    return ("pnpm", "run", invocation.script) if invocation.opaque else program(invocation)


def step(invocation: Invocation, _index: int, timeout: float) -> Step:
    """Return the run as the repository has it."""
    return Step(
        argv=command(invocation),
        cwd=invocation.package if invocation.opaque else invocation.cwd,
        environment={} if invocation.opaque else invocation.environment,
        timeout=timeout,
        keep_going=True,
    )


def read(execution: Execution, index: int) -> Findings:
    """The exit code decides; the output's end goes along."""
    run = execution.steps[index]
    if run.succeeded:
        return Findings()
    message = f"{shown(run.argv)}: {ended(run)}: {complaint(run, skip=('>', '$'))}"
    return Findings(failures=(Failure(message=local(message, execution), detail=tail(local(run.output, execution))),))


LINTER = Linter(name="command", step=step, read=read, resolves=True)
