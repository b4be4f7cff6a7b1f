from __future__ import annotations

from typing import TYPE_CHECKING

from ci.journal.releases import Proof
from tests.journal.test_flows import begun

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.journal import Journal

ONE, TWO = "a" * 40, "b" * 40
API = {"api": {"id": "dpl_1", "app": "api"}}


def test_a_release_is_noted_once_for_each_flow_and_told_the_newest_first(opened: Callable[[], Journal]) -> None:
    releases = opened().releases
    made = releases.record("production", ONE, flow="first", deployments=API, migrations=("0001.sql",))
    again = releases.record("production", TWO, flow="first", deployments={})
    assert made == again
    releases.record("production", TWO, flow="second", deployments=API, state=Proof.GOOD)
    releases.record("staging", TWO, flow="third", deployments=API)
    found = opened().releases.of("production")
    assert [(each.commit, each.state) for each in found] == [(TWO, Proof.GOOD), (ONE, Proof.SERVING)]
    assert (found[1].deployments, found[1].migrations) == (API, ("0001.sql",))
    assert releases.of_flow("fourth") is None


def test_a_release_that_was_rolled_back_never_is_good_again(opened: Callable[[], Journal]) -> None:
    releases = opened().releases
    releases.record("production", ONE, flow="first", deployments=API)
    for state in (Proof.GOOD, Proof.ROLLED_BACK, Proof.GOOD):
        releases.move("first", state)
    found = opened().releases.of_flow("first")
    assert found is not None
    assert found.state is Proof.ROLLED_BACK


def test_the_first_word_on_a_step_stays(opened: Callable[[], Journal]) -> None:
    journal = opened()
    begun(journal)
    assert journal.approvals.of("one", "approval") is None
    made = journal.approvals.approve("one", "approval", by="ada", reason="seen")
    assert journal.approvals.approve("one", "approval", by="eve") == made
    found = opened().approvals.of("one", "approval")
    assert found is not None
    assert (found.by, found.reason) == ("ada", "seen")
