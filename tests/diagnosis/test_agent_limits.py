from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from ci.diagnosis.budget import Purse
from ci.diagnosis.ending import Ending
from ci.diagnosis.transcript import Asked, Done, Lost, Said
from ci.errors import VendorError
from ci.journal.spendings import Allowance
from tests.diagnosis.checkouts import use
from tests.diagnosis.cycles import CHECK, LOOK, Cycle, ended, finish, lost, wanting

if TYPE_CHECKING:
    from pathlib import Path

    from ci.vendors.model import Prompt, Reply


def test_a_model_that_never_ends_is_ended_by_its_money(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path)
    turns = [wanting(use("list_files", glob=f"{at}"), cost=0.35) for at in range(20)]
    said, _ = ended(cycle, *turns, most=0.4)
    assert said.ending is Ending.MONEY
    assert said.cost == pytest.approx(1.75)
    for number in range(2, 8):
        cycle.purse = Purse(cycle.journal.spendings, "i-1", number)
        last, _ = ended(cycle, *turns, most=0.4)
    assert last.ending is Ending.MONEY
    assert "the day's dollars" in last.reason
    assert 9.6 < cycle.journal.spendings.today() <= 10.0


def test_or_by_its_steps(tmp_path: Path) -> None:
    turns = [wanting(use("list_files", glob=f"{at}")) for at in range(100)]
    said, model = ended(Cycle(place=tmp_path), *turns)
    assert (said.ending, said.steps, len(model.asked)) == (Ending.STEPS, 40, 40)


def test_or_by_its_time_whatever_it_waits_for(tmp_path: Path) -> None:
    async def never(_name: str) -> str:
        await anyio.sleep_forever()
        raise AssertionError

    cycle = Cycle(place=tmp_path, run=never, allowance=Allowance(seconds=0.3))
    said, _ = ended(cycle, wanting(use("run_check", name=CHECK), cost=0.1), finish())
    assert (said.ending, said.cost) == (Ending.TIME, 0.1)
    cycle.purse = Purse(cycle.journal.spendings, "i-1", 1, allowance=Allowance(seconds=0.1))
    again, model = ended(cycle, finish())
    assert (again.ending, model.asked) == (Ending.TIME, [])


def test_what_a_killed_process_used_counts_for_the_next(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path, allowance=Allowance(steps=3))

    class KilledError(Exception):
        pass

    def killed(_prompt: Prompt) -> Reply:
        raise KilledError

    with pytest.raises(KilledError):
        ended(cycle, wanting(LOOK, cost=0.1), killed, most=0.5)
    assert [type(entry) for entry in cycle.entries] == [Asked, Said, Done]
    said, _ = ended(cycle, wanting(LOOK, cost=0.2), wanting(LOOK), most=0.5)
    assert (said.ending, said.steps) == (Ending.STEPS, 1)
    assert said.cost == pytest.approx(0.1 + 0.5 + 0.2)


def test_a_model_that_is_not_there_is_an_error_where_nothing_was_spent(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path)
    with pytest.raises(VendorError, match="the model is broken"):
        ended(cycle, lost(unsettled=False), most=0.5)
    assert cycle.purse.spent() == 0
    assert isinstance(cycle.entries[-1], Lost)


def test_and_an_ending_where_something_was(tmp_path: Path) -> None:
    said, _ = ended(Cycle(place=tmp_path), wanting(LOOK, cost=0.1), lost(unsettled=False), most=0.5)
    assert (said.ending, said.cost) == (Ending.UNREACHABLE, 0.1)


def test_an_answer_that_was_lost_is_paid_for_in_full_and_asked_for_once_more(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path)
    said, model = ended(cycle, lost(unsettled=True), wanting(LOOK, cost=0.1), lost(unsettled=True), finish(), most=0.5)
    assert (said.ending, said.steps) == (Ending.FINISHED, 4)
    assert said.cost == pytest.approx(1.1)
    assert model.asked[0] == model.asked[1]
    two = tmp_path / "two"
    said, _ = ended(Cycle(place=two), lost(unsettled=True), lost(unsettled=True), finish(), most=0.5)
    assert (said.ending, said.cost) == (Ending.UNREACHABLE, 1.0)
