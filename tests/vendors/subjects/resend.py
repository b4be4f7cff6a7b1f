from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from ci.rehearsal import resend as standing_in
from ci.vendors import resend
from ci.vendors.mail import Attachment, Mail, Posted
from tests.vendors.hostile import Asked, Subject

if TYPE_CHECKING:
    from pathlib import Path

KEY = next(iter(standing_in.KEYS))
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
MAIL = Mail(
    sender="Shipway <shipway@receipts.test>",
    to=("team@inbox.receipts.test",),
    subject="production is ill: incident-1",
    text="What happened: the token is 4711.",
    html="<p>What happened: the token is <b>4711</b>.</p>",
    attachments=(Attachment(name="report.html", content=b"<h1>Report</h1>"),),
)


SEEDED, CAME_IN = "4ef9a417-02e9-4d39-ad75-9611e0fcc33c", "550e8400-e29b-41d4-a716-446655440000"


def standing(directory: Path) -> standing_in.Resend:
    """Give one that took a mail before and has delivered it, under ids that are known."""
    stand_in = standing_in.Resend(directory, seconds=0)
    stand_in.mails[SEEDED] = {
        "id": SEEDED,
        "received": CAME_IN,
        "moment": 1_700_000_000.0,
        "message_id": f"<{SEEDED}@receipts.test>",
        "to": list(MAIL.to),
        **dict.fromkeys(("cc", "bcc", "reply_to"), ()),
        "from": MAIL.sender,
        "subject": MAIL.subject,
        "html": MAIL.html,
        "text": MAIL.text,
        "headers": None,
        "attachments": None,
    }
    return stand_in


async def send(client: resend.Resend) -> Posted:
    return await client.send(MAIL, key="incident-1/mail")


SUBJECT = Subject(
    name="resend",
    stand_in=standing,
    connect=lambda address, patience, transport: resend.connect(
        KEY, address=address, patience=patience, transport=transport
    ),
    secrets=(KEY,),
    contract="resend",
    asked={
        "send": Asked(run=send, effects=lambda it: len(it.mails)),
        "sent": Asked(run=lambda client: client.sent(SEEDED)),
        "find": Asked(run=lambda client: client.find(to=MAIL.to[0], subject=MAIL.subject, since=LONG_AGO)),
        "received": Asked(run=lambda client: client.received(since=LONG_AGO)),
        "incoming": Asked(run=lambda client: client.incoming(CAME_IN)),
        "domains": Asked(run=lambda client: client.domains()),
    },
)
