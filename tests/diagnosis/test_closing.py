"""What ends with an incident that is closed, or opened again: in the village."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from ci import mending
from ci.asked import MendingRequest
from ci.diagnosis import cases
from ci.diagnosis.cycle import FINDING, begin
from ci.diagnosis.queue import to_be_diagnosed, to_be_judged
from ci.diagnosis.trying import Tree
from ci.errors import ExitCode, UsageError
from ci.journal import State
from ci.journal.incidents import Stage
from ci.journal.proposals import Proposal
from ci.mended import incident_run
from ci.model import CheckRun, Failure, Status
from tests.diagnosis.acts import BROKEN, play, red, reviewed, stage
from tests.diagnosis.test_following import promotes
from tests.diagnosis.test_revert import STAGED
from tests.diagnosis.village import OTHER, Village, mends, report

if TYPE_CHECKING:
    from pathlib import Path

    from ci.journal.incidents import Incident

AUDIT = CheckRun(
    stage="audit", name="deps", package=".", status=Status.FAILED, reason="1 advisory", failures=(Failure(message="x"),)
)


async def carries(made: Village, incident: Incident) -> None:
    """Go on with an incident as the command does."""
    request = MendingRequest(path=made.root, incident=incident.id)
    async for _ in mending.cycles(request, made.root, made.journal, Console(quiet=True)):
        pass


def test_an_incident_that_is_opened_again_is_about_what_fails_now(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        journal = made.journal
        first = await red(made)
        before = journal.cases.signature(first.id)
        journal.incidents.close(first.id)
        again = cases.open_red(journal, report([AUDIT], first.commit))
        assert again is not None
        found = await cases.facts_of(journal, again, made.trials.history)
        assert (found.what, found.reason, found.checks) == ("audit", "1 advisory", ("audit/deps@.",))
        assert journal.cases.signature(first.id) == found.signature != before
        assert cases.open_red(journal, await made.trials.run(Tree(commit=first.commit))) == again  # it is open
        assert journal.cases.signature(first.id) == found.signature

    play(tmp_path, acts)


def test_an_incident_that_is_opened_again_is_not_closed_by_what_was_done_before(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        made.trials.flaky = 1
        first = await made.opens(made.push("slow", {OTHER: "export const other = 3;\n"}))
        await made.finds(first, None)
        ended = await made.judges(first)
        assert (ended.flow.state, stage(made, first)) == (State.PAUSED, Stage.CLOSED)
        made.trials.flaky = 99
        again = cases.open_red(made.journal, await made.trials.run(Tree(commit=first.commit)))
        assert again is not None
        flow = made.journal.flows.flow(ended.flow.id)
        assert (flow.state, flow.reason) == (State.ABORTED, f"{first.id} was opened again")
        assert (to_be_judged(made.journal), to_be_diagnosed(made.journal)) == ((), (first.id,))
        assert (await made.finds(again, mends())).flow.asked["cycle"] == 2

    play(tmp_path, acts, more=STAGED)


def test_what_was_proposed_before_an_incident_was_opened_again_is_not_judged(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first = await red(made)
        await made.finds(first, mends())
        made.journal.incidents.close(first.id)
        again = cases.open_red(made.journal, report([AUDIT], first.commit))
        assert again is not None
        assert (to_be_judged(made.journal), to_be_diagnosed(made.journal)) == ((), (first.id,))
        flow = begin(made.journal, FINDING, again)
        made.journal.incidents.close(first.id)
        cases.open_red(made.journal, report([AUDIT], first.commit))
        late = Proposal(incident=first.id, cycle=int(flow.asked["cycle"]), document={"author": "model"})
        made.journal.proposals.keep(late)  # by who was at it still
        assert (to_be_judged(made.journal), to_be_diagnosed(made.journal)) == ((), (first.id,))

    play(tmp_path, acts)


def test_who_closes_an_incident_ends_what_goes_on_about_it(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first = await red(made)
        await made.finds(first, mends())
        ended = await made.judges(first)
        assert ended.flow.state is State.PAUSED
        assert (await mending.close(made.journal, made.root, first.commit[:9])).id == first.id
        flow = made.journal.flows.flow(ended.flow.id)
        assert (flow.state, flow.reason) == (State.ABORTED, "a person closed it")
        assert mending.due(made.journal) == ()
        with pytest.raises(UsageError, match=f"{first.id} is closed") as caught:
            await carries(made, first)
        assert (caught.value.exit_code, caught.value.hint) == (
            ExitCode.USAGE,
            f"a run of {first.commit[:12]} that is red opens it again",
        )
        with pytest.raises(UsageError, match=f"no incident {first.id} is open"):
            await mending.close(made.journal, made.root, first.id)
        assert (await mending.named(made.journal, made.root, "HEAD", closed=True)).id == first.id
        (cycle,) = incident_run(made.journal, first, cycles=3).cycles
        assert cycle.why == "closed: a person closed it"

    play(tmp_path, acts, more="shadow = 1")


def test_a_run_that_is_green_ends_the_cycle_whose_fix_is_not_out_and_nobody_is_told(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first = await red(made)
        flow = begin(made.journal, FINDING, first)
        lease = made.journal.leases.take(flow.environment, flow=flow.id, holder="somebody")
        made.journal.incidents.close(first.id)
        assert mending.due(made.journal) == ()
        assert made.journal.flows.flow(flow.id).is_open  # whoever is at it looks for himself
        made.journal.leases.give_back(lease)
        mending.due(made.journal)
        assert made.journal.flows.flow(flow.id).state is State.ABORTED
        assert made.journal.notices.of(f"{first.id}-escalated") == ()

    play(tmp_path, acts)


def test_an_incident_whose_proposal_is_not_there_to_be_judged_is_diagnosed_again(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first = await red(made)
        made.journal.incidents.move(first.id, Stage.PROPOSED)
        assert to_be_diagnosed(made.journal) == ()
        mending.due(made.journal)
        assert to_be_diagnosed(made.journal) == (first.id,)

    play(tmp_path, acts)


@pytest.mark.parametrize("by", ["chance", "merge"])
def test_what_is_out_for_an_incident_that_was_closed_since_is_gone_on_with_to_its_end(tmp_path: Path, by: str) -> None:
    async def acts(made: Village) -> None:
        made.trials.flaky = int(by == "chance")
        files = {OTHER: "export const other = 3;\n"} if by == "chance" else BROKEN
        first = await made.opens(made.push("slow", files))
        await made.finds(first, mends(tier=2))
        await made.judges(first)
        if by == "merge":
            await reviewed(made, merge=True)
            await made.judges(first)
            made.journal.incidents.close(first.id)  # by a green run, or the very promotion that it waits for
        assert mending.due(made.journal) == (first.id,)
        promotes(made, made.main(), State.DONE, number=2)
        assert (await made.judges(first)).flow.state is State.DONE
        assert mending.due(made.journal) == ()

    play(tmp_path, acts, more=STAGED)
