"""A session with a Dagger engine: opened once a run, watched while it lasts, closed so that nothing of it is left.

The SDK would start the `dagger session` itself, wait five minutes for its end, and meet a lost engine with retries of
half a minute and errors of no family of its own. So the process is ours, and the engine's address is asked beside the
run: when it no longer answers, the run is cancelled.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import json
import os
import re
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import dagger

from ci import processes
from ci.errors import NoExecutorError, leaves
from ci.executors import engine as engines
from ci.text import first_line, settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from anyio.abc import Process

    from ci.executors.engine import Engine

TAIL = re.compile(r"shipway-tail ([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]+)")  # as ci/warden/contained.py prints it
BARS = re.compile(r"^\s*\d+\s*:\s*(?:\u2506\s*)*")
QUIET = {"DAGGER_NO_NAG": "1", "DAGGER_NO_UPDATE_CHECK": "1", "DO_NOT_TRACK": "1", "DAGGER_PROGRESS": "plain"}
TOKEN = "DAGGER_SESSION_TOKEN"  # noqa: S105 - the variable, not the value
CONNECT = 30.0  # seconds for the first answer of an engine
FETCH = 120.0  # of one that a container runtime must fetch and start
PARTING = 5.0  # seconds that it has to close its services
LOOK, MISSED = 3.0, 3  # seconds between two looks whether it is there, and how many it may miss

_entering = anyio.Lock()


@contextlib.asynccontextmanager
async def session(engine: Engine, *, on_output: Callable[[str, str], None]) -> AsyncIterator[dagger.Client]:
    """Give a client. `on_output` is told the id of a check and the end of what its running step printed.

    Raises NoExecutorError where no session can be had, and where the engine is lost inside.
    """
    lost: list[str] = []
    try:
        async with _process(engine, on_output) as variables, anyio.create_task_group() as group:
            group.start_soon(_watch, engine, lost, group.cancel_scope)
            async with _client(engine, variables) as client:
                yield client
            group.cancel_scope.cancel()
    except ExceptionGroup as group_of_errors:
        if not lost:
            raise leaves(group_of_errors)[0] from group_of_errors  # the run's own: it knows of no watch beside it
    if lost:
        raise NoExecutorError(f"{engine.named} was lost: {lost[0]}", hint="nothing of this run is a result; run again")


@contextlib.asynccontextmanager
async def _process(engine: Engine, on_output: Callable[[str, str], None]) -> AsyncIterator[dict[str, str]]:
    """Start the command that holds the session and give the variables that lead to it; inside a session, none."""
    program = await engines.program(engine)
    if program is None:
        yield {}
        return
    environment = {**QUIET, **os.environ, engines.RUNNER: engine.address}
    last: collections.deque[str] = collections.deque(maxlen=50)
    async with (
        processes.supervised((program, "session"), environment=environment) as process,
        anyio.create_task_group() as group,
    ):
        told: list[dict[str, str]] = []
        answer = anyio.Event()
        group.start_soon(_listen, process, on_output, last)
        group.start_soon(_hear, process, told, answer)
        try:
            with anyio.move_on_after(FETCH if engine.is_fetched else CONNECT):
                await answer.wait()
            if not told:
                raise NoExecutorError(f"no session with {engine.named}: {_complaint(last)}", hint=engine.by_hand)
            yield told[0]
        finally:
            # While somebody still reads its log: it would not end before that is written.
            with anyio.CancelScope(shield=True), anyio.move_on_after(PARTING):
                if process.stdin is not None:
                    await process.stdin.aclose()
                await process.wait()
        group.cancel_scope.cancel()


def _complaint(lines: Sequence[str]) -> str:
    """Return the last line of a log, without the number and the bars that Dagger puts before it."""
    said = [line.strip() for line in (BARS.sub("", settled(line)) for line in lines) if line.strip()]
    return first_line(said[-1]) if said else "it says nothing"


async def _hear(process: Process, told: list[dict[str, str]], answer: anyio.Event) -> None:
    """Take the variables that lead to the session from the one line that the command prints."""
    async for line in processes.lines(process.stdout):
        if not told:
            said = json.loads(line)
            told.append({engines.SESSION: str(said["port"]), TOKEN: said["session_token"]})
            answer.set()
    answer.set()


@contextlib.asynccontextmanager
async def _client(engine: Engine, variables: dict[str, str]) -> AsyncIterator[dagger.Client]:
    """Connect. The SDK finds a session by variables of this process: they are there while it looks, and no longer."""
    connection = dagger.Connection(dagger.Config(timeout=dagger.Timeout(None, connect=10)))
    async with _entering:
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            client = await connection.__aenter__()
        except dagger.DaggerError as error:
            raise NoExecutorError(f"no session with {engine.named}: {first_line(str(error))}") from error
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
    try:
        await _known(engine, client)
        yield client
    finally:
        with anyio.CancelScope(shield=True), anyio.move_on_after(2):
            await connection.__aexit__(None, None, None)


async def _known(engine: Engine, client: dagger.Client) -> None:
    """Raise NoExecutorError where the engine is of another version: the command asks for no more than a similar one."""
    try:
        version = (await client.version()).removeprefix("v")
    except dagger.DaggerError as error:
        raise NoExecutorError(f"{engine.named} does not tell its version: {first_line(str(error))}") from error
    if version != engines.VERSION:
        raise NoExecutorError(
            f"{engine.named} is version {first_line(version)}, Shipway speaks {engines.VERSION}",
            hint=f"use an engine of version {engines.VERSION}, or take --executor host",
        )


async def _watch(engine: Engine, lost: list[str], scope: anyio.CancelScope) -> None:
    """Cancel the run when the engine no longer answers at its address."""
    missed = 0
    while missed < MISSED:
        await anyio.sleep(LOOK)
        why = await anyio.to_thread.run_sync(engines.silent, engine, engines.PATIENT)
        missed = 0 if why is None else missed + 1
    lost.append(why or "it does not answer")
    scope.cancel()


async def _listen(process: Process, on_output: Callable[[str, str], None], last: collections.deque[str]) -> None:
    """Read the session's own log: the tails of running steps are told as they come, the rest is kept for a while."""
    async for line in processes.lines(process.stderr):
        text = line.decode(errors="replace")
        told = TAIL.search(text)
        if told is None:
            last.append(text)
        else:
            on_output(*(base64.b64decode(word).decode(errors="replace") for word in told.groups()))
