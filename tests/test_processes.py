from __future__ import annotations

import sys

import anyio

from ci import processes


def test_of_what_a_program_prints_without_end_a_bounded_end_is_kept_and_known_for_too_long() -> None:
    words = "import sys; [print('x' * 99_999) for _ in range(300)]; print('end'); sys.stderr.write('few')"

    async def run() -> None:
        done = await processes.run([sys.executable, "-c", words], most=1_000_000)
        assert (done.code, len(done.stdout), done.stdout[-5:], done.stderr) == (0, 1_000_001, b"\nend\n", b"few")
        assert len((await processes.run([sys.executable, "-c", words])).stdout) == 30_000_004

    anyio.run(run)
