"""Processes that mend in a village that is up, each killed behind an entry of the journal, each forked from this one.

villager.py DIRECTORY reads lines of JSON, INCIDENT HALF NUMBER each, and says how the process for it ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

import anyio

from ci.diagnosis.cycle import leased_as
from ci.journal import leases
from ci.rehearsal.github import GitHub
from tests.conftest import ROOT
from tests.diagnosis.village import Village, mends, trials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anyio.abc import Process

    from ci.journal import Entry

FIND, JUDGE, BACK = "find", "judge", "back"
KILLED = -signal.SIGKILL


async def mend(directory: Path, incident: str, half: str, number: int) -> None:
    """Do a half of a cycle; die behind that many entries of the journal."""
    left = number
    root = directory / "work"
    made = Village(directory=directory, root=root, github=GitHub(directory), trials=trials(directory))
    journal = made.journal

    def heard(_entry: Entry) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            lease = journal.leases.of(leased_as(journal.cases.beginning(incident)))
            if lease is not None:  # so that nobody has to wait a minute for its end
                journal.leases.life = 0.1
                journal.leases.renew(lease)
            os.kill(os.getpid(), signal.SIGKILL)

    journal.flows.heard = heard
    leases.GRACE = 0.1
    found = journal.incidents.get(incident)
    assert found is not None
    if half == FIND:
        await made.finds(found, mends(), journal)
    elif half == BACK:
        await made.takes_back(found, journal)
    else:
        await made.judges(found, journal)


class Villagers:
    """Processes that live and die."""

    def __init__(self, process: Process) -> None:
        """Have them born there."""
        self._process = process

    async def end(self, incident: str, half: str, number: int) -> int:
        """Have one live, and return how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        await self._process.stdin.send(json.dumps([incident, half, number]).encode() + b"\n")
        with anyio.fail_after(120):
            return int(await self._process.stdout.receive())


@contextlib.asynccontextmanager
async def villagers(directory: Path) -> AsyncIterator[Villagers]:
    """Give them, in the village of a directory."""
    argv = [sys.executable, "-P", "-m", "tests.diagnosis.villager", str(directory)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (directory / "villagers.log").open("wb") as errors:
        made = await anyio.open_process(
            argv, cwd=ROOT, env=env, stdin=PIPE, stdout=PIPE, stderr=errors, start_new_session=True
        )
        async with made:
            try:
                yield Villagers(made)
            finally:
                os.killpg(made.pid, signal.SIGKILL)


def main() -> None:
    """Have one process after the other live."""
    directory = Path(sys.argv[1])
    for line in sys.stdin:
        incident, half, number = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                anyio.run(mend, directory, incident, half, number)
            except BaseException:  # noqa: BLE001 - it must not go on where its parent is
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
