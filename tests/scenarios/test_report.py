from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ci.journal import Journal
from ci.model import RunVerdict
from ci.promotion.rollback.timing import Times
from ci.reporting.document import from_document, to_document
from ci.reporting.files import COMMANDS, write_report
from ci.scenarios.catalogue import STORY, find_scenario
from ci.scenarios.playing import Played
from ci.scenarios.report import rehearsed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

GOOD = Played(
    words=("promote", "staging", "."),
    environment="staging",
    commit="a" * 40,
    seconds=200.0,
    ended="exit code 0",
    wrong=(),
    report="1-promote-staging",
    flow="staging-a",
)
BAD = Played(
    words=("promote", "production", "."),
    environment="production",
    commit="b" * 40,
    seconds=60.0,
    ended="window said no: new_errors: 1 new error type; exit code 12",
    wrong=(),
    report="2-promote-production",
    flow="production-b",
    times=Times(detected=8.25, recovered=0.5),
)
WRONG = Played(
    words=("tick", "."),
    environment="production",
    commit="b" * 40,
    seconds=1.0,
    ended="exit code 1",
    wrong=("it ended with 1, and 0 is expected", "production serves something else"),
)


def test_a_rehearsals_report_leads_to_that_of_each_command_and_says_how_soon_it_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path / "state"))
    told = rehearsed(find_scenario(STORY), (GOOD, BAD), example=tmp_path, notices=("among stand-ins",))
    assert (told.kind, told.scenario, told.verdict) == ("rehearsal", "story", RunVerdict.PASSED)
    assert told.steps[0].reason == "exit code 0, as expected"
    assert told.steps[1].name == "2 promote production"
    assert "found bad 8.2 s after users had it, put back 0.50 s after that" in (told.steps[1].reason or "")
    assert from_document(to_document(told)) == told
    place = tmp_path / "report"
    going_on = rehearsed(find_scenario(STORY), None, example=tmp_path, notices=())
    assert "goes on, or was ended" in write_report(going_on, place, artifacts={}, logs={})[1].read_text()
    for each in (GOOD, BAD):
        write_report(told, place / COMMANDS / str(each.report), artifacts={}, logs={})
    page = write_report(told, place, artifacts={}, logs={}, keep=COMMANDS)[1].read_text()
    assert (place / COMMANDS / "1-promote-staging/index.html").exists()
    assert '<a href="commands/1-promote-staging/index.html">1 promote staging</a>' in page
    assert "rehearsal story, as expected" in page
    write_report(going_on, place, artifacts={}, logs={})
    assert not (place / COMMANDS).exists()
    (kept,) = Journal.local(tmp_path).timings.recent("rehearsal")
    assert (kept.scenario, kept.detected, kept.recovered, kept.expected) == ("story", 8.25, 0.5, True)


def test_what_went_otherwise_than_expected_is_said_and_fails_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path / "state"))
    told = rehearsed(find_scenario(STORY), (GOOD, WRONG), example=tmp_path, notices=())
    assert told.verdict is RunVerdict.FAILED
    assert told.steps[1].reason == "it ended with 1, and 0 is expected; production serves something else"
    document = json.loads(json.dumps(to_document(told)))
    assert [step["status"] for step in document["steps"]] == ["done", "failed"]
    assert (
        "NOT as expected"
        in write_report(told, tmp_path / "report", artifacts={}, logs={})[0].with_name("summary.md").read_text()
    )
