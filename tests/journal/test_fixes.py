"""What fixes earn, and what one costs that is taken back."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from ci.journal import Journal, store, tables
from ci.journal.fixes import MODEL, Fate, Fix
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def fix(incident: str, state: Fate, *, author: str = MODEL, tier: int = 1) -> Fix:
    """Return a fix of an incident's first cycle."""
    commit = f"{incident:f<40}"
    return Fix(incident=incident, cycle=1, tier=tier, author=author, digest=incident, state=state, commit=commit)


def test_one_that_is_taken_back_costs_all_that_was_earned(tmp_path: Path) -> None:
    fixes = Journal.local(ROOT, directory=tmp_path).fixes
    for name in ("a", "b", "c"):
        fixes.record(fix(name, Fate.MERGED))
    fixes.record(fix("tool", Fate.COMMITTED, author="eslint --fix"))
    bad = fixes.record(fix("d", Fate.COMMITTED))
    assert (fixes.earned(), fixes.is_on_probation(), fixes.today()) == (4, False, 2)
    fixes.take_back(bad, by="e" * 40)
    assert (fixes.earned(), fixes.is_on_probation(), fixes.today()) == (0, True, 2)
    fixes.record(fix("f", Fate.REQUESTED))
    assert (fixes.earned(), fixes.is_on_probation()) == (0, True)
    fixes.record(fix("f", Fate.MERGED))
    assert (fixes.earned(), fixes.is_on_probation()) == (1, False)


def test_what_a_tool_made_costs_the_model_nothing(tmp_path: Path) -> None:
    fixes = Journal.local(ROOT, directory=tmp_path).fixes
    fixes.record(fix("a", Fate.MERGED))
    fixes.take_back(fixes.record(fix("tool", Fate.COMMITTED, author="eslint --fix")), by="e" * 40)
    assert (fixes.earned(), fixes.is_on_probation()) == (1, False)


def test_one_that_was_taken_back_stays_so_whoever_writes_of_it_later(tmp_path: Path) -> None:
    fixes = Journal.local(ROOT, directory=tmp_path).fixes
    made = fixes.record(fix("a", Fate.COMMITTED))
    for _ in range(2):
        fixes.take_back(made, by="e" * 40, reference="https://github.example/1")
    (found,) = fixes.of("a")
    assert (found.state, found.commit, found.reference) == (Fate.REVERTED, made.commit, "https://github.example/1")
    assert fixes.record(made).state is Fate.REVERTED
    assert fixes.of("a") == (found,)


def test_an_incident_of_what_took_a_fix_back_goes_on_with_what_the_fix_was_for(tmp_path: Path) -> None:
    journal = Journal.local(ROOT, directory=tmp_path)
    made = journal.fixes.record(fix("a", Fate.COMMITTED))
    journal.fixes.take_back(made, by="e" * 40)
    for name, commit in (("back", "e" * 40), ("fixed", str(made.commit)), ("else", "0" * 40)):
        journal.incidents.open(name, environment="main", commit=commit, what="unit", reason="no")
    assert [journal.cases.beginning(each) for each in ("back", "fixed", "else")] == ["a", "a", "else"]


def test_a_journal_of_the_version_before_learns_what_took_a_fix_back(tmp_path: Path) -> None:
    made = Journal.local(ROOT, directory=tmp_path).fixes.record(fix("a", Fate.COMMITTED))
    (file,) = tmp_path.glob(f"*/{store.FILE}")
    with sqlite3.connect(file) as connection:
        connection.execute("drop table reverts")
        connection.execute(f"pragma user_version={tables.VERSION - 1}")
    journal = Journal.local(ROOT, directory=tmp_path)
    journal.fixes.take_back(made, by="e" * 40)
    assert journal.fixes.of("a")[0].state is Fate.REVERTED
