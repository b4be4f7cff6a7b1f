"""Playwright: one check per configuration, judged by the tests that really ran.

The command `shipway-playwright` asks the project's own Playwright what there is, runs tier 1 of it in the browsers
that can be had, and leaves one document, `playwright.json`.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.model import Check, Counts, Execution, Failure, Status, Step, Verdict
from ci.stages import testverdicts
from ci.stages.database import explain, unavailable
from ci.stages.judging import could_not_run, failed, local, report_of, stopped, tail
from ci.stages.playwright_findings import (
    NAMED,
    cut_off,
    error_of,
    failure_of,
    id_of,
    lacks_browser,
    left_out,
    missing_browsers,
    name_of,
    names_of,
    tools_of,
)
from ci.stages.serving import complaint, said
from ci.stages.testresults import told_apart
from ci.text import clean, count, first_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.stages.suites import Suite

REPORT = "playwright.json"
PROGRAM = "shipway-playwright"
NO_SERVER = re.compile(r"config\.webServer|webServer|is already used, make sure that nothing is running")
NOTHING = "No tests found"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a judge knows of the check besides its execution: enough to ask for the failed tests alone.

    `blank` makes the check when it is given `steps`, `judge` and `repeat`; `before` are the steps ahead of the tests.
    """

    suite: Suite
    blank: Callable[..., Check]
    before: tuple[Step, ...]
    tags: tuple[str, ...]
    timeout: float
    scripts: tuple[str, ...] = ()  # the workspace's SQL files, to say where a migration failed
    require: tuple[str, ...] = ()  # names of suites of which a test must have run
    first: Verdict | None = None
    again: tuple[str, ...] = ()  # ids of the tests that are run a second time


def check(run: Run) -> Check:
    """Return the check of one suite."""
    tagged = run.tags if run.suite.tagged else ()
    return run.blank(
        steps=(*run.before, _step(run)), judge=functools.partial(judge, run=run), repeat=_repeat(run.suite, tags=tagged)
    )


def judge(execution: Execution, *, run: Run) -> Verdict:
    """Count the tests that ran; where some failed that were tried once only, ask for these alone."""
    report = report_of(execution, REPORT)
    if not isinstance(report, dict):
        return _without_report(execution, run)
    errors = tuple(dict.fromkeys(error_of(error, execution) for error in report["errors"]))
    if not report["ran"]:
        return _not_started(report, errors, run, execution)
    verdict = dataclasses.replace(_counted(report, errors, run, execution), tools=tools_of(report))
    return verdict if run.first is None else _after_second(report, verdict, run.first, run)


def _without_report(execution: Execution, run: Run) -> Verdict:
    """Say what was in the way: the database, its migration, or the tool itself."""
    verdict = unavailable(execution)
    broken = next((step for step in execution.steps if not step.succeeded and not step.background), None)
    if verdict is None and broken is not None and broken.argv[0] != PROGRAM:
        verdict = stopped(execution) or explain(broken, execution, scripts=run.scripts)
    verdict = verdict or could_not_run(execution) or stopped(execution)
    if verdict is not None:
        return verdict
    last = execution.steps[-1].output if execution.steps else ""
    reason = first_line("\n".join(reversed(clean(last).strip().splitlines()))) or "Playwright left no report"
    return Verdict(status=Status.ERROR, reason=reason, failures=(Failure(message=reason, detail=tail(last)),))


def _not_started(report: dict[str, Any], errors: tuple[Failure, ...], run: Run, execution: Execution) -> Verdict:
    """Say why no test was started: none found, none that a browser is here for, or the listing itself is red."""
    if report["left_out"] and report["listed"]:
        names = ", ".join(sorted({project["browser"] for project in report["left_out"]}))
        reason = f"no runnable browser: {names} cannot be had here"
        return Verdict(status=Status.ERROR, reason=reason, notices=left_out(report))
    nothing = not errors or all(NOTHING in error.message for error in errors)
    if report["listed"] == 0 and nothing:
        if run.suite.files == 0:
            return Verdict(status=Status.SKIPPED, reason=f"{run.suite.path} finds no tests")
        reason = f"0 tests ran although test files exist: {run.suite.path} finds none of {run.suite.files}"
        return Verdict(
            status=Status.FAILED,
            reason=reason,
            counts=Counts(tests=0),
            failures=(Failure(message=reason, file=run.suite.path),),
        )
    if errors:
        errors = tuple(error for error in errors if NOTHING not in error.message) or errors
        reason = errors[0].message
        return Verdict(status=Status.FAILED, reason=reason, counts=Counts(tests=0), failures=errors)
    return failed(execution.steps[-1])


def _counted(report: dict[str, Any], errors: tuple[Failure, ...], run: Run, execution: Execution) -> Verdict:
    tests: list[dict[str, Any]] = report["tests"]
    missing = [test for test in tests if lacks_browser(test)]
    ran = [test for test in tests if test["ran"] and test not in missing]
    red = [test for test in ran if test["outcome"] == "unexpected"]
    flaky = [test for test in ran if test["outcome"] == "flaky"]
    several = len({test["project"] for test in tests}) > 1
    failures = (*(failure_of(test, execution, project=several) for test in red), *errors)
    counts = Counts(tests=len(ran), failed=len(red), skipped=len(tests) - len(ran) - len(missing), flaky=len(flaky))
    flakes = (f"flaky: {name_of(test)}: {failure_of(test, execution, project=several).message}" for test in flaky)
    notices = (*left_out(report), *flakes, *missing_browsers(missing))
    verdict = Verdict(
        status=Status.FAILED,
        counts=counts,
        failures=failures,
        notices=notices,
        executed=told_apart(id_of(test, execution) for test in ran),
        artifacts=tuple(each["kept"] for test in (*red, *flaky) for each in test["attachments"] if each.get("kept")),
    )
    if report["status"] == "timedout":
        late = sum(not test["ran"] for test in tests)
        cut = tuple(cut_off(test, execution, project=several) for test in tests if test["interrupted"])
        failures = (*(failure_of(test, execution, project=several) for test in red), *(cut or errors))
        reason = f"the time was up; {count(late, 'test')} did not run to the end"
        return dataclasses.replace(verdict, reason=reason, failures=failures)
    if errors:
        reason = errors[0].message
        if NO_SERVER.search(reason):
            told = local(said(report["output"]), execution)
            reason = f"{reason.rstrip('.')}: {complaint(told) or 'it says nothing'}"
            failures = (dataclasses.replace(errors[0], message=reason, detail=tail(told) or errors[0].detail),)
        return dataclasses.replace(verdict, reason=reason, failures=failures)
    if red:
        reason = f"{count(len(red), 'test')} of {len(ran)} failed: {names_of(red)}"
        tried_once = all(project["retries"] == 0 for project in report["projects"])
        second = _second(run, verdict, red) if tried_once and run.first is None else None
        return dataclasses.replace(verdict, reason=reason, second=second)
    if missing and not ran:
        why = first_line(missing[0]["error"]["message"])
        return dataclasses.replace(verdict, status=Status.ERROR, reason=f"no runnable browser: {why}")
    if not ran:
        reason = f"0 of {count(len(tests), 'test')} ran: all are skipped" if tests else "0 tests ran"
        failure = Failure(message=reason, file=run.suite.path)
        return dataclasses.replace(verdict, reason=reason, failures=(failure,))
    if absent := testverdicts.absent([f"{test['file']} {name_of(test)}" for test in ran], run.require):
        return dataclasses.replace(verdict, reason=absent[0].message, failures=absent)
    step = execution.steps[-1]
    if not step.succeeded and not missing:
        return dataclasses.replace(failed(step), counts=counts, notices=notices, executed=verdict.executed)
    if flaky:
        reason = f"{count(len(flaky), 'test')} failed and then passed: {names_of(flaky)}"
        return dataclasses.replace(verdict, status=Status.FLAKY, reason=reason)
    return dataclasses.replace(verdict, status=Status.PASSED)


def _second(run: Run, first: Verdict, red: list[dict[str, Any]]) -> Check:
    """Return the check once more, with the failed tests alone: in a workspace as fresh as the first."""
    anew = dataclasses.replace(run, first=first, again=tuple(test["id"] for test in red))
    return run.blank(
        steps=(*run.before, _step(anew)),
        judge=functools.partial(judge, run=anew),
        repeat=_repeat(run.suite, tests=red),
    )


def _after_second(report: dict[str, Any], verdict: Verdict, first: Verdict, run: Run) -> Verdict:
    """Of the tests that failed, those that pass alone are flaky; the counts stay those of the whole run."""
    passed = [
        test for test in report["tests"] if test["id"] in run.again and test["ran"] and test["outcome"] == "expected"
    ]
    red = len(run.again) - len(passed)
    flaky = (first.counts.flaky or 0) + len(passed)
    counts = dataclasses.replace(first.counts, failed=red, flaky=flaky)
    told = dict(zip(run.again, (failure.message for failure in first.failures), strict=False))
    notices = (*first.notices, *(f"flaky: {name_of(test)}: {told[test['id']]}" for test in passed))
    if red == 0:
        reason = f"{count(flaky, 'test')} failed and then passed: {names_of(passed)}"
        return dataclasses.replace(
            first, status=Status.FLAKY, reason=reason, counts=counts, failures=(), notices=notices
        )
    tests = [test for test in report["tests"] if test["id"] in run.again and test not in passed]
    complete = len(tests) == red and len(verdict.failures) >= red
    return dataclasses.replace(
        verdict,
        status=Status.FAILED,
        reason=f"{count(red, 'test')} of {first.counts.tests} failed twice: {names_of(tests)}"
        if complete
        else first.reason,
        counts=counts,
        failures=verdict.failures if complete else first.failures,
        notices=notices,
        executed=first.executed,
        second=None,
    )


def _step(run: Run) -> Step:
    suite = run.suite
    chosen = ("--only", ",".join(run.again)) if run.again else ()
    if run.tags and not suite.chooses and not run.again:
        chosen = ("--tags", ",".join(run.tags))
    return Step(
        argv=(
            *(PROGRAM, "--config", suite.config, "--out", "${SHIPWAY_OUT}", "--timeout", f"{run.timeout:g}"),
            *(*chosen, "--", *suite.words),
        ),
        cwd=suite.cwd,
        environment=suite.environment,
        timeout=run.timeout,
    )


def _repeat(suite: Suite, *, tags: tuple[str, ...] = (), tests: list[dict[str, Any]] | None = None) -> str:
    words = ["pnpm", "exec", "playwright", "test"]
    if "/" in suite.config or not suite.config.startswith("playwright.config."):
        words += ["-c", suite.config]
    if tests is None:
        words += suite.words
        words += ["--grep", "|".join(tags)] if tags and not suite.chooses else []
    else:
        places = dict.fromkeys(f"{test['file'].rpartition('/')[2]}:{test['line']}" for test in tests)
        words += list(places)[:NAMED]
        words += [f"--project={name}" for name in dict.fromkeys(test["project"] for test in tests) if name]
    command = shlex.join(words)
    return command if suite.cwd == "." else f"cd {shlex.quote(suite.cwd)} && {command}"
