from __future__ import annotations

from typing import TYPE_CHECKING

from ci.journal import evidence
from ci.journal.incidents import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from ci.journal import Journal

ONE, TWO = "a" * 40, "b" * 40


def test_what_an_environment_serves_is_noted_once_for_each_flow(opened: Callable[[], Journal]) -> None:
    servings = opened().servings
    servings.record("staging", ONE, flow="first")
    servings.record("staging", TWO, flow="second")
    servings.record("staging", ONE, flow="first")
    servings.record("production", ONE, flow="third")
    found = opened().servings.of("staging")
    assert [(each.commit, each.flow) for each in found] == [(ONE, "first"), (TWO, "second")]
    assert found[0].moment <= found[1].moment


def test_what_a_database_has_had_is_told_by_name_with_its_newest_content(opened: Callable[[], Journal]) -> None:
    servings = opened().servings
    assert servings.migrations("staging") == {}
    servings.migrated("staging", {"0001.sql": "a", "0002.sql": "b"})
    servings.migrated("staging", {"0002.sql": "c", "0003.sql": "d"})
    servings.migrated("production", {"0001.sql": "e"})
    assert opened().servings.migrations("staging") == {"0001.sql": "a", "0002.sql": "c", "0003.sql": "d"}


def test_repeats_are_told_since_a_moment_and_baselines_are_the_newest(opened: Callable[[], Journal]) -> None:
    servings = opened().servings
    servings.repeat("staging", "smoke", passed=True)
    since = servings.repeats("staging", since=0)[0].moment
    servings.repeat("staging", "tier 1", passed=False, reason="1 test failed")
    found = opened().servings.repeats("staging", since=since)
    assert [(each.name, each.passed, each.reason) for each in found][-1] == ("tier 1", False, "1 test failed")
    assert servings.repeats("staging", since=found[-1].moment + 60) == ()
    servings.measure("staging", ONE, {"list": 0.2, "read": 0.3})
    servings.measure("staging", TWO, {"list": 0.1})
    assert opened().servings.baseline("staging") == {"list": 0.1, "read": 0.3}


def test_the_newest_report_of_a_commit_is_evidence_and_few_are_kept(
    opened: Callable[[], Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = opened().evidence
    assert kept.newest(ONE) is None
    kept.record("1", commit=ONE, environment=None, report="{}")
    kept.record("1", commit=ONE, environment=None, report="another")
    kept.record("2", commit=ONE, environment="staging", report="[]")
    kept.record("3", commit=ONE, environment=None, report="newer")
    ordinary, staged = opened().evidence.newest(ONE), kept.newest(ONE, environment="staging")
    assert ordinary is not None
    assert staged is not None
    assert (ordinary.id, ordinary.report, staged.id, kept.newest(TWO)) == ("3", "newer", "2", None)
    monkeypatch.setattr(evidence, "KEPT", 2)
    kept.record("4", commit=TWO, environment=None, report="{}")
    assert kept.newest(ONE, environment="staging") is None


def test_an_incident_is_opened_once_and_closed_once(opened: Callable[[], Journal]) -> None:
    incidents = opened().incidents
    made = incidents.open("one", environment="staging", commit=ONE, what="tier 2", reason="no mail")
    again = incidents.open("one", environment="staging", commit=ONE, what="tier 2", reason="another")
    assert made == again
    incidents.open("two", environment="main", commit=TWO, what="unit", reason="red")
    assert [each.id for each in opened().incidents.going_on()] == ["one", "two"]
    assert [each.id for each in incidents.going_on(commit=TWO)] == ["two"]
    assert (incidents.close("one"), incidents.close("one")) == (True, False)
    assert incidents.going_on(environment="staging") == ()
    assert made.state is Stage.WAITING
