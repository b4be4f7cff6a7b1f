from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sql

from ci.errors import VendorError
from ci.journal import Journal, Lease, LeaseLostError, store
from ci.journal.tables import LEASES

if TYPE_CHECKING:
    from collections.abc import Callable

STAGING = "staging"


def expired(journal: Journal, lease: Lease, *, seconds: float) -> None:
    """Let so much time go by since the lease's time was over."""
    with journal.store.writing() as connection:
        moment = journal.store.moment(connection) - seconds
        mine = LEASES.c.environment == lease.environment
        connection.execute(sql.update(LEASES).where(mine).values(expires=moment))


def test_one_at_a_time_has_the_lease_and_the_other_learns_who(journal: Journal) -> None:
    mine = journal.leases.take(STAGING, flow="one", holder="a")
    other = journal.leases.take(STAGING, flow="two", holder="b")
    assert (mine.holder, mine.epoch, other.holder, other.flow) == ("a", 1, "a", "one")
    assert journal.leases.take("production", flow="two", holder="b").holder == "b"
    assert journal.leases.of(STAGING) == mine


def test_the_same_holder_asks_again_and_has_it_still(journal: Journal) -> None:
    mine = journal.leases.take(STAGING, flow="one", holder="a")
    assert journal.leases.take(STAGING, flow="one", holder="a") == mine


def test_many_who_ask_at_once_get_one_answer(opened: Callable[[], Journal]) -> None:
    opened().leases.give_back(opened().leases.take(STAGING, flow="before", holder="before"))
    won: list[str] = []
    start = threading.Barrier(6)

    def ask(name: str) -> None:
        journal = opened()
        start.wait()
        if (lease := journal.leases.take(STAGING, flow=name, holder=name)).holder == name:
            won.append(f"{name} {lease.epoch}")

    threads = [threading.Thread(target=ask, args=(f"p{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert won[0].endswith(" 2")


def test_a_lease_that_is_given_back_is_free_at_once_under_a_new_epoch(journal: Journal) -> None:
    mine = journal.leases.take(STAGING, flow="one", holder="a")
    journal.leases.give_back(mine)
    assert journal.leases.of(STAGING) is None
    theirs = journal.leases.take(STAGING, flow="two", holder="b")
    assert (theirs.holder, theirs.epoch) == ("b", 2)
    journal.leases.give_back(mine)  # by the one before: nothing
    assert journal.leases.of(STAGING) == theirs


def test_after_its_time_it_is_kept_for_requests_under_way_and_then_taken(journal: Journal) -> None:
    mine = journal.leases.take(STAGING, flow="one", holder="a")
    expired(journal, mine, seconds=14)
    assert journal.leases.take(STAGING, flow="two", holder="b").holder == "a"
    expired(journal, mine, seconds=16)
    theirs = journal.leases.take(STAGING, flow="two", holder="b")
    assert (theirs.holder, theirs.epoch) == ("b", 2)


def test_one_who_wakes_after_his_time_may_write_no_more(journal: Journal) -> None:
    mine = journal.leases.take(STAGING, flow="one", holder="a")
    journal.leases.hold(mine)
    expired(journal, mine, seconds=1)
    for use in (journal.leases.hold, journal.leases.renew):
        with pytest.raises(LeaseLostError, match="its time was over"):
            use(mine)
    expired(journal, mine, seconds=60)
    journal.leases.take(STAGING, flow="two", holder="b")
    for use in (journal.leases.hold, journal.leases.renew):
        with pytest.raises(LeaseLostError, match="b has it"):
            use(mine)


def test_a_beat_begins_the_time_anew(journal: Journal) -> None:
    mine = journal.leases.take(STAGING, flow="one", holder="a")
    later = journal.leases.renew(mine)
    assert (later.epoch, later.expires > mine.expires) == (1, True)
    journal.leases.hold(mine)  # it is the epoch that counts


def test_who_falls_asleep_in_a_transaction_keeps_nobody_waiting_for_long(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "IDLE", 1)
    sleeper, other = Journal.remote(url), Journal.remote(url)
    lease = sleeper.leases.take(STAGING, flow="one", holder="a")
    with pytest.raises(VendorError, match="cannot be used"):
        _fall_asleep(sleeper, until=lambda: expired(other, lease, seconds=60))
    assert other.leases.take(STAGING, flow="two", holder="b").holder == "b"


def _fall_asleep(journal: Journal, until: Callable[[], None]) -> None:
    with journal.store.writing() as connection:
        connection.execute(sql.update(LEASES).values(holder="asleep"))
        until()
