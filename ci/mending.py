"""An incident as somebody asks to have it mended: the halves of a cycle with all that they work with."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from ci import config, releases
from ci.asked import REPORT, PromotionRequest
from ci.diagnosis import cycle as halves
from ci.diagnosis import escalating, finding, following, judging
from ci.diagnosis.cases import facts_of
from ci.diagnosis.cycle import FINDING, MENDING, Cycle
from ci.diagnosis.queue import to_be_diagnosed, to_be_judged, waits_for_judgement
from ci.errors import ExitCode, UsageError, VendorError
from ci.executors.cache import held
from ci.journal import State
from ci.journal.incidents import Stage
from ci.promotion import carrying
from ci.promotion.carrying import Fence
from ci.promotion.connected import connected
from ci.promotion.flow import carry, leased
from ci.promotion.history import History
from ci.redact import Redactor
from ci.reporting.flowview import FlowView
from ci.secrets import resolve
from ci.trials import HostedTrials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from rich.console import Console

    from ci.asked import MendingRequest
    from ci.diagnosis.following import Awaited
    from ci.journal import Flow, Journal
    from ci.journal.incidents import Incident
    from ci.promotion.flow import Ended, FlowStep
    from ci.settings import Settings
    from ci.vendors.model import Model

KEY = "diagnosis.model.key"
HEAD, COMMIT = "HEAD", re.compile("[0-9a-f]{7,40}")
LIVE = "production"
ENVIRONMENTS = ("development", "staging", "production")


def incident_of(journal: Journal, name: str) -> Incident:
    """Return an incident by its id. Raises UsageError where there is none."""
    found = journal.incidents.get(name)
    if found is None:
        raise UsageError(f"there is no incident {name}", hint="`shipway incident list` names them")
    return found


async def named(journal: Journal, root: Path, name: str) -> Incident:
    """Return an incident by its id, or the newest that is open about a commit, HEAD among them. Raises UsageError."""
    if name != HEAD and not COMMIT.fullmatch(name.lower()):
        return incident_of(journal, name)
    commit = await History(root=root).whole(name if name == HEAD else name.lower())
    found = journal.incidents.going_on(commit=commit)
    if not found:
        hint = "`shipway incident list` names those that are"
        raise UsageError(f"no incident about {commit[:12]} is open", hint=hint)
    return found[-1]


def waiting(journal: Journal, request: MendingRequest) -> tuple[str, ...]:
    """Return the incidents that wait for one of the halves that are asked for."""
    diagnosed = to_be_diagnosed(journal) if request.propose else ()
    judged = to_be_judged(journal) if request.judge else ()
    return tuple(dict.fromkeys((*diagnosed, *judged)))


async def cycles(request: MendingRequest, root: Path, journal: Journal, console: Console) -> AsyncIterator[Ended]:
    """Give each half of each cycle as it ends, until one waits for a person or for somebody else, or all is over.

    Raises UsageError, BusyError, LeaseLostError, VendorError.
    """
    settings = config.load(root)
    while True:
        incident = incident_of(journal, request.incident)
        if request.propose and not waits_for_judgement(journal, incident):
            yield await propose(request, root, journal, console)
        if not request.judge:
            return
        ended = await mend(request, root, journal, console)
        while (awaited := following.awaited(ended, journal, settings)) is not None:
            await History(root=root).obtain(awaited.commit, settings.environments.development.branch)
            if not await _promoted(request, root, journal, console, awaited):
                break
            ended = await mend(request, root, journal, console)
        yield ended
        after = _next(journal, ended)
        if after is None or not request.propose:
            return
        request = dataclasses.replace(request, incident=after)


def transcripts(journal: Journal, incident: Incident) -> dict[str, bytes]:
    """Return what models did for an incident, by the names under which a report has it."""
    beginning = journal.cases.beginning(incident.id)
    found = {f"transcripts/cycle-{each.cycle}.md": each.transcript for each in journal.proposals.of(beginning)}
    return {name: text.encode() for name, text in found.items() if text}


async def _promoted(request: MendingRequest, root: Path, journal: Journal, console: Console, awaited: Awaited) -> bool:
    """Promote what main has of a fix; say whether there is more to be done now."""
    if awaited.after and not request.wait:
        return False
    await anyio.sleep(awaited.after)
    live = awaited.environment == LIVE
    asked = PromotionRequest(
        path=request.path,
        environment=awaited.environment,
        commit=awaited.commit,
        executor=request.executor,
        slots=request.slots,
        mirror=request.mirror,
        hotfix=awaited.incident if live else None,
        wait=request.wait and not awaited.hurried,
        report=(request.report or Path(REPORT)) / awaited.environment,
    )
    flow = carrying.begin(journal, awaited.environment, awaited.commit, hotfix=asked.hotfix)
    done = await releases.carry(asked, root, journal, flow, console)
    return not journal.flows.flow(flow.id).is_open or (awaited.hurried and done.code is ExitCode.HELD)


def _next(journal: Journal, ended: Ended) -> str | None:
    """Return the incident that the next cycle is about, None where none follows."""
    if ended.refusal is None:
        return None
    if ended.refusal.step in {following.STAGING, following.PRODUCTION}:
        commit = str(ended.facts[following.REVIEW]["commit"])
        opened = journal.incidents.going_on(commit=commit)
        return opened[-1].id if opened else None
    incident = journal.incidents.get(str(ended.flow.asked["incident"]))
    return incident.id if incident is not None and incident.state is Stage.WAITING else None


async def propose(request: MendingRequest, root: Path, journal: Journal, console: Console) -> Ended:
    """Find the cause, and propose a fix; nothing is written but to the journal. Raises UsageError, BusyError."""
    flow = halves.begin(journal, FINDING, incident_of(journal, request.incident))
    async with _opened(request, root, journal, console, flow) as cycle, model_of(cycle.settings, root) as model:
        steps = finding.steps(dataclasses.replace(cycle, model=model))
        closing = finding.closing_steps(dataclasses.replace(cycle, model=model))
        return await _carried(journal, flow, steps, console, closing=closing, patient=request.patient)


async def mend(request: MendingRequest, root: Path, journal: Journal, console: Console) -> Ended:
    """Judge what was proposed, have it out as far as it may go, and follow it as far as it goes now.

    Raises UsageError, BusyError, LeaseLostError, VendorError.
    """
    flow = halves.begin(journal, MENDING, incident_of(journal, request.incident))
    fence = Fence()
    async with _opened(request, root, journal, console, flow) as opened:
        where = _telling(opened.settings, opened.incident.environment)
        async with connected(opened.settings, where, root=root, before=fence) as made:
            cycle = dataclasses.replace(opened, made=made)
            steps = (*judging.steps(cycle), *following.steps(cycle))
            return await _carried(
                journal,
                flow,
                steps,
                console,
                closing=escalating.closing_steps(cycle),
                fence=fence,
                patient=request.patient,
            )


def _telling(settings: Settings, environment: str) -> str:
    """Return the environment whose channels tell of an incident: its own; of main's the first that keeps issues.

    The terminal is all that there is where none does.
    """
    if environment in ENVIRONMENTS:
        return environment
    every = dict(settings.environments)
    return next((name for name in ENVIRONMENTS if every[name].notify.issues is not None), ENVIRONMENTS[0])


async def _carried(
    journal: Journal,
    flow: Flow,
    steps: Sequence[FlowStep],
    console: Console,
    *,
    closing: Sequence[FlowStep] = (),
    fence: Fence | None = None,
    patient: bool = True,
) -> Ended:
    view = FlowView(console, tuple(step.name for step in (*steps, *closing)))
    if flow.state is State.PAUSED:
        flow = journal.flows.move(flow.id, State.RUNNING)
    async with leased(journal, flow, waiting=patient) as lease:
        if fence is not None:
            fence.held = lease
        try:
            return await carry(journal, flow, steps, lease, view, closing=closing)
        except VendorError as error:
            error.hint = error.hint or f"`shipway diagnose {flow.asked['incident']}` goes on where it stands"
            raise


@contextlib.asynccontextmanager
async def _opened(
    request: MendingRequest, root: Path, journal: Journal, console: Console, flow: Flow
) -> AsyncIterator[Cycle]:
    """Give what both halves work with, by the settings of the workspace as it is: those of what failed may be bad."""
    settings = config.load(root)
    own = settings.diagnosis.model
    key = {} if own is None or not request.propose else {KEY: await resolve(own.key, root=root, setting=KEY)}
    history = History(root=root)
    await history.obtain(flow.commit, settings.environments.development.branch)
    incident = incident_of(journal, str(flow.asked["incident"]))
    with held(f"diagnosis-{secrets.token_hex(6)}") as (_, place):
        (place / "trials").mkdir()
        trials = HostedTrials(
            root=root,
            place=place / "trials",
            console=console,
            executor=request.executor,
            slots=request.slots,
            mirror=request.mirror,
        )
        yield Cycle(
            incident=incident,
            beginning=str(flow.asked["beginning"]),
            number=int(flow.asked["cycle"]),
            facts=await facts_of(journal, incident, history),
            settings=settings,
            root=root,
            place=place,
            journal=journal,
            history=history,
            trials=trials,
            redactor=Redactor.from_environment(os.environ, known=key),
        )


@contextlib.asynccontextmanager
async def model_of(settings: Settings, root: Path) -> AsyncIterator[Model | None]:
    """Give the model that is configured, None where none is. Raises UsageError."""
    own = settings.diagnosis.model
    if own is None:
        yield None
        return
    from ci.vendors import anthropic  # noqa: PLC0415 - it brings the SDK

    key = await resolve(own.key, root=root, setting=KEY)
    async with anthropic.connect(key, own.name, address=own.address) as model:
        yield model
