from __future__ import annotations

import gc
import sys
import warnings

import anyio

from ci import processes


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
