"""A flow whose outside world is a directory: each effect is a file with a name of its own, so that two would be seen.

toy.py DIRECTORY [NUMBER]: begin or resume it, and be killed after that entry of the journal.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from ci.journal import Journal
from ci.promotion.flow import BlockedError, Doing, Ended, FlowStep, carry, leased

if TYPE_CHECKING:
    from ci.journal import Entry, Flow
    from ci.model import FlowStepRun
    from ci.promotion.flow import Facts

STEPS = ("pull request", "deploy", "merge")


class Quiet:
    """Nobody looks on."""

    def step_started(self, name: str) -> None:
        """Say nothing."""

    def step_ended(self, run: FlowStepRun) -> None:
        """Say nothing."""

    def note(self, line: str) -> None:
        """Say nothing."""


def steps(directory: Path, *, no: str | None = None) -> list[FlowStep]:
    """Return steps that each leave a file; the one named `no` says so."""

    def step(name: str) -> FlowStep:
        def files() -> list[Path]:
            return sorted(directory.glob(f"{name}-*"))

        async def look(_doing: Doing) -> Facts | None:
            return {"made": files()[0].name} if files() else None

        async def act(doing: Doing) -> Facts:
            if name == no:
                raise BlockedError("no", hint="ask later")
            await doing.fence()
            made = directory / f"{name}-{next(number for number in itertools.count() if number not in taken(files()))}"
            made.write_text("".join(sorted(doing.facts)))
            return {"made": made.name}

        return FlowStep(name=name, act=act, look=look, writes=f"a file {name}")

    return [step(name) for name in STEPS]


def taken(files: list[Path]) -> set[int]:
    return {int(file.name.rpartition("-")[2]) for file in files}


def opened(directory: Path) -> Journal:
    """Return the journal beside the world."""
    return Journal.local(directory, directory=directory.parent / "journal")


def flow(journal: Journal) -> Flow:
    """Return the flow, begun where it is not."""
    known = journal.flows.recent("staging")
    words: dict[str, Any] = {"kind": "promotion", "environment": "staging", "commit": "c", "asked": {}, "lasting": 99}
    return known[0] if known else journal.flows.begin("one", **words)


async def play(journal: Journal, directory: Path, *, no: str | None = None) -> Ended:
    """Carry it as far as it goes."""
    made = flow(journal)
    async with leased(journal, made, waiting=True, grace=0.05) as held:
        return await carry(journal, made, steps(directory, no=no), held, Quiet())


def main() -> None:
    """Do so, and be killed."""
    directory, number = Path(sys.argv[1]), int(sys.argv[2])
    journal = opened(directory)

    def heard(entry: Entry) -> None:
        if entry.number == number:
            os.kill(os.getpid(), signal.SIGKILL)

    journal.flows.heard = heard
    journal.leases.life = 0.3
    anyio.run(play, journal, directory)


if __name__ == "__main__":
    main()
