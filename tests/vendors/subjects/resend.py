from __future__ import annotations

import datetime

from ci.rehearsal import resend as standing_in
from ci.vendors import resend
from ci.vendors.mail import Attachment, Mail, Posted
from tests.vendors.hostile import Asked, Subject

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


async def send(client: resend.Resend) -> Posted:
    return await client.send(MAIL, key="incident-1/mail")


SUBJECT = Subject(
    name="resend",
    stand_in=lambda directory: standing_in.Resend(directory, seconds=0),
    connect=lambda address, patience, transport: resend.connect(
        KEY, address=address, patience=patience, transport=transport
    ),
    secrets=(KEY,),
    asked={
        "send": Asked(run=send, effects=lambda it: len(it.mails)),
        "sent": Asked(prepare=send, run=lambda client: client.sent("no such id")),
        "find": Asked(
            prepare=send, run=lambda client: client.find(to=MAIL.to[0], subject=MAIL.subject, since=LONG_AGO)
        ),
        "received": Asked(prepare=send, run=lambda client: client.received(since=LONG_AGO)),
        "incoming": Asked(prepare=send, run=lambda client: client.incoming("no such id")),
        "domains": Asked(run=lambda client: client.domains()),
    },
)
