from __future__ import annotations

import pytest

from ci.journal import Entry, Refusal, State
from ci.model import PutBack, Return
from ci.promotion.flow import INTENT, RESULT
from ci.promotion.rollback.returning import put_back

GOOD, BAD = "a" * 40, "b" * 40


def entry(number: int, step: str, kind: str, moment: float, **facts: object) -> Entry:
    return Entry(flow="one", number=number, step=step, kind=kind, epoch=1, moment=moment, facts=facts)


ENTRIES = (
    entry(1, "switch", INTENT, 9.0),
    entry(2, "switch", RESULT, 10.0),
    entry(3, "rollback", RESULT, 18.75, back=GOOD),
)
REFUSAL = Refusal(step="window", message="bad", hint=None, code=11, state=State.BLOCKED, moment=18.25)


def test_what_was_put_back_says_to_what_how_soon_and_what_is_pinned() -> None:
    facts: dict[str, dict[str, object]] = {
        "rollback target": {"commit": GOOD},
        "rollback": {"back": GOOD, "at": 18.75},
        "rollback noted": {"pinned": BAD, "outside": False},
        "people told": {"sent": {"mail": "sent", "page": "failed", "issue": "sent"}},
    }
    assert put_back(facts, ENTRIES, REFUSAL) == PutBack(
        how=Return.BACK, commit=GOOD, pinned=BAD, told=("mail", "issue"), detected=8.25, recovered=0.5
    )


@pytest.mark.parametrize("late", ["", "late "], ids=["in the window", "in the armed watch"])
def test_of_what_was_not_put_back_it_says_why(late: str) -> None:
    mixed = {f"{late}rollback target": {"commit": GOOD}, f"{late}rollback": {"mixed": "web: it refuses"}}
    found = put_back(mixed, ENTRIES[:2], REFUSAL)
    assert found == PutBack(how=Return.MIXED, commit=GOOD, why="web: it refuses", detected=8.25)
    failed = {f"{late}rollback target": {"failed": "no release proved good"}}
    assert put_back(failed, (), None) == PutBack(how=Return.FAILED, why="no release proved good")


def test_where_nothing_was_to_be_taken_back_there_is_nothing_to_say() -> None:
    assert put_back({"rollback target": {"skipped": "the release did not fail"}}, ENTRIES, None) is None
    assert put_back({}, (), None) is None
