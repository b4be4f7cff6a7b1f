"""One half of a cycle, carried with all that it works with: a place, a box, and who may be asked and told."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci import config
from ci.diagnosis.cases import facts_of
from ci.diagnosis.cycle import Cycle
from ci.errors import UsageError, VendorError
from ci.executors.cache import held
from ci.journal import State
from ci.promotion.carrying import Fence
from ci.promotion.connected import connected
from ci.promotion.flow import carry, leased
from ci.promotion.history import History
from ci.redact import Redactor
from ci.reporting.flowview import FlowView
from ci.secrets import resolve
from ci.trials import HostedTrials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    from ci.asked import MendingRequest
    from ci.journal import Flow, Journal
    from ci.journal.incidents import Incident
    from ci.promotion.flow import Ended, FlowStep
    from ci.settings import Settings
    from ci.vendors.model import Model

    Steps = Callable[[Cycle], tuple[FlowStep, ...]]

KEY = "diagnosis.model.key"
ENVIRONMENTS = ("development", "staging", "production")


def _nothing(_cycle: Cycle) -> tuple[FlowStep, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Half:
    """A flow of the journal, and its steps: those to its end, and those of its end."""

    flow: Flow
    steps: Steps
    closing: Steps = _nothing


def incident_of(journal: Journal, name: str) -> Incident:
    """Return an incident by its id. Raises UsageError where there is none."""
    found = journal.incidents.get(name)
    if found is None:
        raise UsageError(f"there is no incident {name}", hint="`shipway incident list` names them")
    return found


async def carry_reading(request: MendingRequest, root: Path, journal: Journal, console: Console, half: Half) -> Ended:
    """Carry a half that writes nothing outside and may ask the model, as far as it goes now."""
    async with (
        _opened(request, root, journal, console, half.flow) as (cycle, key),
        model_of(cycle.settings, key) as model,
    ):
        able = dataclasses.replace(cycle, model=model)
        closing = half.closing(able)
        return await _carried(journal, half.flow, half.steps(able), console, closing=closing, patient=request.patient)


async def carry_writing(request: MendingRequest, root: Path, journal: Journal, console: Console, half: Half) -> Ended:
    """Carry a half that writes outside, and has no model, as far as it goes now."""
    fence = Fence()
    async with _opened(request, root, journal, console, half.flow) as (opened, _):
        where = telling(opened.settings, opened.incident.environment)
        async with connected(opened.settings, where, root=root, before=fence) as made:
            cycle = dataclasses.replace(opened, made=made)
            return await _carried(
                journal,
                half.flow,
                half.steps(cycle),
                console,
                closing=half.closing(cycle),
                fence=fence,
                patient=request.patient,
            )


def telling(settings: Settings, environment: str) -> str:
    """Return the environment whose channels tell of an incident: its own; of main's the first that keeps issues.

    Else it is the first by which anybody is told at all; the terminal is all that there is where none is.
    """
    if environment in ENVIRONMENTS:
        return environment
    told = {name: each.notify for name, each in settings.environments}
    keeping = [name for name in ENVIRONMENTS if told[name].issues is not None]
    reaching = [name for name in ENVIRONMENTS if told[name].email or told[name].pagerduty]
    return next(iter((*keeping, *reaching)), ENVIRONMENTS[0])


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
    other = journal.leases.of(flow.environment)
    if patient and other is not None and other.flow != flow.id:
        view.note(f"{other.flow} is not finished, and {other.holder} is at it: waiting for that")
    async with leased(journal, flow, patient=patient) as lease:
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
) -> AsyncIterator[tuple[Cycle, str | None]]:
    """Give what both halves work with, and the model's key where a cause may be looked for.

    The settings are those of the workspace as it is: those of what failed may be bad.
    """
    settings = config.load(root)
    key = await key_of(settings, root) if request.propose else None
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
            bring=request.bring,
        )
        cycle = Cycle(
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
            redactor=redactor_with(key),
        )
        yield cycle, key


async def key_of(settings: Settings, root: Path) -> str | None:
    """Return the key of the model that is configured, None where none is. Raises UsageError."""
    own = settings.diagnosis.model
    return None if own is None else await resolve(own.key, root=root, setting=KEY)


def redactor_with(key: str | None) -> Redactor:
    """Return what redacts the secrets of this process, and the model's key."""
    return Redactor.from_environment(os.environ, known={} if key is None else {KEY: key})


@contextlib.asynccontextmanager
async def model_of(settings: Settings, key: str | None) -> AsyncIterator[Model | None]:
    """Give the model that is configured, by its key; None without one."""
    own = settings.diagnosis.model
    if own is None or key is None:
        yield None
        return
    from ci.vendors import anthropic  # noqa: PLC0415 - it brings the SDK

    async with anthropic.connect(key, own.name, address=own.address) as model:
        yield model
