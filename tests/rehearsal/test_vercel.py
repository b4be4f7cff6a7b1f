"""The stand-in's other half: real clones, real builds, real processes behind a real switch."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from ci.executors.cache import cache_directory
from ci.rehearsal.vercel import pnpm
from ci.vendors.pace import until
from ci.vendors.platform import Order as Wanted
from ci.vendors.platform import State
from tests.conftest import copy_example
from tests.rehearsal.vercel_world import QUICK, SERVER, get, has_ended, pushed, repository, world

if TYPE_CHECKING:
    from pathlib import Path

    from ci.vendors.vercel.values import Spoken


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


def test_a_protected_address_lets_in_only_who_shows_the_secret_and_the_domains_stay_open(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})

    async def calls() -> None:
        async with (
            world(tmp_path / "vercel", source) as (it, platform, domain),
            httpx.AsyncClient(timeout=30) as client,
        ):
            one = await pushed(it, platform, first)
            draft = await pushed(it, platform, first, branch="feature")

            async def status(address: str, **headers: str) -> int:
                return (await client.get(address, headers=headers)).status_code

            it.set_project("web", login="preview")
            assert [await status(each) for each in (one.address, draft.address, domain)] == [200, 401, 200]
            it.set_project("web", login="prod_deployment_urls_and_all_previews", password="s3cret")  # noqa: S106 - of a stand-in
            assert [await status(each) for each in (one.address, draft.address, domain)] == [401, 401, 200]
            assert await status(one.address, **{"x-vercel-protection-bypass": "wrong"}) == 401
            assert await status(one.address, **await platform.passage("web")) == 200

    anyio.run(calls)


def test_what_a_deployment_says_is_heard_as_it_says_it_and_not_what_it_said_before(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})

    async def calls() -> None:
        async with world(tmp_path / "vercel", source) as (it, platform, _):
            one = await pushed(it, platform, first)
            found: list[Spoken] = []

            async def listen() -> None:
                found.extend(await platform.client.spoken("web", one.id, seconds=3))

            await get(f"{one.address}/before")
            async with anyio.create_task_group() as group, httpx.AsyncClient() as client:
                group.start_soon(listen)
                while not it._host._ears.get(one.id):  # type: ignore[attr-defined] # noqa: ASYNC110, SLF001 - nobody is told
                    await anyio.sleep(0.01)
                await client.get(f"{one.address}/while")
            assert [(each.level, each.message) for each in found] == [("error", "asked for /while")]

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
        other = {"production": {"GREETING": "changed"}}
        async with world(tmp_path / "vercel", source, variables=other) as (it, platform, again):
            assert again == domain
            assert (await get(domain))["VERCEL_GIT_COMMIT_SHA"] == second
            assert (await get(one.address))["VERCEL_GIT_COMMIT_SHA"] == first
            assert {(await get(each.address))["GREETING"] for each in (one, two)} == {"live"}
            third = await pushed(it, platform, first)
            assert (await get(third.address))["GREETING"] == "changed"
            assert [each.id for each in await platform.candidates("web")] == [two.id, one.id]

    anyio.run(calls)


def test_deployments_end_when_we_are_killed(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})
    program = f"""
import anyio, sys
from pathlib import Path
from tests.rehearsal.vercel_world import get, pushed, world
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

    assert anyio.run(has_ended, pid)


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

            assert await has_ended(pid)
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
