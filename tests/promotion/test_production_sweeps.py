"""Production disturbed at every point: whoever carries it killed behind every entry of the journal.

Each time it must end as if nobody had disturbed it: users get the same, and nothing was made twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ci.promoted import exit_code
from ci.promotion.rolling_back import BACK, outcome
from tests.promotion.kills import KILLED, Life, kills, live
from tests.promotion.live import out_where_users_are, played, proofs, proven, served

if TYPE_CHECKING:
    from pathlib import Path

    from ci.promotion.flow import Ended
    from tests.promotion.town import Town

PARTS = 3  # of a sweep, each in a town of its own
QUICKLY = (0.4, 0.4, 1.0)  # seconds: window, extended, armed


def counted(place: Town) -> dict[str, int]:
    """How many there are at the vendors and in the journal."""
    made = {name: len(each) if isinstance(each, list) else each for name, each in place.made().items()}
    return {
        **made,
        "releases": len(proofs(place)),
        "servings": len(place.journal.servings.of("production")),
        "deploys at Sentry": len(place.sentry.store.deploys),
    }


def forget(place: Town, commit: str) -> None:
    """Let the next one go: what this one left behind bars it."""
    for each in place.journal.incidents.going_on():
        place.journal.incidents.close(each.id)
    place.journal.bars.unpin(commit)
    place.journal.bars.unfreeze("production")


def bury(place: Town) -> None:
    """Let somebody else go on at once: whoever was killed does nothing any more."""
    lease = place.journal.leases.of("production")
    if lease is not None:
        place.journal.leases.give_back(lease)


def ending(ended: Ended) -> tuple[object, ...]:
    return (ended.flow.state, ended.refusal and ended.refusal.step, outcome(ended.facts), exit_code(ended))


@pytest.mark.parametrize("bad", [False, True], ids=["good", "put back"])
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.long
def test_killed_behind_any_entry_and_resumed_it_ends_as_if_undisturbed(tmp_path: Path, part: int, *, bad: bool) -> None:
    async def scene(place: Town) -> None:
        async def candidate(message: str) -> str:
            commit = await proven(place, place.push(message))
            if bad:
                out_where_users_are(place, commit)
            return commit

        await place.record("staging")
        first, before = await candidate("the first"), counted(place)
        undisturbed = await live(place.directory, Life(commit=first))
        expected = {name: number - before[name] for name, number in counted(place).items()}
        entries = len(place.journal.flows.entries(undisturbed.flow.id))
        assert (entries > 40, outcome(undisturbed.facts)) == (True, BACK if bad else None), undisturbed.refusal
        forget(place, first)
        async with kills(place.directory) as dying:
            for number in range(1 + part, entries + 1, PARTS):
                good = await served(place)
                commit, before = await candidate(f"killed behind {number}"), counted(place)
                code = await dying.end(Life(commit=commit, number=number))
                assert code == KILLED, (number, dying.said)
                bury(place)
                again = await live(place.directory, Life(commit=commit))
                assert ending(again) == ending(undisturbed), number
                assert {name: count - before[name] for name, count in counted(place).items()} == expected, number
                assert await served(place) == (good if bad else {commit}), number
                forget(place, commit)

    played(tmp_path, scene, apart=0.001, watch=QUICKLY, within=0.5)
