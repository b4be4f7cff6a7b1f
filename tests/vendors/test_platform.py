"""What every platform promises, on Vercel's stand-in and on the example of docs/command-platform.md."""

from __future__ import annotations

import contextlib
import functools
import http.server
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.rehearsal.serving import serving
from ci.rehearsal.vercel import Order as Built
from ci.rehearsal.vercel import Project, Site, Vercel
from ci.rehearsal.vercel.building import call
from ci.vendors import vercel
from ci.vendors.command import Command, CommandPlatform, Commands
from ci.vendors.pace import Pace
from ci.vendors.platform import Order, State
from tests.conftest import IDENTITY, ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from ci.rehearsal.vercel.building import Say
    from ci.vendors.platform import Platform

    Way = Callable[[Path, Path], AbstractAsyncContextManager[tuple[Platform, str]]]

QUICK = Pace(first=0.02, most=0.1, whole=60.0)
TOKEN = "vercel-token-0123456789"  # noqa: S105 - of a stand-in


@contextlib.asynccontextmanager
async def on_vercel(source: Path, directory: Path) -> AsyncIterator[tuple[Platform, str]]:
    """Give Vercel and the address of the app."""

    async def build(order: Built, say: Say) -> Site:
        place = order.directory / "source"
        await call(["git", "clone", "--quiet", order.repository, str(place)], order, say)
        await call(["git", "-C", str(place), "checkout", "--quiet", order.commit], order, say)
        await call(["test", "-e", str(place / "index.html")], order, say)
        return Site(argv=("sh", "-c", f'exec {sys.executable} -m http.server "$PORT"'), directory=place)

    stand_in = Vercel(directory, token=TOKEN, build=build)
    async with serving(stand_in) as address:
        project = await stand_in.add(Project(name="receipts-web", repository=str(source)))
        async with vercel.connect(TOKEN, team="team_rehearsal", address=address) as client:
            platform = vercel.VercelPlatform(client, {"web": project["id"]}, build_pace=QUICK, move_pace=QUICK)
            yield platform, f"http://{project['domains'][0]}/"


@contextlib.asynccontextmanager
async def by_commands(source: Path, directory: Path) -> AsyncIterator[tuple[Platform, str]]:
    """Give the platform of the page's example, and the address of the app."""
    page = (ROOT / "docs/command-platform.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (source / "releases.py").write_text(example)
    directory.mkdir()
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler: Any = functools.partial(quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"

        def command(name: str) -> Command:
            return Command(argv=(sys.executable, "releases.py", name, str(directory), address))

        commands = Commands(
            directory=source,
            deploy=command("deploy"),
            status=command("status"),
            switch=command("switch"),
            rollback=command("rollback"),
        )
        yield (
            CommandPlatform(commands, environment="staging", build_pace=QUICK, move_pace=QUICK),
            f"{address}/web/current/",
        )
        server.shutdown()


def commit(source: Path, files: dict[str, str]) -> str:
    for path in source.glob("*.html"):
        path.unlink()
    for name, text in files.items():
        (source / name).write_text(text)
    for arguments in (["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", *IDENTITY, *arguments], cwd=source, check=True)
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=source, check=True, capture_output=True, text=True)
    return found.stdout.strip()


async def text(address: str) -> str:
    async with httpx.AsyncClient(timeout=30) as client:
        return (await client.get(address)).text


def order(name: str, found: str) -> Order:
    return Order(app="web", commit=found, branch="main", key=f"key of {name}")


@pytest.mark.parametrize("way", [on_vercel, by_commands])
def test_deploy_switch_and_roll_back_are_the_same_everywhere(tmp_path: Path, way: Way) -> None:
    source = tmp_path / "source"
    source.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=source, check=True)
    good = commit(source, {"index.html": "good"})
    better = commit(source, {"index.html": "better"})
    bad = commit(source, {"other.html": "bad"})

    async def calls() -> None:
        async with way(source, tmp_path / "place") as (platform, address):
            assert await platform.serving("web") == ()
            assert await platform.candidates("web") == ()
            first = await platform.wait(await platform.deploy(order("good", good)))
            assert (first.state, first.commit, first.app) == (State.READY, good, "web")
            assert await platform.wait(await platform.deploy(order("good", good))) == first
            assert await text(first.address) == "good"
            assert await platform.serving("web") == ()
            await platform.switch(first)
            assert await text(address) == "good"

            second = await platform.wait(await platform.deploy(order("better", better)))
            assert (await text(address), await text(second.address)) == ("good", "better")
            assert await platform.candidates("web") == ()
            await platform.switch(second)
            await platform.switch(second)
            assert [each.id for each in await platform.serving("web")] == [second.id]
            assert await text(address) == "better"
            assert [each.id for each in await platform.candidates("web")] == [first.id]

            failed = await platform.wait(await platform.deploy(order("bad", bad)))
            assert failed.state is State.FAILED
            assert failed.reason
            assert await text(address) == "better"

            await platform.roll_back(first, why="it is slow")
            await platform.roll_back(first, why="it is slow")
            assert [each.id for each in await platform.serving("web")] == [first.id]
            assert (await text(address), await text(second.address)) == ("good", "better")
            await platform.switch(second)
            assert await text(address) == "better"

    anyio.run(calls)
