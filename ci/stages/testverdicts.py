"""How checks of test runners are judged, and the second look at the tests that failed."""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import TYPE_CHECKING

from ci.model import Check, Counts, Execution, Failure, Status, StepRun, Verdict
from ci.stages import testreach
from ci.stages.judging import could_not_run, ended, failed, local, tail
from ci.stages.testresults import FAILED, SKIPPED, Case, Results, Run, joined
from ci.stages.testruns import RUNNERS, Trial, repeat, steps
from ci.stages.testscripts import values
from ci.text import count, first_line

if TYPE_CHECKING:
    from collections.abc import Sequence

ALONE = 60  # failed tests; with more of them something is broken, not flaky
SHOWN = 3
WORD = re.compile(r"[^\W_]+")
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # rlsPolicies, RLSPolicies


def unjudged(_execution: Execution) -> Verdict:
    """Stand in for the judge of a check that is being made: the real one holds the check itself."""
    raise AssertionError


def judge(execution: Execution, *, check: Check, trial: Trial) -> Verdict:
    """Judge the tests. `check` is the check as planned; the second look is made of it."""
    own = tuple(step for step in execution.steps if not step.background)
    for step in own[: trial.before]:
        if not step.succeeded:
            return could_not_run(execution) or (trial.explain or preparation)(step, execution)
    ran = own[trial.before :]
    if (broken := _unfinished(execution, trial, ran)) is not None:
        return broken
    results = _read(trial, ran, execution)
    if results.unusable is not None:
        return Verdict(status=Status.ERROR, reason=results.unusable, failures=(Failure(message=results.unusable),))
    failures = (*results.failures, *_silent(trial, ran, execution, results), *_nothing(trial, results, execution))
    missing = _absent(trial, results)
    verdict = _verdict(results, (*failures, *missing))
    verdict = dataclasses.replace(
        verdict, notices=(*verdict.notices, *_not_taken(trial, results)), executed=results.ids
    )
    second = None if missing or len(failures) > len(results.failures) else _second(check, trial, results, verdict)
    return dataclasses.replace(verdict, second=second)


def again(execution: Execution, *, first: Verdict, cases: tuple[Case, ...], trial: Trial) -> Verdict:
    """Judge a second run of the failed tests alone: what passes now is flaky, what fails again has failed."""
    first = dataclasses.replace(first, second=None)
    own = tuple(step for step in execution.steps if not step.background)[trial.before :]
    if len(own) < len(trial.runs) or _unfinished(execution, trial, own) is not None:
        return first
    results = _read(trial, own, execution)
    red = {(case.file, case.name) for case in results.cases if case.status == FAILED}
    red |= {(case.file, "") for case in (*results.broken, *results.cases) if case.status == FAILED}
    passed = {(case.file, name) for case in results.executed for name in (case.name, "")} - red
    flaky = tuple(case for case in cases if (case.file, case.name) in passed)
    if not flaky:
        return first
    names = _names(flaky)
    counts = dataclasses.replace(first.counts, failed=len(cases) - len(flaky), flaky=len(flaky))
    notice = f"flaky: {names} failed, then passed when run alone"
    if len(flaky) == len(cases) and not results.failures:
        reason = f"{count(len(flaky), 'test')} failed and then passed when run alone: {names}"
        return dataclasses.replace(first, status=Status.FLAKY, reason=reason, counts=counts)
    gone = {case.name for case in flaky} - {case.name for case in cases if case not in flaky}
    left = tuple(failure for failure in first.failures if failure.test not in gone)
    return dataclasses.replace(
        first, reason=_reason(left, counts), counts=counts, failures=left, notices=(*first.notices, notice)
    )


def _unfinished(execution: Execution, trial: Trial, ran: tuple[StepRun, ...]) -> Verdict | None:
    """Return the verdict where a command has no result: not started, ended from outside, no report."""
    for run, step in zip(trial.runs, ran, strict=False):
        if RUNNERS[run.tool].reported(run, execution) and not step.timed_out:
            continue
        if (verdict := could_not_run(dataclasses.replace(execution, steps=(step,)))) is not None:
            return verdict
        if step.timed_out or step.signal is not None:
            return preparation(step, execution, reason=f"{_named(run)} {ended(step)}")
        results = RUNNERS[run.tool].read(run, step, execution)
        if results.unusable is not None or results.failures:
            continue
        if step.succeeded:
            return Verdict(status=Status.ERROR, reason=f"{_named(run)} ended with 0 and left no report")
        if "No test files found" in step.output or "No tests found" in step.output:
            continue
        message = _complaint(step)
        failure = Failure(message=local(message, execution), detail=tail(local(step.output, execution)))
        return Verdict(status=Status.FAILED, reason=f"{_named(run)}: {failure.message}", failures=(failure,))
    if len(ran) < len(trial.runs):
        return Verdict(status=Status.ERROR, reason=f"{trial.runs[len(ran)].tool} was not reached")
    return None


def _silent(trial: Trial, ran: tuple[StepRun, ...], execution: Execution, results: Results) -> tuple[Failure, ...]:
    """Return a failure for a command that ended red though it reports nothing that is wrong."""
    if results.failures:
        return ()
    return tuple(
        Failure(message=local(_complaint(step), execution), detail=tail(local(step.output, execution)))
        for run, step in zip(trial.runs, ran, strict=True)
        if not step.succeeded and RUNNERS[run.tool].reported(run, execution) and results.executed
    )


def _nothing(trial: Trial, results: Results, execution: Execution) -> tuple[Failure, ...]:
    """Return the failure of having executed no test at all although there are test files."""
    if not results.tells or results.executed or results.failures:
        return ()
    files = tuple(dict.fromkeys(file for run in trial.runs for file in run.files)) or results.files
    if not files:
        return ()
    left_out = f": all {len(results.cases)} are skipped" if results.cases else ""
    named = ", ".join(files[:SHOWN]) + (", ..." if len(files) > SHOWN else "")
    output = "\n".join(step.output for step in execution.steps if not step.background)
    return (
        Failure(
            message=f"0 tests ran{left_out} although there are test files: {named}",
            file=files[0],
            detail=tail(local(output, execution)),
        ),
    )


def _absent(trial: Trial, results: Results) -> tuple[Failure, ...]:
    """Return a failure for each required suite of which no test ran: its name stands in whole words, not in "urls"."""
    executed = [f"{case.file} {case.name}" for case in results.executed]
    ran = {case.run for case in results.executed}
    projects = [value for run in trial.runs if run.key in ran for value in values(run.argv, "--project")]
    return absent((*executed, *projects), trial.required)


def absent(executed: Sequence[str], required: tuple[str, ...]) -> tuple[Failure, ...]:
    """Return a failure for each required suite that is named by nothing of what tells the tests that ran."""
    told = [written for text in executed for written in _words(text)]
    return tuple(
        Failure(message=f"required suite {name!r} ran no test", rule="require")
        for name in required
        if not any(wanted in text for text in told for wanted in _words(name))
    )


def _words(text: str) -> tuple[str, ...]:
    """Return the text's words, each between spaces: as they are written, and with camelCase taken apart."""
    return tuple(f" {' '.join(WORD.findall(each)).lower()} " for each in (text, HUMP.sub(" ", text)))


def _not_taken(trial: Trial, results: Results) -> tuple[str, ...]:
    """Name the test files that no command took up; where tests ran as a build wrote them, that is not known."""
    files = set(results.files)
    if any(run.tool == "node-test" for run in trial.runs):  # which does not tell them
        return testreach.not_taken(trial.expected)
    known = results.tells and files and files <= trial.present
    return testreach.not_taken([file for file in trial.expected if file not in files]) if known else ()


def _verdict(results: Results, failures: tuple[Failure, ...]) -> Verdict:
    flaky = tuple(case for case in results.executed if case.retried)
    counts = Counts(
        tests=len(results.executed) if results.tells else None,
        failed=sum(case.status == FAILED for case in results.executed) if results.tells else None,
        skipped=sum(case.status == SKIPPED for case in results.cases) if results.tells else None,
        flaky=len(flaky) if results.tells else None,
    )
    if failures:
        return Verdict(
            status=Status.FAILED,
            reason=_reason(failures, counts),
            counts=counts,
            failures=failures,
            notices=results.notices,
        )
    if flaky:
        reason = f"{count(len(flaky), 'test')} passed only when tried again: {_names(flaky)}"
        return Verdict(status=Status.FLAKY, reason=reason, counts=counts, notices=results.notices)
    if results.tells and not results.executed:
        return Verdict(status=Status.SKIPPED, reason="no test files", counts=counts, notices=results.notices)
    return Verdict(status=Status.PASSED, counts=counts, notices=results.notices)


def _reason(failures: tuple[Failure, ...], counts: Counts) -> str:
    if counts.failed and counts.tests:
        others = len(failures) - counts.failed
        beside = f", and {count(others, 'error')} beside them" if others > 0 else ""
        return f"{counts.failed} of {count(counts.tests, 'test')} failed{beside}"
    more = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
    where = f"{failures[0].file}: " if failures[0].file and failures[0].rule is None else ""
    return (
        f"{where}{failures[0].message}{more}" if not failures[0].message.startswith("0 tests") else failures[0].message
    )


def _second(check: Check, trial: Trial, results: Results, verdict: Verdict) -> Check | None:
    """Return the check that runs the failed tests alone, where a second run can tell more."""
    red = (*(case for case in results.cases if case.status == FAILED), *results.broken)
    retried = results.retries or any("--retry" in word for run in trial.runs for word in run.argv)
    if not red or retried or len(red) > ALONE or results.lasting or not results.tells:
        return None
    shares = ((run, tuple(case for case in red if case.run == run.key)) for run in trial.runs)
    mine = [(run, cases) for run, cases in shares if cases]
    alone = dataclasses.replace(trial, runs=tuple(RUNNERS[run.tool].narrowed(run, cases) for run, cases in mine))
    first, cases = mine[0]
    files = tuple(dataclasses.replace(case, titles=()) for case in cases)
    return dataclasses.replace(
        check,
        steps=(*check.steps[: trial.before], *steps(alone, check.steps[trial.before].timeout)),
        judge=functools.partial(again, first=verdict, cases=red, trial=alone),
        repeat=repeat(RUNNERS[first.tool].narrowed(first, files)),
    )


def _read(trial: Trial, ran: tuple[StepRun, ...], execution: Execution) -> Results:
    """Read what all commands reported, each case marked with the command that ran it."""
    return joined(
        dataclasses.replace(
            each,
            cases=tuple(dataclasses.replace(case, run=run.key) for case in each.cases),
            broken=tuple(dataclasses.replace(case, run=run.key) for case in each.broken),
        )
        for run, step in zip(trial.runs, ran, strict=False)
        for each in (RUNNERS[run.tool].read(run, step, execution),)
    )


def preparation(step: StepRun, execution: Execution, *, reason: str | None = None) -> Verdict:
    """Return the verdict on a command that failed before it reported anything."""
    output = tail(local(step.output, execution))
    verdict = failed(step, reason=reason)
    return dataclasses.replace(verdict, failures=(Failure(message=verdict.reason or "", detail=output),))


def _named(run: Run) -> str:
    return run.tool if run.package == "." else f"{run.tool} in {run.package}"


def _complaint(step: StepRun) -> str:
    lines = [line.strip() for line in step.output.splitlines() if line.strip()]
    told = (line for line in lines if "rror" in line and not line.startswith(("at ", "\u276f", "\u23af")))
    return first_line(next(told, lines[-1] if lines else ended(step)))


def _names(cases: tuple[Case, ...]) -> str:
    shown = ", ".join(case.name or case.file for case in cases[:SHOWN])
    return shown + (f" and {len(cases) - SHOWN} more" if len(cases) > SHOWN else "")
