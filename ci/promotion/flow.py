"""Carries a flow through its steps, by the journal and under a lease, from wherever it was left.

Before each step the lease is asked for, then the world: a step that a killed process had done already is not done
again. Then the intention is written down, the step done, and what came of it written down. So a flow that was killed
at any point goes on to the same end.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import anyio.to_thread

from ci.errors import ExitCode, ShipwayError, VendorError
from ci.journal import LeaseLostError, Refusal, State, leases
from ci.model import FlowStepRun, Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ci.journal import Flow, Journal, Lease
    from ci.model import Ruling

Facts = Mapping[str, Any]
INTENT, RESULT = "intent", "result"
SKIPPED = "skipped"  # in what came of a step: why there was nothing to be done


class BlockedError(ShipwayError):
    """A stage, a gate or a vendor said no: the flow is over. The message says what, and `rulings` by which figures."""

    exit_code = ExitCode.GATE_REFUSED

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: ExitCode = ExitCode.GATE_REFUSED,
        state: State = State.BLOCKED,
        rulings: tuple[Ruling, ...] = (),
    ) -> None:
        """Keep what the report shows."""
        super().__init__(message, hint=hint)
        self.exit_code = code
        self.state = state
        self.rulings = rulings


class BusyError(BlockedError):
    """Somebody else holds the lease."""


class PausedError(ShipwayError):
    """A step cannot go on now: it is for a person's word, or for later. It is done again when the flow goes on."""

    def __init__(self, message: str, *, hint: str | None = None, code: ExitCode = ExitCode.HELD) -> None:
        """Keep what the process ends with."""
        super().__init__(message, hint=hint)
        self.exit_code = code


class Fence(Protocol):
    """What is asked before each outside write. Raises LeaseLostError."""

    async def __call__(self) -> None:
        """Return where the lease is held still."""


@dataclass(frozen=True, kw_only=True)
class Doing:
    """What a step is handed: what came of those before it, by their names, and what to ask before a write."""

    flow: Flow
    facts: Mapping[str, Facts]
    fence: Fence
    note: Callable[[str], None]
    refusal: Refusal | None = None  # what said no; only closing steps see one


Act = Callable[[Doing], Awaitable[Facts]]
Look = Callable[[Doing], Awaitable[Facts | None]]


@dataclass(frozen=True, kw_only=True)
class FlowStep:
    """One step of a flow. Its name is what the journal knows it by.

    `act` does it and returns what came of it, as JSON; it raises BlockedError where the answer is no. `look` reads the
    world, and returns what came of it where it is done already, None where it is not; without it the step changes
    nothing outside, and is done again. `writes` says what it changes outside, for whoever asks beforehand. `lasting`
    is how many seconds it may take.
    """

    name: str
    act: Act
    look: Look | None = None
    writes: str = ""
    lasting: float = 600.0


class Watcher(Protocol):
    """Who is told as a flow goes on."""

    def step_started(self, name: str) -> None:
        """The step begins."""

    def step_ended(self, run: FlowStepRun) -> None:
        """It is over, or was done before."""

    def note(self, line: str) -> None:
        """One line about what goes on."""


@dataclass(kw_only=True)
class Held:
    """A lease that is kept alive for as long as a block lasts."""

    journal: Journal
    lease: Lease
    lost: LeaseLostError | None = None

    async def __call__(self) -> None:
        """Make sure that it is held. Raises LeaseLostError."""
        if self.lost is not None:
            raise self.lost
        await anyio.to_thread.run_sync(self.journal.leases.hold, self.lease)

    async def beat(self, every: float) -> None:
        """Renew it until cancelled; where it is lost, the next write hears of it."""
        while True:
            await anyio.sleep(every)
            try:
                self.lease = await anyio.to_thread.run_sync(self.journal.leases.renew, self.lease)
            except LeaseLostError as error:
                self.lost = error
                return
            except ShipwayError:
                continue  # the journal does not answer: the time runs on, and `hold` asks for itself


def holder() -> str:
    """Return a name for this process, which no other has."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@contextlib.asynccontextmanager
async def leased(
    journal: Journal,
    flow: Flow,
    *,
    waiting: bool = False,
    patient: bool = False,
    beat: float | None = None,
    grace: float | None = None,
) -> AsyncIterator[Held]:
    """Hold the lease of the flow's environment. Raises BusyError where somebody else has it.

    With `waiting` it is waited for until its holder's time is over: that is for a flow of our own whose process died.
    Who is `patient` waits for another flow, too.
    """
    name = holder()
    while True:
        lease = await anyio.to_thread.run_sync(lambda: journal.leases.take(flow.environment, flow=flow.id, holder=name))
        if lease.holder == name:
            break
        if not patient and (not waiting or lease.flow != flow.id):
            raise BusyError(
                f"{flow.environment} is being changed by {lease.flow}, held by {lease.holder}",
                hint="wait for it, or look at `shipway status`",
            )
        await anyio.sleep(min(1.0, leases.GRACE if grace is None else grace))
    held = Held(journal=journal, lease=lease)
    raised: ShipwayError | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(held.beat, leases.BEAT if beat is None else beat)
        try:
            yield held
        except ShipwayError as error:  # raised again, as it is and not in a group
            raised = error
        finally:
            group.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(journal.leases.give_back, held.lease)
    if raised is not None:
        raise raised


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a flow stands after all that could be done now. `pause` is what the process ends with where it waits."""

    flow: Flow
    steps: tuple[FlowStepRun, ...]
    facts: Mapping[str, Facts] = field(default_factory=dict)
    refusal: Refusal | None = None
    pause: ExitCode = ExitCode.HELD


def _unwanted(_facts: Mapping[str, Facts]) -> bool:
    return False


async def carry(
    journal: Journal,
    flow: Flow,
    steps: Sequence[FlowStep],
    held: Held,
    watcher: Watcher,
    *,
    closing: Sequence[FlowStep] = (),
    then: State = State.DONE,
    wanted: Callable[[Mapping[str, Facts]], bool] = _unwanted,
) -> Ended:
    """Do the steps that are not done yet, in their order, until one says no; then those of `closing`, whatever came.

    A refusal is written down before anything is closed, so that a killed process does not try again what said no. A
    vendor that is out of reach leaves the flow as it is, to be resumed; all else that a step raises as a ShipwayError
    refuses. A step that pauses leaves the flow at it, without closing anything. The flow moves to `then` where none
    said no, or where that was `wanted`, by what came of all steps. Raises LeaseLostError, and VendorError.
    """
    going = _Going(
        journal=journal,
        flow=flow,
        held=held,
        watcher=watcher,
        facts=dict(await anyio.to_thread.run_sync(journal.flows.results, flow.id)),
        refusal=await anyio.to_thread.run_sync(journal.flows.refusal, flow.id),
    )
    for step in steps:
        await going.on(step)
        if going.paused is not None:
            return dataclasses.replace(await going.end(State.PAUSED, str(going.paused)), pause=going.paused.exit_code)
    for step in closing:
        await going.take(step)
    refusal = going.refusal
    if refusal is None:
        return await going.end(then)
    state = then if wanted(going.facts) else refusal.state
    return await going.end(state, f"{refusal.step}: {refusal.message}")


@dataclass(kw_only=True)
class _Going:
    """A flow that is being carried."""

    journal: Journal
    flow: Flow
    held: Held
    watcher: Watcher
    facts: dict[str, Facts]
    refusal: Refusal | None
    runs: list[FlowStepRun] = field(default_factory=list)
    paused: PausedError | None = None

    async def on(self, step: FlowStep) -> None:
        """Take a step, where nothing said no before it."""
        if self.refusal is None:  # somebody may have ended it
            self.refusal = await anyio.to_thread.run_sync(self.journal.flows.refusal, self.flow.id)
        if self.refusal is None or step.name in self.facts:
            await self.take(step)
        elif step.name == self.refusal.step and not any(run.name == step.name for run in self.runs):
            self._ended(FlowStepRun(name=step.name, status=Status.FAILED, reason=self.refusal.message))

    async def take(self, step: FlowStep) -> None:
        """Take a step, where it is not done. What says no is kept; raises LeaseLostError, VendorError."""
        if step.name in self.facts:
            self._ended(FlowStepRun(name=step.name, status=Status.SKIPPED, reason="done before"))
            return
        began = anyio.current_time()
        self.watcher.step_started(step.name)
        doing = Doing(flow=self.flow, facts=self.facts, fence=self.held, note=self.watcher.note, refusal=self.refusal)
        try:
            self.facts[step.name] = await _do(self.journal, step, doing, self.held)
        except (LeaseLostError, VendorError) as error:
            self._ended(_ran(step, began, Status.ERROR, str(error)))
            raise
        except PausedError as error:
            self.paused = error
            self._ended(_ran(step, began, Status.SKIPPED, str(error)))
        except ShipwayError as error:
            self._ended(_ran(step, began, Status.FAILED, str(error)))
            refusing = functools.partial(self.journal.flows.refuse, self.flow.id, refused(step.name, error))
            self.refusal = await anyio.to_thread.run_sync(refusing)
        else:
            said = self.facts[step.name].get(SKIPPED)
            self._ended(_ran(step, began, Status.PASSED if said is None else Status.SKIPPED, said))

    async def end(self, state: State, why: str | None = None) -> Ended:
        """Note how the flow stands."""
        flow = await anyio.to_thread.run_sync(self.journal.flows.move, self.flow.id, state, why)
        return Ended(flow=flow, steps=tuple(self.runs), facts=self.facts, refusal=self.refusal)

    def _ended(self, run: FlowStepRun) -> None:
        self.runs.append(run)
        self.watcher.step_ended(run)


def refused(step: str, error: ShipwayError) -> Refusal:
    """Return an error of a step as the reason why its flow goes on no further."""
    state, rulings = (error.state, error.rulings) if isinstance(error, BlockedError) else (State.BLOCKED, ())
    return Refusal(
        step=step,
        message=error.message,
        hint=error.hint,
        code=int(error.exit_code),
        state=state,
        rulings=tuple(dataclasses.asdict(each) for each in rulings),
    )


async def _do(journal: Journal, step: FlowStep, doing: Doing, held: Held) -> Facts:
    """Do a step where it is not done, and write down what came of it."""

    async def write(kind: str, facts: Facts) -> None:
        await held()
        epoch = held.lease.epoch
        await anyio.to_thread.run_sync(
            lambda: journal.flows.write(doing.flow.id, step.name, kind, epoch=epoch, facts=facts)
        )

    await held()
    try:
        with anyio.fail_after(step.lasting):
            found = await step.look(doing) if step.look else None
            if found is None:
                await write(INTENT, {})
                found = await step.act(doing)
    except TimeoutError:
        raise BlockedError(
            f"{step.name} took longer than {step.lasting:.0f} s", code=ExitCode.HELD, state=State.HELD
        ) from None
    await write(RESULT, found)
    return found


def _ran(step: FlowStep, began: float, status: Status, reason: str | None) -> FlowStepRun:
    return FlowStepRun(name=step.name, status=status, seconds=round(anyio.current_time() - began, 3), reason=reason)
