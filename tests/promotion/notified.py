"""Whoever is told of incidents, standing in: Resend, a mail server with an inbox, PagerDuty, GitHub, Linear.

notified.py DIRECTORY INCIDENT WHERE ENVIRONMENT is a process of its own that tells of an incident, and is killed:
behind that change of a notice, where it is a number; else once the channel of that name has it, before that is noted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from ci import config
from ci.journal import Journal
from ci.model import Outcome, Ruling
from ci.promotion.connected import connected
from ci.promotion.notices.channels import Channels, Sent
from ci.promotion.notices.delivering import Told, deliver, resolve
from ci.promotion.notices.story import Ending, Excerpt, Link, Over, Story
from ci.rehearsal.github import APP, SLUG
from ci.rehearsal.github import GitHub as GitHubStandIn
from ci.rehearsal.linear import KEYS, Linear
from ci.rehearsal.linear_world import TEAM
from ci.rehearsal.mailpit import Mailpit
from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.resend import KEYS as RESEND_KEYS
from ci.rehearsal.resend import Resend
from ci.rehearsal.serving import serving
from ci.rehearsal.sink import receiving
from ci.vendors.exchange import Patience
from ci.vendors.pagerduty import Severity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ci.journal.notices import Notice, Tale
    from ci.promotion.connected import Connected
    from ci.promotion.notices.channels import Say

QUICK = Patience(request=5.0, whole=10.0, first=0.01, tries=2)
TO = ("Team <team@acme.test>", "ada@acme.test")
BAD, GOOD = "3f2a" * 10, "789b" * 10
SECRETS = {
    "github": APP.token,
    "resend": next(iter(RESEND_KEYS)),
    "smtp": "password-of-the-mail-server",
    "pagerduty": "e0" + "k" * 30,
    "linear": KEYS[0],
}
USER = "shipway"
RESEND = 'resend = {{ key = "file://{secrets}/resend", address = "{resend}" }}'
SMTP = f'smtp = {{{{ host = "127.0.0.1", port = {{smtp}}, user = "{USER}", password = "file://{{secrets}}/smtp" }}}}'
SETTINGS = f"""
[github]
repository = "{SLUG}"
login = "{APP.login}"
token = "file://{{secrets}}/github"
address = "{{github}}"

[environments.production.notify]
issues = "github"
monitoring = "https://acme.sentry.example/dashboard"

[environments.production.notify.email]
from = "Shipway <shipway@receipts.test>"
to = {list(TO)!r}
{RESEND}

[environments.production.notify.pagerduty]
key = "file://{{secrets}}/pagerduty"
address = "{{pagerduty}}/v2"

[environments.staging.notify]
issues = "linear"
linear = {{{{ key = "file://{{secrets}}/linear", team = "{TEAM["key"]}", address = "{{linear}}" }}}}

[environments.staging.notify.email]
from = "shipway@receipts.test"
to = ["team@acme.test"]
{SMTP}
"""
STORY = Story(
    incident="one",
    product="acme/receipts",
    environment="production",
    commit=BAD,
    ending=Ending.ROLLED_BACK,
    what="new_errors",
    reason="TypeError: merchant is undefined: 14 events of 9 users since the deployment, none before",
    severity=Severity.CRITICAL,
    safe=True,
    detected=1_790_000_041.0,
    returned_to=GOOD,
    apps=("api", "web"),
    rulings=(
        Ruling(gate="new_errors", environment="production", ruling=Outcome.FAIL, reason="1 new error, 14 events"),
        Ruling(gate="slo", environment="production", ruling=Outcome.PASS, reason="p95 182 ms of 400 ms"),
    ),
    pinned=True,
    started=1_790_000_000.0,
    restored=1_790_000_041.8,
    excerpts=(Excerpt(name="api", text="TypeError: merchant is undefined\n    at read (src/receipts.ts:41:17)"),),
    links=(
        Link(name="monitoring", address="https://acme.sentry.example/dashboard"),
        Link(name="deployment", address="https://receipts-3f2a.vercel.example"),
    ),
    advice="merchant is read before the answer is checked: src/receipts.ts:41",
    command="shipway incident one",
    report=b"<!doctype html><title>Report</title><p>All of it.</p>",
)


@dataclass(frozen=True, kw_only=True)
class Vendors:
    """Those that stand in, and the workspace that is connected with them."""

    directory: Path
    github: GitHubStandIn
    resend: Resend
    mailpit: Mailpit
    pagerduty: PagerDuty
    linear: Linear

    @property
    def journal(self) -> Journal:
        """The journal beside it, opened anew."""
        return opened(self.directory)

    async def tell(self, story: Story = STORY, *, environment: str = "production", say: Say = print) -> Told:
        """Tell of an incident, as a flow does."""
        async with made(self.directory, environment) as services:
            return await deliver(story, services, self.journal, say=say)

    async def end(self, incident: str = "one", *, environment: str = "production", say: Say = print) -> Told:
        """Tell that it is over."""
        over = Over(
            incident=incident, product="acme/receipts", environment=environment, commit=GOOD, moment=1_790_003_600.0
        )
        async with made(self.directory, environment) as services:
            return await resolve(over, services, self.journal, say=say)

    def mails(self, incident: str = "one") -> list[str]:
        """The texts of the mails of an incident at Resend."""
        return [text for each in self.resend.mails.values() if is_about(incident, text := str(each["text"]))]

    def letters(self, incident: str) -> list[str]:
        """The Message-IDs of an incident's mails that the mail server took."""
        found = self.mailpit.mails.items()
        sources = {name: self.mailpit.source(name).decode(errors="replace") for name, _ in found}
        return [each["MessageID"] for name, each in found if is_about(incident, sources[name])]

    def pages(self, incident: str = "one") -> list[str]:
        """How the incident's pages stand."""
        return [each["status"] for each in self.pagerduty.incidents.values() if each["key"] == incident]

    def issues(self, incident: str = "one") -> list[dict[str, Any]]:
        """The issues about it at GitHub."""
        return [each for each in self.github.state.issues.values() if is_about(incident, each["body"] or "")]

    def tasks(self, incident: str = "one") -> list[dict[str, Any]]:
        """The issues about it at Linear."""
        return [each for each in self.linear.world.shelf("issues").values() if is_about(incident, each["description"])]


def is_about(incident: str, text: str) -> bool:
    """Whether a text names the incident as its own."""
    return any(line.startswith("Incident ") and line.split()[-1] == incident for line in text.splitlines()) or (
        f"- Incident: `{incident}`" in text
    )


def opened(directory: Path) -> Journal:
    """Return the journal."""
    return Journal.local(directory / "work", directory=directory / "journal")


@contextlib.asynccontextmanager
async def vendors(directory: Path, **changed: str) -> AsyncIterator[Vendors]:
    """Give them, served; `changed` are addresses that settings have in place of theirs."""
    root, secrets = directory / "work", directory / "secrets"
    root.mkdir(parents=True)
    secrets.mkdir()
    for name, value in SECRETS.items():
        (secrets / name).write_text(value)
    place = Vendors(
        directory=directory,
        github=GitHubStandIn(directory),
        resend=Resend(directory, rate=10_000),
        mailpit=Mailpit(directory),
        pagerduty=PagerDuty(directory),
        linear=Linear(directory),
    )
    async with (
        serving(place.github) as hub,
        serving(place.resend) as post,
        serving(place.pagerduty) as pager,
        serving(place.linear) as board,
        receiving(place.mailpit, users={USER: SECRETS["smtp"]}) as server,
    ):
        at = {"github": hub, "resend": post, "pagerduty": pager, "linear": board, "smtp": server.rpartition(":")[2]}
        words = {**at, "secrets": secrets, **changed}
        (root / "shipway.toml").write_text(SETTINGS.format(**words))
        yield place


@contextlib.asynccontextmanager
async def made(directory: Path, environment: str) -> AsyncIterator[Connected]:
    """Connect an environment, with little patience."""
    root = directory / "work"
    async with connected(config.load(root), environment, root=root) as services:
        for each in (services.mail, services.pagerduty, services.linear, services.github):
            if (exchange := getattr(each, "exchange", None)) is not None:
                exchange.patience = QUICK
            elif each is not None:
                each.patience = QUICK  # type: ignore[union-attr] # a mail server's
        yield services


def killed(directory: Path, incident: str, where: str, environment: str = "production") -> int:
    """Have a process tell of an incident and be killed there; return how it ended."""
    argv = [sys.executable, "-P", __file__, str(directory), incident, where, environment]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(argv, env=env, check=False, timeout=120).returncode


def main() -> None:
    """Tell, and be killed."""
    directory, incident, where, environment = Path(sys.argv[1]), *sys.argv[2:5]
    journal, send = opened(directory), Channels.send
    changes: list[Notice] = []

    def heard(notice: Notice) -> None:
        changes.append(notice)
        if str(len(changes)) == where:
            os.kill(os.getpid(), signal.SIGKILL)

    async def taken(self: Channels, notice: Notice, tale: Tale) -> Sent:
        sent = await send(self, notice, tale)
        if notice.channel == where:
            os.kill(os.getpid(), signal.SIGKILL)
        return sent

    async def play() -> None:
        async with made(directory, environment) as services:
            story = dataclasses.replace(STORY, incident=incident, environment=environment)
            await deliver(story, services, journal, say=print)

    journal.notices.heard = heard
    Channels.send = taken  # type: ignore[method-assign]
    anyio.run(play)


if __name__ == "__main__":
    main()
