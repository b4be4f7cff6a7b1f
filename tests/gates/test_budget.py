from __future__ import annotations

from ci.gates.budget import BudgetObserved, StageTime, rule
from ci.model import Outcome


def test_ten_minutes_are_allowed_and_not_more() -> None:
    assert rule(BudgetObserved(seconds=600), environment="staging").ruling is Outcome.PASS
    found = rule(BudgetObserved(seconds=601), environment="staging")
    assert found.ruling is Outcome.FAIL
    assert found.reason == "the pipeline takes 601 s; at most 600 s are allowed"


def test_what_came_from_cache_counts_at_its_original_seconds() -> None:
    stages = (
        StageTime(name="unit", seconds=1, full_seconds=301),
        StageTime(name="e2e", seconds=250, full_seconds=250),
    )
    found = rule(BudgetObserved(seconds=310, stages=stages), environment="staging")
    assert (found.ruling, found.values["seconds"]) == (Outcome.FAIL, 610)
    assert "300 s of it from cache" in found.reason
    assert "the longest stage is unit, 301 s" in found.reason


def test_a_person_accepts_a_slow_pipeline_with_a_reason() -> None:
    found = rule(BudgetObserved(seconds=700, accepted="the runner is being replaced"), environment="staging")
    assert found.ruling is Outcome.PASS
    assert 'over 600 s; accepted: "the runner is being replaced"' in found.reason
    assert rule(BudgetObserved(seconds=700, accepted=" "), environment="staging").ruling is Outcome.FAIL


def test_no_pipeline_is_no_data() -> None:
    assert rule(BudgetObserved(seconds=None), environment="staging").ruling is Outcome.NODATA
