from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Failure, Status, StepRun
from ci.stages import lint

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.model import Execution, Verdict
    from ci.stages.context import Context

    Judged = Callable[..., Verdict]


@pytest.fixture
def judged(
    context: Callable[..., Context], executed: Callable[..., Execution], recorded: Callable[[str], bytes]
) -> Judged:
    """Judge a run of the root's lint script: `report` is what it left under `name`, `log` what it printed."""

    def run(line: str, code: int, *, name: str = "", report: str = "", log: str = "", **more: Any) -> Verdict:
        (check,) = lint.plan(context({"package.json": {"name": "root", "scripts": {"lint": line}}})).checks
        files = {name: recorded(report) if report else b""} if name else {}
        return check.judge(
            executed(check, codes=(code,), files=files, outputs=(recorded(log).decode() if log else "",), **more)
        )

    return run


# --- Biome ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.9", "2.3", "2.6"])
def test_biome_tells_file_line_and_rule_in_every_form_of_its_report(judged: Judged, version: str) -> None:
    verdict = judged("biome ci src", 1, name="biome-0.json", report=f"biome-{version}.json")
    assert [(failure.file, failure.line, failure.column, failure.rule) for failure in verdict.failures] == [
        ("src/bad.ts", 2, 7, "lint/suspicious/noDoubleEquals"),
        ("src/bad.ts", 3, 1, "lint/suspicious/noDebugger"),
        ("src/bad.ts", None, None, "format"),
    ]
    assert verdict.reason == "2 problems in 1 file; would reformat 1 file: src/bad.ts"
    assert verdict.counts.files == 2


def test_biome_warnings_pass_unless_they_are_errors(judged: Judged) -> None:
    verdict = judged("biome ci src", 0, name="biome-0.json", report="biome-2.6-warnings.json")
    assert (verdict.status, verdict.counts.warnings) == (Status.PASSED, 2)
    strict = judged("biome ci src --error-on-warnings", 1, name="biome-0.json", report="biome-2.6-warnings.json")
    assert (strict.status, len(strict.failures)) == (Status.FAILED, 2)


def test_biome_that_processed_no_file_has_failed(judged: Judged) -> None:
    report = {"name": "biome-0.json", "report": "biome-2.6-nothing.json"}
    verdict = judged("biome ci empty", 1, **report, log="biome-2.6-nothing.log")
    assert (verdict.status, verdict.counts.files) == (Status.FAILED, 0)
    assert judged("biome ci empty", 0, **report).status is Status.FAILED


def test_a_biome_configuration_that_cannot_be_read_is_an_error_with_its_line(judged: Judged) -> None:
    verdict = judged("biome ci src", 1, name="biome-0.json", log="biome-2.6-config.log")
    assert verdict.status is Status.ERROR
    assert verdict.reason == "biome ci src: biome.json:1:38: Found an unknown key `nope`."


def test_biome_without_a_report_is_never_a_pass(judged: Judged) -> None:
    assert judged("biome ci src", 0, name="biome-0.json").status is Status.ERROR


# --- oxlint ---------------------------------------------------------------------------------------


def test_oxlint_tells_file_line_and_rule(judged: Judged) -> None:
    verdict = judged("oxlint", 1, name="oxlint-0.json", report="oxlint-1.json")
    (failure,) = verdict.failures
    assert (failure.file, failure.line, failure.rule) == ("src/bad.ts", 3, "eslint(no-debugger)")
    assert verdict.counts.files == 2


def test_oxlint_that_found_no_file_has_failed(judged: Judged) -> None:
    verdict = judged("oxlint empty", 1, name="oxlint-0.json", report="oxlint-1-nothing.txt")
    assert (verdict.status, verdict.counts.files) == (Status.FAILED, 0)


def test_an_oxlint_configuration_that_cannot_be_read_is_an_error(judged: Judged) -> None:
    verdict = judged("oxlint", 1, name="oxlint-0.json", report="oxlint-1-config.txt")
    assert verdict.status is Status.ERROR
    assert "Failed to parse oxlint configuration file" in (verdict.reason or "")


# --- formatters -----------------------------------------------------------------------------------


def test_prettier_names_unformatted_files_and_those_it_cannot_parse(judged: Judged) -> None:
    verdict = judged("prettier --check src", 2, name="prettier-0.txt", report="prettier-3.txt", log="prettier-3.log")
    assert verdict.failures == (
        Failure(message="is not formatted as configured", file="src/bad.ts", rule="format"),
        Failure(
            message="SyntaxError: Variable declaration expected.", file="src/syn.ts", line=1, column=7, rule="parse"
        ),
    )
    assert verdict.reason == "1 problem in 1 file; would reformat 1 file: src/bad.ts"


def test_oxfmt_names_unformatted_files_and_those_it_cannot_parse(judged: Judged) -> None:
    verdict = judged("oxfmt", 2, name="oxfmt-0.txt", report="oxfmt-0.txt", log="oxfmt-0.log")
    assert [(failure.file, failure.line, failure.message) for failure in verdict.failures] == [
        ("src/bad.ts", None, "is not formatted as configured"),
        ("src/syn.ts", 1, "Unexpected token"),
    ]


def test_a_prettier_configuration_that_cannot_be_read_is_an_error(judged: Judged) -> None:
    verdict = judged("prettier --check src", 2, name="prettier-0.txt", log="prettier-3-config.log")
    assert verdict.status is Status.ERROR
    assert 'YAML Error in ".prettierrc"' in (verdict.reason or "")


def test_patterns_that_match_nothing_are_a_failure(judged: Judged) -> None:
    verdict = judged("prettier --check nope", 2, name="prettier-0.txt", log="prettier-3-nothing.log")
    assert verdict.status is Status.FAILED
    assert verdict.failures[0].message.startswith("0 files were checked")


def test_formatted_files_pass(judged: Judged) -> None:
    assert judged("prettier --check .", 0, name="prettier-0.txt").status is Status.PASSED


# --- any other ------------------------------------------------------------------------------------


def test_a_command_of_its_own_is_judged_by_its_exit_code(judged: Judged) -> None:
    verdict = judged("knip", 1)
    assert (verdict.status, verdict.failures[0].message) == (Status.FAILED, "knip: exit code 1: it said nothing")
    assert judged("knip", 0).status is Status.PASSED


def test_a_command_that_rewrites_files_has_failed_although_it_ended_with_0(judged: Judged) -> None:
    verdict = judged("sh tidy.sh", 0, changed=("M src/a.ts", "M src/b.ts", "M src/c.ts"))
    assert (verdict.status, verdict.reason) == (
        Status.FAILED,
        "would reformat 3 files: src/a.ts, src/b.ts, src/c.ts",
    )


@pytest.mark.parametrize("line", ["eslint .", "biome ci .", "prettier --check .", "oxlint", "oxfmt --check", "knip"])
def test_a_tool_that_is_not_there_is_an_error_and_one_that_hangs_has_failed(
    context: Callable[..., Context], executed: Callable[..., Execution], line: str
) -> None:
    (check,) = lint.plan(context({"package.json": {"name": "root", "scripts": {"lint": line}}})).checks
    argv = check.steps[0].argv
    missing = StepRun(argv=argv, cwd=".", seconds=0.0, error=f"{argv[0]}: command not found")
    late = StepRun(argv=argv, cwd=".", seconds=300.0, timed_out=True, living=("node daemon.js",))
    whole = executed(check)
    assert check.judge(type(whole)(steps=(missing,), root="/workspace")).status is Status.ERROR
    verdict = check.judge(type(whole)(steps=(late,), root="/workspace"))
    assert verdict.status is Status.FAILED
    assert "timed out after 300 s (still running: node daemon.js)" in (verdict.reason or "")
