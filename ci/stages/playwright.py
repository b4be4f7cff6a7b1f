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
from typing import Any

from ci.model import Check, Counts, Execution, Failure, Status, Step, Verdict
from ci.stages.judging import could_not_run, failed, relative, report_of, shown, stopped, tail
from ci.stages.judging import local as without_place
from ci.stages.suites import Suite
from ci.text import clean, count, first_line

REPORT = "playwright.json"
PROGRAM = "shipway-playwright"
NO_BROWSER = re.compile(
    r"Executable doesn't exist at|distribution '[\w-]+' is not found|Host system is missing dependencies"
    r"|error while loading shared libraries"
)
NO_SERVER = re.compile(r"config\.webServer|webServer|is already used, make sure that nothing is running")
EXPECTED = re.compile(r"^\s*(Expected|Received)[^:\n]*:\s*(.+)$", re.MULTILINE)
NAMED = 3  # as many are named in one line


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a judge knows of the check besides its execution: enough to ask for the failed tests alone."""

    suite: Suite
    check: Check
    tags: tuple[str, ...]
    first: Verdict | None = None
    again: tuple[str, ...] = ()  # ids of the tests that are run a second time


def check(template: Check, suite: Suite, *, tags: tuple[str, ...], timeout: float) -> Check:
    """Return the check of one suite. `template` has its name, toolchain, needs and the steps that come before."""
    ready = dataclasses.replace(
        template,
        steps=(*template.steps, _step(suite, tags=tags, timeout=timeout)),
        repeat=_repeat(suite, tags=tags if suite.tagged else ()),
    )
    return dataclasses.replace(ready, judge=functools.partial(judge, run=Run(suite=suite, check=ready, tags=tags)))


def judge(execution: Execution, *, run: Run) -> Verdict:
    """Count the tests that ran; where some failed that were tried once only, ask for these alone."""
    report = report_of(execution, REPORT)
    if not isinstance(report, dict):
        return _without_report(execution)
    errors = tuple(_error(error, execution) for error in report["errors"])
    if not report["ran"]:
        return _not_started(report, errors, run, execution)
    verdict = _counted(report, errors, run, execution)
    return verdict if run.first is None else _after_second(report, verdict, run.first, run)


def _without_report(execution: Execution) -> Verdict:
    for step in execution.steps:
        if not step.succeeded and step.argv[0] != PROGRAM and not step.background and step.error is None:
            return stopped(execution) or failed(step)
    verdict = could_not_run(execution) or stopped(execution)
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
        return Verdict(status=Status.ERROR, reason=reason, notices=_left_out(report))
    nothing = not errors or all("No tests found" in error.message for error in errors)
    if report["listed"] == 0 and nothing:
        if run.suite.files == 0:
            return Verdict(status=Status.SKIPPED, reason=f"{run.suite.path} finds no tests")
        reason = f"0 tests ran although there are {count(run.suite.files, 'test file')}"
        return Verdict(
            status=Status.FAILED,
            reason=reason,
            counts=Counts(tests=0),
            failures=(Failure(message=reason, file=run.suite.path),),
        )
    if errors:
        reason = errors[0].message
        return Verdict(status=Status.FAILED, reason=reason, counts=Counts(tests=0), failures=errors)
    return failed(execution.steps[-1])


def _counted(report: dict[str, Any], errors: tuple[Failure, ...], run: Run, execution: Execution) -> Verdict:
    tests: list[dict[str, Any]] = report["tests"]
    missing = [test for test in tests if _lacks_browser(test)]
    ran = [test for test in tests if test["ran"] and test not in missing]
    red = [test for test in ran if test["outcome"] == "unexpected"]
    flaky = [test for test in ran if test["outcome"] == "flaky"]
    several = len({test["project"] for test in tests}) > 1
    failures = (*(_failure(test, execution, project=several) for test in red), *errors)
    counts = Counts(
        tests=len(ran), failed=len(red), skipped=len(tests) - len(ran) - len(missing), flaky=len(flaky)
    )
    notices = (*_left_out(report), *_flaky(flaky), *_missing(missing))
    verdict = Verdict(
        status=Status.FAILED,
        counts=counts,
        failures=failures,
        notices=notices,
        artifacts=tuple(each["kept"] for test in (*red, *flaky) for each in test["attachments"] if each.get("kept")),
    )
    if report["status"] == "timedout":
        late = sum(not test["ran"] for test in tests)
        return dataclasses.replace(verdict, reason=f"the time was up; {count(late, 'test')} did not run")
    if errors:
        reason = errors[0].message
        if NO_SERVER.search(reason):
            told = tail(without_place(clean(report["output"]), execution))
            failures = (*failures[:-1], dataclasses.replace(failures[-1], detail=told or failures[-1].detail))
        return dataclasses.replace(verdict, reason=reason, failures=failures)
    if red:
        reason = f"{count(len(red), 'test')} of {len(ran)} failed: {_names(red)}"
        again = tuple(test["id"] for test in red)
        tried_once = all(project["retries"] == 0 for project in report["projects"])
        second = _second(run, verdict, red, again) if tried_once and run.first is None else None
        return dataclasses.replace(verdict, reason=reason, second=second)
    if missing and not ran:
        why = first_line(missing[0]["error"]["message"])
        return dataclasses.replace(verdict, status=Status.ERROR, reason=f"no runnable browser: {why}")
    if not ran:
        reason = f"0 of {count(len(tests), 'test')} ran: all are skipped" if tests else "0 tests ran"
        failure = Failure(message=reason, file=run.suite.path)
        return dataclasses.replace(verdict, reason=reason, failures=(failure,))
    step = execution.steps[-1]
    if not step.succeeded and not missing:
        return dataclasses.replace(failed(step), counts=counts, notices=notices)
    if flaky:
        reason = f"{count(len(flaky), 'test')} failed and then passed: {_names(flaky)}"
        return dataclasses.replace(verdict, status=Status.FLAKY, reason=reason)
    return dataclasses.replace(verdict, status=Status.PASSED)


def _second(run: Run, first: Verdict, red: list[dict[str, Any]], again: tuple[str, ...]) -> Check:
    """Return the check once more, with the failed tests alone: in a workspace as fresh as the first."""
    *before, step = run.check.steps
    words = (*step.argv[: step.argv.index("--")], "--only", ",".join(again), *step.argv[step.argv.index("--") :])
    anew = dataclasses.replace(
        run.check, steps=(*before, dataclasses.replace(step, argv=words)), repeat=_repeat(run.suite, tests=red)
    )
    return dataclasses.replace(
        anew, judge=functools.partial(judge, run=dataclasses.replace(run, check=anew, first=first, again=again))
    )


def _after_second(report: dict[str, Any], verdict: Verdict, first: Verdict, run: Run) -> Verdict:
    """Of the tests that failed, those that pass alone are flaky; the counts stay those of the whole run."""
    passed = [
        test for test in report["tests"] if test["id"] in run.again and test["ran"] and test["outcome"] == "expected"
    ]
    red = len(run.again) - len(passed)
    flaky = (first.counts.flaky or 0) + len(passed)
    counts = dataclasses.replace(first.counts, failed=red, flaky=flaky)
    notices = tuple(dict.fromkeys((*first.notices, *_flaky(passed))))
    if red == 0:
        reason = f"{count(flaky, 'test')} failed and then passed: {_names(passed)}"
        return dataclasses.replace(first, status=Status.FLAKY, reason=reason, counts=counts, failures=(), notices=notices)
    tests = [test for test in report["tests"] if test["id"] in run.again and test not in passed]
    complete = len(tests) == red and len(verdict.failures) >= red
    return dataclasses.replace(
        verdict,
        status=Status.FAILED,
        reason=f"{count(red, 'test')} of {first.counts.tests} failed twice: {_names(tests)}" if complete else first.reason,
        counts=counts,
        failures=verdict.failures if complete else first.failures,
        notices=notices,
        second=None,
    )


def _failure(test: dict[str, Any], execution: Execution, *, project: bool) -> Failure:
    error = test["error"] or {"message": "it passed although it is marked to fail", "file": None, "line": None}
    text = without_place(clean(error["message"]), execution)
    inside = error["file"] is not None and relative(error["file"], execution) != error["file"]
    file, line = (error["file"], error["line"]) if inside else (test["file"], test["line"])
    pictures = [each["kept"] for each in test["attachments"] if each.get("kept") and each["type"].startswith("image/")]
    others = [each["kept"] for each in test["attachments"] if each.get("kept")]
    return Failure(
        message=_message(text),
        file=relative(file, execution),
        line=line,
        test=_name(test, project=project),
        detail=tail(f"{text}\n\n{clean(error.get('snippet') or '')}".strip()),
        artifact=next(iter((*pictures, *others)), None),
    )


def _error(error: dict[str, Any], execution: Execution) -> Failure:
    text = without_place(clean(error["message"]), execution)
    file = relative(error["file"], execution) if error["file"] else None
    if "focused with '.only'" in text:
        return Failure(
            message=f"a test is left focused with .only: {first_line(text).rpartition('flag: ')[2]}",
            file=file,
            line=error["line"],
            rule="forbid-only",
        )
    return Failure(message=first_line(text).removeprefix("Error: "), file=file, line=error["line"], detail=tail(text))


def _message(text: str) -> str:
    """The first line, with what was expected and what came where Playwright tells."""
    told = dict(reversed(EXPECTED.findall(text)))
    line = first_line(text).removeprefix("Error: ")
    if {"Expected", "Received"} <= told.keys():
        return f"{line}: expected {first_line(told['Expected'], 120)}, received {first_line(told['Received'], 120)}"
    return line


def _lacks_browser(test: dict[str, Any]) -> bool:
    return test["outcome"] == "unexpected" and bool(test["error"]) and bool(NO_BROWSER.search(test["error"]["message"]))


def _name(test: dict[str, Any], *, project: bool = False) -> str:
    title = " › ".join(first_line(part) for part in test["title"])
    return f"[{first_line(test['project'])}] {title}" if project and test["project"] else title


def _names(tests: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(_name(test) for test in tests))
    return ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")


def _left_out(report: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"not run here: {first_line(each['project'])}"
        + ("" if each["project"] == each["browser"] else f" ({each['browser']})")
        + ", for this browser cannot be had"
        for each in report["left_out"]
    )


def _missing(tests: list[dict[str, Any]]) -> tuple[str, ...]:
    if not tests:
        return ()
    why = first_line(tests[0]["error"]["message"])
    return (f"not run here: {count(len(tests), 'test')} ({_names(tests)}): {why}",)


def _flaky(tests: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(f"flaky: {_name(test)}" for test in tests)


def _step(suite: Suite, *, tags: tuple[str, ...], timeout: float) -> Step:
    chosen = () if suite.chooses or not tags else ("--tags", ",".join(tags))
    return Step(
        argv=(
            *(PROGRAM, "--config", suite.config, "--out", "${SHIPWAY_OUT}", "--timeout", f"{timeout:g}"),
            *(*chosen, "--", *suite.words),
        ),
        cwd=suite.cwd,
        environment=suite.environment,
        timeout=timeout,
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
