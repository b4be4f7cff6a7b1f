from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Counts, Execution, Status, StepRun, Verdict
from ci.stages import e2e, playwright_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Check
    from ci.stages.context import Context

    Workspace = Callable[..., Context]
    Recorded = Callable[[str], bytes]
    Executed = Callable[..., Execution]

SPEC = 'import { test } from "@playwright/test";\ntest("counts", { tag: "@critical" }, async () => {});\n'
SITE: Mapping[str, str | Mapping[str, Any]] = {
    "apps/site/package.json": {
        "name": "site",
        "scripts": {"test:e2e": "playwright test"},
        "devDependencies": {"@playwright/test": "1.65.1"},
    },
    "apps/site/playwright.config.ts": 'export default { testDir: "e2e" };\n',
    "apps/site/e2e/counter.spec.ts": SPEC,
}


@pytest.fixture
def site(context: Workspace) -> Check:
    """The check of a workspace like the one in which the reports were recorded."""
    (check,) = e2e.plan(context(SITE)).checks
    return check


@pytest.fixture
def judged(site: Check, executed: Executed, recorded: Recorded) -> Callable[..., Verdict]:
    """Judge a recorded report."""

    def judge(name: str, *, code: int = 1, check: Check | None = None) -> Verdict:
        check = check or site
        return check.judge(
            executed(check, files={"playwright.json": recorded(f"playwright-{name}.json")}, codes=(code,))
        )

    return judge


def test_what_is_not_there_is_named() -> None:
    told = (
        "Error: expect(locator).toBeVisible() failed\n\nLocator: getByText('No receipts yet')\nExpected: visible\n"
        "Timeout: 10000ms\nError: element(s) not found\n"
    )
    error = {"message": told, "file": None, "line": None}
    test = {"error": error, "file": "/w/a.spec.ts", "line": 3, "title": ["a"], "attachments": [], "project": ""}
    failure = playwright_findings.failure_of(test, Execution(steps=(), root="/w"), project=False)
    assert failure.message == "expect(getByText('No receipts yet')).toBeVisible() failed: element(s) not found"


def test_what_ran_is_counted_and_a_browser_that_is_not_here_is_named(judged: Callable[..., Verdict]) -> None:
    verdict = judged("green", code=0)
    assert (verdict.status, verdict.counts.tests) == (Status.PASSED, 1)
    assert verdict.notices == ("not run here: firefox, for this browser cannot be had",)


def test_the_browsers_of_playwright_itself_are_told_in_place_of_ours(
    site: Check, executed: Executed, recorded: Recorded
) -> None:
    report = {**json.loads(recorded("playwright-green.json")), "tools": {"chromium": "of Playwright 1.65.1"}}
    verdict = site.judge(executed(site, files={"playwright.json": json.dumps(report).encode()}))
    assert verdict.tools == {"chromium": "of Playwright 1.65.1"}


def test_a_failed_test_has_its_place_what_was_expected_and_its_screenshot(judged: Callable[..., Verdict]) -> None:
    verdict = judged("red")
    (failure,) = verdict.failures
    assert verdict.status is Status.FAILED
    assert failure.message == 'expect(getByRole(\'status\')).toHaveText(expected) failed: expected "2", received "1"'
    assert (failure.file, failure.line, failure.test) == ("apps/site/e2e/counter.spec.ts", 6, "counts a click")
    assert failure.artifact == "test-results/counter-counts-a-click-chromium/test-failed-1.png"
    assert failure.artifact in verdict.artifacts
    assert "Call log" in (failure.detail or "")
    assert "\x1b" not in repr(verdict)


def test_a_red_run_without_retries_asks_for_the_failed_tests_alone(judged: Callable[..., Verdict]) -> None:
    second = judged("red").second
    assert second is not None
    argv = second.steps[-1].argv
    assert argv[argv.index("--only") + 1] == "50879ed375f8988ef978-b77cca109c18072689df"
    assert second.repeat == "cd apps/site && pnpm exec playwright test counter.spec.ts:3 --project=chromium"


def test_what_fails_twice_is_failed_and_not_tried_again(judged: Callable[..., Verdict]) -> None:
    verdict = judged("red-again", check=judged("red").second)
    assert verdict.status is Status.FAILED
    assert verdict.reason == "1 test of 1 failed twice: counts a click"
    assert verdict.second is None
    assert verdict.counts == Counts(tests=1, failed=1, skipped=0, flaky=0)


def test_what_fails_and_then_passes_alone_is_flaky_and_tells_why_it_failed(judged: Callable[..., Verdict]) -> None:
    verdict = judged("green-again", code=0, check=judged("red").second)
    assert verdict.status is Status.FLAKY
    assert verdict.counts == Counts(tests=1, failed=0, skipped=0, flaky=1)
    assert verdict.failures == ()
    assert any(notice.startswith("flaky: counts a click: expect(getByRole('status'))") for notice in verdict.notices)


def test_a_second_look_that_never_came_to_the_tests_leaves_them_failed(
    judged: Callable[..., Verdict], executed: Executed
) -> None:
    second = judged("red").second
    assert second is not None
    verdict = judged("server", check=second)
    assert verdict.status is Status.FAILED
    assert [failure.test for failure in verdict.failures] == ["counts a click"]
    died = second.judge(executed(second, codes=(1,)))
    assert died.status is not Status.PASSED
    assert died.status is not Status.FLAKY


def test_the_ids_of_a_second_look_are_those_of_the_whole_run(judged: Callable[..., Verdict]) -> None:
    first = judged("red")
    assert [failure.test_id for failure in first.failures] == list(first.executed)
    assert first.executed == ("apps/site/e2e/counter.spec.ts > [chromium] counts a click",)
    again = judged("red-again", check=first.second)
    assert again.executed == first.executed
    assert [failure.test_id for failure in again.failures] == list(first.executed)


def test_the_projects_own_retries_count_as_flaky_without_another_run(judged: Callable[..., Verdict]) -> None:
    verdict = judged("retried", code=0)
    assert verdict.status is Status.FLAKY
    assert verdict.counts == Counts(tests=2, failed=0, skipped=0, flaky=1)
    assert verdict.second is None
    assert verdict.reason == "1 test failed and then passed: works the second time"


def test_a_forgotten_only_is_a_failure_at_its_line(judged: Callable[..., Verdict]) -> None:
    verdict = judged("only")
    (failure,) = verdict.failures
    assert verdict.status is Status.FAILED
    assert (failure.file, failure.line, failure.rule) == ("apps/site/e2e/counter.spec.ts", 3, "forbid-only")


def test_a_web_server_that_does_not_start_is_a_failure_with_what_it_said(judged: Callable[..., Verdict]) -> None:
    verdict = judged("server")
    (failure,) = verdict.failures
    assert verdict.status is Status.FAILED
    assert (verdict.reason or "").endswith("Exit code: 1: Error: DATABASE_URL is not set")
    assert "reading settings" in (failure.detail or "")
    assert verdict.second is None


def test_a_test_file_that_cannot_be_read_is_a_failure_at_its_line(judged: Callable[..., Verdict]) -> None:
    verdict = judged("syntax")
    (failure,) = verdict.failures
    assert (failure.file, failure.line) == ("apps/site/e2e/counter.spec.ts", 13)
    assert "Unterminated string" in failure.message


def test_no_browser_at_all_is_an_error_and_not_a_failure(judged: Callable[..., Verdict]) -> None:
    assert judged("firefox", code=3).status is Status.ERROR
    assert judged("firefox", code=3).reason == "no runnable browser: firefox cannot be had here"
    started = judged("webkit")
    assert started.status is Status.ERROR
    assert "not run here: 1 test (in webkit)" in started.notices[-1]


def test_tests_that_are_all_skipped_are_no_pass(judged: Callable[..., Verdict]) -> None:
    verdict = judged("skipped", code=0)
    assert verdict.status is Status.FAILED
    assert verdict.reason == "0 of 1 test ran: all are skipped"


def test_no_tests_are_a_failure_where_there_are_test_files(judged: Callable[..., Verdict]) -> None:
    verdict = judged("none")
    assert verdict.status is Status.FAILED
    assert (verdict.reason or "").startswith("0 tests ran although test files exist")


def test_no_tests_are_nothing_to_run_where_there_are_no_test_files(
    context: Workspace, executed: Executed, recorded: Recorded
) -> None:
    (check,) = e2e.plan(context({path: text for path, text in SITE.items() if "spec" not in path})).checks
    verdict = check.judge(executed(check, files={"playwright.json": recorded("playwright-none.json")}, codes=(1,)))
    assert verdict.status is Status.SKIPPED
    assert verdict.reason == "apps/site/playwright.config.ts finds no tests"


def test_a_run_that_took_too_long_names_the_test_that_still_ran(judged: Callable[..., Verdict]) -> None:
    verdict = judged("late")
    (failure,) = verdict.failures
    assert verdict.status is Status.FAILED
    assert verdict.second is None
    assert (failure.test, failure.file, failure.line) == ("counts a click", "apps/site/e2e/counter.spec.ts", 3)


def test_a_tool_that_is_not_there_or_leaves_no_report_is_an_error(site: Check, executed: Executed) -> None:
    absent = executed(site, codes=(127,), outputs=("shipway-playwright: playwright could not be run here: ENOENT",))
    assert site.judge(absent).status is Status.ERROR
    assert site.judge(executed(site, codes=(0,))).status is Status.ERROR
    half = executed(site, codes=(0,), files={"playwright.json": b'{"tests": [{"id'})
    assert site.judge(half).status is Status.ERROR


def test_an_exit_code_that_no_test_explains_is_a_failure(site: Check, executed: Executed, recorded: Recorded) -> None:
    report = recorded("playwright-green.json")
    assert site.judge(executed(site, files={"playwright.json": report}, codes=(1,))).status is Status.FAILED


def test_titles_from_strangers_lose_their_control_characters(
    site: Check, executed: Executed, recorded: Recorded
) -> None:
    report = json.loads(recorded("playwright-red.json"))
    report["tests"][0]["title"] = ["\x1b]0;owned\x07<b>counts</b>\x1b[2J\u202e\na click"]
    verdict = site.judge(executed(site, files={"playwright.json": json.dumps(report).encode()}, codes=(1,)))
    assert verdict.failures[0].test == "<b>counts</b>"


def test_a_migration_that_fails_is_the_reason(context: Workspace) -> None:
    settings = '[stages.e2e]\ndatabase = true\nmigrate = "node migrate.mjs"\n'
    (check,) = e2e.plan(context(SITE, settings=settings)).checks
    migrated = StepRun(
        argv=check.steps[0].argv, cwd=".", seconds=1.0, exit_code=1, output='error: relation "tenants" does not exist\n'
    )
    verdict = check.judge(Execution(steps=(migrated,), root="/workspace"))
    assert verdict.status is Status.FAILED
    assert 'relation "tenants" does not exist' in (verdict.reason or "")
