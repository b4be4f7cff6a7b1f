from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ci.errors import UsageError, VendorError
from ci.journal import Flow, Journal, State

if TYPE_CHECKING:
    from collections.abc import Callable


def begun(journal: Journal, identity: str = "one", environment: str = "staging") -> Flow:
    return journal.flows.begin(
        identity, kind="promotion", environment=environment, commit="a" * 40, asked={"dogfood": True}, lasting=60
    )


def test_a_flow_is_there_for_the_next_process(opened: Callable[[], Journal]) -> None:
    made = begun(opened())
    assert opened().flows.flow("one") == made
    assert (made.state, made.asked, made.commit) == (State.RUNNING, {"dogfood": True}, "a" * 40)
    assert made.deadline - made.began == pytest.approx(60)
    assert opened().flows.open("staging") == made
    assert opened().flows.open("production") is None


def test_entries_come_back_in_their_order_with_what_came_of_each(journal: Journal) -> None:
    begun(journal)
    begun(journal, "two", "production")
    heard: list[int] = []
    journal.flows.heard = lambda entry: heard.append(entry.number)
    journal.flows.write("one", "merge", "intent", epoch=1, facts={})
    journal.flows.write("two", "merge", "intent", epoch=1, facts={})
    journal.flows.write("one", "merge", "result", epoch=2, facts={"number": 7, "names": ("a", "b")})
    assert [(each.number, each.kind, each.epoch) for each in journal.flows.entries("one")] == [
        (1, "intent", 1),
        (2, "result", 2),
    ]
    assert journal.flows.results("one") == {"merge": {"number": 7, "names": ["a", "b"]}}
    assert journal.flows.results("two") == {}
    assert heard == [1, 1, 2]


def test_a_flow_that_is_over_stays_as_it_ended(journal: Journal) -> None:
    begun(journal)
    assert journal.flows.move("one", State.WAITING, "for an approval").is_open
    ended = journal.flows.move("one", State.BLOCKED, "unit failed")
    assert (ended.state, ended.reason, ended.ended is not None) == (State.BLOCKED, "unit failed", True)
    assert journal.flows.move("one", State.DONE) == ended
    assert journal.flows.open("staging") is None


def test_the_newest_flows_come_first(journal: Journal) -> None:
    for number in range(3):
        begun(journal, f"f{number}", "staging" if number else "production")
    assert [flow.id for flow in journal.flows.recent()] == ["f2", "f1", "f0"]
    assert [flow.id for flow in journal.flows.recent("production")] == ["f0"]


def test_a_flow_is_begun_once_and_none_is_made_up(journal: Journal) -> None:
    begun(journal)
    with pytest.raises(UsageError, match="there is a flow one already"):
        begun(journal)
    with pytest.raises(UsageError, match="there is no flow two"):
        journal.flows.flow("two")


def test_a_server_that_is_not_there_is_one_line_without_the_password() -> None:
    with pytest.raises(VendorError) as raised:
        Journal.remote("postgres://shipway:hunter2-hunter2@127.0.0.1:1/journal")
    assert "the journal at 127.0.0.1 cannot be used" in str(raised.value)
    assert "hunter2" not in f"{raised.value!r}{raised.value.__cause__!r}"
    with pytest.raises(UsageError, match="the journal's address is none"):
        Journal.remote("no address")


def test_a_journal_of_the_version_before_is_taken_over(opened: Callable[[], Journal]) -> None:
    journal = opened()
    begun(journal)
    older = "pragma user_version=1" if not journal.store.shared else "update about set version = 1"
    with journal.store.writing() as connection:
        connection.exec_driver_sql("drop table leases")
        connection.exec_driver_sql(older)
    again = opened()
    assert again.flows.flow("one").id == "one"
    assert again.leases.take("staging", flow="one", holder="a").holder == "a"


def test_a_journal_that_noted_migrations_with_what_was_served_is_taken_over(opened: Callable[[], Journal]) -> None:
    journal = opened()
    older = "pragma user_version=3" if not journal.store.shared else "update about set version = 3"
    with journal.store.writing() as connection:
        connection.exec_driver_sql("alter table servings add column migrations text not null default '{}'")
        connection.exec_driver_sql("drop table migrations")
        connection.exec_driver_sql(older)
    again = opened()
    with again.store.reading() as connection:
        assert "migrations" not in list(connection.exec_driver_sql("select * from servings").keys())
    again.servings.migrated("staging", {"0001.sql": "a"})
    assert opened().servings.migrations("staging") == {"0001.sql": "a"}


def test_a_journal_of_a_newer_shipway_is_refused(opened: Callable[[], Journal]) -> None:
    journal = opened()
    newer = "pragma user_version=99" if not journal.store.shared else "insert into about values (99)"
    with journal.store.writing() as connection:
        connection.exec_driver_sql(newer)
    with pytest.raises(UsageError, match="newer Shipway"):
        opened()
