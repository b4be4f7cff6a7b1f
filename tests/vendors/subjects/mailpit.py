from __future__ import annotations

import base64
import datetime
from typing import TYPE_CHECKING

from ci.rehearsal import mailpit as standing_in
from ci.rehearsal.mailpit_mails import stored
from ci.vendors import mailpit
from ci.vendors.mailpit import Summary
from tests.vendors.hostile import Asked, Subject

if TYPE_CHECKING:
    from pathlib import Path

USER, PASSWORD = "shipway", "a-password-of-its-own"


SOURCE = b"From: a@b.test\r\nTo: c@d.test\r\nSubject: incident-1\r\n\r\nThe token is 4711.\r\n"
SEEDED = "4oRBnPtCXgAqZniRhzLNmS"


def standing(directory: Path) -> standing_in.Mailpit:
    """Give one with a mail in it, under an id that is known."""
    stand_in = standing_in.Mailpit(directory, users={USER: PASSWORD})
    stand_in.sources[SEEDED] = base64.b64encode(SOURCE).decode()
    stand_in.mails[SEEDED] = stored(SOURCE, identity=SEEDED, moment=1_700_000_000.0)
    return stand_in


async def source(client: mailpit.Mailpit) -> bytes | None:
    seeded = Summary(
        id=SEEDED,
        message_id="",
        subject="incident-1",
        sender="a@b.test",
        created=datetime.datetime.now(datetime.UTC),
        size=len(SOURCE),
        read=False,
    )
    return await client.source(seeded)


SUBJECT = Subject(
    name="mailpit",
    stand_in=standing,
    connect=lambda address, patience, transport: mailpit.connect(
        address, user=USER, password=PASSWORD, patience=patience, transport=transport
    ),
    secrets=(PASSWORD,),
    contract="mailpit",
    asked={
        "about": Asked(run=lambda client: client.about()),
        "search": Asked(run=lambda client: client.search("incident-1")),
        "source": Asked(run=source),
        "remove": Asked(run=lambda client: client.remove(["gone"])),
    },
)
