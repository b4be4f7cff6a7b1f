from __future__ import annotations

from typing import Any

import pytest

from ci.journal import Entry, Refusal, State
from ci.promotion.rollback.rolling_back import BACK, MIXED
from ci.promotion.rollback.timing import Times, times

NOTHING = Times(detected=None, recovered=None)
Told = tuple[str, str, float, dict[str, Any]]


def entries(*told: Told) -> list[Entry]:
    return [
        Entry(flow="one", number=number, step=step, kind=kind, epoch=1, moment=moment, facts=facts)
        for number, (step, kind, moment, facts) in enumerate(told, start=1)
    ]


def refused(moment: float | None, step: str = "smoke") -> Refusal:
    return Refusal(step=step, message="bad", hint=None, code=11, state=State.BLOCKED, moment=moment)


SWITCHED: tuple[Told, ...] = (("switch", "intent", 100.0, {}), ("switch", "result", 103.0, {"at": 102.9}))


def test_it_is_found_so_long_after_the_switch_and_back_so_long_after_that() -> None:
    known = entries(*SWITCHED, ("rollback", "intent", 110.2, {}), ("rollback", "result", 110.9, {BACK: "a"}))
    assert times(known, refused(110.0)) == Times(detected=7.0, recovered=0.9)


def test_where_the_switch_itself_failed_it_counts_from_its_begin() -> None:
    known = entries(SWITCHED[0], ("switch", "intent", 120.0, {}), ("rollback", "result", 131.0, {BACK: "a"}))
    assert times(known, refused(130.0, "switch")) == Times(detected=30.0, recovered=1.0)


def test_what_the_armed_watch_found_is_put_back_late() -> None:
    known = entries(
        *SWITCHED, ("rollback", "result", 104.0, {"skipped": "no"}), ("late rollback", "result", 161.0, {BACK: "a"})
    )
    assert times(known, refused(160.0, "armed watch")) == Times(detected=57.0, recovered=1.0)


def test_a_drill_counts_from_when_its_fault_began_to_be_planted() -> None:
    fault: tuple[Told, ...] = (("fault", "intent", 104.0, {}), ("fault", "result", 105.0, {}))
    known = entries(*SWITCHED, *fault, ("rollback", "result", 109.0, {BACK: "a"}))
    assert times(known, refused(108.0), since="fault", begun=True) == Times(detected=4.0, recovered=1.0)


@pytest.mark.parametrize("facts", [{MIXED: "web is not"}, {"failed": "none is"}, {"skipped": "it is held"}])
def test_what_is_not_all_back_has_not_recovered(facts: dict[str, Any]) -> None:
    known = entries(*SWITCHED, ("rollback", "result", 111.0, facts))
    assert times(known, refused(110.0)) == Times(detected=7.0, recovered=None)


@pytest.mark.parametrize(
    ("known", "refusal"),
    [
        (entries(*SWITCHED), None),
        (entries(), refused(110.0)),
        (entries(("admission", "intent", 90.0, {})), refused(91.0)),
        (entries(*SWITCHED), refused(None)),
    ],
    ids=["good", "nothing done", "never switched", "not dated"],
)
def test_where_nothing_bad_was_served_there_is_nothing_to_tell(known: list[Entry], refusal: Refusal | None) -> None:
    assert times(known, refusal) == NOTHING
