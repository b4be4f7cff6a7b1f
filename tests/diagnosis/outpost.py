"""A machine that diagnoses and can do nothing else: a clone, a login to the journal, and a model that stands in."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from ci.diagnosis.queue import to_be_judged
from ci.journal import Journal
from ci.rehearsal.anthropic import KEY, Anthropic
from ci.rehearsal.serving import serving
from tests.conftest import command as shipway
from tests.conftest import commit, environment
from tests.diagnosis.village import FILES, RIGHT, SOURCE, WRONG
from tests.journal.logins import limited

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

INCIDENT = "staging-1"
SETTINGS = """
[journal]
url = "env://SHIPWAY_JOURNAL_URL"

[diagnosis.model]
key = "env://MODEL_KEY"
address = "{address}"
"""
EDIT = {"path": SOURCE, "old": WRONG, "new": RIGHT}
END = {"cause": "It subtracts.", "approach": "Add", "tier": 1, "complexity": "small", "confidence": "high"}


class Slow(Anthropic):
    """A model that thinks over its first answer until it is let go on, and mends what fails."""

    def __init__(self, directory: Path) -> None:
        """Know what it will say."""
        super().__init__(directory)
        self.asked, self.free = anyio.Event(), anyio.Event()
        self.script.add("This failed", {"tool": "edit_file", "input": EDIT})
        self.script.add(".", {"tool": "finish", "input": END})

    async def _messages(self, request: Request) -> Response:
        if not self.asked.is_set():
            self.asked.set()
            await self.free.wait()
        return await super()._messages(request)


@dataclass(frozen=True, kw_only=True)
class Outpost:
    """What is there while it is up. `owner` is the journal as its owner has it, `login` the limited URL to it."""

    root: Path
    directory: Path
    model: Slow
    model_address: str
    owner: Journal
    login: str

    def fails(self) -> None:
        """Open an incident of staging, where no check is red."""
        commit = git(self.root, "rev-parse", "HEAD")
        self.owner.incidents.open(INCIDENT, environment="staging", commit=commit, what="smoke", reason="add is wrong")
        self.owner.cases.keep(INCIDENT, "s", {"report": None})

    @property
    def variables(self) -> dict[str, str]:
        """What a worker is given."""
        secrets = {"SHIPWAY_JOURNAL_URL": self.login, "MODEL_KEY": KEY}
        return environment(self.directory / "state", SHIPWAY_CACHE=str(self.directory / "cache"), **secrets)

    @contextlib.asynccontextmanager
    async def worker(self, name: str, *, before: Sequence[str] = ()) -> AsyncIterator[subprocess.Popen[bytes]]:
        """Start one, and end it with what it started; what it prints is in a file of its name."""
        with (self.directory / name).open("wb") as printed:
            process = subprocess.Popen(  # noqa: ASYNC220 - as fast as any
                [*before, *shipway("worker", str(self.root))],
                cwd=self.root,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def printed(self, name: str) -> str:
        """What a worker printed."""
        return (self.directory / name).read_text(encoding="utf-8")

    async def judgeable(self, *, within: float) -> None:
        """Wait until there is a proposal."""
        with anyio.fail_after(within):
            while INCIDENT not in await anyio.to_thread.run_sync(to_be_judged, self.owner):  # noqa: ASYNC110 - elsewhere
                await anyio.sleep(0.2)


async def ended(process: subprocess.Popen[bytes]) -> int:
    """Ask a process to end, and return what it ended with."""
    process.send_signal(signal.SIGTERM)
    return await anyio.to_thread.run_sync(lambda: process.wait(timeout=60))


def git(root: Path, *arguments: str) -> str:
    """Ask git."""
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@contextlib.asynccontextmanager
async def outpost(directory: Path, url: str) -> AsyncIterator[Outpost]:
    """Give one; `url` is of a journal's owner."""
    root = directory / "work"
    model = Slow(directory / "model")
    login = await anyio.to_thread.run_sync(lambda: limited(url, queue=True))
    async with serving(model) as served:
        files = {**FILES, SOURCE: FILES[SOURCE].replace(RIGHT, WRONG)}
        for name, text in {**files, "shipway.toml": SETTINGS.format(address=served)}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        commit(root)
        made = Outpost(
            root=root,
            directory=directory,
            model=model,
            model_address=served,
            owner=Journal.remote(url),
            login=login,
        )
        made.fails()
        try:
            yield made
        finally:
            model.free.set()
