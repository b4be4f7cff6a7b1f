"""What becomes of an incident once a fix of it is out: in the village."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sql
from rich.console import Console

from ci import config, mending
from ci.asked import MendingRequest
from ci.diagnosis import cases, following
from ci.diagnosis.queue import to_be_diagnosed, to_be_judged, to_be_looked_at
from ci.diagnosis.trying import Tree
from ci.errors import ExitCode
from ci.journal import Refusal, State
from ci.journal.fixes import Fate
from ci.journal.incidents import Stage
from ci.journal.tables import FLOWS
from ci.promotion.flow import PausedError
from tests.diagnosis.acts import only_fix, play, red, reviewed, stage, why
from tests.diagnosis.test_escalation import told
from tests.diagnosis.test_revert import STAGED
from tests.diagnosis.test_untested import asks, brings
from tests.diagnosis.village import OTHER, RIGHT, Village, mends

if TYPE_CHECKING:
    from pathlib import Path

    from ci.journal.incidents import Incident
    from ci.model import RunReport

LIVE = f"""{STAGED}
[environments.production]
addresses = {{ web = "http://127.0.0.1:9" }}
"""


def promotes(made: Village, commit: str, state: State, *, environment: str = "staging", number: int = 1) -> str:
    """Have a promotion end so; return its name."""
    name = f"{environment}-{commit[:12]}-{number}"
    flows = made.journal.flows
    flows.begin(name, kind="promotion", environment=environment, commit=commit, asked={}, lasting=60.0)
    flows.move(name, state, None if state is State.DONE else "admission: it is frozen")
    return name


def breaks(made: Village, commit: str, *, number: int = 1, report: RunReport | None = None) -> Incident:
    """Have a promotion to staging fail, and its incident be opened."""
    name, step, reason = f"staging-{commit[:12]}-{number}", "smoke", "/ answered 500"
    journal = made.journal
    journal.flows.begin(name, kind="promotion", environment="staging", commit=commit, asked={}, lasting=60.0)
    refusal = Refusal(step=step, message=reason, hint=None, code=ExitCode.GATE_REFUSED, state=State.BLOCKED)
    journal.flows.refuse(name, refusal)
    journal.flows.move(name, State.BLOCKED, f"{step}: {reason}")
    opened = journal.incidents.open(name, environment="staging", commit=commit, what=step, reason=reason)
    cases.keep(journal, opened, report)
    return opened


async def out(made: Village, incident: Incident) -> str:
    """Have a fix go out; return the commit of main that it is."""
    await made.finds(incident, mends())
    await made.judges(incident)
    assert only_fix(made, incident).state is Fate.COMMITTED
    made.git("pull", "-q", "origin", "main")
    return made.main()


async def live(made: Village) -> Incident:
    """Have a fix of production be merged, which no test had shown."""
    incident = made.breaks_production(made.main())
    await made.finds(incident, brings(asks(2)))
    await made.judges(incident)
    await reviewed(made, merge=True)
    await made.judges(incident)
    made.git("pull", "-q", "origin", "main")
    return incident


def test_where_the_fix_fails_what_it_was_for_goes_on_on_the_commit_of_the_fix_alone(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first = await red(made)
        fix = await out(made, first)
        after = breaks(made, fix)
        ended = await made.judges(first)
        assert why(ended) == "staging: staging: smoke: / answered 500"
        assert ended.facts["incident"] == {"skipped": f"it goes on in {after.id}", "after": [after.id]}
        assert (stage(made, first), stage(made, after)) == (Stage.CLOSED, Stage.WAITING)
        assert (to_be_diagnosed(made.journal), mending._next(made.journal, ended)) == ((after.id,), after.id)  # noqa: SLF001
        await made.finds(after, mends(f"{RIGHT} // the sum", old=RIGHT))
        assert (to_be_judged(made.journal), stage(made, after)) == ((after.id,), Stage.PROPOSED)
        judged = await made.judges(first)  # by whatever name it is called
        assert (judged.flow.asked["incident"], judged.flow.asked["cycle"], judged.flow.commit) == (after.id, 2, fix)

    play(tmp_path, acts, more=STAGED)


def test_where_what_follows_a_fix_is_escalated_people_are_told_once_and_nothing_is_tried_again(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first = await red(made)
        after = breaks(made, await out(made, first))
        await made.judges(first)
        await made.finds(after, None)
        assert "neither a tool nor a model repaired it" in why(await made.judges(after))
        assert (stage(made, first), stage(made, after)) == (Stage.CLOSED, Stage.ESCALATED)
        assert (to_be_diagnosed(made.journal), mending.due(made.journal)) == ((), ())
        story = told(made, first.id)
        assert (story["commit"], story["what"]) == (after.commit, "smoke")
        tried = next(each["text"] for each in story["excerpts"] if each["name"] == "what was tried")
        assert [line.partition(" (")[0] for line in tried.splitlines()] == ["cycle 1", "cycle 2"]
        assert not made.journal.notices.of(f"{after.id}-escalated")

    play(tmp_path, acts, more=STAGED)


def test_production_waits_for_what_mends_the_fix_and_ends_in_the_same_hands(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first = await live(made)
        after = breaks(made, made.main())
        await made.judges(first)
        assert (stage(made, first), stage(made, after)) == (Stage.FIXING, Stage.WAITING)
        assert to_be_diagnosed(made.journal) == (after.id,)
        await made.finds(after, None)
        await made.judges(after)
        assert (stage(made, first), stage(made, after)) == (Stage.ESCALATED, Stage.ESCALATED)
        assert (to_be_diagnosed(made.journal), mending.due(made.journal)) == ((), ())

    play(tmp_path, acts, more=LIVE)


def test_what_mends_the_fix_of_production_is_promoted_there_before_all_is_over(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first = await live(made)
        made.forbids(f"{RIGHT}\n")
        about = breaks(made, made.main(), report=await made.trials.run(Tree(commit=made.main())))
        await made.judges(first)
        await made.finds(about, mends(f"{RIGHT} // the sum", old=RIGHT))
        ended = await made.judges(about)
        awaited = following.awaited(ended, made.journal, config.load(made.root))
        assert awaited is not None
        assert (awaited.environment, awaited.incident, awaited.hurried) == ("staging", first.id, True)
        promotes(made, made.main(), State.DONE)
        assert (await made.judges(about)).flow.state is State.PAUSED
        assert stage(made, first) is Stage.FIXING
        promotes(made, made.main(), State.DONE, environment="production")
        assert (await made.judges(about)).flow.state is State.DONE
        assert made.journal.incidents.going_on() == ()

    play(tmp_path, acts, more=LIVE)


@pytest.mark.parametrize("state", [State.BLOCKED, State.ABORTED])
def test_a_promotion_that_was_not_let_through_refuses_nothing_and_is_not_tried_again_at_once(
    tmp_path: Path, state: State
) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        fix = await out(made, incident)
        promotes(made, fix, state)
        ended = await made.judges(incident)
        assert (ended.flow.state, ended.flow.reason) == (
            State.PAUSED,
            f"staging: admission: it is frozen (shipway promote staging --commit {fix[:12]})",
        )
        assert (stage(made, incident), to_be_diagnosed(made.journal)) == (Stage.FIXING, ())
        awaited = following.awaited(ended, made.journal, config.load(made.root))
        assert awaited is not None
        assert (awaited.commit, awaited.barred) == (fix, True)
        promotes(made, fix, State.DONE, number=2)
        assert (await made.judges(incident)).flow.state is State.DONE
        assert stage(made, incident) is Stage.CLOSED

    play(tmp_path, acts, more=STAGED)


def test_a_later_commit_that_holds_the_fix_is_promoted_in_its_place(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        earlier = incident.commit
        fix = await out(made, incident)
        later = made.push("more", {OTHER: "export const other = 3;\n"})
        promotes(made, earlier, State.DONE)
        promotes(made, fix, State.BLOCKED)  # staging holds it already, say
        promotes(made, "f" * 40, State.DONE)  # which nobody knows here
        assert (await made.judges(incident)).flow.state is State.PAUSED
        name = promotes(made, later, State.DONE)
        ended = await made.judges(incident)
        assert (ended.flow.state, ended.facts["staging"]) == (State.DONE, {"flow": name, "commit": later})

    play(tmp_path, acts, more=STAGED)


def test_what_failed_by_chance_alone_is_promoted_again(tmp_path: Path) -> None:
    """What opened the incident is a promotion of the very same commit, which ended before."""

    async def acts(made: Village) -> None:
        made.trials.flaky = 1
        run = dataclasses.replace(await made.trials.run(Tree(commit=made.main())), environment="staging")
        incident = breaks(made, made.main(), report=run)
        await made.finds(incident, None)
        ended = await made.judges(incident)
        assert (ended.flow.state, ended.refusal) == (State.PAUSED, None)
        awaited = following.awaited(ended, made.journal, config.load(made.root))
        assert awaited is not None
        assert (awaited.environment, awaited.commit, awaited.barred) == ("staging", made.main(), False)
        promotes(made, made.main(), State.DONE, number=2)
        assert (await made.judges(incident)).flow.state is State.DONE

    play(tmp_path, acts, more=STAGED)


def test_a_merged_fix_leaves_open_what_main_fails_with_since(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first = await red(made)
        await made.finds(first, mends())
        await made.judges(first)
        await reviewed(made, merge=True)
        made.git("pull", "-q", "origin", "main")
        made.forbids(RIGHT)
        after = await made.opens(made.main())
        ended = await made.judges(first)
        assert (ended.flow.state, ended.facts["incident over"]["left"]) == (State.DONE, [after.id])
        assert (stage(made, first), stage(made, after)) == (Stage.CLOSED, Stage.WAITING)
        assert to_be_diagnosed(made.journal) == (after.id,)
        assert made.journal.cases.beginning(after.id) == first.id

    play(tmp_path, acts, more="shadow = 1")


def test_what_main_fails_with_since_a_merge_that_nobody_noted_waits_until_somebody_looks(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        journal, request = made.journal, MendingRequest(path=made.root, incident="waiting")
        first = await red(made)
        await made.finds(first, mends())
        await made.judges(first)
        await reviewed(made, merge=True)
        made.git("pull", "-q", "origin", "main")
        made.forbids(RIGHT)
        after = await made.opens(made.main())
        assert (to_be_diagnosed(journal), to_be_looked_at(journal, after)) == ((), first.id)
        assert mending.waiting(journal, request) == (after.id, first.id)
        asked = MendingRequest(path=made.root, incident=after.id, judge=False)
        with pytest.raises(PausedError, match=f"the fix of {first.id} was merged"):
            async for _ in mending.cycles(asked, made.root, journal, Console(quiet=True)):
                pass
        await made.judges(first)
        assert (to_be_diagnosed(journal), to_be_looked_at(journal, after)) == ((after.id,), None)
        found = await made.finds(after, mends(f"{RIGHT} // the sum", old=RIGHT))
        assert (found.flow.asked["beginning"], found.flow.asked["cycle"]) == (first.id, 2)

    play(tmp_path, acts, more="shadow = 1")


def test_a_request_that_is_not_merged_yet_keeps_nothing_from_being_diagnosed(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first = await red(made)
        await made.finds(first, mends())
        await made.judges(first)
        other = await made.opens(made.push("more", {OTHER: "export const other = 3;\n"}))
        assert to_be_diagnosed(made.journal) == ()
        await made.judges(first)
        assert to_be_diagnosed(made.journal) == (other.id,)

    play(tmp_path, acts, more="shadow = 1")


def test_a_review_that_nobody_does_ends_in_a_persons_hands_who_is_told_once(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, mends())
        waiting = await made.judges(incident)
        with made.journal.store.writing() as connection:
            late = sql.update(FLOWS).where(FLOWS.c.id == waiting.flow.id).values(deadline=1.0)
            connection.execute(late)
        assert mending.due(made.journal) == (incident.id,)
        ended = await made.judges(incident)
        assert why(ended) == "review: nobody reviewed #1 within 7 days"
        assert ended.refusal is not None
        assert ended.refusal.code == ExitCode.ESCALATED
        assert stage(made, incident) is Stage.ESCALATED
        assert [each["name"] for each in told(made, incident.id)["links"]] == ["cycle 1"]
        assert mending.due(made.journal) == ()

    play(tmp_path, acts, more="shadow = 1")
