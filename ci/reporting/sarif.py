"""SARIF 2.1.0: what code scanning pages read.

One run for each tool (a check's name within its stage), whatever the number of packages: hosts limit the
number of runs in a file and want each to have a category of its own (`automationDetails`). A tool that ran
and found nothing has a run without results, which closes its earlier alerts; one that did not run has none.
The gates of a promotion are one tool.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from ci.model import CheckRun, Failure, Outcome, RunReport, Status
from ci.reporting import promotion
from ci.reporting.findings import told
from ci.reporting.wording import one_line
from ci.text import clean

SCHEMA_URI = "https://json.schemastore.org/sarif-2.1.0.json"
MESSAGE_LIMIT = 4000


def to_sarif(report: RunReport) -> str:
    """Return the failures of the run as SARIF 2.1.0."""
    tools: dict[str, list[CheckRun]] = {}
    for stage in report.stages:
        for check in stage.checks:
            if check.status is not Status.SKIPPED:
                tools.setdefault(f"{stage.name}/{check.name}", []).append(check)
    runs = [_run(tool, checks, report) for tool, checks in tools.items()]
    runs += [_rulings(report)] if report.rulings else []
    return json.dumps({"$schema": SCHEMA_URI, "version": "2.1.0", "runs": runs}, indent=1) + "\n"


def _run(tool: str, checks: list[CheckRun], report: RunReport) -> dict[str, Any]:
    results = [
        _result(check, failure)
        for check in checks
        for failure in (told(check) if check.status is Status.FAILED else check.failures)
    ]
    errors = [
        f"{check.package}: {check.reason or 'it could not be run'}" for check in checks if check.status is Status.ERROR
    ]
    return _told(tool, results, errors, report)


def _rulings(report: RunReport) -> dict[str, Any]:
    """Return the gates as one tool: a result for each that refused."""
    results = [
        {
            "ruleId": one_line(ruling.gate),
            "level": "error",
            "message": {"text": one_line(ruling.reason, MESSAGE_LIMIT) or "it refused"},
            "properties": {"environment": one_line(ruling.environment)},
        }
        for ruling in promotion.refused(report)
    ]
    errors = [f"{each.gate}: {each.reason}" for each in report.rulings if each.ruling is Outcome.ERROR]
    return _told("gates", results, errors, report)


def _told(tool: str, results: list[dict[str, Any]], errors: list[str], report: RunReport) -> dict[str, Any]:
    """Return a tool with what it found, and what kept it from looking."""
    rules = sorted({result["ruleId"] for result in results})
    return {
        "tool": {
            "driver": {
                "name": one_line(tool),
                "semanticVersion": one_line(report.tool).rpartition(" ")[2],
                "rules": [{"id": rule} for rule in rules],
            }
        },
        "automationDetails": {"id": f"{one_line(tool)}/"},
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
        "columnKind": "utf16CodeUnits",
        "invocations": [
            {
                "executionSuccessful": not errors,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": one_line(error)}} for error in errors
                ],
            }
        ],
        "results": [{**result, "ruleIndex": rules.index(result["ruleId"])} for result in results],
    }


def _result(check: CheckRun, failure: Failure) -> dict[str, Any]:
    shown = "\n".join(clean(part).strip() for part in (failure.test, failure.message) if part)
    result: dict[str, Any] = {
        "ruleId": one_line(failure.rule or failure.test or check.name),
        "level": "warning" if check.status is Status.FLAKY else "error",
        "message": {"text": shown[:MESSAGE_LIMIT] or check.name},
        "properties": {"package": one_line(check.package), "repeat": one_line(check.repeat, 1000)},
    }
    if failure.file and (location := _location(failure.file, failure)):
        result["locations"] = [{"physicalLocation": location}]
    return result


def _location(file: str, failure: Failure) -> dict[str, Any] | None:
    """Return the place, or None for a file outside the repository, to which no relative URI leads."""
    path = PurePosixPath(clean(file))
    if path.is_absolute() or ".." in path.parts:
        return None
    location: dict[str, Any] = {"artifactLocation": {"uri": quote(path.as_posix()), "uriBaseId": "SRCROOT"}}
    if failure.line and failure.line > 0:
        column = {"startColumn": failure.column} if failure.column and failure.column > 0 else {}
        location["region"] = {"startLine": failure.line, **column}
    return location
