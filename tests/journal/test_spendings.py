from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sql

from ci.diagnosis.budget import Purse
from ci.journal.spendings import Allowance, Shortage, Spending
from ci.journal.tables import SPENDINGS
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ci.journal import Journal

ALLOWANCE = Allowance(cycle=2.0, day=3.0, steps=40, seconds=900, silence=300)
DAY = 86_400.0


def reserved(journal: Journal, dollars: float, *, incident: str = "i", cycle: int = 1) -> Spending | Shortage:
    return journal.spendings.reserve(incident, cycle, dollars, allowance=ALLOWANCE)


def taken(journal: Journal, dollars: float, *, incident: str = "i", cycle: int = 1) -> Spending:
    made = reserved(journal, dollars, incident=incident, cycle=cycle)
    assert isinstance(made, Spending)
    return made


def aged(journal: Journal, *seconds: float, incident: str = "i") -> None:
    """Let the calls of an incident, in order, have been made so long ago."""
    with journal.store.writing() as connection:
        now = journal.store.moment(connection)
        query = sql.select(SPENDINGS.c.id).where(SPENDINGS.c.incident == incident).order_by(SPENDINGS.c.moment)
        found = list(connection.execute(query).scalars())
        for identity, ago in zip(found, seconds, strict=True):
            row = sql.update(SPENDINGS).where(SPENDINGS.c.id == identity)
            connection.execute(row.values(moment=now - ago))


def test_what_is_set_aside_counts_until_it_is_settled_and_then_its_cost_does(journal: Journal) -> None:
    first = taken(journal, 1.5)
    assert reserved(journal, 0.6) is Shortage.CYCLE
    journal.spendings.settle(first, 0.25)
    journal.spendings.settle(first, 0.0)  # once
    second = taken(journal, 1.75)  # to the cent
    assert reserved(journal, 0.01) is Shortage.CYCLE
    assert journal.spendings.of("i", 1) == (
        Spending(id=first.id, incident="i", cycle=1, reserved=1.5, spent=0.25, moment=first.moment),
        second,
    )
    assert taken(journal, 1.0, cycle=2).cycle == 2
    assert journal.spendings.today() == 3.0


def test_a_day_is_that_of_all_incidents_and_another_day_begins_anew(journal: Journal) -> None:
    taken(journal, 2.0)
    taken(journal, 1.0, incident="j")
    assert reserved(journal, 0.01, incident="k") is Shortage.DAY
    aged(journal, DAY)
    assert journal.spendings.today() == 1.0
    taken(journal, 2.0, incident="k")
    assert reserved(journal, 0.01, incident="k") is Shortage.CYCLE  # which no day ends


def test_sums_of_tenths_are_no_more_than_they_are(journal: Journal) -> None:
    for _ in range(20):
        taken(journal, 0.1)
    assert reserved(journal, 0.1) is Shortage.CYCLE


def test_calls_are_counted_whatever_they_cost(journal: Journal) -> None:
    for _ in range(ALLOWANCE.steps):
        journal.spendings.settle(taken(journal, 0.01), 0.0)
    assert reserved(journal, 0.01) is Shortage.STEPS
    assert isinstance(reserved(journal, 0.01, cycle=2), Spending)


def test_time_goes_on_between_calls_and_not_while_nobody_was_there(journal: Journal) -> None:
    for _ in range(4):
        taken(journal, 0.01)
    aged(journal, 100_000, 500, 400, 100)  # 300 of the first pause, 100, 300, 100
    assert journal.spendings.used("i", 1, silence=300) == pytest.approx(800, abs=5)
    taken(journal, 0.01)
    aged(journal, 100_000, 700, 400, 100, 10)
    assert reserved(journal, 0.01) is Shortage.TIME
    assert isinstance(reserved(journal, 0.01, cycle=2), Spending)


def test_many_who_ask_at_once_do_not_overspend(opened: Callable[[], Journal]) -> None:
    opened()
    got: list[Spending | Shortage] = []
    start = threading.Barrier(8)

    def ask(name: str) -> None:
        journal = opened()
        start.wait()
        got.extend(reserved(journal, 0.3, incident=name) for _ in range(4))

    threads = [threading.Thread(target=ask, args=(f"i{number % 4}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [each for each in got if isinstance(each, Spending)]
    assert len(made) == 10
    assert len({each.id for each in made}) == 10
    assert set(got) - set(made) <= {Shortage.DAY, Shortage.CYCLE}
    assert opened().spendings.today() == pytest.approx(3.0)


ASKING = """
import sys
from pathlib import Path
from ci.journal import Journal
from ci.journal.spendings import Allowance, Spending
journal = Journal.local(Path("/repository"), directory=Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
allowance = Allowance(cycle=2.0, day=100.0)
print(sum(isinstance(journal.spendings.reserve("i", 1, 0.3, allowance=allowance), Spending) for _ in range(4)))
"""


def test_nor_do_many_processes(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", ASKING, str(tmp_path)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in asking:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    told = [process.communicate("go\n", timeout=60)[0] for process in asking]
    assert sum(map(int, told)) == 6


def test_a_purse_takes_no_price_that_is_none(journal: Journal) -> None:
    purse = Purse(journal.spendings, "i", 1, allowance=ALLOWANCE)
    for dollars in (float("nan"), float("inf"), -1.0):
        assert purse.reserve(dollars) is Shortage.CYCLE
    made = purse.reserve(0.5)
    assert isinstance(made, Spending)
    assert (purse.spent(), Purse(journal.spendings, "i", 2).spent()) == (0.5, 0)
    assert purse.seconds_left() == pytest.approx(900, abs=60)
