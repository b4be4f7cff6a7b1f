"""Whether the error monitor sees: a tagged test event is sent as an app sends its errors, and must come back.

It is written down when it was sent, and what became of it: a process that takes over waits for the same event.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import anyio

from ci.errors import VendorError
from ci.promotion.connected import dsn_place
from ci.promotion.watch.verdicts import ALIVE
from ci.text import clean, first_line
from ci.vendors.sentry_event import send_probe

if TYPE_CHECKING:
    from ci.journal import Look
    from ci.promotion.watch.looking import Subject

PROBE = "probe"  # the kind under which it is written down that one was sent
PAUSE = 2.0
SAID = 200


async def prove(subject: Subject) -> Look | None:
    """Send an event where none is under way or came back, and wait for it until its time is over.

    Returns what became of it, None where none can be sent. One that did not come back is followed by another one when
    this is called again: the monitor may have been mended.
    """
    sentry, dsn = subject.made.sentry, subject.made.secrets.get(dsn_place(subject.made.name))
    if sentry is None or dsn is None:
        return None
    known = await subject.looks()
    tries = [each for each in known if each.kind == ALIVE]
    if tries and tries[-1].document["came_back"] is not None:
        return tries[-1]
    number = (tries[-1].number if tries else 0) + 1
    sent = next((each for each in known if each.kind == PROBE and each.number == number), None)
    allowed = subject.settings.watch.alive
    began = sent.moment if sent else time.time()
    error: str | None = None
    came_back: float | None = None
    with anyio.move_on_after(max(0.0, began + allowed - time.time())):
        while came_back is None:
            try:
                sent = sent or await _send(subject, dsn, number)
                if await sentry.arrived(str(sent.document["event"]), place=subject.counting.place):
                    came_back = round(max(0.0, time.time() - began), 3)
                    break
                error = None
            except VendorError as problem:
                error = first_line(clean(problem.message), SAID)
            except ValueError as problem:  # no DSN at all: it will be none later either
                error = str(problem)
                break
            await anyio.sleep(min(PAUSE, allowed / 20))
    waited = round(max(0.0, time.time() - began), 3)
    document = {"came_back": came_back, "waited": waited, "error": None if came_back is not None else error}
    return await subject.record(ALIVE, number, document)


async def _send(subject: Subject, dsn: str, number: int) -> Look:
    environment = subject.counting.place.environment or subject.made.name
    event = await send_probe(dsn, secrets.token_hex(8), release=subject.commit, environment=environment)
    return await subject.record(PROBE, number, {"event": event})
