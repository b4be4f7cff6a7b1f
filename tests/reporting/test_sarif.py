from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci.reporting.sarif import to_sarif

if TYPE_CHECKING:
    from ci.model import RunReport


def runs(report: RunReport) -> dict[str, Any]:
    document = json.loads(to_sarif(report))
    assert document["version"] == "2.1.0"
    return {run["tool"]["driver"]["name"]: run for run in document["runs"]}


def test_a_failure_has_rule_level_message_and_a_relative_place(red: RunReport) -> None:
    first, second = runs(red)["lint/eslint"]["results"]
    assert (first["ruleId"], first["level"]) == ("@typescript-eslint/no-unused-vars", "error")
    assert first["message"] == {"text": "'discount' is assigned a value but never used"}
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "packages/core/src/receipts/total.ts", "uriBaseId": "SRCROOT"},
                "region": {"startLine": 12, "startColumn": 5},
            }
        }
    ]
    assert second["properties"]["repeat"].startswith("pnpm exec eslint")


def test_a_failure_without_a_file_is_a_result_without_a_place(red: RunReport) -> None:
    (result,) = runs(red)["audit/bundle"]["results"]
    assert "locations" not in result


def test_each_tool_is_one_run_with_a_category_and_its_rules(red: RunReport) -> None:
    every = runs(red)
    assert [run["automationDetails"]["id"] for run in every.values()] == [f"{name}/" for name in every]
    assert len(every["typecheck/tsc"]["results"]) == 2
    for run in every.values():
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert [rules[result["ruleIndex"]] for result in run["results"]] == [each["ruleId"] for each in run["results"]]


def test_a_tool_that_found_nothing_closes_its_alerts_and_one_that_did_not_run_keeps_silent(red: RunReport) -> None:
    every = runs(red)
    assert every["lint/biome"]["results"] == []
    assert "integration/rls" not in every


def test_a_flaky_test_is_a_warning(red: RunReport) -> None:
    assert runs(red)["integration/vitest"]["results"][0]["level"] == "warning"


def test_a_tool_that_could_not_be_run_is_an_unsuccessful_invocation(error: RunReport) -> None:
    (invocation,) = runs(error)["install/pnpm install"]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "ERR_PNPM_FETCH_404" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_a_file_with_spaces_becomes_a_uri_and_line_zero_no_region(red: RunReport) -> None:
    lint = red.stages[1]
    failure = replace(lint.checks[0].failures[0], file="apps/my web/ä.ts", line=0)
    stage = replace(lint, checks=(replace(lint.checks[0], failures=(failure,)),))
    (result,) = runs(replace(red, stages=(stage,)))["lint/eslint"]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "apps/my%20web/%C3%A4.ts", "uriBaseId": "SRCROOT"}}


def test_a_red_tool_that_names_no_failure_closes_no_alert(red: RunReport) -> None:
    lint = red.stages[1]
    check = replace(lint.checks[0], failures=(), reason="2 problems")
    (result,) = runs(replace(red, stages=(replace(lint, checks=(check,)),)))["lint/eslint"]["results"]
    assert (result["level"], result["message"]["text"]) == ("error", "2 problems")
