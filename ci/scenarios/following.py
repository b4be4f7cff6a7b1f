"""Follows a promotion by its journal, from outside: something is done at the moment at which it begins a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from ci.journal import Journal

PAUSE = 0.05  # seconds between two looks


async def reached(journal: Journal, environment: str, commit: str, step: str) -> None:
    """Return once the promotion of a commit to an environment has begun a step, which may be never."""
    while not await anyio.to_thread.run_sync(_has_begun, journal, environment, commit, step):  # noqa: ASYNC110 - a file
        await anyio.sleep(PAUSE)


def _has_begun(journal: Journal, environment: str, commit: str, step: str) -> bool:
    return any(
        entry.step == step
        for flow in journal.flows.recent(environment)
        if flow.commit == commit
        for entry in journal.flows.entries(flow.id)
    )
