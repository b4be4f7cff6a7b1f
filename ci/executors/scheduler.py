"""Slots, longest first: what is independent runs side by side, as much as the machine has room for.

The scheduler knows no tool and no stage's inside. It starts a check when all it needs was kept, gives
the slot to the one with the longest way behind it, runs a check marked `alone` by itself, and collects
every failure: one red check hides no other that does not need it.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from ci.errors import NO_ROOM, DiskFullError, NoExecutorError, ShipwayError
from ci.model import EMPTY, Check, CheckRun, Execution, Executor, Listener, Reuse, Status, Verdict
from ci.outcome import GREEN
from ci.text import count, few

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.executors.reuse import Store


@dataclass(kw_only=True)
class Scheduler:
    """Executes the checks of one plan; `results` fills up with one CheckRun for each."""

    executor: Executor
    store: Store
    keys: Mapping[str, str]
    run: str
    slots: int
    listener: Listener
    keep_artifacts: Callable[[Check, Execution, Verdict], Verdict]
    results: dict[str, CheckRun] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    async def execute(self, checks: tuple[Check, ...]) -> tuple[CheckRun, ...]:
        """Run all of them, as far as what they need is green; return their runs in the given order.

        Raises NoExecutorError where the executor was lost and DiskFullError where the room was: then no
        report could be trusted.
        """
        done = {check.id: anyio.Event() for check in checks}
        free = _Slots(self.slots)
        order = urgency(checks)
        cached = self._cached(checks)
        async with anyio.create_task_group() as group:
            for check in checks:
                group.start_soon(self._one, check, done, free, order[check.id], cached)
        return tuple(self.results[check.id] for check in checks)

    def _cached(self, checks: tuple[Check, ...]) -> dict[str, CheckRun]:
        """Return the kept results that may stand: a preparation's only where its outputs are kept with it."""
        found = ((check.id, self.store.load(self.keys[check.id], check)) for check in checks)
        return {identity: run for identity, run in found if run is not None}

    async def _one(
        self,
        check: Check,
        done: Mapping[str, anyio.Event],
        free: _Slots,
        precedence: float,
        cached: Mapping[str, CheckRun],
    ) -> None:
        if check.id in cached:
            self._end(dataclasses.replace(cached[check.id], began=self._clock()), done)
            return
        for need in check.needs:
            await done[need].wait()
        broken = next((need for need in check.needs if self.results[need].status not in GREEN), None)
        if broken is not None:
            self._end(self._skipped(check, f"{broken} {_ended(self.results[broken].status)}"), done)
            return
        ready = self._clock()
        async with free.slot(precedence, alone=check.alone):
            self.listener.check_started(check)
            started = self._clock()
            result = await self._judged(check)
            took = result.seconds if result.cached_from else round(self._clock() - started, 3)
            result = dataclasses.replace(result, began=started, waited=round(started - ready, 3), seconds=took)
            self.store.save(self.keys[check.id], check, result, result.cached_from or self.run)
            self._end(result, done)  # before the slot is free, so that those who waited for this can ask for it

    async def _judged(self, check: Check) -> CheckRun:
        """Execute and judge, once more where the verdict asks for it."""
        current: Check | None = check
        artifacts: tuple[str, ...] = ()
        while current is not None:
            try:
                execution, verdict = await self._believed(current)
            except (NoExecutorError, DiskFullError):
                raise
            except ShipwayError as error:
                return _run(check, Verdict(status=Status.ERROR, reason=str(error), code=error.exit_code))
            except OSError as error:
                if error.errno in NO_ROOM:
                    raise DiskFullError(
                        f"no space left for {check.id}", hint="free some, or set SHIPWAY_CACHE"
                    ) from error
                why = ": ".join(filter(None, (error.filename, error.strerror))) or str(error)
                return _run(check, Verdict(status=Status.ERROR, reason=f"could not be run: {why}"))
            verdict = self.keep_artifacts(check, execution, verdict)
            artifacts = (*artifacts, *verdict.artifacts)  # a flaky test's pictures are of its first try
            # A judge knows its check as its stage made it; where the catalogue put what it needs, only the plan knows.
            # And a second look is worth nothing when it is an earlier one's answer.
            second = verdict.second and dataclasses.replace(verdict.second, needs=check.needs, reuse=Reuse.NEVER)
            last, current = current, second
        notices = (*verdict.notices, *_observations(execution))
        verdict = dataclasses.replace(verdict, notices=notices, artifacts=artifacts)
        run = _run(check, verdict, execution, repeat=last.repeat)
        if execution.run == self.run:
            return run
        return dataclasses.replace(run, cached_from=execution.run, seconds=round(execution.seconds, 3))

    async def _believed(self, check: Check) -> tuple[Execution, Verdict]:
        """Execute and judge; what an executor has from an earlier run and is not green is never believed."""
        execution = await self.executor.execute(check)
        verdict = check.judge(execution)
        if execution.run == self.run or verdict.status is Status.PASSED or verdict.lasting:
            return execution, verdict
        execution = await self.executor.execute(dataclasses.replace(check, reuse=Reuse.NEVER))
        return execution, check.judge(execution)

    def _skipped(self, check: Check, reason: str) -> CheckRun:
        run = _run(check, Verdict(status=Status.SKIPPED, reason=reason))
        return dataclasses.replace(run, began=self._clock(), blocked=True)

    def _clock(self) -> float:
        return round(time.monotonic() - self.began, 3)

    def _end(self, result: CheckRun, done: Mapping[str, anyio.Event]) -> None:
        self.results[result.id] = result
        self.listener.check_ended(result)
        done[result.id].set()


def _ended(status: Status) -> str:
    return {Status.FAILED: "failed", Status.ERROR: "could not be run"}.get(status, "was skipped")


def _run(check: Check, verdict: Verdict, execution: Execution | None = None, *, repeat: str | None = None) -> CheckRun:
    return CheckRun(
        stage=check.stage,
        name=check.name,
        package=check.package,
        status=verdict.status,
        reason=verdict.reason,
        counts=verdict.counts,
        failures=verdict.failures,
        notices=verdict.notices,
        measures=verdict.measures,
        artifacts=verdict.artifacts,
        steps=() if execution is None else execution.steps,
        repeat=repeat or check.repeat,
        why=check.why,
        tools=EMPTY if execution is None else {**execution.tools, **verdict.tools},
        code=verdict.code,
        lasting=verdict.lasting,
        executed=verdict.executed,
    )


def _observations(execution: Execution) -> tuple[str, ...]:
    """Say what the check did beside its work: writes that were discarded, processes it left."""
    notices = list(execution.notices)
    if execution.changed:
        names = few([change[2:] for change in execution.changed])
        notices.append(f"changed {count(len(execution.changed), 'file')}, discarded: {names}")
    if execution.left_behind:
        processes = count(len(execution.left_behind), "process", "processes")
        notices.append(f"left {processes} running, ended: {few([command[:80] for command in execution.left_behind])}")
    return tuple(notices)


def urgency(checks: tuple[Check, ...]) -> dict[str, float]:
    """Return for each check the expected seconds of the longest chain that starts with it."""
    behind: dict[str, float] = {}
    for check in reversed(checks):
        own = check.weight + behind.get(check.id, 0.0)
        for need in check.needs:
            behind[need] = max(behind.get(need, 0.0), own)
        behind[check.id] = own
    return behind


class _Slots:
    """Slots with a queue, the most urgent first; an `alone` holder takes them all."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.taken = 0
        self.alone = False
        self.queue: list[tuple[float, bool, anyio.Event]] = []

    def slot(self, precedence: float, *, alone: bool) -> _Slot:
        return _Slot(self, precedence, alone=alone)

    def serve(self) -> None:
        """Let in whoever may come; those that want to be alone come last, so that nobody waits behind them idle."""
        self.queue.sort(key=lambda entry: (entry[1], -entry[0]))
        while self.queue:
            _, alone, turn = self.queue[0]
            if self.alone or (self.taken if alone else self.taken >= self.number):
                return
            self.queue.pop(0)
            self.taken += 1
            self.alone = alone
            turn.set()


class _Slot:
    def __init__(self, slots: _Slots, precedence: float, *, alone: bool) -> None:
        self.slots = slots
        self.precedence = precedence
        self.alone = alone

    async def __aenter__(self) -> None:
        turn = anyio.Event()
        entry = (self.precedence, self.alone, turn)
        self.slots.queue.append(entry)
        # Others that became ready in the same instant queue up first, so that the most urgent of them goes.
        await anyio.lowlevel.checkpoint()
        self.slots.serve()
        try:
            await turn.wait()
        except BaseException:
            if entry in self.slots.queue:
                self.slots.queue.remove(entry)
            else:
                self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.lowlevel.checkpoint()  # whoever was waiting for this one's end queues up first
        self._leave()

    def _leave(self) -> None:
        self.slots.taken -= 1
        if self.alone:
            self.slots.alone = False
        self.slots.serve()
