"""Production with a vendor cut off: at every single request, which changes nothing in the end; and for good.

A vendor that is away is never taken for a bad release, and no app is left on another release than the others without
an alarm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.errors import VendorError
from ci.promotion import databases
from ci.promotion.flow import INTENT
from ci.promotion.rollback.rolling_back import BACK, outcome
from ci.vendors import adapter
from ci.vendors.pace import Pace
from tests.promotion.census import census, ending_of, forget, untold, wake
from tests.promotion.kills import QUICK as HASTE
from tests.promotion.live import LIVE, out_where_users_are, played, proven, served
from tests.promotion.townplan import SKIPPED

if TYPE_CHECKING:
    from pathlib import Path

    from ci.journal import Entry
    from ci.promotion.flow import Ended
    from ci.rehearsal.standin import StandIn
    from tests.promotion.town import Town

CUTS = ("lose", "reset", "status", "cut")
QUICK: dict[str, Any] = {"apart": 0.001, "within": 0.5, "watch": (0.2, 0.2, 0.4), "mail": "resend"}
SOON = Pace(first=0.02, most=0.1, whole=0.5)
AROUND = 3  # requests, which who waits for a build makes more or fewer
PEOPLE = frozenset({"pagerduty", "resend"})
PARTS = {"github": 2, "vercel": 3, "sentry": 1, "neon": 1, "stripe": 1, "pagerduty": 1, "resend": 1}
GOOD = [(vendor, part) for vendor in PARTS if vendor != "resend" for part in range(PARTS[vendor])]
PUT_BACK = [(vendor, part) for vendor in PARTS if vendor not in {"neon", "stripe"} for part in range(PARTS[vendor])]


def stand_in_of(place: Town, vendor: str) -> StandIn:
    found: StandIn = getattr(place.people if vendor in PEOPLE else place, vendor)
    return found


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for what was written when an answer was lost for a moment only: who stands in is never late."""
    monkeypatch.setattr(databases, "KEPT", 1)
    monkeypatch.setitem(adapter.ensure.__kwdefaults__ or {}, "lag", SOON)


async def carried(place: Town, commit: str, *, heard: Any = None) -> Ended:
    """Promote, however often a vendor is out of reach for a moment."""
    for _ in range(3):
        journal = place.journal
        journal.flows.heard = heard or journal.flows.heard
        try:
            return await LIVE(place, commit, skip_soak=SKIPPED, patience=HASTE, journal=journal)
        except VendorError:
            continue
    return await LIVE(place, commit, skip_soak=SKIPPED, patience=HASTE)


@pytest.mark.parametrize(
    ("vendor", "part", "bad"),
    [(*each, False) for each in GOOD] + [(*each, True) for each in PUT_BACK],
    ids=lambda each: {False: "good", True: "put back"}.get(each, str(each)) if isinstance(each, bool) else str(each),
)
@pytest.mark.long
def test_cut_at_any_request_it_ends_as_if_undisturbed(tmp_path: Path, vendor: str, part: int, *, bad: bool) -> None:
    async def scene(place: Town) -> None:
        stand_in, began = stand_in_of(place, vendor), dict[str, int]()

        async def candidate(number: int) -> str:
            name = f"migrations/{number + 3:04}.sql"  # Neon is asked for a restore point where one is pending
            migration = f"alter table receipts add column c{number + 1} int;\n"
            files = {name: migration} if vendor == "neon" else {}
            commit = await proven(place, place.push(f"number {number}", **files))
            if bad:
                out_where_users_are(place, commit)
            else:
                await wake(place, number)
            return commit

        def heard(entry: Entry) -> None:
            if entry.kind == INTENT:
                began.setdefault(entry.step, len(stand_in.calls))

        await place.record("staging")
        if vendor == "neon":  # from the second one on there is an older restore point to be deleted
            await carried(place, await candidate(-1))
        commit = await candidate(0)
        before, started = census(place), len(stand_in.calls)
        undisturbed = await carried(place, commit, heard=heard)
        expected, requests = before.made, len(stand_in.calls) - started
        assert outcome(undisturbed.facts) == (BACK if bad else None), undisturbed.refusal
        first = max(0, began["switch"] - started - AROUND) if bad else 0  # as far as there a good one goes the same way
        assert requests > first
        forget(place, commit)
        missed = 0
        for number in range(first + part, requests, PARTS[vendor]):
            good = await served(place)
            commit = await candidate(number + 1)
            before = census(place)
            stand_in.faults.add(kind=CUTS[number % len(CUTS)], after=number, times=1, status=503)
            ended = await carried(place, commit)
            missed += len(stand_in.faults.waiting)
            stand_in.faults.clear()
            at = f"{CUTS[number % len(CUTS)]} at {number} of {requests}"
            assert ending_of(ended) == ending_of(undisturbed), at
            assert before.differs(expected) == {}, at
            assert await served(place) == (good if bad else {commit}), at
            if bad:
                assert untold(place, ended.flow.id) == [], at
            forget(place, commit)
        # How often Sentry is looked at goes by the clock: what else runs here takes looks away.
        assert missed <= max(2, requests // 4 if vendor == "sentry" else 0)

    played(tmp_path, scene, databases=vendor == "neon", **QUICK)
