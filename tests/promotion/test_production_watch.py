"""What becomes of a release that users have, by what the watch sees of it: whole promotions, their ends as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ci.errors import ExitCode
from ci.journal.releases import Proof
from tests.promotion.released import COUNTER, WATCH, Released, begins

if TYPE_CHECKING:
    from ci.journal import Flow
    from tests.promotion.released import Lender


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What users meet in a release, and how its promotion ends.

    Before it 24 of 2,400 requests met an error: 2 of 200. `errors` are how many there are in the watch, and of how many
    users; of a type that was there before, if not `new`. `slow` are those of `requests` that are slow. `watch` are
    lines of [watch]. `why` begins what says no, `notice` is in what the report says beside; `longer`: to the end of the
    extended window. `told` are the ways by which people hear of it. A `long` one is left to the sweeps.
    """

    name: str
    watch: tuple[str, ...] = (COUNTER,)
    errors: tuple[int, int] = (0, 1)
    new: bool = False
    requests: int = 220
    slow: int = 0
    code: ExitCode = ExitCode.PASSED
    proof: Proof = Proof.GOOD
    why: str = ""
    notice: str = ""
    longer: bool = False
    told: tuple[str, ...] = ()
    long: bool = False


EVERYBODY = ("issue", "mail", "page")
BACK: dict[str, Any] = {"code": ExitCode.ROLLED_BACK, "proof": Proof.ROLLED_BACK, "told": EVERYBODY}
HELD: dict[str, Any] = {"code": ExitCode.HELD, "proof": Proof.SERVING, "told": EVERYBODY}
NEW = "window: new_errors: 1 new error type"
LOOK = "`shipway rollback production` moves users back"
STRICT, NOTIFY = 'new_errors = "strict"', 'new_errors = "notify"'
NOTHING = "routes = []"  # and no counter
SCENARIOS = [
    Scenario(name="ten times the errors", errors=(20, 10), **BACK, why="window: error_rate: "),
    Scenario(name="as many errors as before", errors=(2, 2)),
    Scenario(name="many errors of one user", errors=(20, 1), notice=LOOK, longer=True, told=("mail",)),
    Scenario(name="twice the errors, which may be chance", errors=(4, 4), notice=LOOK, longer=True, told=("mail",)),
    Scenario(
        name="a new type, once, strict",
        watch=(COUNTER, STRICT),
        errors=(1, 1),
        new=True,
        **BACK,
        why=NEW,
    ),
    Scenario(name="a new type, 3 events of 2 users", errors=(3, 2), new=True, **BACK, why=NEW),
    Scenario(name="a new type, 2 events", errors=(2, 2), new=True, notice=LOOK, told=("mail",)),
    Scenario(name="a new type of one user", errors=(3, 1), new=True, notice=LOOK, told=("mail",), long=True),
    Scenario(
        name="a new type that is told only",
        watch=(COUNTER, NOTIFY),
        errors=(3, 2),
        new=True,
        notice=LOOK,
        told=("mail",),
    ),
    Scenario(name="slow answers", slow=60, **BACK, why="window: slo: "),
    Scenario(name="nobody comes", watch=(NOTHING,), notice="slo could not tell: no request was measured"),
    Scenario(name="nobody comes, and a person decides", watch=(NOTHING, 'inconclusive = "hold"'), **HELD),
]


@pytest.mark.parametrize(
    "scenario",
    [pytest.param(each, id=each.name, marks=[pytest.mark.long] if each.long else []) for each in SCENARIOS],
)
def test_a_release_ends_by_what_users_meet_in_it(town: Lender, scenario: Scenario) -> None:
    async def scene(place: Released) -> None:
        place.watch(*scenario.watch)
        old, new = place.served, await place.candidate(scenario.name)
        usual = f"{new[:12]}Error"

        def once(flow: Flow) -> None:
            at, (count, users) = begins(place, flow), scenario.errors
            place.requests(scenario.requests, begins=at, slow=scenario.slow)
            place.fail(new, count, begins=at, users=users, kind=f"New{usual}" if scenario.new else usual)

        played = await place.promote(
            new, once={"served before": lambda _: place.live(errors=24, kind=usual), "mark": once}
        )
        assert (played.code, played.refused[: len(scenario.why)]) == (scenario.code, scenario.why), played.refused
        assert (await place.serves(), place.proof(new)) == (
            {old if scenario.proof is Proof.ROLLED_BACK else new},
            scenario.proof,
        )
        back = scenario.proof is Proof.ROLLED_BACK
        assert [each.commit for each in place.journal.bars.pins()] == ([new] if back else [])
        assert any(scenario.notice in each for each in played.report.notices) or not scenario.notice
        assert [each.partition(":")[0] for each in place.news()] == list(scenario.told)
        looks = place.journal.looks.of(played.ended.flow.id, "window")
        assert looks[-1].document["after"] >= WATCH[1] or not scenario.longer
        if scenario.told == ("mail",):
            text = list(place.resend.mails.values())[-1]["text"]
            assert f"they get {new[:12]}, and what speaks against it may be chance" in text
            assert "WHAT IS NEXT\n    shipway rollback production\n" in text

    town.play(scene)
