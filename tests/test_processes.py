from __future__ import annotations

import gc
import sys
import warnings
from typing import TYPE_CHECKING

import anyio

from ci import processes

if TYPE_CHECKING:
    from pathlib import Path


def test_of_what_a_program_prints_without_end_a_bounded_end_is_kept_and_known_for_too_long() -> None:
    words = "import sys; [print('x' * 99_999) for _ in range(300)]; print('end'); sys.stderr.write('few')"

    async def run() -> None:
        done = await processes.run([sys.executable, "-c", words], most=1_000_000)
        assert (done.code, len(done.stdout), done.stdout[-5:], done.stderr) == (0, 1_000_001, b"\nend\n", b"few")
        assert len((await processes.run([sys.executable, "-c", words])).stdout) == 30_000_004

    anyio.run(run)


def test_pipes_that_a_process_outside_its_group_holds_are_closed_here() -> None:
    async def leave() -> None:
        async with processes.supervised(["sh", "-c", "setsid sleep 2 & exit 0"], grace=0.1):
            await anyio.sleep(0.2)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        anyio.run(leave)
        gc.collect()
    assert [str(each.message) for each in told if each.category is ResourceWarning] == []


def test_a_command_on_our_terminal_is_killed_with_its_tree_once_it_is_to_be_cut(tmp_path: Path) -> None:
    up, left = tmp_path / "up", tmp_path / "left"
    script = f"(sleep 2; touch {left}) & touch {up}; wait"

    async def cut() -> None:
        while not up.exists():  # noqa: ASYNC110 - another process makes it
            await anyio.sleep(0.02)

    async def calls() -> tuple[int, int]:
        killed = await processes.attached(
            ("sh", "-c", script), cwd=tmp_path, environment=processes.inherited(), cut=cut
        )
        whole = await processes.attached(
            ("true",), cwd=tmp_path, environment=processes.inherited(), cut=anyio.sleep_forever
        )
        await anyio.sleep(2.5)
        return killed, whole

    assert anyio.run(calls) == (-9, 0)
    assert not left.exists()
