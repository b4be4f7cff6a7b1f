"""The two figures by which a bad release is told: how soon it was found, and how soon users had what served before.

Both are read out of a flow's entries and its refusal, which the journal dates by one clock, whoever wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.promotion.rollback.rolling_back import BACK, LATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.journal import Entry, Refusal

SWITCH = "switch"
RESULT = "result"


@dataclass(frozen=True, kw_only=True)
class Times:
    """Seconds; None for what did not happen."""

    detected: float | None = None
    recovered: float | None = None


def times(entries: Sequence[Entry], refusal: Refusal | None, *, since: str = SWITCH, begun: bool = False) -> Times:
    """Return how long it took from the step `since` to the ruling, and from that until every app was back.

    It counts from when that step was done; where it never was, or with `begun`, from when it was begun first. A drill
    counts from when it began to plant its fault.
    """
    if refusal is None or refusal.moment is None:
        return Times()
    done = None if begun else _moment(entries, since, RESULT)
    began = done or next((each.moment for each in entries if each.step == since), None)
    if began is None or refusal.moment < began:
        return Times()
    back = next(
        (
            each.moment
            for each in entries
            if each.step in {"rollback", f"{LATE}rollback"} and each.kind == RESULT and BACK in each.facts
        ),
        None,
    )
    return Times(
        detected=round(refusal.moment - began, 3),
        recovered=None if back is None else round(max(0.0, back - refusal.moment), 3),
    )


def _moment(entries: Sequence[Entry], step: str, kind: str) -> float | None:
    return next((each.moment for each in entries if each.step == step and each.kind == kind), None)
