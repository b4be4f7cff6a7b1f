"""Traffic on a switch that moves back and forth: what was dropped, what was mixed, and what a request took.

    ./benchmarks/switch [--rate 200] [--moves 100] [--seconds 30]

Requests begin at their moments, whatever became of those before, unless as many as MOST are on their way: then the
machine is too slow for the rate, and the rate that was reached is told. One in four is an upload in pieces, the others
are answers that stream. A request is dropped where its answer is not there or not whole, mixed where not all of it came
from one deployment, or is another one's, and late where it began after a move and was answered by the one before.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import socket
import statistics
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
import h11

from benchmarks.answering import PIECES
from benchmarks.asking import Client
from ci.processes import supervised
from ci.rehearsal.switch import Switch, Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SIZE, PARTS = 16_384, 8  # of an upload
UPLOADS = 4  # one in so many is one
MOST = 200  # requests at a time


@dataclass(kw_only=True)
class Traffic:
    """What was seen, in `whole` seconds. `seconds` are those of each request, `answered` says how many each served."""

    dropped: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    answered: dict[str, int] = field(default_factory=dict)
    moves: list[tuple[float, str]] = field(default_factory=list)
    whole: float = 0.0

    def behind(self, began: float, ended: float) -> set[str]:
        """Return the deployments that were behind the switch at a moment between the two."""
        before = [name for moment, name in self.moves if moment <= began][-1:]
        return {*before, *(name for moment, name in self.moves if began < moment <= ended)}


async def drive(*, rate: float, moves: int, seconds: float) -> Traffic:
    """Have `rate` requests a second for so many `seconds`, and move so many times meanwhile."""
    traffic = Traffic()
    switch = Switch()
    async with AsyncExitStack() as stack:
        targets = [Target(name=name, port=_free()) for name in ("blue", "green")]
        for target in targets:
            argv = [sys.executable, "-m", "benchmarks.answering", str(target.port), target.name]
            environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path)) or "."}
            await stack.enter_async_context(supervised(argv, environment=environment))
        for target in targets:
            await _listening(target.port)
        await stack.enter_async_context(switch.open())
        _move(switch, targets[0], traffic)
        client = Client(switch.port)
        stack.push_async_callback(client.aclose)
        room = anyio.Semaphore(MOST)
        total, moved = int(rate * seconds), 0
        async with anyio.create_task_group() as group:
            began = time.monotonic()
            for number in range(total):
                await anyio.sleep(max(0.0, began + number / rate - time.monotonic()))
                await room.acquire()
                group.start_soon(_ask, client, number, traffic, room)
                if number * (moves + 1) >= (moved + 1) * total:
                    moved += 1
                    _move(switch, targets[moved % 2], traffic)
        traffic.whole = time.monotonic() - began
    return traffic


def _move(switch: Switch, target: Target, traffic: Traffic) -> None:
    switch.move(target)
    traffic.moves.append((time.monotonic(), target.name))


async def _ask(client: Client, number: int, traffic: Traffic, room: anyio.Semaphore) -> None:
    try:
        await _answered(client, number, traffic)
    finally:
        room.release()


async def _answered(client: Client, number: int, traffic: Traffic) -> None:
    name = f"request-{number}"
    began = time.monotonic()
    sent = bytes([number % 256]) * SIZE
    try:
        if number % UPLOADS == 0:
            answer = await client.ask("POST", f"/upload?id={name}", _pieces(sent))
        else:
            answer = await client.ask("GET", f"/stream?id={name}")
    except (OSError, anyio.EndOfStream, anyio.BrokenResourceError, h11.RemoteProtocolError) as error:
        traffic.dropped.append(f"{name}: {error!r}")
        return
    body = answer.body.decode()
    if answer.status != HTTPStatus.OK:
        traffic.dropped.append(f"{name}: {answer.status} {body}")
        return
    deployment = answer.headers.get("x-deployment", "")
    line = f"{deployment} {name}\n" * PIECES
    if number % UPLOADS == 0:
        line = f"{deployment} {name} {hashlib.sha256(sent * PARTS).hexdigest()}\n"
    if body != line:
        (traffic.dropped if line.startswith(body) else traffic.mixed).append(f"{name}: {deployment}: {body!r}")
    if deployment not in traffic.behind(began, answer.arrived):
        traffic.late.append(f"{name}: {deployment}")
    traffic.answered[deployment] = traffic.answered.get(deployment, 0) + 1
    traffic.seconds.append(time.monotonic() - began)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for _ in range(PARTS):
        yield content
        await anyio.sleep(0.005)


async def _listening(port: int) -> None:
    with anyio.fail_after(30):
        while True:
            try:
                async with await anyio.connect_tcp("127.0.0.1", port):
                    return
            except OSError:
                await anyio.sleep(0.02)


def _free() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def main() -> int:
    """Drive and print. Ends with 1 where anything was dropped, mixed or late."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--moves", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    found = anyio.run(lambda: drive(rate=options.rate, moves=options.moves, seconds=options.seconds))
    times = sorted(found.seconds)
    told = ", ".join(f"{name} {number}" for name, number in sorted(found.answered.items()))
    print(f"{len(times)} answers ({told}), {len(times) / found.whole:.0f} a second, {len(found.moves) - 1} moves")
    print(f"dropped {len(found.dropped)}, mixed {len(found.mixed)}, late {len(found.late)}")
    if times:
        least = times[max(0, math.ceil(len(times) * 0.99) - 1)]
        print(f"a request: median {statistics.median(times):.3f} s, 99 % within {least:.3f} s, most {times[-1]:.3f} s")
    for line in (*found.dropped, *found.mixed, *found.late)[:20]:
        print(f"  {line}")
    return 1 if found.dropped or found.mixed or found.late else 0


if __name__ == "__main__":
    sys.exit(main())
