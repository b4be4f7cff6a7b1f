"""A machine that promotes in a town: a clone, a state and a cache of its own; the journal is what its settings name.

machine.py ROOT COMMIT [SIGNAL NUMBER] prints how the promotion ended and what was run for it. With a signal it sends
itself that one behind the entry of the journal with that number, when little of its lease's time is left.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from ci import config
from ci.journal import leases
from ci.promotion.carrying import begin, carry_on
from ci.remembering import lasting
from tests.promotion import toy
from tests.promotion.table import Table
from tests.promotion.town import promotion

if TYPE_CHECKING:
    from ci.journal import Entry


async def play(root: Path, commit: str, signal: int, number: int) -> None:
    """Promote, or go on with what another machine left."""
    journal = await lasting(config.load(root), root)

    def heard(entry: Entry) -> None:
        if entry.number == number:
            lease = journal.leases.of("staging")
            if lease is not None:
                journal.leases.life = 0.5
                journal.leases.renew(lease)
                journal.leases.life = leases.LIFE
            os.kill(os.getpid(), signal)

    journal.flows.heard = heard
    leases.GRACE = 0.2
    work = Table(journal=journal)
    async with promotion(root, journal, commit, work) as (made, fence):
        ended = await carry_on(made, begin(journal, "staging", commit), fence, toy.Quiet(), wait=True)
    told = {
        "state": ended.flow.state.value,
        "flow": ended.flow.id,
        "refusal": ended.refusal and ended.refusal.message,
        "ran": [[asked.what.value, asked.environment] for asked in work.asked],
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    when = [int(each) for each in sys.argv[3:]] or [0, 0]
    anyio.run(play, Path(sys.argv[1]), sys.argv[2], when[0], when[1])
