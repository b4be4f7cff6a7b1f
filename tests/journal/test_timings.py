from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from ci.journal import Journal, store, tables
from ci.journal.timings import DRILL, REHEARSAL
from tests.journal.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ci.journal.timings import Timing


def kept(journal: Journal, flow: str, **changed: Any) -> Timing:
    facts: dict[str, Any] = {
        "kind": DRILL,
        "environment": "staging",
        "scenario": "failing-smoke",
        "commit": "a" * 40,
        "expected": True,
        "reason": "smoke: é",
        "detected": 2.5,
        "recovered": 0.25,
    }
    return journal.timings.record(flow, **facts | changed)


def test_what_a_play_took_is_kept_once_and_the_first_stays(opened: Callable[[], Journal]) -> None:
    first = kept(opened(), "one")
    again = kept(opened(), "one", detected=99.0, expected=False)
    assert again == first
    assert (first.detected, first.recovered, first.expected, first.reason) == (2.5, 0.25, True, "smoke: é")
    assert first.moment > 0


def test_what_did_not_happen_has_no_time(opened: Callable[[], Journal]) -> None:
    made = kept(opened(), "one", detected=None, recovered=None, expected=False)
    assert opened().timings.recent(DRILL) == (made,)
    assert (made.detected, made.recovered) == (None, None)


def test_the_last_ones_are_told_by_kind_and_environment_the_newest_first(opened: Callable[[], Journal]) -> None:
    journal = opened()
    for number in range(4):
        kept(journal, f"drill-{number}")
    kept(journal, "elsewhere", environment="development")
    kept(journal, "rehearsed", kind=REHEARSAL)
    found = opened().timings
    assert [each.flow for each in found.recent(DRILL, environment="staging", limit=3)] == [
        "drill-3",
        "drill-2",
        "drill-1",
    ]
    assert next(each.flow for each in found.recent(DRILL)) == "elsewhere"
    assert [each.flow for each in found.recent(REHEARSAL)] == ["rehearsed"]


def test_a_journal_of_the_version_before_learns_to_keep_them(tmp_path: Path) -> None:
    Journal.local(ROOT, directory=tmp_path)
    (file,) = tmp_path.glob(f"*/{store.FILE}")
    with sqlite3.connect(file) as connection:
        connection.execute("drop table timings")
        connection.execute(f"pragma user_version={tables.VERSION - 1}")
    assert kept(Journal.local(ROOT, directory=tmp_path), "one").flow == "one"
