"""What is told is written down first, then sent, and what came of that is written down: the outbox of an environment.

Whoever was killed in the middle calls the same again, and goes on with what is still to be sent. One channel that fails
keeps no other from being tried: they are told side by side. What failed is tried again by `retry_due`, whoever ticks.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread

from ci.errors import VendorError
from ci.journal import LeaseLostError
from ci.journal.notices import Channel, Kind, Sending, Tale
from ci.promotion.notices.channels import Channels
from ci.promotion.notices.story import CHANGE, OVER, STORY
from ci.promotion.notices.taming import Tamer
from ci.reporting.wording import duration
from ci.vendors.pagerduty import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ci.journal import Journal
    from ci.journal.notices import Notice
    from ci.promotion.connected import Connected
    from ci.promotion.notices.channels import Say
    from ci.promotion.notices.story import Change, Over, Story

T = TypeVar("T")
WORDS = {Channel.MAIL: "mail", Channel.PAGE: "page", Channel.ISSUE: "issue", Channel.CONSOLE: "line on the terminal"}
TOO_LATE = "it was over before it could be sent"
DEMANDED = frozenset({"production"})  # where somebody must be told
QUIET = frozenset({Channel.MAIL, Channel.CONSOLE})  # what wakes nobody, and leaves nothing to be closed


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came of telling: the notices as they are now, and lines for a report of what did not go well.

    `nobody`: an incident was to be told, and no channel took it; somebody has to be found some other way.
    """

    notices: tuple[Notice, ...] = ()
    said: tuple[str, ...] = ()
    nobody: bool = False


async def deliver(story: Story, made: Connected, journal: Journal, *, say: Say) -> Told:
    """Tell of an incident by all channels of its environment, each once, however often this is called.

    One for which nobody is to be woken goes by mail alone, and to the terminal, unless it is a drill: that is to show
    that each channel works. What was written down first is what is told: a story that changed since then is not. `say`
    prints on the terminal, which is told in development. Raises LeaseLostError where the environment's services are
    fenced.
    """
    tame = Tamer(made.secrets).story(story)
    tale = Tale(
        incident=story.incident,
        kind=Kind.OPENED,
        environment=made.name,
        document=STORY.dump_json(tame, exclude={"report"}).decode(),
        report=tame.report,
    )
    teller = _Teller(made, journal, say)
    quiet = story.severity is Severity.INFO and not story.drill
    told = await teller.tell(tale, [each for each in teller.channels.known if not quiet or each in QUIET])
    said = told.said
    if not told.notices and made.name in DEMANDED and not quiet:
        said = (*said, f"nobody is told of {story.incident}: [environments.{made.name}.notify] names no way")
    nobody = bool(told.notices) and all(each.state is Sending.FAILED for each in told.notices)
    if nobody:
        said = (*said, f"nobody could be told of {story.incident}")
    return Told(notices=told.notices, said=said, nobody=nobody)


async def resolve(over: Over, made: Connected, journal: Journal, *, say: Say) -> Told:
    """Tell that an incident is over: its page is resolved, its issue closed. Raises as `deliver`."""
    teller = _Teller(made, journal, say)
    opened = await teller.kept(lambda: journal.notices.of(over.incident, Kind.OPENED))
    channels = [each.channel for each in opened if each.channel is not Channel.MAIL]
    document = OVER.dump_json(over).decode()
    tale = Tale(incident=over.incident, kind=Kind.RESOLVED, environment=made.name, document=document)
    return await teller.tell(tale, channels)


async def record(change: Change, made: Connected, journal: Journal) -> Told:
    """Record a switch where changes are recorded. Raises as `deliver`."""
    document = CHANGE.dump_json(Tamer(made.secrets).change(change)).decode()
    tale = Tale(incident=change.flow, kind=Kind.CHANGE, environment=made.name, document=document)
    teller = _Teller(made, journal, _nowhere)
    return await teller.tell(tale, teller.channels.changes)


async def retry_due(made: Connected, journal: Journal, *, say: Say) -> Told:
    """Try again what is due in an environment. Needs no lease: each try is one process's own."""
    teller = _Teller(made, journal, say)
    now = await teller.kept(journal.notices.now)
    due = await teller.kept(lambda: journal.notices.waiting(made.name, before=now))
    return await teller.send({(each.incident, each.channel) for each in due}, before=now)


def _nowhere(_text: str) -> None:
    """Print nothing: a switch is told by no terminal."""


class _Teller:
    """Tells what is in the outbox, by the channels of an environment."""

    def __init__(self, made: Connected, journal: Journal, say: Say) -> None:
        self.channels = Channels(made, say)
        self._tamer = Tamer(made.secrets)
        self._journal = journal
        self._lost: list[LeaseLostError] = []

    async def kept(self, act: Callable[[], T]) -> T:
        """Ask the journal, which may be far away, beside everything else."""
        return await anyio.to_thread.run_sync(act)

    async def tell(self, tale: Tale, channels: Iterable[Channel]) -> Told:
        """Write a tale down, and send what is still to be sent of it."""
        written = await self.kept(functools.partial(self._journal.notices.write, tale, tuple(channels)))
        told = await self.send({(each.incident, each.channel) for each in written if each.waits})
        notices = await self.kept(lambda: self._journal.notices.of(tale.incident, tale.kind))
        return Told(notices=notices, said=told.said)

    async def send(self, threads: set[tuple[str, Channel]], *, before: float | None = None) -> Told:
        """Send what waits of incidents by channels, side by side; `before` leaves out what is due later."""
        ended: list[Notice] = []
        async with anyio.create_task_group() as group:
            for incident, channel in sorted(threads):
                group.start_soon(self._thread, incident, channel, before, ended)
        if self._lost:
            raise self._lost[0]
        ended.sort(key=lambda each: (each.incident, each.kind, each.channel))
        return Told(notices=tuple(ended), said=tuple(line for each in ended if (line := said(each))))

    async def _thread(self, incident: str, channel: Channel, before: float | None, ended: list[Notice]) -> None:
        """Send what waits of an incident by a channel, in its order: what is over is not told before what began."""
        all_of_it = await self.kept(lambda: self._journal.notices.of(incident))
        waiting = sorted((each for each in all_of_it if each.channel is channel and each.waits), key=_order)
        resolved = any(each.kind is Kind.RESOLVED for each in waiting)
        for notice in waiting:
            if before is not None and notice.due is not None and notice.due > before:
                return
            taken = await self.kept(functools.partial(self._journal.notices.take, notice))
            if taken is None:  # somebody else is at it
                return
            if channel is Channel.PAGE and notice.kind is Kind.OPENED and resolved:  # nobody is woken for it
                over = functools.partial(self._journal.notices.failed, taken, TOO_LATE, over=True)
                ended.append(await self.kept(over))
                continue
            done = await self._try(taken)
            if done is None:
                return
            ended.append(done)
            if done.state is not Sending.SENT:
                return

    async def _try(self, notice: Notice) -> Notice | None:
        """Send a notice, and write down what came of it; None where it is not for us to send any more."""
        notices = self._journal.notices
        try:
            tale = await self.kept(lambda: notices.tale(notice.incident, notice.kind))
            assert tale is not None  # noqa: S101 - it was written before its notices
            sent = await self.channels.send(notice, tale)
        except LeaseLostError as error:
            self._lost.append(error)
            return None
        except Exception as error:  # noqa: BLE001 - a defect in one channel keeps nobody else from being told
            reason = self._tamer.line(str(error) or type(error).__name__)
            if isinstance(error, VendorError) and error.unsettled:
                reason += " (it may have arrived all the same)"
            return await self.kept(functools.partial(notices.failed, notice, reason))
        done = functools.partial(notices.sent, notice, reference=sent.reference, reason=self._tamer.line(sent.reason))
        return await self.kept(done)


def said(notice: Notice) -> str:
    """Return what a report says of a notice: nothing of one that everybody got."""
    what = f"the {WORDS[notice.channel]} about {notice.incident}"
    if notice.kind is not Kind.OPENED:
        what = f"{notice.kind}: {what}"
    if notice.state is Sending.SENT:
        return f"{what}: {notice.reason}" if notice.reason else ""
    again = "not tried again"
    if notice.due is not None:
        again = f"tried again in {duration(max(0.0, notice.due - notice.moment))}"
    return f"{what} could not be sent: {notice.reason}; it is {again}"


def _order(notice: Notice) -> int:
    return list(Kind).index(notice.kind)
