"""Workers as processes: they find what waits, end when asked, and take over from one another."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from ci.diagnosis.queue import to_be_diagnosed
from ci.rehearsal.anthropic import KEY
from tests.conftest import command, environment
from tests.diagnosis.outpost import INCIDENT, SETTINGS, ended, outpost
from tests.diagnosis.village import RIGHT
from tests.journal.logins import PASSWORD, limited

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.diagnosis.outpost import Outpost


def play(directory: Path, url: str, acts: Callable[[Outpost], Awaitable[None]]) -> None:
    """Have something happen at an outpost."""

    async def whole() -> None:
        async with outpost(directory, url) as made:
            await acts(made)

    anyio.run(whole)


def test_a_worker_that_is_asked_to_end_leaves_its_work_to_the_next_and_the_model_is_asked_once(
    tmp_path: Path, url: str
) -> None:
    async def acts(made: Outpost) -> None:
        async with made.worker("a") as first:
            with anyio.fail_after(60):
                await made.model.asked.wait()
            first.send_signal(signal.SIGTERM)
            made.model.free.set()
            assert await ended(first) == 0
        assert "asked to end" in made.printed("a")
        assert to_be_diagnosed(made.owner) == (INCIDENT,)
        billed = len(made.model.billed)
        async with made.worker("b") as second:
            await made.judgeable(within=60)
            assert await ended(second) == 0
        assert len(made.model.billed) == billed
        (proposal,) = made.owner.proposals.of(INCIDENT)
        assert RIGHT.encode() in proposal.patch
        for secret in (KEY, PASSWORD):
            assert secret not in made.printed("a") + made.printed("b")

    play(tmp_path, url, acts)


@pytest.mark.long
def test_a_worker_that_was_killed_in_the_middle_of_an_answer_is_replaced_within_90_seconds(
    tmp_path: Path, url: str
) -> None:
    async def acts(made: Outpost) -> None:
        async with made.worker("a") as first:
            with anyio.fail_after(60):
                await made.model.asked.wait()
            async with made.worker("b") as second:
                await anyio.sleep(5)
                first.kill()
                await made.judgeable(within=90)
                assert await ended(second) == 0
        assert "takes over" in made.printed("b")
        (proposal,) = made.owner.proposals.of(INCIDENT)
        assert RIGHT.encode() in proposal.patch
        calls = made.owner.spendings.of(INCIDENT, 1)
        assert [each.spent is None for each in calls] == [True, False, False]  # the lost answer counts, in full

    play(tmp_path, url, acts)


def test_a_worker_whose_queue_is_gone_says_so_in_a_line_and_ends(tmp_path: Path, url: str) -> None:
    async def acts(made: Outpost) -> None:
        made.owner.incidents.close(INCIDENT)
        async with made.worker("a") as worker:
            with anyio.fail_after(60):
                while "waiting for incidents" not in made.printed("a"):  # noqa: ASYNC110 - of another process
                    await anyio.sleep(0.1)
            with made.owner.store.writing() as connection:
                connection.exec_driver_sql("drop schema shipway_queue cascade")
            assert await anyio.to_thread.run_sync(lambda: worker.wait(timeout=60)) == 5
        *_, last = made.printed("a").splitlines()
        assert last.startswith("shipway: the queue in the journal's Postgres cannot be used")
        assert "Traceback" not in made.printed("a")
        assert PASSWORD not in made.printed("a")

    play(tmp_path, url, acts)


def test_a_worker_wants_a_journal_that_machines_share_and_a_queue_in_it(tmp_path: Path, url: str) -> None:
    def said(**more: str) -> tuple[int, str]:
        argv = command("worker", str(tmp_path))
        env = environment(tmp_path / "state", **more)
        done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stderr

    (tmp_path / "shipway.toml").write_text("")
    assert said() == (
        2,
        "shipway: a worker waits at a journal that machines share (set [journal] url to a Postgres)\n",
    )
    (tmp_path / "shipway.toml").write_text(SETTINGS.format(address="http://127.0.0.1:1"))
    code, line = said(SHIPWAY_JOURNAL_URL=limited(url))
    assert (code, "worker --grants" in line) == (2, True), line
