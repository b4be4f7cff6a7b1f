"""The stand-in's other half: real clones, real builds, real processes behind a real switch."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.rehearsal.serving import serving
from ci.rehearsal.vercel import Order, Project, Site, Vercel, pnpm
from ci.rehearsal.vercel.building import call
from ci.vendors import vercel
from ci.vendors.pace import Pace, until
from ci.vendors.platform import Order as Wanted
from ci.vendors.platform import State
from ci.vendors.vercel import VercelPlatform
from pipeline import cache_directory
from tests.conftest import IDENTITY, copy_example

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ci.rehearsal.vercel.building import Say

TOKEN = "vercel-token-0123456789"  # noqa: S105 - of a stand-in
TEAM = "team_rehearsal"
QUICK = Pace(first=0.02, most=0.1, whole=60.0)
BUILDING = Pace(first=0.02, most=0.2, whole=500.0)
SERVER = """
import http.server, json, os, sys
if os.environ.get("BROKEN"): sys.exit("cannot start")
class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die": os._exit(3)
        known = ("VERCEL_GIT_COMMIT_SHA", "VERCEL_ENV", "GREETING", "VERCEL_DEPLOYMENT_ID")
        body = json.dumps({name: os.environ.get(name) for name in known} | {"pid": os.getpid()}).encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Server).serve_forever()
"""


async def clone(order: Order, say: Say) -> Site:
    """Build as the real one does, but without an install."""
    place = order.directory / "source"
    await call(["git", "clone", "--quiet", order.repository, str(place)], order, say)
    await call(["git", "-C", str(place), "checkout", "--quiet", order.commit], order, say)
    if order.build:
        await call(order.build, order, say, cwd=place)
    return Site(argv=order.start, directory=place, environment={"PATH": os.environ["PATH"]})


def repository(root: Path, files: dict[str, str]) -> str:
    """Make a repository, or another commit in it, and return the commit."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True)
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True)
    return found.stdout.strip()


@contextlib.asynccontextmanager
async def world(directory: Path, source: Path, **more: Any) -> AsyncIterator[tuple[Vercel, VercelPlatform, str]]:
    """Give the stand-in with a project of `source`, its platform, and the address of the project's domain."""
    settings: dict[str, Any] = {"build": clone, **more}
    project = Project(
        name="web",
        repository=str(source),
        start=settings.pop("start", (sys.executable, "server.py")),
        build=(*settings.pop("command", ()),),
        root=settings.pop("root", "."),
        variables=settings.pop("variables", {"production": {"GREETING": "live"}, "preview": {"GREETING": "draft"}}),
    )
    stand_in = Vercel(directory, token=TOKEN, **settings)
    async with serving(stand_in) as address, vercel.connect(TOKEN, team=TEAM, address=address) as client:
        document = await stand_in.add(project)
        platform = VercelPlatform(client, {"web": "web"}, build_pace=BUILDING, move_pace=QUICK)
        yield stand_in, platform, f"http://{document['domains'][0]}"


async def pushed(it: Vercel, platform: VercelPlatform, commit: str, branch: str = "main") -> Any:
    """Push, and return the deployment when it has ended."""
    it.pushed(branch, commit)
    (found, *_) = await platform.client.deployments("web", commit=commit)
    return await platform.wait(platform.told("web", found))


async def get(address: str) -> dict[str, Any]:
    """Ask a deployment what it is."""
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def test_a_push_is_built_started_and_served_and_each_deployment_keeps_its_own_address(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})
    second = repository(source, {"more.txt": "x"})

    async def calls() -> None:
        async with world(tmp_path / "vercel", source) as (it, platform, domain):
            one = await pushed(it, platform, first)
            assert (one.state, one.commit) == (State.READY, first)
            found = await get(domain)
            assert (found["VERCEL_GIT_COMMIT_SHA"], found["VERCEL_ENV"]) == (first, "production")
            assert (found["GREETING"], found["VERCEL_DEPLOYMENT_ID"]) == ("live", one.id)
            draft = await pushed(it, platform, second, branch="feature")
            assert (await get(draft.address))["GREETING"] == "draft"
            assert (await get(domain))["VERCEL_GIT_COMMIT_SHA"] == first
            wanted = Wanted(app="web", commit=second, branch="main", key="k", variables={"GREETING": "own"})
            staged = await platform.wait(await platform.deploy(wanted))
            assert (await get(staged.address))["GREETING"] == "own"
            assert (await get(domain))["VERCEL_GIT_COMMIT_SHA"] == first
            await platform.switch(staged)
            assert (await get(domain))["VERCEL_GIT_COMMIT_SHA"] == second
            pid = (await get(one.address))["pid"]
            await platform.roll_back(one, why="it is bad")
            assert await get(domain) == {**found, "pid": pid}

    anyio.run(calls)


def test_a_build_that_fails_is_told_with_its_log_and_changes_nothing(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER, "ok": ""})
    (source / "ok").unlink()
    second = repository(source, {})

    async def calls() -> None:
        command = ("sh", "-c", "test -e ok || { echo no ok here >&2; exit 4; }")
        async with world(tmp_path / "vercel", source, command=command) as (it, platform, domain):
            await pushed(it, platform, first)
            bad = await pushed(it, platform, second)
            assert bad.state is State.FAILED
            assert bad.reason.endswith("exited with 4")
            assert "no ok here" in await platform.log(bad)
            assert (await get(domain))["VERCEL_GIT_COMMIT_SHA"] == first
            gone = await pushed(it, platform, "0" * 40)
            assert gone.state is State.FAILED
            assert any(
                "unable to read tree" in line or "reference is not a tree" in line for line in await platform.log(gone)
            )

    anyio.run(calls)


def test_an_app_that_does_not_start_is_told_with_what_it_said(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})

    async def calls() -> None:
        variables = {"production": {"BROKEN": "1"}}
        async with world(tmp_path / "vercel", source, variables=variables) as (it, platform, _):
            bad = await pushed(it, platform, first)
            assert (bad.state, bad.reason.endswith("ended before it listened")) == (State.FAILED, True)
            assert "cannot start" in await platform.log(bad)

    anyio.run(calls)


def test_a_process_that_dies_is_started_again(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})

    async def calls() -> None:
        async with world(tmp_path / "vercel", source) as (it, platform, domain):
            await pushed(it, platform, first)
            pid = (await get(domain))["pid"]
            async with httpx.AsyncClient(timeout=30) as client:
                assert (await client.get(f"{domain}/die")).status_code == 502

            async def look() -> int | None:
                with contextlib.suppress(AssertionError):
                    return int((await get(domain))["pid"])
                return None

            assert await until(look, QUICK) not in {None, pid}

    anyio.run(calls)


def test_after_a_restart_all_is_served_again_at_the_same_addresses_and_nothing_is_left_behind(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})
    second = repository(source, {"more.txt": "x"})

    async def calls() -> None:
        async with world(tmp_path / "vercel", source) as (it, platform, domain):
            one, two = await pushed(it, platform, first), await pushed(it, platform, second)
            pids = [(await get(each.address))["pid"] for each in (one, two)]
            assert (await get(domain))["VERCEL_GIT_COMMIT_SHA"] == second
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        async with world(tmp_path / "vercel", source) as (_, platform, again):
            assert again == domain
            assert (await get(domain))["VERCEL_GIT_COMMIT_SHA"] == second
            assert (await get(one.address))["VERCEL_GIT_COMMIT_SHA"] == first
            assert [each.id for each in await platform.candidates("web")] == [one.id]

    anyio.run(calls)


def test_deployments_end_when_we_are_killed(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})
    program = f"""
import anyio, sys
from pathlib import Path
from tests.rehearsal.test_vercel import get, pushed, world
async def main():
    async with world(Path({str(tmp_path / "vercel")!r}), Path({str(source)!r})) as (it, platform, domain):
        await pushed(it, platform, {first!r})
        print((await get(domain))["pid"], flush=True)
        await anyio.sleep_forever()
anyio.run(main)
"""
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)

    async def gone() -> bool | None:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return None

    assert anyio.run(until, gone, QUICK)


def test_a_build_that_is_cancelled_ends_with_all_that_it_started(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})

    async def calls() -> None:
        command = ("sh", "-c", "sleep 300 & echo $! > ../pid; wait")
        async with world(tmp_path / "vercel", source, command=command) as (_, platform, _):
            made = await platform.deploy(Wanted(app="web", commit=first, branch="main", key="k"))
            path = tmp_path / "vercel/deployments" / made.id / "pid"

            async def look() -> int | None:
                return int(path.read_text()) if path.exists() and path.read_text().endswith("\n") else None

            pid = await until(look, QUICK)
            assert pid is not None
            await platform.client.cancel(made.id)

            async def gone() -> bool | None:
                try:
                    os.kill(pid, 0)
                except ProcessLookupError:
                    return True
                return None

            assert await until(gone, QUICK)
            assert (await platform.wait(made)).state is State.CANCELED

    anyio.run(calls)


def test_git_deployments_can_be_turned_off_as_a_person_does_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})

    async def calls() -> None:
        async with world(tmp_path / "vercel", source) as (it, platform, _):
            it.set_project("web", creating="disabled")
            it.pushed("main", first)
            assert await platform.client.deployments("web") == ()
            project = await platform.client.project("web")
            assert project is not None
            assert not project.deploys_on_push

    anyio.run(calls)


WORKSPACE = {
    "package.json": '{"name": "w", "private": true, "packageManager": "pnpm@10.34.9"}',
    "pnpm-workspace.yaml": "packages:\n  - apps/*\n",
    "pnpm-lock.yaml": "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n\n  apps/web: {}\n",
    "apps/web/package.json": '{"name": "web", "private": true, "scripts": {"build": "node build.mjs"}}',
    "apps/web/build.mjs": 'import { writeFileSync } from "node:fs"; writeFileSync("built.txt", process.env.GREETING);',
    "apps/web/server.mjs": """
        import { readFileSync } from 'node:fs'; import { createServer } from 'node:http';
        const built = readFileSync('built.txt', 'utf8');
        createServer((_, answer) => answer.end(JSON.stringify({ built, mode: process.env.NODE_ENV })))
          .listen(Number(process.env.PORT), process.env.HOST);
    """,
}


def test_a_pnpm_workspace_is_installed_built_and_started(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, WORKSPACE)
    (source / "pnpm-lock.yaml").unlink()
    second = repository(source, {"apps/web/package.json": '{"name": "web", "dependencies": {"nothing": "1"}}'})

    async def calls() -> None:
        more = {"root": "apps/web", "command": ("pnpm", "build"), "start": ("node", "server.mjs")}
        build = pnpm(cache_directory())
        async with world(tmp_path / "vercel", source, build=build, **more) as (it, platform, domain):
            good = await pushed(it, platform, first)
            assert good.state is State.READY, await platform.log(good)
            found = await get(domain)
            assert (found["built"], found["mode"]) == ("live", "production")
            bad = await pushed(it, platform, second)
            assert bad.state is State.FAILED
            assert "pnpm-lock.yaml" in "".join(await platform.log(bad))

    anyio.run(calls)


@pytest.mark.long
def test_the_example_is_built_and_its_web_app_served(tmp_path: Path) -> None:
    source = copy_example(tmp_path / "source")
    first = repository(source, {})

    async def calls() -> None:
        more = {"root": "apps/web", "command": ("pnpm", "build"), "start": ("node_modules/.bin/vite", "preview")}
        build = pnpm(cache_directory())
        async with world(tmp_path / "vercel", source, build=build, **more) as (it, platform, domain):
            good = await pushed(it, platform, first)
            assert good.state is State.READY, await platform.log(good)
            assert (await get(f"{domain}/version.json"))["commit"] == first

    anyio.run(calls)
