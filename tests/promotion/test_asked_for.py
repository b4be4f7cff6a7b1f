"""What is gone on with, and what is released, where nobody names it: by what the journal knows of each environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ci.errors import UsageError
from ci.journal import Journal, State
from ci.promotion import carrying
from ci.promotion.carrying import interrupted, unfinished
from ci.promotion.flow import BlockedError
from ci.promotion.rollback import rolling_back
from ci.releases import soaked

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Return a journal in which nothing is."""
    return Journal.local(tmp_path / "repository", directory=tmp_path / "state")


def begin(
    journal: Journal, name: str, *, kind: str = carrying.KIND, environment: str = "staging", of: str = NEW
) -> None:
    """Begin a flow."""
    journal.flows.begin(name, kind=kind, environment=environment, commit=of, asked={}, lasting=60)


def test_a_rollback_that_was_interrupted_is_gone_on_with_before_anything_else(journal: Journal) -> None:
    begin(journal, "release", environment="production")
    journal.flows.move("release", State.WAITING)
    begin(journal, "rollback", kind=rolling_back.KIND, environment="production")
    begin(journal, "elsewhere", kind=rolling_back.KIND)
    assert interrupted(journal, "production").id == "rollback"
    assert unfinished(journal, "production").id == "release"  # which is what a person approves or ends
    journal.flows.move("rollback", State.DONE)
    assert interrupted(journal, "production").id == "release"
    journal.flows.move("release", State.DONE)
    with pytest.raises(BlockedError, match="no promotion to production is unfinished"):
        interrupted(journal, "production")


def test_what_is_released_is_what_staging_used_for_long_enough_and_in_a_hurry_what_it_uses(journal: Journal) -> None:
    with pytest.raises(UsageError, match="staging has used no commit for long enough"):
        soaked(journal)
    begin(journal, "old", of=OLD)
    journal.flows.move("old", State.DONE)
    begin(journal, "new")
    assert (soaked(journal), soaked(journal, hurried=True)) == (OLD, OLD)
    journal.flows.move("new", State.WAITING)
    assert (soaked(journal), soaked(journal, hurried=True)) == (OLD, NEW)
    journal.flows.move("new", State.DONE)
    assert soaked(journal) == NEW
