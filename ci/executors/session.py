"""A session with a Dagger engine: opened once a run, watched while it lasts, closed so that nothing of it is left.

An engine that is lost shows in the SDK as retries of half a minute and more, and as errors of no family of its own. So
its address is asked beside the run, and when it no longer answers the run is cancelled.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import io
import os
import re
from typing import TYPE_CHECKING, TextIO, cast

import anyio
import dagger

from ci.errors import NoExecutorError, leaves
from ci.executors import engine as engines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from ci.executors.engine import Engine

TAIL = re.compile(r"shipway-tail ([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]+)")  # as ci/warden/contained.py prints it
QUIET = {"DAGGER_NO_NAG": "1", "DAGGER_NO_UPDATE_CHECK": "1", "DO_NOT_TRACK": "1", "DAGGER_PROGRESS": "plain"}
CONNECT = 60  # seconds for the first answer of an engine that must be started
LOOK, MISSED = 3.0, 3  # seconds between two looks whether it is there, and how many it may miss


@contextlib.asynccontextmanager
async def session(engine: Engine, *, on_output: Callable[[str, str], None]) -> AsyncIterator[dagger.Client]:
    """Give a client. `on_output` is told the id of a check and the end of what its running step printed.

    Raises NoExecutorError where no session can be had, and where the engine is lost inside.
    """
    program = await engines.program(engine)
    if program is not None:
        os.environ[engines.CLI] = program
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    lost: list[str] = []
    try:
        async with anyio.create_task_group() as group, _connected(engine, _Log(on_output)) as client:
            group.start_soon(_watch, engine, lost, group.cancel_scope)
            yield client
            group.cancel_scope.cancel()
    except ExceptionGroup as group:
        if not lost:
            raise leaves(group)[0] from group  # the run's own: it does not know of the watch beside it
    if lost:
        raise NoExecutorError(f"{engine.named} was lost: {lost[0]}")


@contextlib.asynccontextmanager
async def _connected(engine: Engine, log: _Log) -> AsyncIterator[dagger.Client]:
    timeout = dagger.Timeout(None, connect=CONNECT)
    try:
        async with dagger.Connection(dagger.Config(log_output=cast("TextIO", log), timeout=timeout)) as client:
            yield client
    except dagger.ProvisionError as error:
        raise NoExecutorError(f"no session with {engine.named}: {str(error).splitlines()[0][:300]}") from error


async def _watch(engine: Engine, lost: list[str], scope: anyio.CancelScope) -> None:
    """Cancel the run when the engine no longer answers at its address."""
    missed = 0
    while True:
        await anyio.sleep(LOOK)
        why = await anyio.to_thread.run_sync(engines.silent, engine, engines.PATIENT)
        missed = 0 if why is None else missed + 1
        if missed >= MISSED:
            lost.append(why or "")
            scope.cancel()


class _Log(io.TextIOBase):
    """The session's own log, which a thread of the SDK writes; the running steps' tails are told as they come."""

    def __init__(self, on_output: Callable[[str, str], None]) -> None:
        self.on_output = on_output
        self.last: collections.deque[str] = collections.deque(maxlen=50)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]  # as the SDK calls it: with text
        for line in lines:
            self.write(line)

    def write(self, line: str) -> int:
        told = TAIL.search(line)
        if told is None:
            self.last.append(line)
        else:
            self.on_output(*(base64.b64decode(word).decode(errors="replace") for word in told.groups()))
        return len(line)
