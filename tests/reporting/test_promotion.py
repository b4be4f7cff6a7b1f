"""A promotion's steps and rulings in every kind of report; a plain run shows nothing of them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from junitparser import Error, JUnitXml, Skipped
from junitparser import Failure as Failed
from rich.console import Console

from ci.model import FlowStepRun, Outcome, PutBack, Return, RunVerdict, Status
from ci.reporting import charts
from ci.reporting.closing import say_closing
from ci.reporting.document import from_document, to_document
from ci.reporting.findings import findings, headline
from ci.reporting.html import SHOWN_ROWS, to_html
from ci.reporting.junit import to_junit
from ci.reporting.notes import heading
from ci.reporting.promotion import aftermath
from ci.reporting.sarif import to_sarif
from ci.reporting.summary import SHOWN_STEPS, to_summary
from tests.reporting.test_html import Page

if TYPE_CHECKING:
    from ci.model import RunReport


def said(report: RunReport) -> list[str]:
    """Return what stays in the log."""
    stream = io.StringIO()
    say_closing(Console(file=stream, no_color=True, _environ={}), report, None)
    return stream.getvalue().splitlines()


def test_the_verdict_says_what_was_promoted_where(promotion: RunReport) -> None:
    assert headline(promotion) == "3f2a1c9d7e4b promoted to production"
    assert headline(replace(promotion, kind="rollback")) == "production rolled back"


def test_the_verdict_of_one_that_did_not_get_through_says_what_stood_in_the_way(refused: RunReport) -> None:
    about = "promotion of 3f2a1c9d7e4b to production"
    assert headline(refused) == f"{about}: error_rate said FAIL, tell everybody could not be done"
    alone = replace(refused, rulings=())
    assert headline(alone) == f"{about}: watch failed, tell everybody could not be done"
    assert headline(replace(alone, steps=(), kind="rollback")) == (
        "rollback of production: no step and no ruling tells why"
    )


def test_the_verdict_of_one_that_is_held_names_the_gate_that_could_not_decide(promotion: RunReport) -> None:
    held = replace(promotion, verdict=RunVerdict.HELD)
    assert headline(held) == "promotion of 3f2a1c9d7e4b to production: soak could not decide"
    assert headline(replace(held, rulings=(), steps=())).endswith(": no ruling could be made yet")


def test_the_verdict_of_one_that_waits_says_for_what(promotion: RunReport) -> None:
    waits = "production serves, and is held:\n the test event did not come back"
    report = replace(promotion, verdict=RunVerdict.HELD, waits=waits)
    said = headline(report)
    assert (
        said
        == "promotion of 3f2a1c9d7e4b to production: production serves, and is held: the test event did not come back"
    )


def test_the_last_ruling_of_a_gate_is_the_one_that_counts(promotion: RunReport) -> None:
    soak = promotion.rulings[2]
    later = replace(promotion, rulings=(*promotion.rulings, replace(soak, ruling=Outcome.PASS, reason="long enough")))
    assert "Not vouched for" in Page(to_html(promotion, artifacts={})).words
    assert "Not vouched for" not in Page(to_html(later, artifacts={})).words


def test_a_step_that_says_again_what_a_gate_said_is_not_told_twice(refused: RunReport) -> None:
    assert [(each.source, each.status) for each in findings(refused)] == [
        ("gate · error_rate · production", Status.FAILED),
        ("step · tell everybody", Status.ERROR),
    ]


def test_steps_and_rulings_come_back_out_of_a_document(refused: RunReport) -> None:
    document = to_document(refused)
    assert document["steps"][2] == {
        "name": "build web", "status": "skipped", "seconds": 0.0, "reason": "done before", "page": None, "error": False,
    }  # fmt: skip
    assert [step["status"] for step in document["steps"][5:]] == ["failed", "done", "failed"]
    assert list(document["rulings"][0]) == ["gate", "environment", "ruling", "reason", "values"]
    assert from_document(json.loads(json.dumps(document))) == refused


def test_a_report_of_before_is_read_with_what_it_has(refused: RunReport, green: RunReport) -> None:
    document = to_document(refused)
    old = {**document, "steps": [{"name": "a", "status": "failed", "seconds": 1.0}]}
    assert from_document(old).steps == (FlowStepRun(name="a", status=Status.FAILED, seconds=1.0),)
    plain = {key: value for key, value in to_document(green).items() if key not in {"steps", "rulings"}}
    assert from_document(plain) == green


def test_the_page_has_verdict_refusal_steps_and_rulings_in_this_order(refused: RunReport) -> None:
    words = Page(to_html(refused, artifacts={})).words
    order = [
        "Failed promotion of 3f2a1c9d7e4b to production: error_rate said FAIL",
        "What to fix first gate · error_rate · production 41 errors in 5 minutes after",
        "shipway diagnose --env production",
        "Steps Status Step Time ✓ done evidence 0.4 s",
        "skipped build web done before ✓ done migrate",
        "✗ failed watch error_rate: 41 errors",
        "! error tell everybody Resend cannot be reached 30.0 s",
        "Rulings what the gates said",
        "✓ PASS budget production the pipeline takes 312.4 s",
        "✗ FAIL error_rate production 41 errors",
    ]
    places = [words.index(part) for part in order]
    assert places == sorted(places)
    assert "Stages against their targets" not in words
    assert "0 slots" not in words


def test_the_figures_of_a_ruling_are_folded_behind_it(promotion: RunReport) -> None:
    page = Page(to_html(promotion, artifacts={}))
    assert sum(tag == "details" for tag, _ in page.elements) == len(promotion.rulings)
    assert not [tag for tag, attributes in page.elements if tag == "details" and "open" in attributes]
    assert "seconds 312.4" in page.words
    assert '"baseline": { "errors": 12, "exposure": 60.0 }' in page.words
    assert "Passed 3f2a1c9d7e4b promoted to production" in page.words
    assert "3 PASS, 1 INCONCLUSIVE" in page.words


def test_a_promotion_that_ran_stages_shows_both(refused: RunReport, red: RunReport) -> None:
    page = Page(to_html(replace(refused, stages=red.stages), artifacts={}))
    assert page.faults == []
    assert "Stages against their targets" in page.words
    assert "Failures 6" in page.words
    assert set(page.values("aria-labelledby")) <= set(page.values("id"))


def test_very_many_steps_and_rulings_stay_a_page_that_opens(promotion: RunReport) -> None:
    many = replace(promotion, steps=promotion.steps * 500, rulings=promotion.rulings * 500)
    source = to_html(many, artifacts={})
    assert len(source) < 500_000
    assert f"and {4 * 500 - SHOWN_ROWS} more, in report.json" in Page(source).words
    assert f"and {4 * 500 - SHOWN_STEPS} more, in the report." in to_summary(many)


@pytest.mark.parametrize("values", [{}, {"observed": None}, {"observed": {"a": "b" * 10_000}, "x": 1e-9, "y": None}])
def test_whatever_a_ruling_is_made_of_it_is_a_page(promotion: RunReport, values: dict[str, object]) -> None:
    ruling = replace(promotion.rulings[0], values=values)
    assert Page(to_html(replace(promotion, rulings=(ruling,)), artifacts={})).faults == []


def test_a_plain_run_shows_nothing_of_it(green: RunReport) -> None:
    page = Page(to_html(green, artifacts={}))
    assert {"steps", "rulings"} & set(page.values("id")) == set()
    assert "Gate" not in page.words
    assert "Gate" not in to_summary(green)
    assert not [suite for suite in JUnitXml.fromstring(to_junit(green).encode()) if suite.name in {"steps", "rulings"}]
    assert "gates" not in to_sarif(green)


def test_the_log_has_a_line_for_each_step_and_ruling_and_the_refusal_once_more(refused: RunReport) -> None:
    lines = said(refused)
    assert "✓ evidence         done        0.4 s" in lines
    assert any(line.startswith("✗ watch            failed   2 m 32 s  error_rate: 41 errors") for line in lines)
    assert any(line.startswith("✓ budget     PASS         production  the pipeline takes 312.4 s") for line in lines)
    assert any(line.startswith("✗ error_rate FAIL         production  41 errors in 5 minutes") for line in lines)
    assert "✗ failed gate · error_rate · production" in lines
    assert lines[-2].startswith("✗ FAILED promotion of 3f2a1c9d7e4b to production: error_rate said FAIL")
    assert lines[-1] == "  next   shipway diagnose --env production"
    assert not [line for line in lines if line != line.rstrip()]


def test_the_summary_has_a_table_of_each_and_the_refusal_among_what_failed(refused: RunReport) -> None:
    summary = to_summary(refused)
    assert summary.startswith("## ✗ Failed: promotion of 3f2a1c9d7e4b to production: error_rate said FAIL")
    assert "| ✓ done | `evidence` | 0.4 s |  |" in summary
    assert "| ✓ PASS | `budget` | `production` | `the pipeline takes 312.4 s" in summary
    assert "- **gate** `gate · error_rate · production`: `41 errors" in summary


def test_junit_has_a_case_for_each_step_and_each_ruling(refused: RunReport, promotion: RunReport) -> None:
    steps, rulings = JUnitXml.fromstring(to_junit(refused).encode())
    assert [case.name for case in steps] == [step.name for step in refused.steps]
    assert [type(case.result[0]) for case in steps if case.result] == [Skipped, Failed, Error]
    assert [(case.name, case.classname) for case in rulings][2] == ("error_rate", "rulings.production")
    (failure,) = [case.result[0] for case in rulings if case.result]
    assert isinstance(failure, Failed)
    assert failure.message.startswith("FAIL: 41 errors in 5 minutes after")
    *_, undecided = JUnitXml.fromstring(to_junit(promotion).encode())
    assert [type(case.result[0]) for case in undecided if case.result] == [Skipped]


def test_sarif_has_a_result_for_each_gate_that_refused(refused: RunReport) -> None:
    blind = replace(refused.rulings[0], ruling=Outcome.ERROR, reason="no answer")
    (run,) = json.loads(to_sarif(replace(refused, rulings=(*refused.rulings, blind))))["runs"]
    assert run["tool"]["driver"]["name"] == "gates"
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("error_rate", "error")
    assert result["message"]["text"].startswith("41 errors in 5 minutes after")
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "budget: no answer"


def test_the_stages_of_a_promotion_stand_on_an_axis_of_their_own(promotion: RunReport, green: RunReport) -> None:
    lasting = replace(promotion, stages=green.stages, seconds=3600.0)
    ends = [check.began + check.seconds for stage in green.stages for check in stage.checks if not check.cached_from]
    assert charts.span(lasting) == pytest.approx(max(ends))
    assert charts.span(replace(green, seconds=3600.0)) == pytest.approx(3600.0)


def test_a_promotion_is_neither_held_against_runs_nor_drawn_among_them(promotion: RunReport, green: RunReport) -> None:
    lasting = replace(promotion, history=green.history, stages=green.stages, seconds=3600.0)
    page = Page(to_html(lasting, artifacts={}))
    assert "than the last green run" not in page.words
    assert lasting.id not in [column.entry.id for column in charts.columns(lasting)]
    assert charts.columns(replace(lasting, history=())) == ()


@pytest.mark.parametrize(
    ("ended", "headline_says", "users"),
    [
        (
            PutBack(
                how=Return.BACK, commit="a" * 40, pinned="b" * 40, told=("mail", "page"), detected=8.25, recovered=0.5
            ),
            "was bad in production: all apps serve aaaaaaaaaaaa again",
            "are safe: every app serves aaaaaaaaaaaa again",
        ),
        (
            PutBack(how=Return.BACK, commit="a" * 40, outside=True),
            "all apps serve aaaaaaaaaaaa again",
            "which fails in the same way: the cause lies outside",
        ),
        (
            PutBack(how=Return.MIXED, commit="a" * 40, why="web: Vercel\x1b[2J refuses"),
            "SOME APPS STILL SERVE IT",
            "are NOT safe: web: Vercel",
        ),
        (
            PutBack(how=Return.FAILED, why="no release proved good before it"),
            "USERS STILL GET IT",
            "are NOT safe, nothing was put back: no release proved good before it",
        ),
    ],
    ids=["back", "outside", "mixed", "failed"],
)
def test_of_a_release_that_was_taken_back_every_kind_of_report_says_first_what_users_get(
    refused: RunReport, ended: PutBack, headline_says: str, users: str
) -> None:
    report = replace(refused, put_back=ended)
    assert headline_says in headline(report)
    assert from_document(to_document(report)) == report
    page = to_html(report, artifacts={})
    told = next(words for name, words in aftermath(report) if name == "Users")
    assert users in told
    assert page.index("What users get") < page.index("Why</h2>") < page.index('id="steps"')
    shown = " ".join(" ".join(said(report)).split())
    for text in (page, to_summary(report), shown):
        assert users in text
        assert "\x1b" not in text
    assert ("people, by mail and page" in page) == bool(ended.told)
    assert (f"Shipway-Fixes: {report.id}" in page) == (ended.pinned is not None)
    assert ("8.2 s after users had it; put back 0.50 s after that" in page) == (ended.detected is not None)


def test_what_is_new_stands_in_page_summary_and_log(promotion: RunReport) -> None:
    notes = promotion.release_notes
    assert notes is not None
    heading = "13 commits since 9d1e5a7c3b2f, 1 of 2 apps changed, 2 migrations"
    page = Page(to_html(promotion, artifacts={}))
    assert heading in page.words
    assert "Receipts may carry a note (#218)" in page.words
    assert "and 7 more" in page.words
    assert {notes.link, notes.commits[0].link} <= set(page.values("href"))
    summary = to_summary(promotion)
    for line in (
        "13 commits since `9d1e5a7c3b2f`, 1 of 2 apps changed",
        f"- [`3f2a1c9d7e4b`](<{notes.commits[0].link}>) `Receipts may carry a note (#218)` `Grace Hopper`, with 4",
        "- and 7 more",
        "- `web` unchanged: `nothing that it is built from changed`",
        "- migration `0007_note.sql`: `expand`",
        "- migration `0008_odd.sql`: phase unknown",
    ):
        assert line in summary
    log = said(promotion)
    assert f"new {heading}" in log
    assert "  3f2a1c9d7e4b Receipts may carry a note (#218)" in log
    assert "  and 7 more in the report" in log


def test_of_many_apps_that_cannot_be_read_and_commits_taken_back_the_heading_says_only_what_is_known(
    promotion: RunReport,
) -> None:
    notes = promotion.release_notes
    assert notes is not None
    unread = replace(notes, apps=(replace(notes.apps[0], changed=None), notes.apps[1]), lost=2, migrations=())
    assert heading(unread) == "13 commits since 9d1e5a7c3b2f, 2 commits taken back"
    assert heading(replace(unread, since=(), total=1, lost=0)) == "1 commit"
    assert "not known" in Page(to_html(replace(promotion, release_notes=unread), artifacts={})).words


def test_a_link_of_release_notes_that_is_no_web_address_is_none(promotion: RunReport) -> None:
    notes = promotion.release_notes
    assert notes is not None
    evil = "javascript:alert(1)"
    first = replace(notes.commits[0], link=evil)
    report = replace(promotion, release_notes=replace(notes, link=evil, commits=(first,)))
    assert evil not in to_html(report, artifacts={})
    assert evil not in to_summary(report)
