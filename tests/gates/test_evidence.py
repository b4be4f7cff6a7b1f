from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ci.gates.evidence import EvidenceObserved, Report, StageEvidence, rule
from ci.model import STAGE_NAMES, Outcome, Ruling, Status

COMMIT = "0123456789abcdef" * 2 + "01234567"
GREEN = Report(
    id="r1",
    commit=COMMIT,
    ended=1000,
    dirty=False,
    untrusted=False,
    stages=tuple(StageEvidence(name=name, status=Status.PASSED) for name in STAGE_NAMES),
)


def ruled(report: Report | None, **more: Any) -> Ruling:
    """Return the ruling on a report that is 60 s old and may be a day old."""
    observed = EvidenceObserved(commit=COMMIT, report=report, now=1060, max_age=86400)
    return rule(dataclasses.replace(observed, **more), environment="staging")


def with_stage(name: str, **changes: Any) -> Report:
    """Return the green report with this stage changed."""
    stages = tuple(dataclasses.replace(each, **changes) if each.name == name else each for each in GREEN.stages)
    return dataclasses.replace(GREEN, stages=stages)


def test_a_whole_green_report_of_the_commit_is_evidence() -> None:
    assert ruled(GREEN).ruling is Outcome.PASS
    assert ruled(with_stage("unit", status=Status.FLAKY)).ruling is Outcome.PASS
    assert ruled(None).ruling is Outcome.NODATA


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (dataclasses.replace(GREEN, commit="f" * 40), "it is of ffffffffffff"),
        (dataclasses.replace(GREEN, commit=None), "it is of no commit"),
        (dataclasses.replace(GREEN, dirty=True), "dirty"),
        (dataclasses.replace(GREEN, untrusted=True), "untrusted pull request"),
        (dataclasses.replace(GREEN, ended=2000), "in the future"),
        (dataclasses.replace(GREEN, stages=GREEN.stages[:-1]), "audit is missing"),
        (with_stage("unit", status=Status.FAILED, reason="3 tests failed"), "unit failed (3 tests failed)"),
        (with_stage("e2e", status=Status.SKIPPED), "e2e skipped"),
        (with_stage("lint", status=Status.ERROR), "lint error"),
    ],
)
def test_what_a_report_lacks_is_named(report: Report, words: str) -> None:
    found = ruled(report)
    assert found.ruling is Outcome.FAIL
    assert words in found.reason


def test_all_that_is_wrong_is_named_at_once() -> None:
    report = dataclasses.replace(with_stage("unit", status=Status.FAILED), dirty=True, untrusted=True)
    assert len(ruled(report, max_age=30).values["wrong"]) == 4  # type: ignore[arg-type]


def test_age_counts_to_the_second() -> None:
    assert ruled(GREEN, max_age=60).ruling is Outcome.PASS
    assert ruled(GREEN, max_age=59).ruling is Outcome.FAIL


def test_only_a_promotion_refuses_what_came_from_cache() -> None:
    cached = with_stage("unit", cached=2)
    assert ruled(cached).ruling is Outcome.PASS
    assert "unit has 2 checks from cache" in ruled(cached, executed=True).reason


def test_an_empty_stage_passes_where_that_is_allowed() -> None:
    empty = with_stage("e2e", status=Status.SKIPPED, reason="no app has any")
    assert ruled(empty, allow_empty=("e2e",)).ruling is Outcome.PASS
    assert ruled(empty, allow_empty=("unit",)).ruling is Outcome.FAIL
    assert ruled(with_stage("e2e", status=Status.FAILED), allow_empty=("e2e",)).ruling is Outcome.FAIL
