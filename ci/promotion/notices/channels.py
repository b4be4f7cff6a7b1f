"""How each channel is told, so that a second time does no harm: by a key of the incident's that the vendor knows.

Mails by SMTP and changes at PagerDuty have no such key: they may come again after a kill, a mail with its Message-ID.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.errors import UsageError, VendorError
from ci.journal.notices import Channel, Kind
from ci.promotion.notices import issue, mailing, paging, wording
from ci.promotion.notices.story import CHANGE, OVER, STORY
from ci.vendors import linear
from ci.vendors.adapter import short_key
from ci.vendors.github.texts import mark
from ci.vendors.pagerduty import Severity
from ci.vendors.resend import SENT_OTHERWISE, Resend

if TYPE_CHECKING:
    from ci.journal.notices import Notice, Tale
    from ci.promotion.connected import Connected
    from ci.promotion.notices.story import Change, Over, Story
    from ci.settings.notify import Notify
    from ci.vendors.github.client import GitHub
    from ci.vendors.linear import Linear
    from ci.vendors.mail import Mail
    from ci.vendors.pagerduty import PagerDuty

LABEL = "shipway:incident"
REMEMBERED = 23 * 3600.0  # seconds for which Resend surely knows a key
PRIORITIES = {
    Severity.CRITICAL: linear.URGENT,
    Severity.ERROR: linear.HIGH,
    Severity.WARNING: linear.MEDIUM,
    Severity.INFO: linear.LOW,
}
DONE = "completed"
CONSOLES = frozenset({"development"})  # where the terminal is told too
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a channel took: its own name for it, and what is to be said of it all the same."""

    reference: str = ""
    reason: str = ""


class Channels:
    """Those of an environment."""

    def __init__(self, made: Connected, say: Say) -> None:
        """Take its services, and what prints on the terminal."""
        self._made = made
        self._say = say

    @property
    def notify(self) -> Notify:
        """What is set."""
        return self._made.settings.notify

    @property
    def known(self) -> tuple[Channel, ...]:
        """The channels that are there, which an incident is told by."""
        made, place = self._made, self.notify.issues
        there = {
            Channel.MAIL: made.mail is not None,
            Channel.PAGE: made.pagerduty is not None,
            Channel.ISSUE: (place == "github" and made.github is not None)
            or (place == "linear" and made.linear is not None),
            Channel.CONSOLE: made.name in CONSOLES,
        }
        return tuple(channel for channel, is_there in there.items() if is_there)

    @property
    def changes(self) -> tuple[Channel, ...]:
        """The channels that a switch is told by."""
        pager = self._made.pagerduty
        return (Channel.PAGE,) if pager is not None and pager.takes_changes else ()

    async def send(self, notice: Notice, tale: Tale) -> Sent:
        """Tell it. Raises VendorError, UsageError."""
        if notice.channel not in self.known:
            raise UsageError(f"{notice.channel} is not connected any more")
        if notice.kind is Kind.CHANGE:
            return await self._change(CHANGE.validate_json(tale.document))
        if notice.kind is Kind.RESOLVED:
            return await self._resolve(OVER.validate_json(tale.document), notice.channel)
        story = dataclasses.replace(STORY.validate_json(tale.document), report=tale.report)
        if notice.channel is Channel.MAIL:
            return await self._mail(story, notice)
        if notice.channel is Channel.PAGE:
            await self._pager.trigger(paging.alert(story))
            return Sent(reference=story.incident)
        if notice.channel is Channel.ISSUE:
            return await self._open(story)
        self._say(mailing.to_text(story))
        return Sent()

    @property
    def _pager(self) -> PagerDuty:
        assert self._made.pagerduty is not None  # noqa: S101 - it is among the known channels
        return self._made.pagerduty

    async def _mail(self, story: Story, notice: Notice) -> Sent:
        email, carrier = self.notify.email, self._made.mail
        assert email is not None  # noqa: S101 - as above
        assert carrier is not None  # noqa: S101 - as above
        mail = mailing.mail(story, sender=email.sender, to=email.to)
        forgotten = notice.tries > 1 and time.time() - notice.written > REMEMBERED
        found = await _found(carrier, mail, notice.written) if forgotten and isinstance(carrier, Resend) else None
        if found is not None:
            return Sent(reference=found)
        try:
            posted = await carrier.send(mail, key=f"{story.incident}/{notice.kind}")
        except VendorError as error:
            if error.code == SENT_OTHERWISE:  # it went out before, and looked otherwise
                return Sent(reference=SENT_OTHERWISE)
            raise
        refused = [f"{address} does not get it: {why}" for address, why in posted.refused.items()]
        return Sent(reference=posted.id, reason="; ".join(refused))

    async def _open(self, story: Story) -> Sent:
        title, body = issue.title(story), issue.body(story)
        if self.notify.issues == "github":
            opened = await self._github.issues.ensure(key_of(story.incident), title=title, body=body, label=LABEL)
            return Sent(reference=opened.url)
        client = self._linear
        team = await self._team(client)
        label = await client.ensure_label(LABEL, team=team)
        priority = PRIORITIES[story.severity]
        draft = linear.Draft(team=team, title=title, description=body, labels=(label.id,), priority=priority)
        return Sent(reference=(await client.create(draft, key=key_of(story.incident))).url)

    async def _resolve(self, over: Over, channel: Channel) -> Sent:
        if channel is Channel.PAGE:
            await self._pager.resolve(over.incident)
            return Sent(reference=over.incident)
        if channel is Channel.ISSUE:
            at_github = self.notify.issues == "github"
            return await (self._close_at_github(over) if at_github else self._close_at_linear(over))
        self._say(f"{over.incident}: {wording.ended(over)}")
        return Sent()

    async def _close_at_github(self, over: Over) -> Sent:
        issues, key = self._github.issues, key_of(over.incident)
        found = await issues.marked(key, label=LABEL)
        if found is None:
            return Sent(reason="there is no issue to close")
        await issues.comment(found.number, f"{key}/over", issue.ending(over))
        if found.is_open:
            await issues.change(found.number, state="closed", reason=DONE)
        return Sent(reference=found.url)

    async def _close_at_linear(self, over: Over) -> Sent:
        client, key = self._linear, key_of(over.incident)
        found = await client.issue(linear.derived(key))
        if found is None:
            return Sent(reason="there is no issue to close")
        await client.comment(found.id, issue.ending(over), key=f"{key}/over")
        if found.is_open:
            states = await client.states(await self._team(client))
            if (done := next((each for each in states if each.type == DONE), None)) is None:
                raise UsageError(f"the team at Linear has no state of the type {DONE}")
            await client.move(found.id, state=done.id)
        return Sent(reference=found.url)

    async def _change(self, change: Change) -> Sent:
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(change.moment))
        links = tuple((each.address, each.name) for each in change.links)
        source = f"{change.product} {change.environment}"
        await self._pager.change(wording.switched(change), source=source, moment=moment, links=links)
        return Sent()

    @property
    def _github(self) -> GitHub:
        assert self._made.github is not None  # noqa: S101 - as above
        return self._made.github

    @property
    def _linear(self) -> Linear:
        assert self._made.linear is not None  # noqa: S101 - as above
        return self._made.linear

    async def _team(self, client: Linear) -> str:
        key = self.notify.linear.team if self.notify.linear is not None else ""
        if (team := await client.team(key)) is None:
            raise UsageError(f"there is no team {key} at Linear", hint="`team` is what its issues are named by")
        return team.id


def key_of(incident: str) -> str:
    """Return what an incident's issue is found by, in letters that a mark on GitHub can have."""
    key = f"incident-{incident}"
    try:
        mark(key)
    except UsageError:
        return short_key(f"{key}\n", 0)  # its hash
    return key


async def _found(carrier: Resend, mail: Mail, written: float) -> str | None:
    """Return the id of a mail that went out already; None where a key that may only send cannot tell."""
    since = datetime.datetime.fromtimestamp(written - 60, datetime.UTC)
    try:
        sent = await carrier.find(to=mail.to[0], subject=mail.title, since=since)
    except VendorError:
        return None
    return sent.id if sent is not None else None
