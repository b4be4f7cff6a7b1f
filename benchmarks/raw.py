"""The same commands as a run, by hand: one plain copy of the repository, no sandbox, no hashing, no judging.

What a person would write who knows which command needs which, with as many side by side as `slots` says and
the longest way first: the best that the raw commands can do, and so what Shipway is measured against.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from ci.executors import linking
from ci.executors.cache import cache_directory
from ci.executors.environment import ALWAYS
from ci.executors.scheduler import urgency
from ci.toolchains.catalogue import Provided, provide
from ci.warden.program import expand, ready

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from ci.model import Check, Plan, Service, Step


async def run(plan: Plan, root: Path, place: Path, slots: int) -> dict[str, float]:
    """Run every check of the plan on a copy of `root` below `place`; return seconds by check, "total" among them.

    Raises RuntimeError when a command fails that would have passed in a run.
    """
    cache = cache_directory()
    provided = {check.id: await provide(check.toolchain, cache=cache, note=lambda _line: None) for check in plan.checks}
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="raw-", dir=place) as directory:
        place = Path(directory)
        began = time.monotonic()
        await anyio.run_process(["git", "clone", "--quiet", "--shared", str(root), str(place / "copy")])
        done = {check.id: anyio.Event() for check in plan.checks}
        order = urgency(plan.checks)
        limiter = Slots(slots)

        async def one(check: Check) -> None:
            for need in check.needs:
                await done[need].wait()
            async with limiter.taken(order[check.id], alone=check.alone):
                start = time.monotonic()
                await anyio.to_thread.run_sync(_check, check, place, provided[check.id], cache)
                seconds[check.id] = time.monotonic() - start
                done[check.id].set()
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as group:
            for check in plan.checks:
                group.start_soon(one, check)
        seconds["total"] = time.monotonic() - began
    return seconds


class Slots:
    """The plainest queue that takes the most urgent first; `alone` waits for an empty house."""

    def __init__(self, number: int) -> None:
        """Start with all of them free."""
        self.number = number
        self.taken_now = 0
        self.alone = False
        self.condition = anyio.Condition()
        self.waiting: list[tuple[bool, float]] = []

    @contextlib.asynccontextmanager
    async def taken(self, weight: float, *, alone: bool) -> AsyncIterator[None]:
        """Hold a slot."""
        mine = (alone, -weight)
        self.waiting.append(mine)
        await anyio.lowlevel.checkpoint()
        async with self.condition:
            while (
                min(self.waiting) != mine or self.alone or (self.taken_now if alone else self.taken_now >= self.number)
            ):
                await self.condition.wait()
            self.waiting.remove(mine)
            self.taken_now += 1
            self.alone = alone
            self.condition.notify_all()
        try:
            yield
        finally:
            async with self.condition:
                self.taken_now -= 1
                self.alone = False
                self.condition.notify_all()


def _check(check: Check, place: Path, provided: Provided, cache: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="check-", dir=place) as directory:
        scratch = Path(directory)
        (scratch / "out").mkdir()
        (scratch / "home").mkdir()
        values = {"SHIPWAY_OUT": str(scratch / "out"), "SHIPWAY_ROOT": str(place / "copy")}
        with contextlib.ExitStack() as servers:
            for service in check.services:
                values |= servers.enter_context(_postgres(service, scratch, provided))
            environment = _environment(check, provided, scratch, cache) | values
            for step in check.steps:
                servers.enter_context(_step(step, place / "copy", environment, values))


@contextlib.contextmanager
def _step(step: Step, root: Path, environment: Mapping[str, str], values: dict[str, str]) -> Iterator[None]:
    directory = root / step.cwd
    built = {**environment, **step.environment}
    built["PATH"] = ":".join(
        [environment["PATH_OF_TOOLS"], f"{directory}/node_modules/.bin", f"{root}/node_modules/.bin", ALWAYS["PATH"]]
    )
    built = {name: expand(value, values) for name, value in built.items()}
    with tempfile.TemporaryFile() as log:
        out = Path(values["SHIPWAY_OUT"]) / step.stdout if step.stdout else None
        with out.open("wb") if out else contextlib.nullcontext(log) as stdout:
            process = subprocess.Popen(
                [expand(word, values) for word in step.argv],
                cwd=directory,
                env=built,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=log,
                start_new_session=True,
            )
        if step.background:
            while step.ready and not ready(expand(step.ready, values)):
                time.sleep(0.05)
            try:
                yield
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            return
        if process.wait() != 0 and "audit" not in step.argv:
            log.seek(0)
            raise RuntimeError(f"{' '.join(step.argv)}: {log.read().decode(errors='replace')[-2000:]}")
        yield


@contextlib.contextmanager
def _postgres(service: Service, scratch: Path, provided: Provided) -> Iterator[dict[str, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    roles = [word for role in service.roles for word in ("--role", role)]
    data = scratch / "pg"
    command = ["shipway-postgres", "--port", port, "--data", str(data), "--database", service.database, *roles]
    environment = {**ALWAYS, **provided.environment, "SHIPWAY_PG_PASSWORD": "secret", "TMPDIR": str(scratch)}
    environment["PATH"] = ":".join([*provided.path, ALWAYS["PATH"]])
    program = shutil.which(command[0], path=environment["PATH"])
    process = subprocess.Popen(
        [program or command[0], *command[1:], "--ready", f"{data}.ready"], env=environment, start_new_session=True
    )
    while not Path(f"{data}.ready").exists():
        time.sleep(0.02)
    filling = {"host": "127.0.0.1", "port": port, "password": "secret"}
    try:
        yield {name: value.format(**filling) for name, value in service.environment.items()}
    finally:
        process.terminate()
        process.wait()


def _environment(check: Check, provided: Provided, scratch: Path, cache: Path) -> dict[str, str]:
    passed = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    return {
        **ALWAYS,
        **{name: os.environ[name] for name in passed if name in os.environ},
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch),
        "PATH_OF_TOOLS": ":".join(provided.path),
        "npm_config_store_dir": str(linking.store(cache)),
        "pnpm_config_store_dir": str(linking.store(cache)),
        "NPM_CONFIG_USERCONFIG": str(Path.home() / ".npmrc"),
        **provided.environment,
        **check.environment,
    }
