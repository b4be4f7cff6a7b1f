"""What carrying costs beside the steps: steps that do nothing, under a real lease; and writes of the journal.

    ./benchmarks/journal [--runs 9] [--steps 26] [--writes 300]

The journal is a file of SQLite, as on one machine, and a database of a real Postgres on this machine, as several share
one. Both are taken right after the other, in turns, so that a machine that slows down slows both. A Postgres elsewhere
adds the way to it: to each statement, of which it is told how many a step has, with what begins and ends transactions.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import sqlalchemy as sql

from ci.journal import Journal, State
from ci.promotion.flow import INTENT, FlowStep, carry, leased
from ci.rehearsal.computes import computing

if TYPE_CHECKING:
    from ci.journal import Flow
    from ci.model import FlowStepRun
    from ci.promotion.flow import Doing, Facts

BRANCH, OWNER = "journal", "shipway"


class Nobody:
    """Looks on, and says nothing."""

    def step_started(self, name: str) -> None:
        """A step begins."""

    def step_ended(self, run: FlowStepRun) -> None:
        """It is over."""

    def note(self, line: str) -> None:
        """One line."""


async def nothing(_doing: Doing) -> Facts:
    """Do nothing."""
    return {}


def begin(journal: Journal) -> Flow:
    """Begin a flow of its own."""
    words = {"kind": "promotion", "environment": "staging", "commit": "c" * 40}
    return journal.flows.begin(secrets.token_hex(8), **words, asked={}, lasting=3600)


async def carried(journal: Journal, steps: int) -> float:
    """Carry a flow of steps that do nothing to its end, and return the seconds of each."""
    flow = begin(journal)
    every = [FlowStep(name=f"step {number}", act=nothing) for number in range(steps)]
    async with leased(journal, flow) as held:
        began = time.perf_counter()
        ended = await carry(journal, flow, every, held, Nobody())
        seconds = time.perf_counter() - began
    if ended.flow.state is not State.DONE:
        raise RuntimeError(f"the flow ended as {ended.flow.state}")
    return seconds / steps


async def statements(journal: Journal, steps: int) -> float:
    """Return how many statements the journal is sent for a step, its transactions' own among them."""
    count = 0

    def heard(*_: object) -> None:
        nonlocal count
        count += 1

    names = ("before_cursor_execute", "begin", "commit", "rollback")
    for name in names:
        sql.event.listen(journal.store.engine, name, heard)
    try:
        await carried(journal, steps)
    finally:
        for name in names:
            sql.event.remove(journal.store.engine, name, heard)
    return count / steps


def written(journal: Journal, writes: int) -> float:
    """Write entries one after the other, and return how many a second."""
    flow = begin(journal)
    began = time.perf_counter()
    for number in range(writes):
        journal.flows.write(flow.id, f"step {number}", INTENT, epoch=1, facts={"number": number})
    return writes / (time.perf_counter() - began)


async def measured(*, runs: int, steps: int, writes: int) -> dict[str, list[float]]:
    """Return what was measured, by what it is."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as place:
        directory, password = Path(place), secrets.token_hex(16)
        async with computing(directory / "postgres") as computes:
            await computes.make(BRANCH, roles={OWNER: password}, databases={BRANCH: OWNER})
            port = await computes.start(BRANCH)
            journals = {
                "SQLite": Journal.local(directory, directory=directory / "state"),
                "Postgres": Journal.remote(f"postgres://{OWNER}:{password}@127.0.0.1:{port}/{BRANCH}"),
            }
            for name, journal in journals.items():
                await carried(journal, steps)  # the first one makes connections, and nobody counts it
                found[f"statements of a step, {name}"] = [await statements(journal, steps)]
            for _ in range(runs):
                for name, journal in journals.items():
                    seconds = await carried(journal, steps)
                    found.setdefault(f"a step that does nothing, {name}, ms", []).append(1000 * seconds)
                    rate = await anyio.to_thread.run_sync(written, journal, writes)
                    found.setdefault(f"writes a second, {name}", []).append(rate)
            for journal in journals.values():
                journal.store.engine.dispose()
    first, other = (found[f"a step that does nothing, {name}, ms"] for name in journals)
    found["a step in Postgres against one in SQLite"] = [b / a for a, b in zip(first, other, strict=True)]
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--steps", type=int, default=26)
    parser.add_argument("--writes", type=int, default=300)
    options = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    found = anyio.run(lambda: measured(runs=options.runs, steps=options.steps, writes=options.writes))
    print(f"{'':<44} {'median':>8} {'least':>8} {'most':>8}")
    for name, values in sorted(found.items()):
        print(f"{name:<44} {statistics.median(values):8.2f} {min(values):8.2f} {max(values):8.2f}")
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
