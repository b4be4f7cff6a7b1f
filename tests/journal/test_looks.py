from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from ci.journal import Journal, store, tables
from tests.journal.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ci.journal import Look


def test_a_look_is_written_down_once_and_the_first_stays(opened: Callable[[], Journal]) -> None:
    looks = opened().looks
    first = looks.record("one", "window", 1, {"errors": 2, "said": "é"})
    again = opened().looks.record("one", "window", 1, {"errors": 9})
    assert first == again
    assert first.document == {"errors": 2, "said": "é"}


def test_looks_are_told_by_flow_and_kind_in_the_order_of_their_numbers(opened: Callable[[], Journal]) -> None:
    looks = opened().looks
    heard: list[Look] = []
    looks.heard = heard.append
    for number in (10, 9, 1):
        looks.record("one", "window", number, {})
    looks.record("one", "armed", 1, {})
    looks.record("two", "window", 4, {})
    found = opened().looks
    assert [each.number for each in found.of("one", "window")] == [1, 9, 10]
    assert next((each.kind, each.number) for each in found.of("one")) == ("armed", 1)
    assert [each.number for each in found.of("two")] == [4]
    assert found.of("three") == ()
    assert [(each.kind, each.number) for each in heard] == [
        ("window", 10),
        ("window", 9),
        ("window", 1),
        ("armed", 1),
        ("window", 4),
    ]
    assert all(each.moment > 0 for each in heard)


def test_a_journal_of_the_version_before_learns_to_keep_looks(tmp_path: Path) -> None:
    Journal.local(ROOT, directory=tmp_path)
    (file,) = tmp_path.glob(f"*/{store.FILE}")
    with sqlite3.connect(file) as connection:
        connection.execute("drop table looks")
        connection.execute(f"pragma user_version={tables.VERSION - 1}")
    assert Journal.local(ROOT, directory=tmp_path).looks.record("one", "window", 1, {}).number == 1
