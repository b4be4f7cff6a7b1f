from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from ci.rehearsal import mailpit as standing_in
from ci.vendors import mailpit
from ci.vendors.mail import message
from ci.vendors.mailpit import Summary
from tests.vendors.hostile import Asked, Subject
from tests.vendors.subjects.resend import MAIL

if TYPE_CHECKING:
    from pathlib import Path

USER, PASSWORD = "shipway", "a-password-of-its-own"


def standing(directory: Path) -> standing_in.Mailpit:
    """Give one with a mail in it."""
    stand_in = standing_in.Mailpit(directory, users={USER: PASSWORD})
    if not stand_in.mails:
        stand_in.deliver(message(MAIL, key="one").as_bytes(), sender="shipway@receipts.test", to=MAIL.to)
    return stand_in


async def source(client: mailpit.Mailpit) -> bytes | None:
    gone = Summary(  # a constructor by field names, which pydantic's aliases leave as it is
        id="gone",
        message_id="",
        subject="",
        sender="",
        created=datetime.datetime.now(datetime.UTC),
        size=19,
        read=False,
    )
    return await client.source(gone)


SUBJECT = Subject(
    name="mailpit",
    stand_in=standing,
    connect=lambda address, patience, transport: mailpit.connect(
        address, user=USER, password=PASSWORD, patience=patience, transport=transport
    ),
    secrets=(PASSWORD,),
    asked={
        "about": Asked(run=lambda client: client.about()),
        "search": Asked(run=lambda client: client.search("incident-1")),
        "source": Asked(run=source),
        "remove": Asked(run=lambda client: client.remove(["gone"])),
    },
)
