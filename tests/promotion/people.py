"""Whoever is told of production's incidents in the town: by mail, by a page, by an issue at GitHub."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.rehearsal.mailpit import Mailpit
from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.resend import KEYS as RESEND_KEYS
from ci.rehearsal.resend import Resend
from ci.rehearsal.serving import serving
from ci.rehearsal.sink import receiving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

SECRETS = {"resend": next(iter(RESEND_KEYS)), "smtp": "password-of-the-mail-server", "pagerduty": "e0" + "k" * 30}
BY = {
    "resend": 'resend = {{ key = "file://{secrets}/resend", address = "{resend}" }}',
    "smtp": 'smtp = {{ host = "127.0.0.1", port = {smtp}, user = "shipway", password = "file://{secrets}/smtp" }}',
}
SETTINGS = """
[environments.production.notify]
issues = "github"

[environments.production.notify.pagerduty]
key = "file://{secrets}/pagerduty"
address = "{pagerduty}/v2"

[environments.production.notify.email]
from = "Shipway <shipway@receipts.test>"
to = ["Team <team@acme.test>"]
"""


@dataclass(frozen=True, kw_only=True)
class People:
    """What stands in for how they are reached. `settings` are those that lead there."""

    resend: Resend
    mailpit: Mailpit
    pagerduty: PagerDuty
    settings: str

    def mails(self, incident: str) -> list[str]:
        """The ids of the mails about an incident: two of one id are one mail that came twice."""
        found = [name for name, each in self.resend.mails.items() if incident in json.dumps(each)]
        for name, each in self.mailpit.mails.items():
            if incident.encode() in self.mailpit.source(name):
                found.append(each["MessageID"])
        return found

    def pages(self, incident: str) -> list[str]:
        """How the incident's pages stand."""
        return [each["status"] for each in self.pagerduty.incidents.values() if each["key"] == incident]


@contextlib.asynccontextmanager
async def people(directory: Path, secrets: Path, *, mail: str) -> AsyncIterator[People]:
    """Give those that stand in, served; mails go by `mail`: Resend, or a mail server."""
    for name, value in SECRETS.items():
        (secrets / name).write_text(value)
    post, box = Resend(directory, rate=10_000), Mailpit(directory)
    pager = PagerDuty(directory, calls=10_000)
    async with (
        serving(post) as resend,
        serving(pager) as pagerduty,
        receiving(box, users={"shipway": SECRETS["smtp"]}) as server,
    ):
        words: Mapping[str, object] = {
            "secrets": secrets,
            "resend": resend,
            "pagerduty": pagerduty,
            "smtp": server.rpartition(":")[2],
        }
        text = (SETTINGS + BY[mail] + "\n").format(**words)
        yield People(resend=post, mailpit=box, pagerduty=pager, settings=text)
