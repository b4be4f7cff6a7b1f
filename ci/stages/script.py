"""Any other test command: it is run as it is, and its exit code is all that is known."""

from __future__ import annotations

import re

from ci.model import Execution, Failure, Step, StepRun
from ci.stages.judging import ended, local, tail
from ci.stages.testresults import Case, Results, Run
from ci.text import first_line

WORDS = re.compile(r"\w\w")  # a line of carets and braces says nothing


def step(run: Run, timeout: float) -> Step:
    """Return the step."""
    return Step(argv=run.argv, cwd=run.cwd, timeout=timeout, environment=run.environment, keep_going=True)


def narrowed(run: Run, _cases: tuple[Case, ...]) -> Run:
    """Return the same: its tests are not known."""
    return run


def read(run: Run, step_run: StepRun, execution: Execution) -> Results:
    """Take the exit code for the result."""
    name = f"scripts.{run.script} of {run.package}" if run.script else " ".join(run.argv[:2])
    notices = (f"test counts are not available from {name}",)
    if step_run.succeeded:
        return Results(notices=notices, tells=False)
    lines = [line for line in step_run.output.splitlines() if WORDS.search(line)]
    telling = (line for word in ("rror", "arning") for line in lines if word in line)
    told = next(telling, lines[-1] if lines else "it said nothing")
    failure = Failure(
        message=local(f"{ended(step_run)}: {first_line(told)}", execution),
        detail=tail(local(step_run.output, execution)),
    )
    return Results(failures=(failure,), lasting=(failure,), notices=notices, tells=False)


def reported(_run: Run, _execution: Execution) -> bool:
    """Return True: it has no report of its own to miss."""
    return True
