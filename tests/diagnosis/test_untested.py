"""A failure in production that no test shows: its fix comes with one, or does not go out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ci import config
from ci.diagnosis import following
from ci.diagnosis.cycle import MENDING, leased_as
from ci.journal import Journal, State
from ci.journal.fixes import Fate
from ci.journal.incidents import Stage
from ci.promotion.flow import Ended
from ci.vendors.model import ScriptedModel, ToolUse, using
from tests.diagnosis.acts import only_fix, play, reviewed, stage, why
from tests.diagnosis.village import NEW_TEST, OTHER, Village, finishes

if TYPE_CHECKING:
    from pathlib import Path

BETTER = "export const other = 2;\n"


def brings(test: str | None, *, edits: str = "other = 2;") -> ScriptedModel:
    """Return a model that mends what nobody tests, and brings a test of it."""
    uses = [ToolUse(id="1", name="edit_file", input={"path": OTHER, "old": "other = 1;", "new": edits})]
    if test is not None:
        uses.append(ToolUse(id="2", name="write_file", input={"path": NEW_TEST, "text": test}))
    return ScriptedModel(using(*uses, cost=0.01), finishes())


def asks(wanted: int) -> str:
    """Return a test that wants a number."""
    return f"import {{ other }} from '../src/other';\n\nit('answers', () => expect(other).toBe({wanted}));\n"


def test_the_fix_of_what_no_test_shows_brings_one_and_is_for_a_person_to_review(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = made.breaks_production(made.main())
        await made.finds(incident, brings(asks(2)))
        ended = await made.judges(incident)
        assert ended.refusal is None, why(ended)
        assert ended.flow.state is State.PAUSED
        (ruling,) = ended.facts["proof"]["rulings"]
        assert ruling["reason"].endswith("; 1 new test red before and green after")
        observed = ruling["values"]["observed"]
        assert (observed["failing"], observed["written"]) == ([], [f"{NEW_TEST} > answers"])
        assert observed["red"]["failed"] == [f"{NEW_TEST} > answers"]
        assert observed["green"]["failed"] == []
        assert (only_fix(made, incident).state, only_fix(made, incident).tier) == (Fate.REQUESTED, 2)
        await reviewed(made, merge=True)
        assert (await made.judges(incident)).flow.state is State.DONE
        assert (made.text(OTHER), made.text(NEW_TEST)) == (BETTER, asks(2))
        assert stage(made, incident) is Stage.CLOSED

    play(tmp_path, acts)


@pytest.mark.parametrize(
    ("test", "outcome", "words"),
    [
        (None, "NODATA", "the failure has no test, and the patch brings none"),
        (asks(3), "FAIL", "is new and fails on the fix"),
    ],
    ids=["none", "red on the fix"],
)
def test_what_proves_nothing_goes_nowhere(tmp_path: Path, test: str | None, outcome: str, words: str) -> None:
    async def acts(made: Village) -> None:
        before = made.main()
        incident = made.breaks_production(before)
        await made.finds(incident, brings(test))
        ended = await made.judges(incident)
        assert why(ended).startswith("proof: integrity: ")
        assert words in why(ended)
        assert ended.refusal is not None
        assert [each["ruling"] for each in ended.refusal.rulings] == [outcome]
        assert made.main() == before
        assert made.github.state.pulls == {}
        assert (made.journal.fixes.of(incident.id), stage(made, incident)) == ((), Stage.WAITING)

    play(tmp_path, acts)


def test_a_test_that_was_green_on_the_bad_commit_is_no_proof(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = made.breaks_production(made.main())
        both = "other = 1; // other = 2;"  # so that the test passes before and after
        await made.finds(incident, brings(asks(1), edits=both))
        ended = await made.judges(incident)
        assert "is new and does not fail on the bad commit" in why(ended)

    play(tmp_path, acts)


@pytest.mark.parametrize(("served", "most"), [(0.0, 600.0), (-300.0, 300.0), (-1000.0, 0.0), (None, 0.0)])
def test_a_fix_of_production_waits_until_staging_used_it_for_the_short_soak(
    tmp_path: Path, served: float | None, most: float
) -> None:
    journal = Journal.local(tmp_path, directory=tmp_path / "journal")
    journal.incidents.open("bad", environment="production", commit="c" * 40, what="smoke", reason="no")
    staged = journal.flows.begin(
        "staged", kind="promotion", environment="staging", commit="f" * 40, asked={}, lasting=60.0
    )
    if served is not None:
        journal.flows.write(staged.id, "switch", "result", epoch=1, facts={"at": time.time() + served})
    facts = {following.REVIEW: {"commit": "f" * 40}}
    first = _awaited(journal, tmp_path, facts)
    assert first is not None
    assert (first.environment, first.after, first.hurried) == ("staging", 0.0, True)
    then = _awaited(journal, tmp_path, {**facts, following.STAGING: {"flow": staged.id}})
    assert then is not None
    assert (then.environment, then.commit, then.incident, then.hurried) == ("production", "f" * 40, "bad", False)
    assert max(0.0, most - 60.0) <= then.after <= most


def test_what_waits_for_no_promotion_says_so(tmp_path: Path) -> None:
    journal = Journal.local(tmp_path, directory=tmp_path / "journal")
    journal.incidents.open("bad", environment="main", commit="c" * 40, what="unit", reason="no")
    facts = {following.REVIEW: {"commit": "f" * 40}}
    assert _awaited(journal, tmp_path, {}) is None
    assert _awaited(journal, tmp_path, facts, state=State.DONE) is None
    found = _awaited(journal, tmp_path, facts)
    assert found is not None
    assert not found.hurried


def _awaited(
    journal: Journal, root: Path, facts: dict[str, dict[str, str]], *, state: State = State.PAUSED
) -> following.Awaited | None:
    name = f"fix-bad-{len(journal.flows.recent())}"
    asked = {"incident": "bad", "beginning": "bad", "cycle": 1}
    flow = journal.flows.begin(
        name, kind=MENDING, environment=leased_as("bad"), commit="c" * 40, asked=asked, lasting=60.0
    )
    ended = Ended(flow=journal.flows.move(flow.id, state), steps=(), facts=facts)
    return following.awaited(ended, journal, config.load(root))
