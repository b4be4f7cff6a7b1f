"""What became of a release that was to be taken back, by what its flow's steps left in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.journal.notices import Sending
from ci.model import PutBack, Return
from ci.promotion.rollback.rolling_back import BACK, FAILED, LATE, MIXED, outcome
from ci.promotion.rollback.timing import times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.journal import Entry, Refusal
    from ci.promotion.flow import Facts

HOW = {BACK: Return.BACK, MIXED: Return.MIXED, FAILED: Return.FAILED}


def put_back(facts: Mapping[str, Facts], entries: Sequence[Entry], refusal: Refusal | None) -> PutBack | None:
    """Return it, None where nothing was to be taken back."""
    came = outcome(facts)
    if came is None:
        return None
    prefix = next(
        each
        for each in ("", LATE)
        if came in {**facts.get(f"{each}rollback target", {}), **facts.get(f"{each}rollback", {})}
    )
    target, flipped, noted = (facts.get(f"{prefix}rollback{word}", {}) for word in (" target", "", " noted"))
    sent: Mapping[str, str] = facts.get(f"{prefix}people told", {}).get("sent") or {}
    took = times(entries, refusal)
    return PutBack(
        how=HOW[came],
        commit=target.get("commit"),
        why=None if came == BACK else str(target.get(came) or flipped.get(came)),
        pinned=noted.get("pinned"),
        outside=bool(noted.get("outside")),
        told=tuple(name for name, state in sent.items() if state == Sending.SENT),
        detected=took.detected,
        recovered=took.recovered,
    )
