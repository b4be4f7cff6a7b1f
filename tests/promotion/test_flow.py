from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import ExitCode, VendorError
from ci.journal import LeaseLostError, State, leases
from ci.model import Status
from ci.promotion.flow import BlockedError, BusyError, Doing, FlowStep, PausedError, carry, leased
from tests.conftest import ROOT
from tests.promotion import toy

if TYPE_CHECKING:
    from pathlib import Path

    from ci.promotion.flow import Facts

DONE = ["deploy-0", "merge-0", "pull request-0"]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    directory = tmp_path / "world"
    directory.mkdir()
    return directory


def left(world: Path) -> list[str]:
    return sorted(file.name for file in world.iterdir())


def test_steps_are_done_in_their_order_each_with_what_came_before(world: Path) -> None:
    ended = anyio.run(toy.play, toy.opened(world), world)
    assert (ended.flow.state, left(world)) == (State.DONE, DONE)
    assert [run.status for run in ended.steps] == [Status.PASSED] * 3
    assert (world / "merge-0").read_text() == "deploypull request"
    kinds = [(entry.step, entry.kind) for entry in toy.opened(world).flows.entries("one")]
    assert kinds == [(step, kind) for step in toy.STEPS for kind in ("intent", "result")]
    assert toy.opened(world).leases.of("staging") is None


@pytest.mark.parametrize("number", range(1, 7))
def test_killed_at_any_point_and_resumed_it_ends_as_if_undisturbed(
    world: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = [sys.executable, "-P", "-m", "tests.promotion.toy", str(world), str(number)]
    killed = subprocess.run(argv, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=False, timeout=60)
    assert killed.returncode == -9
    assert toy.opened(world).flows.flow("one").state is State.RUNNING
    monkeypatch.setattr(leases, "GRACE", 0.1)
    ended = anyio.run(toy.play, toy.opened(world), world)
    assert (ended.flow.state, left(world)) == (State.DONE, DONE)
    assert len(toy.opened(world).flows.results("one")) == 3


def test_a_step_that_says_no_ends_the_flow_with_its_reason(world: Path) -> None:
    async def play() -> None:
        ended = await toy.play(toy.opened(world), world, no="deploy")
        assert (ended.flow.state, ended.flow.reason) == (State.BLOCKED, "deploy: no")
        assert ended.refusal is not None
        assert [run.status for run in ended.steps] == [Status.PASSED, Status.FAILED]
        assert left(world) == ["pull request-0"]

    anyio.run(play)


def test_a_step_that_waits_leaves_the_flow_at_it_and_is_done_again_later(world: Path) -> None:
    async def play() -> None:
        journal = toy.opened(world)
        made, approved = toy.flow(journal), False

        async def approval(_doing: Doing) -> Facts:
            if not approved:
                raise PausedError("nobody approved it")
            return {"by": "ada"}

        first, *others = toy.steps(world)
        steps = [first, FlowStep(name="approval", act=approval), *others]
        for approved, state in ((False, State.PAUSED), (False, State.PAUSED), (True, State.DONE)):
            async with leased(journal, made) as held:
                ended = await carry(journal, made, steps, held, toy.Quiet(), closing=toy.steps(world)[-1:])
            assert (ended.flow.state, ended.refusal) == (state, None)
            assert left(world) == (DONE if approved else ["pull request-0"])

    anyio.run(play)


def test_two_at_once_one_goes_on_and_the_other_says_who(world: Path) -> None:
    async def play() -> None:
        journal = toy.opened(world)
        mine = toy.flow(journal)
        other = journal.flows.begin("two", kind="promotion", environment="staging", commit="d", asked={}, lasting=99)
        async with leased(journal, mine):
            with pytest.raises(BusyError, match="staging is being changed by one, held by ") as raised:
                async with leased(journal, other, waiting=True):
                    pass
            assert raised.value.exit_code is ExitCode.GATE_REFUSED
        async with leased(journal, other):
            pass

    anyio.run(play)


def test_who_is_patient_waits_for_the_other_one(world: Path) -> None:
    async def play() -> None:
        journal, said = toy.opened(world), list[str]()
        mine = toy.flow(journal)
        other = journal.flows.begin("two", kind="promotion", environment="staging", commit="d", asked={}, lasting=99)

        async def waits() -> None:
            async with leased(journal, other, patient=True, grace=0.0):
                said.append("two")

        async with anyio.create_task_group() as group, leased(journal, mine):
            group.start_soon(waits)
            await anyio.wait_all_tasks_blocked()
            said.append("one")
        assert said == ["one", "two"]

    anyio.run(play)


def test_who_wakes_after_his_time_starts_no_effect(world: Path) -> None:
    async def play() -> None:
        journal = toy.opened(world)
        mine = toy.flow(journal)
        journal.leases.life = 0.2
        async with leased(journal, mine, beat=60) as held:  # its beats do not come: it is stopped
            await anyio.sleep(0.3)
            with pytest.raises(LeaseLostError, match="its time was over"):
                await carry(journal, mine, toy.steps(world), held, toy.Quiet())
        assert left(world) == []
        assert journal.flows.flow("one").state is State.RUNNING

    anyio.run(play)


def test_a_lease_is_kept_alive_for_as_long_as_a_step_takes(world: Path) -> None:
    async def play() -> None:
        journal = toy.opened(world)
        mine = toy.flow(journal)
        journal.leases.life = 0.4

        async def act(_doing: Doing) -> Facts:
            await anyio.sleep(1)
            return {}

        async with leased(journal, mine, beat=0.1) as held:
            ended = await carry(journal, mine, [FlowStep(name="slow", act=act)], held, toy.Quiet())
        assert ended.flow.state is State.DONE

    anyio.run(play)


def test_a_vendor_out_of_reach_leaves_the_flow_to_be_resumed(world: Path) -> None:
    async def play() -> None:
        journal = toy.opened(world)
        mine = toy.flow(journal)

        async def act(_doing: Doing) -> Facts:
            raise VendorError("GitHub cannot be reached")

        async with leased(journal, mine) as held:
            with pytest.raises(VendorError):
                await carry(journal, mine, [FlowStep(name="merge", act=act)], held, toy.Quiet())
        assert journal.flows.flow("one").state is State.RUNNING
        assert (await toy.play(journal, world)).flow.state is State.DONE

    anyio.run(play)


def test_a_step_past_its_time_is_told_and_held(world: Path) -> None:
    async def play() -> None:
        journal = toy.opened(world)
        mine = toy.flow(journal)

        async def act(_doing: Doing) -> Facts:
            await anyio.sleep_forever()
            return {}

        async with leased(journal, mine) as held:
            ended = await carry(journal, mine, [FlowStep(name="slow", act=act, lasting=0.1)], held, toy.Quiet())
        assert ended.refusal is not None
        assert ended.flow.state is State.HELD
        assert (ended.refusal.code, "slow took longer than" in ended.refusal.message) == (ExitCode.HELD, True)

    anyio.run(play)


def test_what_said_no_is_closed_and_not_tried_again_after_a_kill(world: Path) -> None:
    async def play() -> None:
        journal = toy.opened(world)
        mine = toy.flow(journal)
        tries: list[str] = []

        async def no(_doing: Doing) -> Facts:
            tries.append("no")
            raise BlockedError("no", hint="ask later")

        async def tell(doing: Doing) -> Facts:
            tries.append("tell")
            if tries.count("tell") == 1:
                raise VendorError("GitHub cannot be reached")
            assert doing.refusal is not None
            return {"told": doing.refusal.message}

        steps, closing = [FlowStep(name="gate", act=no)], [FlowStep(name="tell", act=tell)]
        for _ in range(2):
            async with leased(journal, mine) as held:
                try:
                    ended = await carry(journal, mine, steps, held, toy.Quiet(), closing=closing)
                except VendorError:
                    assert journal.flows.flow("one").state is State.RUNNING
        assert (tries, ended.flow.state) == (["no", "tell", "tell"], State.BLOCKED)
        assert [(run.name, run.status) for run in ended.steps] == [("gate", Status.FAILED), ("tell", Status.PASSED)]
        assert ended.facts["tell"] == {"told": "no"}

    anyio.run(play)


def test_closing_steps_are_done_where_nothing_said_no_and_the_flow_goes_where_it_is_meant_to(world: Path) -> None:
    async def play() -> None:
        journal = toy.opened(world)
        mine = toy.flow(journal)

        async def act(doing: Doing) -> Facts:
            assert doing.refusal is None
            return {"skipped": "there is nothing to close"}

        async with leased(journal, mine) as held:
            closing = [FlowStep(name="close", act=act)]
            ended = await carry(journal, mine, toy.steps(world), held, toy.Quiet(), closing=closing, then=State.WAITING)
        assert (ended.flow.state, ended.flow.is_open) == (State.WAITING, True)
        assert (ended.steps[-1].status, ended.steps[-1].reason) == (Status.SKIPPED, "there is nothing to close")

    anyio.run(play)
