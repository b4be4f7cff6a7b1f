from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Failure, Status, Verdict
from ci.stages import lint

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.model import Check, Execution
    from ci.stages.context import Context


@pytest.fixture
def check(context: Callable[..., Context]) -> Callable[[str], Check]:
    """Plan a lint script of the root."""

    def plan(line: str) -> Check:
        (planned,) = lint.plan(context({"package.json": {"name": "root", "scripts": {"lint": line}}})).checks
        return planned

    return plan


@pytest.fixture
def judged(
    check: Callable[[str], Check], executed: Callable[..., Execution], recorded: Callable[[str], bytes]
) -> Callable[..., Verdict]:
    """Judge a run of ESLint that left the recorded report, or printed the recorded log."""

    def run(
        code: int, report: str | None = None, *, line: str = "eslint .", log: str | None = None, **more: Any
    ) -> Verdict:
        planned = check(line)
        files = {"eslint-0.json": recorded(report)} if report else {}
        outputs = (recorded(log).decode(),) if log else ()
        return planned.judge(executed(planned, codes=(code,), files=files, outputs=outputs, **more))

    return run


@pytest.mark.parametrize("version", [8, 9, 10])
def test_each_error_has_file_line_and_rule_and_warnings_pass(judged: Callable[..., Verdict], version: int) -> None:
    verdict = judged(1, f"eslint-{version}.json")
    assert verdict.failures == (
        Failure(message="Expected '===' and instead saw '=='.", file="src/bad.js", line=2, column=7, rule="eqeqeq"),
        Failure(message="Parsing error: Unexpected token =", file="src/syn.js", line=1, column=7, rule="parse"),
    )
    assert (verdict.status, verdict.reason) == (Status.FAILED, "2 problems in 2 files")
    assert (verdict.counts.files, verdict.counts.warnings) == (3, 1)


def test_more_warnings_than_the_script_allows_are_failures(judged: Callable[..., Verdict]) -> None:
    verdict = judged(1, "eslint-9-warnings.json", line="eslint . --max-warnings 0")
    assert [failure.rule for failure in verdict.failures] == ["no-debugger"]
    both = judged(1, "eslint-9.json", line="eslint . --max-warnings=0")
    assert [failure.rule for failure in both.failures] == ["eqeqeq", "parse", "no-debugger"]
    allowed = judged(1, "eslint-9.json", line="eslint . --max-warnings=5")
    assert [failure.rule for failure in allowed.failures] == ["eqeqeq", "parse"]


def test_quiet_is_left_out_for_it_leaves_clean_files_out_of_the_report(
    check: Callable[[str], Check], judged: Callable[..., Verdict]
) -> None:
    line = "eslint src --quiet --max-warnings 0 --ext .ts"
    assert check(line).steps[0].argv[:4] == ("eslint", "src", "--ext", ".ts")
    verdict = judged(0, "eslint-9-warnings.json", line=line)
    assert (verdict.status, verdict.counts.files) == (Status.PASSED, 1), "it does not count warnings either"


def test_warnings_alone_pass(judged: Callable[..., Verdict]) -> None:
    verdict = judged(0, "eslint-9-warnings.json")
    assert (verdict.status, verdict.counts.warnings) == (Status.PASSED, 1)


def test_no_file_at_all_is_a_failure(judged: Callable[..., Verdict]) -> None:
    verdict = judged(2, log="eslint-9-nothing.log")
    assert verdict.status is Status.FAILED
    assert [failure.message for failure in verdict.failures] == [
        '0 files were linted: No files matching the pattern "empty" were found.'
    ]


def test_files_that_it_only_names_as_ignored_do_not_count(judged: Callable[..., Verdict]) -> None:
    verdict = judged(0, "eslint-9-ignored.json")
    assert (verdict.status, verdict.counts.files) == (Status.FAILED, 0)


def test_a_configuration_that_does_not_load_is_an_error(judged: Callable[..., Verdict]) -> None:
    verdict = judged(2, log="eslint-9-config.log")
    assert verdict.status is Status.ERROR
    assert verdict.reason is not None
    assert "Cannot find package 'nope' imported from eslint.config.js" in verdict.reason


@pytest.mark.parametrize(("code", "status"), [(0, Status.ERROR), (134, Status.ERROR), (127, Status.ERROR)])
def test_no_report_is_never_a_pass(judged: Callable[..., Verdict], code: int, status: Status) -> None:
    assert judged(code).status is status


def test_half_a_report_is_no_report(check: Callable[[str], Check], executed: Callable[..., Execution]) -> None:
    planned = check("eslint .")
    assert planned.judge(executed(planned, files={"eslint-0.json": b'[{"filePath":'})).status is Status.ERROR


def test_what_two_runs_find_is_said_once(
    check: Callable[[str], Check], executed: Callable[..., Execution], recorded: Callable[[str], bytes]
) -> None:
    planned = check("eslint src && eslint . --ext .js")
    report = recorded("eslint-9.json")
    verdict = planned.judge(executed(planned, codes=(1, 1), files={"eslint-0.json": report, "eslint-1.json": report}))
    assert len(verdict.failures) == 2


def test_files_that_a_lint_rewrote_are_its_findings(judged: Callable[..., Verdict]) -> None:
    verdict = judged(0, "eslint-9-warnings.json", changed=("M src/a.js", "A log.txt", "D src/b.js"))
    assert (verdict.status, verdict.reason) == (Status.FAILED, "would reformat 2 files: src/a.js, src/b.js")
    assert [failure.file for failure in verdict.failures] == ["src/a.js", "src/b.js"]


def test_a_hostile_message_stays_data(check: Callable[[str], Check], executed: Callable[..., Execution]) -> None:
    planned = check("eslint .")
    message = {"ruleId": None, "severity": 2, "message": "<script>\u001b[2J</script>"}
    report = json.dumps([{"filePath": "/elsewhere/x.js", "messages": [message]}]).encode()
    verdict = planned.judge(executed(planned, codes=(1,), files={"eslint-0.json": report}))
    assert (verdict.status, verdict.failures[0].file) == (Status.FAILED, "/elsewhere/x.js")
