"""Commands of test runners: which runners are known, the steps that run them, how a person repeats one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ci.stages import jest, nodetest, script, vitest
from ci.stages.linting import by_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Execution, Step, StepRun, Verdict
    from ci.stages.testresults import Case, Results, Run


class Runner(Protocol):
    """A test runner that Shipway knows: what to run, what it did, how to run some of its tests alone."""

    def step(self, run: Run, timeout: float) -> Step:
        """Return the step with our report options."""
        ...

    def read(self, run: Run, ended: StepRun, execution: Execution) -> Results:
        """Read what the command reported."""
        ...

    def reported(self, run: Run, execution: Execution) -> bool:
        """Whether it reported at all."""
        ...

    def narrowed(self, run: Run, cases: tuple[Case, ...]) -> Run:
        """Return the command for these tests alone."""
        ...


RUNNERS: Mapping[str, Runner] = {"vitest": vitest, "jest": jest, "node-test": nodetest, "script": script}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a judge of tests must know of its check.

    `before` is the number of steps before the first test command; `explain` makes a verdict of one of them that
    failed. `required` are names of suites that must have executed a test. `expected` are test files that nothing else
    takes up, and `present` the files of the repository, by which files are known that a build wrote.
    """

    runs: tuple[Run, ...]
    before: int = 0
    required: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    present: frozenset[str] = frozenset()
    explain: Callable[[StepRun, Execution], Verdict] | None = None


def steps(trial: Trial, timeout: float) -> tuple[Step, ...]:
    """Return the steps of the commands."""
    made = ((run, RUNNERS[run.tool].step(run, timeout)) for run in trial.runs)
    return tuple(dataclasses.replace(step, argv=(*run.launcher, *step.argv)) for run, step in made)


def repeat(run: Run) -> str:
    """Return the shortest command that repeats it from the repository's root."""
    return by_hand(run.cwd, (*run.launcher, *run.argv), run.environment)
