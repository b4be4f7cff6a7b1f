"""Production disturbed at every point: whoever carries it is killed behind every entry of the journal.

Each time another one goes on, and all must end as if nobody had been disturbed: users get the same, people are told
once, and nothing was made twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ci.promotion.flow import INTENT, RESULT
from ci.promotion.rollback.rolling_back import BACK, MIXED, outcome
from tests.promotion.census import bury, census, ending_of, forget, untold, wake
from tests.promotion.kills import KILLED, Kills, Life, kills, live
from tests.promotion.live import jam, out_where_users_are, played, proven, served

if TYPE_CHECKING:
    from pathlib import Path

    from ci.promotion.flow import Ended
    from tests.promotion.census import Census
    from tests.promotion.town import Town

PARTS = 3  # of a sweep, each in a town of its own
MAIL = ("resend", "smtp")
CHANNELS = ("page", "mail", "issue")
QUICK: dict[str, Any] = {"apart": 0.001, "within": 0.5, "watch": (0.2, 0.2, 0.4)}
LONG: dict[str, Any] = {**QUICK, "watch": (0.2, 0.2, 60.0)}  # users meet errors while it is armed still


@dataclass(frozen=True, kw_only=True)
class Round:
    """One release, and what there was before anybody was disturbed."""

    commit: str
    good: set[str]
    before: Census
    earlier: str | None


@dataclass(kw_only=True)
class Sweep:
    """Releases of one kind, one after the other: `bad` ones where users are, or `late`; or put back `by_hand`.

    What is bad may be `stuck`: one of its apps cannot be put back.
    """

    place: Town
    bad: bool = False
    stuck: bool = False
    late: bool = False
    by_hand: bool = False
    rounds: int = 0
    undisturbed: Ended | None = None
    expected: dict[str, int] = field(default_factory=dict)

    @property
    def fails(self) -> bool:
        """Whether the release is put back by itself."""
        return self.bad or self.late

    @property
    def came(self) -> str | None:
        """What comes of putting it back."""
        return MIXED if self.stuck else BACK if self.fails or self.by_hand else None

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The entries that nobody disturbed, each with its step and kind."""
        assert self.undisturbed is not None
        return [(each.step, each.kind) for each in self.place.journal.flows.entries(self.undisturbed.flow.id)]

    @property
    def changes(self) -> int:
        """How often a notice changed when nobody was disturbed: it is written, taken, and ended."""
        assert self.undisturbed is not None
        return 3 * len(self.place.journal.notices.of(self.undisturbed.flow.id))

    async def begin(self) -> Round:
        """Push the next one."""
        self.rounds += 1
        commit = await proven(self.place, self.place.push(f"number {self.rounds}"))
        good = await served(self.place)
        earlier = None
        if self.bad:
            out_where_users_are(self.place, commit)
        if self.stuck:
            jam(self.place, times=10**6)
        if self.by_hand:
            await live(self.place.directory, Life(commit=commit))
        elif not self.fails:
            earlier = await wake(self.place, self.rounds)
        return Round(commit=commit, good=good, before=census(self.place), earlier=earlier)

    def life(self, each: Round, **dies: Any) -> Life:
        """Return who carries it, and where he dies."""
        return Life(commit=each.commit, by_hand=self.by_hand, late=self.late, **dies)

    async def measure(self) -> None:
        """See how it ends when nobody is disturbed."""
        each = await self.begin()
        self.undisturbed = await live(self.place.directory, self.life(each))
        self.expected = each.before.made
        assert outcome(self.undisturbed.facts) == self.came, self.undisturbed.refusal
        await self.check(each, self.undisturbed)

    async def disturb(self, dying: Kills, **dies: Any) -> None:
        """Have somebody killed, and another one go on."""
        each = await self.begin()
        code = await dying.end(self.life(each, **dies))
        assert code == KILLED, (dies, dying.said)
        bury(self.place)
        await self.check(each, await live(self.place.directory, self.life(each)))

    async def check(self, each: Round, ended: Ended) -> None:
        """See that all is as when nobody was disturbed."""
        assert self.undisturbed is not None
        assert ending_of(ended) == ending_of(self.undisturbed)
        assert each.before.differs(self.expected) == {}
        serves = {None: {each.commit}, BACK: each.good, MIXED: {each.commit} | each.good}
        assert await served(self.place) == serves[self.came]
        if self.fails:
            assert untold(self.place, ended.flow.id) == []
        if each.earlier is not None:
            assert self.place.people is not None
            assert self.place.people.pages(each.earlier) == ["resolved"]
        if self.stuck:  # it is no more, and a person puts the rest back
            self.place.vercel.faults.clear()
            await live(self.place.directory, Life(commit=each.commit, by_hand=True))
            assert await served(self.place) == each.good
        forget(self.place, each.commit)


@pytest.mark.parametrize("bad", [False, True], ids=["good", "put back"])
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.long
def test_killed_behind_any_entry_and_resumed_it_ends_as_if_undisturbed(tmp_path: Path, part: int, *, bad: bool) -> None:
    async def scene(place: Town) -> None:
        await place.record("staging")
        sweep = Sweep(place=place, bad=bad)
        await sweep.measure()
        entries = len(sweep.steps)
        assert entries > 40
        async with kills(place.directory) as dying:
            for number in range(1 + part, entries + 1, PARTS):
                await sweep.disturb(dying, number=number)

    played(tmp_path, scene, mail=MAIL[part % 2], **QUICK)


@pytest.mark.long
def test_killed_where_apps_are_left_mixed_somebody_is_woken_once_all_the_same(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        await place.record("staging")
        sweep = Sweep(place=place, bad=True, stuck=True)
        await sweep.measure()
        first = sweep.steps.index(("rollback target", INTENT)) + 1  # until then it is one that is put back
        async with kills(place.directory) as dying:
            for number in range(first, len(sweep.steps) + 1):
                await sweep.disturb(dying, number=number)

    played(tmp_path, scene, mail="smtp", **QUICK)


@pytest.mark.parametrize("mail", MAIL)
@pytest.mark.long
def test_killed_while_people_are_told_each_of_them_is_told_once(tmp_path: Path, mail: str) -> None:
    async def scene(place: Town) -> None:
        await place.record("staging")
        sweep = Sweep(place=place, bad=True)
        await sweep.measure()
        assert sweep.changes == 3 * (len(CHANNELS) + 1)  # and the switch is a change
        async with kills(place.directory) as dying:
            for number in range(1, sweep.changes + 1):
                await sweep.disturb(dying, notice=number)
            for channel in CHANNELS:
                await sweep.disturb(dying, channel=channel)

    played(tmp_path, scene, mail=mail, **QUICK)


@pytest.mark.long
def test_killed_in_a_rollback_by_hand_and_carried_on_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        await place.record("staging")
        sweep = Sweep(place=place, by_hand=True)
        await sweep.measure()
        async with kills(place.directory) as dying:
            for number in range(1, len(sweep.steps) + 1):
                await sweep.disturb(dying, number=number)

    played(tmp_path, scene, mail="resend", **QUICK)


@pytest.mark.long
def test_killed_behind_any_entry_after_the_window_what_is_bad_late_is_put_back_as_if_undisturbed(
    tmp_path: Path,
) -> None:
    async def scene(place: Town) -> None:
        await place.record("staging")
        sweep = Sweep(place=place, late=True)
        await sweep.measure()
        first = sweep.steps.index(("people told", RESULT)) + 1  # as far as there a good one goes the same way
        async with kills(place.directory) as dying:
            for number in range(first, len(sweep.steps) + 1):
                await sweep.disturb(dying, number=number)

    played(tmp_path, scene, mail="smtp", **LONG)
