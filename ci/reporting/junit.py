"""JUnit XML: what CI hosts show on their test page.

A check is a suite. Tools tell Shipway which tests failed and how many ran, not the name of each one that
passed, so a check without failures is one passing case, and its counts stand in the suite's properties.
A promotion's steps are a suite too, and its rulings, a case each.
"""

from __future__ import annotations

from junitparser import Error, JUnitXml, Skipped, TestCase, TestSuite
from junitparser import Failure as Failed

from ci.model import CheckRun, Failure, Outcome, RunReport, StageRun, Status
from ci.reporting import promotion
from ci.reporting.findings import last_output, place
from ci.reporting.wording import counted, one_line, shortened, spent

DETAIL_LINES = 200
_RED = {Status.FAILED: Failed, Status.ERROR: Error}
_RULED = {Outcome.FAIL: Failed, Outcome.ERROR: Error}


def to_junit(report: RunReport) -> str:
    """Return the run as JUnit XML, a suite for each check."""
    document = JUnitXml("shipway")
    suites = [_suite(check, report.started) for stage in report.stages for check in stage.checks or (_alone(stage),)]
    suites += [suite for suite in (_steps(report), _rulings(report)) if len(suite)]
    document.extend(suites)  # type: ignore[no-untyped-call]
    document.update_statistics()  # type: ignore[no-untyped-call]
    return f"{document.tostring().decode()}\n"  # type: ignore[no-untyped-call]


def _steps(report: RunReport) -> TestSuite:
    """Return a promotion's steps as a suite, a case each."""
    suite = TestSuite("steps")
    suite.timestamp = one_line(report.started)
    for step in report.steps:
        case = TestCase(one_line(step.name), classname="steps", time=round(step.seconds, 3))
        message = one_line(step.reason or promotion.word(step), 1000)
        if step.status is Status.SKIPPED:
            case.result = [Skipped(message)]
        elif step.status in _RED:
            case.result = [_RED[step.status](message)]
        suite.add_testcase(case)
    return suite


def _rulings(report: RunReport) -> TestSuite:
    """Return the rulings as a suite, a case each: a gate that refused failed, one that could not decide was skipped."""
    suite = TestSuite("rulings")
    suite.timestamp = one_line(report.started)
    for ruling in report.rulings:
        case = TestCase(one_line(ruling.gate), classname=one_line(f"rulings.{ruling.environment}"), time=0)
        message = one_line(f"{ruling.ruling}: {ruling.reason}", 1000)
        if ruling.ruling is not Outcome.PASS and not (ruling.ruling is Outcome.FAIL and promotion.is_wanted(report)):
            case.result = [_RULED.get(ruling.ruling, Skipped)(message)]
        else:
            case.system_out = message
        suite.add_testcase(case)
    return suite


def _alone(stage: StageRun) -> CheckRun:
    """Return a stage without checks as a check, so that it is seen."""
    return CheckRun(stage=stage.name, name=stage.name, package=".", status=stage.status, reason=stage.reason)


def _suite(check: CheckRun, started: str) -> TestSuite:
    suite = TestSuite(one_line(check.id))
    suite.timestamp = one_line(started)
    for name, value in (
        ("counts", counted(check.counts)),
        ("cached_from", check.cached_from),
        ("reason", check.reason),
        ("repeat", check.repeat),
    ):
        if value:
            suite.add_property(name, one_line(value, 1000))
    told: tuple[Failure | None, ...] = check.failures if check.status in _RED and check.failures else (None,)
    # The check's time is shared out, so that the suite's sum is right.
    suite.add_testcases([_case(check, failure, spent(check) / len(told)) for failure in told])
    return suite


def _case(check: CheckRun, failure: Failure | None, seconds: float) -> TestCase:
    where = "" if failure is None else place(failure)
    what = (failure.test or failure.rule or where) if failure else None
    case = TestCase(one_line(what or check.name), classname=one_line(f"{check.stage}.{check.name}.{check.package}"))
    case.time = round(seconds, 3)
    message = one_line(failure.message if failure else check.reason or check.status.value)
    if check.status is Status.SKIPPED:
        case.result = [Skipped(message)]
    elif check.status in _RED:
        result = _RED[check.status](message)
        detail = (failure.detail if failure else last_output(check)) or message
        result.text = "\n".join(part for part in (where, shortened(detail, lines=DETAIL_LINES, width=2000)) if part)
        case.result = [result]
    elif check.status is Status.FLAKY:
        flakes = "; ".join(one_line(flake.test or flake.message) for flake in check.failures)
        case.system_out = f"flaky: {flakes or message}"
    return case
