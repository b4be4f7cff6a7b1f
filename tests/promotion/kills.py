"""Processes that carry production on in a town that is up, each killed behind an entry of the journal.

kills.py DIRECTORY reads from its standard input what to do, a line of JSON each, and says how it ended. Each is done
by a process of its own, which is forked from this one: so none has to import all there is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import json
import os
import signal
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

import anyio

from ci.journal.notices import Kind
from ci.promotion.carrying import begin, begin_rollback, carry_on, roll_back
from ci.promotion.flow import RESULT
from ci.promotion.notices.channels import Channels
from ci.vendors.exchange import Patience
from tests.conftest import ROOT
from tests.promotion import toy
from tests.promotion.town import fail, opened, promotion
from tests.promotion.townplan import SKIPPED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anyio.abc import Process

    from ci.journal import Entry, Journal
    from ci.journal.notices import Notice, Tale
    from ci.promotion.flow import Ended
    from ci.promotion.notices.channels import Sent

QUICK = Patience(first=0.01)  # what stands in is there again at once
REASON = "customers complain"
KILLED = -signal.SIGKILL
HANGING = 120.0  # seconds, after which a process is no promotion any more


@dataclass(frozen=True, kw_only=True)
class Life:
    """A promotion of a commit or, `by_hand`, what takes back what serves. `late`: users meet errors after its window.

    It is killed behind the entry of the journal of that `number`, behind so many changes of a `notice`, or once the
    `channel` has what it is to tell, before that is written down. Where nothing is so, nobody is killed.
    """

    commit: str
    number: int = 0
    notice: int = 0
    channel: str = ""
    by_hand: bool = False
    late: bool = False


@dataclass(frozen=True, kw_only=True)
class Kills:
    """A process that has others live and die."""

    process: Process
    log: Path

    async def end(self, life: Life) -> int:
        """Have a process live, and return how it ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        await self.process.stdin.send(json.dumps(dataclasses.asdict(life)).encode() + b"\n")
        with anyio.fail_after(HANGING):
            return int(await self.process.stdout.receive())

    @property
    def said(self) -> str:
        """What the processes said at last."""
        return self.log.read_text()[-2000:]


@contextlib.asynccontextmanager
async def kills(directory: Path) -> AsyncIterator[Kills]:
    """Give them, in the town of a directory."""
    argv = [sys.executable, "-P", "-m", "tests.promotion.kills", str(directory)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    log = directory / "kills.log"
    with log.open("wb") as errors:
        made = await anyio.open_process(
            argv, cwd=ROOT, env=env, stdin=PIPE, stdout=PIPE, stderr=errors, start_new_session=True
        )
        async with made:
            try:
                yield Kills(process=made, log=log)
            finally:
                os.killpg(made.pid, signal.SIGKILL)  # with whatever hangs below it


async def live(directory: Path, life: Life) -> Ended:
    """Carry it as far as it goes."""
    journal = opened(directory)
    journal.flows.heard = functools.partial(_heard, directory, life)
    _dying_as_people_are_told(life, journal)
    if life.by_hand:
        flow = begin_rollback(journal, "production", to=None, reason=REASON)
    else:
        flow = begin(journal, "production", life.commit, skip_soak=SKIPPED)
    made_by = promotion(directory / "work", journal, flow.commit, environment="production", patience=QUICK)
    async with made_by as (made, fence):
        if life.by_hand:
            return await roll_back(made, flow, fence, toy.Quiet())
        return await carry_on(made, flow, fence, toy.Quiet(), wait=True)


def _heard(directory: Path, life: Life, entry: Entry) -> None:
    if life.late and (entry.step, entry.kind) == ("people told", RESULT):
        fail(directory, life.commit)
    if entry.number == life.number:
        die()


def die() -> None:
    """Be killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def _dying_as_people_are_told(life: Life, journal: Journal) -> None:
    """Have this process killed in the middle of telling, where its life says so."""
    send, changes = Channels.send, itertools.count(1)

    async def taken(self: Channels, notice: Notice, tale: Tale) -> Sent:
        sent = await send(self, notice, tale)
        if notice.channel == life.channel and notice.kind is Kind.OPENED:
            die()
        return sent

    journal.notices.heard = lambda _notice: die() if next(changes) == life.notice else None
    if life.channel:
        Channels.send = taken  # type: ignore[method-assign] # it is this process's own, which ends with it


def main() -> None:
    """Have one process after the other live."""
    directory = Path(sys.argv[1])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _live(directory, Life(**json.loads(line)))
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{ended}\n")
        sys.stdout.flush()


def _live(directory: Path, life: Life) -> None:
    try:
        anyio.run(live, directory, life)
    except BaseException:  # noqa: BLE001 - this process must not go on where the one before it was
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
