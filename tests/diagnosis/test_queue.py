"""What waits for which half of a cycle, and how an incident is named."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sql
from rich.console import Console

import pipeline
from ci.asked import MendingRequest
from ci.diagnosis import finding, reverting
from ci.diagnosis.cycle import FINDING, begin
from ci.diagnosis.queue import to_be_diagnosed, to_be_judged
from ci.errors import ExitCode, UsageError
from ci.journal import State
from ci.journal.tables import ENTRIES, FLOWS
from ci.mending import named, waiting
from ci.promotion.flow import Doing
from ci.vendors.model import ScriptedModel
from tests.diagnosis.acts import play, red, stage, why
from tests.diagnosis.test_revert import out, red_again
from tests.diagnosis.village import mends

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci.diagnosis.trying import Tree
    from ci.model import CheckRun
    from tests.diagnosis.village import Village


def test_an_incident_waits_for_its_diagnosis_then_for_its_judgement_and_then_for_neither(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        journal = made.journal
        assert (to_be_diagnosed(journal), to_be_judged(journal)) == ((), ())
        opened = await red(made)
        assert (to_be_diagnosed(journal), to_be_judged(journal)) == ((opened.id,), ())
        await made.finds(opened, mends())
        assert (to_be_diagnosed(journal), to_be_judged(journal)) == ((), (opened.id,))
        for propose, judge, expected in ((True, False, ()), (False, True, (opened.id,)), (True, True, (opened.id,))):
            asked = MendingRequest(path=made.root, incident="waiting", propose=propose, judge=judge)
            assert waiting(journal, asked) == expected
        await made.judges(opened)
        journal.incidents.close(opened.id)
        assert (to_be_diagnosed(journal), to_be_judged(journal)) == ((), ())

    play(tmp_path, acts)


def test_an_incident_whose_opener_is_not_done_with_it_is_left_alone(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        journal = made.journal
        journal.incidents.open("staging-1", environment="staging", commit=made.main(), what="smoke", reason="500")
        assert to_be_diagnosed(journal) == ()
        journal.cases.keep("staging-1", "s", {"report": None})
        assert to_be_diagnosed(journal) == ("staging-1",)

    play(tmp_path, acts)


def test_a_diagnosis_that_breaks_off_is_proposed_as_what_it_is_and_people_are_told(tmp_path: Path) -> None:
    async def broken(tree: Tree, runs: tuple[CheckRun, ...]) -> tuple[str, Mapping[str, bytes | None]] | None:
        del tree, runs
        raise UsageError("the box cannot be made")

    async def acts(made: Village) -> None:
        opened = await red(made)
        made.trials.repair = broken  # type: ignore[method-assign]
        found = await made.finds(opened, ScriptedModel())
        assert why(found) == "tools: the box cannot be made"
        assert (to_be_diagnosed(made.journal), to_be_judged(made.journal)) == ((), (opened.id,))
        judged = await made.judges(opened)
        assert why(judged) == "patch: tools: the box cannot be made"
        assert judged.refusal is not None
        assert judged.refusal.code == ExitCode.ESCALATED
        assert stage(made, opened) == "escalated"

    play(tmp_path, acts)


def dies(made: Village, flow: str, *, kept: bool = True) -> None:
    """Have the process of a diagnosis die behind its proposal: before, or after what came of it was written down."""
    with made.journal.store.writing() as connection:
        lost = (ENTRIES.c.flow == flow) & (ENTRIES.c.step == finding.PROPOSAL) & (ENTRIES.c.kind == "result")
        if not kept:
            connection.execute(sql.delete(ENTRIES).where(lost))
        connection.execute(sql.update(FLOWS).where(FLOWS.c.id == flow).values(state="running", ended=None))


@pytest.mark.parametrize("kept", [True, False], ids=["behind the step", "in the step"])
def test_a_diagnosis_that_died_behind_its_proposal_ends_and_is_judged_once(tmp_path: Path, *, kept: bool) -> None:
    async def acts(made: Village) -> None:
        opened = await red(made)
        dead = (await made.finds(opened, mends("return a * b;"))).flow
        dies(made, dead.id, kept=kept)
        await made.judges(opened)
        assert made.journal.flows.flow(dead.id).state is State.DONE
        assert (stage(made, opened), to_be_diagnosed(made.journal)) == ("waiting", (opened.id,))
        found = await made.finds(opened, mends())
        assert found.flow.asked["cycle"] == 2
        assert (await made.judges(opened)).flow.state is State.DONE

    play(tmp_path, acts)


def test_who_wakes_behind_the_judgement_of_what_he_proposed_moves_nothing(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        async def fence() -> None:
            """Be asked."""

        notes: list[str] = []
        opened = await red(made)
        flow = (await made.finds(opened, mends("return a * b;"))).flow
        await made.judges(opened)
        async with made.cycle(made.journal, opened.id, flow) as cycle:
            (proposes,) = finding.closing_steps(cycle)
            await proposes.act(Doing(flow=flow, facts={}, fence=fence, note=notes.append))
        assert (stage(made, opened), to_be_diagnosed(made.journal)) == ("waiting", (opened.id,))

    play(tmp_path, acts)


def test_whoever_finds_causes_alone_only_ends_what_died_behind_its_proposal(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        opened = await red(made)
        dead = (await made.finds(opened, mends("return a * b;"))).flow
        dies(made, dead.id, kept=False)
        assert (await made.finds(opened, mends())).flow.id == dead.id
        assert (to_be_diagnosed(made.journal), to_be_judged(made.journal)) == ((), (opened.id,))

    play(tmp_path, acts)


def test_where_a_fix_is_to_be_taken_back_nobody_looks_for_a_cause_before(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        await out(made)
        again = await red_again(made)
        asked = MendingRequest(path=made.root, incident="waiting", propose=False)
        assert (to_be_diagnosed(made.journal), waiting(made.journal, asked)) == ((), (again.id,))
        name = reverting.following(await made.takes_back(again))
        assert (to_be_diagnosed(made.journal), waiting(made.journal, asked)) == ((name,), ())

    play(tmp_path, acts)


def test_an_incident_is_named_by_its_id_by_a_commit_and_by_what_is_checked_out(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        opened = await red(made)
        for name in (opened.id, opened.commit, opened.commit[:9].upper(), "HEAD"):
            assert (await named(made.journal, made.root, name)).id == opened.id
        made.journal.incidents.close(opened.id)
        for name in ("main-0123", opened.commit, "HEAD", "0123456"):
            with pytest.raises(UsageError):
                await named(made.journal, made.root, name)

    play(tmp_path, acts)


def test_what_somebody_is_at_is_left_to_them_and_done_once_they_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path / "journal"))

    async def acts(made: Village) -> None:
        journal = made.journal

        async def sweep() -> str:
            request = MendingRequest(path=made.root, incident="waiting", judge=False, report=tmp_path / "report")
            with io.StringIO() as printed:
                code = await pipeline.diagnose_waiting(request, Console(file=printed, width=200))
                assert code == ExitCode.PASSED
                return printed.getvalue()

        assert await sweep() == "no incident waits for that\n"
        opened = journal.incidents.open("staging-1", environment="staging", commit=made.main(), what="smoke", reason="")
        journal.cases.keep(opened.id, "s", {"report": None})
        flow = begin(journal, FINDING, opened)
        lease = journal.leases.take(flow.environment, flow=flow.id, holder="somebody")
        assert "held by somebody" in await sweep()
        assert to_be_diagnosed(journal) == (opened.id,)
        journal.leases.give_back(lease)
        await sweep()
        assert to_be_judged(journal) == (opened.id,)
        assert (tmp_path / "report" / opened.id / "report.json").exists()

    play(tmp_path, acts)
