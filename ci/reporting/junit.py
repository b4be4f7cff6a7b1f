"""JUnit XML: what CI hosts show on their test page.

A check is a suite. Tools tell Shipway which tests failed and how many ran, not the name of each one that
passed, so a check without failures is one passing case, and its counts stand in the suite's properties.
"""

from __future__ import annotations

from junitparser import Error, JUnitXml, Skipped, TestCase, TestSuite
from junitparser import Failure as Failed

from ci.model import CheckRun, Failure, RunReport, Status
from ci.reporting.findings import last_output, place
from ci.reporting.wording import clean, counted, one_line, shortened

DETAIL_LINES = 200


def to_junit(report: RunReport) -> str:
    """Return the run as JUnit XML, a suite for each check."""
    document = JUnitXml("shipway")
    for stage in report.stages:
        for check in stage.checks:
            document.add_testsuite(_suite(check, report.started))
        if not stage.checks:
            alone = CheckRun(stage=stage.name, name=stage.name, package=".", status=stage.status, reason=stage.reason)
            document.add_testsuite(_suite(alone, report.started))
    document.update_statistics()  # type: ignore[no-untyped-call]
    return f"{document.tostring().decode()}\n"  # type: ignore[no-untyped-call]


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
    red = check.status in (Status.FAILED, Status.ERROR)
    if red and check.failures:
        for failure in check.failures:
            suite.add_testcase(_case(check, failure))
    else:
        suite.add_testcase(_case(check, None))
    for case in suite:  # the check's time, shared out, so that the suite's sum is right
        case.time = round(check.seconds / len(suite), 3)
    suite.update_statistics()  # type: ignore[no-untyped-call]
    return suite


def _case(check: CheckRun, failure: Failure | None) -> TestCase:
    where = "" if failure is None else place(failure)
    what = (failure.test or failure.rule or where) if failure else None
    case = TestCase(one_line(what or check.name), classname=one_line(f"{check.stage}.{check.name}.{check.package}"))
    message = one_line(failure.message if failure else check.reason or check.status.value)
    detail = (failure.detail if failure else last_output(check)) or message
    text = "\n".join(part for part in (where, shortened(detail, lines=DETAIL_LINES, width=2000)) if part)
    if check.status is Status.FAILED:
        case.result = [Failed(message, failure.rule and one_line(failure.rule) if failure else None)]
    elif check.status is Status.ERROR:
        case.result = [Error(message)]
    elif check.status is Status.SKIPPED:
        case.result = [Skipped(message)]
    for result in case.result:
        if check.status is not Status.SKIPPED:
            result.text = text
    if check.status is Status.FLAKY:
        case.system_out = clean(
            "flaky: " + "; ".join(one_line(flake.test or flake.message) for flake in check.failures)
        )
    return case
