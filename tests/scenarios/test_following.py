from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from ci.journal import Journal
from ci.promotion.flow import INTENT
from ci.scenarios.following import reached

if TYPE_CHECKING:
    from pathlib import Path

COMMIT, OTHER = "a" * 40, "b" * 40


def test_a_step_is_reached_once_the_promotion_of_that_commit_begins_it_and_not_before(tmp_path: Path) -> None:
    journal = Journal.local(tmp_path, directory=tmp_path / "state")
    for commit in (COMMIT, OTHER):
        journal.flows.begin(
            f"of-{commit[0]}", kind="promotion", environment="production", commit=commit, asked={}, lasting=60
        )
    heard: list[str] = []

    async def follow() -> None:
        await reached(journal, "production", COMMIT, "switch")
        heard.append("reached")

    async def calls() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(follow)
            journal.flows.write("of-b", "switch", INTENT, epoch=0, facts={})
            journal.flows.write("of-a", "smoke", INTENT, epoch=0, facts={})
            await anyio.sleep(0.3)
            assert heard == []
            journal.flows.write("of-a", "switch", INTENT, epoch=0, facts={})
            with anyio.fail_after(30):
                while not heard:  # noqa: ASYNC110 - it stands in a file
                    await anyio.sleep(0.02)

    anyio.run(calls)
