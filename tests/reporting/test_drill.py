"""A drill in the reports: what said no was meant to, and both times stand among those of the drills before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from junitparser import JUnitXml

from ci.model import FlowStepRun, RunVerdict, Status, TimingEntry
from ci.reporting.document import from_document, to_document
from ci.reporting.drill import drill_document
from ci.reporting.findings import findings, headline
from ci.reporting.html import to_html
from ci.reporting.junit import to_junit
from ci.reporting.sarif import to_sarif
from tests.reporting.promotions import flow_report, watched

if TYPE_CHECKING:
    from ci.model import RunReport

STEPS = (
    FlowStepRun(name="fault", status=Status.PASSED, seconds=0.1),
    FlowStepRun(name="window", status=Status.PASSED, seconds=200.0, reason="found what was planted: error_rate: 41"),
    FlowStepRun(name="rollback", status=Status.PASSED, seconds=0.4),
)
HOSTILE = "<script>alert(1)</script>"


def entry(identity: str, *, expected: bool = True, reason: str = "error_rate: 41") -> TimingEntry:
    return TimingEntry(
        id=identity,
        kind="drill",
        started="2026-11-25T15:04:11Z",
        environment="staging",
        scenario="error-spike",
        expected=expected,
        reason=reason,
        detected=201.2 if expected else None,
        recovered=0.4 if expected else None,
    )


def drill(*before: TimingEntry, expected: bool = True) -> RunReport:
    """Return the report of a drill whose watch found errors; `before` are those that were played before."""
    report = flow_report(STEPS, (watched(errors=(3, 9, 17, 25, 41)),))
    mine = entry(report.id, expected=expected, reason="error_rate: 41" if expected else "window was to find it")
    verdict = RunVerdict.PASSED if expected else RunVerdict.FAILED
    return replace(report, kind="drill", environment="staging", verdict=verdict, timings=(*before, mine))


def test_a_drill_that_went_as_planned_shows_no_failure_anywhere() -> None:
    report = drill()
    assert headline(report) == "drill error-spike in staging: found after 3 m 21 s, put back 0.4 s later"
    assert findings(report) == ()
    assert '"results": []' in to_sarif(report)
    assert [suite.failures for suite in JUnitXml.fromstring(to_junit(report).encode())] == [0, 0]
    assert "What to fix first" not in to_html(report, artifacts={})


def test_one_that_did_not_says_what_went_otherwise() -> None:
    report = drill(expected=False)
    assert headline(report) == "drill error-spike in staging: window was to find it; not found, not put back"
    assert [each.names[0] for each in findings(report)] == ["error_rate"]


def test_one_that_was_refused_says_by_what() -> None:
    refused = FlowStepRun(name="admission", status=Status.FAILED, reason="staging is frozen: a demo")
    report = replace(drill(expected=False), steps=(refused,), rulings=(), timings=())
    assert headline(report) == "drill in staging: admission: staging is frozen: a demo"
    assert headline(replace(report, steps=())) == "drill in staging: nothing was planted"


def test_the_page_tells_the_times_of_the_last_drills_the_newest_first() -> None:
    page = to_html(drill(entry("one"), entry("two", expected=False, reason=HOSTILE)), artifacts={})
    assert "Last 3 drills" in page
    assert page.count("3 m 21 s</td>") == 2
    assert page.index("not put back") > page.index("3 m 21 s</td>")
    assert HOSTILE not in page


def test_they_stand_in_the_document_and_come_back_from_it() -> None:
    report = drill(entry("one"))
    assert from_document(to_document(report)) == report
    answer = drill_document("error-spike", report, None, 0)
    assert (answer["id"], answer["expected"], answer["detected"], answer["recovered"]) == (report.id, True, 201.2, 0.4)
    assert [each["id"] for each in answer["history"]] == ["one"]
    nothing = drill_document("slow", None, "nobody counts", 20)
    assert (nothing["skipped"], nothing["expected"], nothing["history"]) == ("nobody counts", None, [])
