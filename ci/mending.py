"""An incident as somebody asks to have it mended: the halves of a cycle with all that they work with."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from ci import config, releases
from ci.asked import REPORT, PromotionRequest
from ci.diagnosis import closing, escalating, finding, following, judging, reverting
from ci.diagnosis import cycle as halves
from ci.diagnosis.cycle import FINDING, MENDING
from ci.diagnosis.queue import (
    BEFORE,
    to_be_diagnosed,
    to_be_judged,
    to_be_looked_at,
    to_be_taken_back,
    waits_for_judgement,
)
from ci.errors import ExitCode, UsageError
from ci.halves import Half, carry_reading, carry_writing, incident_of
from ci.journal.incidents import Stage
from ci.promotion import carrying
from ci.promotion.flow import PausedError
from ci.promotion.history import History

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rich.console import Console

    from ci.asked import MendingRequest
    from ci.diagnosis.following import Awaited
    from ci.journal import Journal
    from ci.journal.fixes import Fix
    from ci.journal.incidents import Incident
    from ci.promotion.flow import Ended

HEAD, COMMIT = "HEAD", re.compile("[0-9a-f]{7,40}")
LIVE = "production"


async def named(journal: Journal, root: Path, name: str, *, closed: bool = False) -> Incident:
    """Return an incident by its id, or the newest that is open about a commit, HEAD among them.

    With `closed` it is the newest that was, where none is. Raises UsageError.
    """
    if name != HEAD and not COMMIT.fullmatch(name.lower()):
        return incident_of(journal, name)
    commit = await History(root=root).whole(name if name == HEAD else name.lower())
    found = journal.incidents.going_on(commit=commit) or (journal.incidents.about(commit) if closed else ())
    if not found:
        hint = "`shipway incident list` names those that are"
        raise UsageError(f"no incident about {commit[:12]} is open", hint=hint)
    return found[-1]


def waiting(journal: Journal, request: MendingRequest) -> tuple[str, ...]:
    """Return the incidents that wait for one of the halves that are asked for."""
    diagnosed = to_be_diagnosed(journal, looks=request.judge) if request.propose else ()
    judged = due(journal) if request.judge else ()
    return tuple(dict.fromkeys((*diagnosed, *judged)))


async def cycles(request: MendingRequest, root: Path, journal: Journal, console: Console) -> AsyncIterator[Ended]:
    """Give each half of each cycle as it ends, until one waits for a person or for somebody else, or all is over.

    Raises UsageError, BusyError, LeaseLostError, VendorError, and PausedError where nothing is to be done alone.
    """
    while True:
        incident = incident_of(journal, request.incident)
        closing.demand_open(journal, incident)
        async for each in _before(request, root, journal, console, incident):
            yield each
        fix = to_be_taken_back(journal, incident)
        if not request.judge:
            _demand_proposable(journal, incident, fix)
        if fix is not None:
            yield (taken := await take_back(request, root, journal, console, fix))
            goes_on = reverting.following(taken)
            if goes_on is None or not (request.propose or waits_for_judgement(journal, incident)):
                return
            request = dataclasses.replace(request, incident=goes_on)
            continue
        if request.propose and not waits_for_judgement(journal, incident):
            yield await propose(request, root, journal, console)
        if not request.judge:
            return
        ended = await _followed(request, root, journal, console)
        yield ended
        after = _next(journal, ended)
        if after is None or not request.propose:
            return
        request = dataclasses.replace(request, incident=after)


async def _before(
    request: MendingRequest, root: Path, journal: Journal, console: Console, incident: Incident
) -> AsyncIterator[Ended]:
    """Give what ends before an incident is gone on with: whoever may write looks what it is about."""
    while request.propose and request.judge and (other := to_be_looked_at(journal, incident)) is not None:
        yield await mend(dataclasses.replace(request, incident=other), root, journal, console)


async def _followed(request: MendingRequest, root: Path, journal: Journal, console: Console) -> Ended:
    """Judge what was proposed, and promote what main has of it, as far as that goes now. Raises as `mend`."""
    settings = config.load(root)
    ended = await mend(request, root, journal, console)
    while (awaited := following.awaited(ended, journal, settings)) is not None:
        await History(root=root).obtain(awaited.commit, settings.environments.development.branch)
        if not await _promoted(request, root, journal, console, awaited):
            break
        ended = await mend(request, root, journal, console)
    return ended


def _demand_proposable(journal: Journal, incident: Incident, fix: Fix | None) -> None:
    """Make sure that something can be proposed: that nobody who writes has to go first. Raises PausedError."""
    hint = f"shipway diagnose {incident.id} --judge"
    if fix is not None:
        raise PausedError(f"{incident.commit[:12]} is taken back before anything else is proposed", hint=hint)
    if waits_for_judgement(journal, incident):
        raise PausedError(f"what was proposed for {incident.id} waits to be judged", hint=hint)
    if (other := to_be_looked_at(journal, incident)) is not None:
        said = f"whether the fix of {other} was merged, and this is about it, is looked at before anything is proposed"
        raise PausedError(said, hint="shipway tick")


def transcripts(journal: Journal, incident: Incident) -> dict[str, bytes]:
    """Return what models did for an incident, by the names under which a report has it."""
    beginning = journal.cases.beginning(incident.id)
    found = {f"transcripts/cycle-{each.cycle}.md": each.transcript for each in journal.proposals.of(beginning)}
    return {name: text.encode() for name, text in found.items() if text}


async def _promoted(request: MendingRequest, root: Path, journal: Journal, console: Console, awaited: Awaited) -> bool:
    """Promote what main has of a fix; say whether there is more to be done now."""
    if awaited.barred or (awaited.after and not request.wait):
        return False
    await anyio.sleep(awaited.after)
    live, beside = awaited.environment == LIVE, request.report or Path(REPORT)
    asked = PromotionRequest(
        path=request.path,
        environment=awaited.environment,
        commit=awaited.commit,
        executor=request.executor,
        slots=request.slots,
        mirror=request.mirror,
        bring=request.bring,
        hotfix=awaited.incident if live else None,
        wait=request.wait and not awaited.hurried,
        report=beside.with_name(f"{beside.name}-{awaited.environment}"),
    )
    flow = carrying.begin(journal, awaited.environment, awaited.commit, hotfix=asked.hotfix)
    done = await releases.carry(asked, root, journal, flow, console)
    return not journal.flows.flow(flow.id).is_open or (awaited.hurried and done.code is ExitCode.HELD)


def _next(journal: Journal, ended: Ended) -> str | None:
    """Return the incident that the next cycle is about, None where none follows."""
    if ended.refusal is None:
        return None
    if ended.refusal.step in following.PROMOTIONS:
        about = following.goes_on_in(journal, ended.facts)
        opened = [each for each in about if each.state in BEFORE]
        return opened[-1].id if opened else None
    incident = journal.incidents.get(str(ended.flow.asked["incident"]))
    return incident.id if incident is not None and incident.state is Stage.WAITING else None


def due(journal: Journal) -> tuple[str, ...]:
    """Return the incidents that somebody with the token that writes has to go on with: first where a fix is to go.

    One that is closed is among them, as long as what is out for it is not promoted: what failed by chance, say. What
    goes on about one that was closed before that ends here.
    """
    closing.sweep(journal)
    first = [each.id for each in journal.incidents.going_on() if to_be_taken_back(journal, each) is not None]
    return tuple(dict.fromkeys((*first, *to_be_judged(journal), *closing.followed(journal))))


async def close(journal: Journal, root: Path, name: str) -> Incident:
    """Close an incident by a person's word, and end what goes on about it. Raises UsageError."""
    incident = await named(journal, root, name)
    if not journal.incidents.close(incident.id):
        raise UsageError(f"no incident {name} is open", hint="`shipway incident list` names them")
    closing.end(journal, incident.id, "a person closed it")
    return incident


async def propose(request: MendingRequest, root: Path, journal: Journal, console: Console) -> Ended:
    """Find the cause, and propose a fix; nothing is written but to the journal. Raises UsageError, BusyError."""
    flow = halves.begin(journal, FINDING, incident_of(journal, request.incident))
    half = Half(flow=flow, steps=finding.steps, closing=finding.closing_steps)
    return await carry_reading(request, root, journal, console, half)


async def mend(request: MendingRequest, root: Path, journal: Journal, console: Console) -> Ended:
    """Judge what was proposed, have it out as far as it may go, and follow it as far as it goes now.

    Raises UsageError, BusyError, LeaseLostError, VendorError.
    """
    flow = halves.begin(journal, MENDING, incident_of(journal, request.incident))
    half = Half(
        flow=flow,
        steps=lambda cycle: (*judging.steps(cycle), *following.steps(cycle)),
        closing=escalating.closing_steps,
    )
    return await carry_writing(request, root, journal, console, half)


async def take_back(request: MendingRequest, root: Path, journal: Journal, console: Console, fix: Fix) -> Ended:
    """Take a fix back with which main is red, unless it is not to blame. Raises as `mend`."""
    flow = reverting.begin(journal, incident_of(journal, request.incident), fix)
    half = Half(flow=flow, steps=reverting.steps, closing=reverting.closing_steps)
    return await carry_writing(request, root, journal, console, half)
