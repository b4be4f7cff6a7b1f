from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from junitparser import Error, JUnitXml, Skipped
from junitparser import Failure as Failed

from ci.reporting.junit import to_junit

if TYPE_CHECKING:
    from ci.model import RunReport


def read(report: RunReport) -> JUnitXml:
    return JUnitXml.fromstring(to_junit(report).encode())


def test_the_counts_are_those_of_the_report(red: RunReport) -> None:
    document = read(red)
    checks = [check for stage in red.stages for check in stage.checks]
    failures = sum(len(check.failures) for check in checks if check.status == "failed")
    assert len(document) == len(checks)
    assert (document.failures, document.errors, document.skipped) == (failures, 0, 1)
    assert document.tests == failures + sum(1 for check in checks if check.status != "failed")


def test_the_time_of_a_suite_is_the_checks(red: RunReport) -> None:
    times = {suite.name: suite.time for suite in read(red)}
    assert times["lint/eslint@."] == 7.4


def test_a_failing_test_says_what_and_where(red: RunReport) -> None:
    suite = next(suite for suite in read(red) if suite.name == "unit/vitest@packages/core")
    (case,) = suite
    (result,) = case.result
    assert case.name == "splits a total without losing a cent"
    assert isinstance(result, Failed)
    assert result.message.startswith("expected [ 33.33")
    assert result.text.startswith("packages/core/src/money.test.ts:31:24\nAssertionError")


def test_the_tools_own_counts_and_the_command_are_properties(red: RunReport) -> None:
    suite = next(suite for suite in read(red) if suite.name == "unit/vitest@packages/core")
    properties = {entry.name: entry.value for entry in suite.properties()}  # type: ignore[no-untyped-call]
    assert properties["counts"] == "41 tests, 1 failed"
    assert properties["repeat"].startswith("pnpm --filter")


def test_an_error_is_no_failure_and_a_skipped_stage_is_skipped(error: RunReport) -> None:
    document = read(error)
    assert (document.tests, document.failures, document.errors, document.skipped) == (7, 0, 1, 6)
    results = [case.result[0] for suite in document for case in suite]
    assert isinstance(results[0], Error)
    assert all(isinstance(result, Skipped) and result.message == "install failed" for result in results[1:])


def test_a_green_run_has_no_result_but_passes(green: RunReport) -> None:
    assert not [case for suite in read(green) for case in suite if case.result]


def test_a_cached_check_took_no_time_of_this_run(cached: RunReport) -> None:
    assert {suite.time for suite in read(cached)} == {0.0}


def test_a_flaky_check_says_why_where_it_names_no_test(red: RunReport) -> None:
    stage = red.stages[4]
    flaky = replace(stage.checks[0], failures=(), reason="2 tests passed only when tried again: a, b")
    (case,) = next(iter(read(replace(red, stages=(replace(stage, checks=(flaky,)),)))))
    assert case.system_out == "flaky: 2 tests passed only when tried again: a, b"
