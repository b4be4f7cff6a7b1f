"""What becomes of deployments: when they run, when they end, what they keep, and what goes wrong with them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.rehearsal import ports
from ci.rehearsal.github.people import AUTHOR
from ci.rehearsal.github.state import State as GitHost
from ci.rehearsal.memory import Memory
from ci.rehearsal.vercel import Order, Project, Site
from ci.vendors.pace import until
from ci.vendors.platform import Order as Wanted
from ci.vendors.platform import State
from ci.vendors.vercel.values import Ready
from tests.rehearsal.vercel_world import QUICK, SERVER, clone, get, has_ended, pushed, repository, world

if TYPE_CHECKING:
    from pathlib import Path

    from ci.rehearsal.vercel import Vercel
    from ci.rehearsal.vercel.building import Say


async def running(it: Vercel, wanted: set[str]) -> bool:
    """Wait until these deployments run and no others."""

    async def look() -> bool | None:
        return it._waking.running() == wanted or None  # noqa: SLF001 - how many processes there are

    return await until(look, QUICK) is True


def test_a_preview_runs_when_it_is_asked_and_until_nobody_asks_and_production_stays_warm(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})

    async def calls() -> None:
        async with world(tmp_path / "vercel", source, idle=0.2) as (it, platform, domain):
            live = await pushed(it, platform, first)
            drafts = [await pushed(it, platform, first, branch=name) for name in ("one", "two")]
            assert await running(it, {live.id})
            pids = [(await get(drafts[0].address))["pid"] for _ in range(2)]
            assert len(set(pids)) == 1
            assert await running(it, {live.id})
            assert await has_ended(pids[0])
            assert (await get(drafts[0].address))["GREETING"] == "draft"
            pid = (await get(domain))["pid"]
            await anyio.sleep(0.5)
            assert (await get(domain))["pid"] == pid

    anyio.run(calls)


def test_a_preview_that_cannot_be_started_answers_as_vercel_does_and_others_go_on(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})

    async def calls() -> None:
        variables = {"preview": {"BROKEN": "1"}}
        async with world(tmp_path / "vercel", source, variables=variables) as (it, platform, domain):
            await pushed(it, platform, first)
            draft = await pushed(it, platform, first, branch="feature")
            async with httpx.AsyncClient(timeout=30) as client:
                answer = await client.get(draft.address)
            assert (answer.status_code, answer.headers["x-vercel-error"]) == (502, "FUNCTION_INVOCATION_FAILED")
            assert (await get(domain))["VERCEL_GIT_COMMIT_SHA"] == first

    anyio.run(calls)


@pytest.mark.parametrize(
    ("root", "start", "why"),
    [
        ("apps/missing", (sys.executable, "server.py"), "cannot be started"),
        (".", ("no-such-program",), "no-such-program: No such file"),
        (".", (), "no command that serves it"),
    ],
)
def test_what_cannot_even_be_started_is_a_deployment_that_failed(
    tmp_path: Path, root: str, start: tuple[str, ...], why: str
) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})

    async def build(order: Order, say: Say) -> Site:
        site = await clone(order, say)
        return Site(argv=site.argv, directory=site.directory / order.root, environment=site.environment)

    async def calls() -> None:
        more: dict[str, Any] = {"root": root, "start": start, "build": build}
        async with world(tmp_path / "vercel", source, **more) as (it, platform, _):
            bad = await pushed(it, platform, first)
            assert bad.state is State.FAILED
            assert why in "\n".join(await platform.log(bad))
            assert await platform.serving("web") == ()

    anyio.run(calls)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is below a process")
def test_nothing_is_left_of_a_build_and_of_what_serves_when_we_are_killed(tmp_path: Path) -> None:
    source = tmp_path / "source"
    command = "if test -e slow; then sleep 300 & echo $! > ../../../pid; wait; fi; true"
    first = repository(source, {"server.py": SERVER})
    second = repository(source, {"slow": ""})
    program = f"""
import anyio
from pathlib import Path
from tests.rehearsal.vercel_world import get, pushed, world
async def main():
    more = {{"command": ("sh", "-c", {command!r}), "start": ("sh", "-c", {f"{sys.executable} server.py; true"!r})}}
    async with world(Path({str(tmp_path / "vercel")!r}), Path({str(source)!r}), **more) as (it, platform, domain):
        await pushed(it, platform, {first!r})
        it.pushed("feature", {second!r})
        print((await get(domain))["pid"], flush=True)
        await anyio.sleep_forever()
anyio.run(main)
"""
    pid = tmp_path / "vercel/pid"

    async def written() -> int | None:
        return int(pid.read_text()) if pid.exists() and pid.read_text().endswith("\n") else None

    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}) as process:
        assert process.stdout is not None
        serves = int(process.stdout.readline())
        builds = anyio.run(until, written, QUICK)
        process.send_signal(signal.SIGKILL)
    assert builds is not None
    for each in (serves, builds):
        assert anyio.run(has_ended, each)


def test_an_address_is_ours_from_the_order_on_and_below_those_that_connections_get(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})

    async def calls() -> None:
        async with world(tmp_path / "vercel", source, command=("sleep", "300")) as (it, platform, domain):
            for number in range(3):  # the last one waits in the queue
                made = await platform.deploy(Wanted(app="web", commit=first, branch="main", key=str(number)))
            await anyio.sleep(0.1)
            port = int(made.address.rpartition(":")[2])
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", port))
            async with httpx.AsyncClient(timeout=30) as client:
                assert (await client.get(made.address)).headers["x-vercel-error"] == "DEPLOYMENT_NOT_FOUND"
            if ports.RANGE.exists() and (first_given := int(ports.RANGE.read_text().split()[0])) > ports.LAST:
                assert max(port, int(domain.rpartition(":")[2])) < first_given
            for each in await platform.client.deployments("web"):
                await it_ends(it, each.id)

    async def it_ends(it: Vercel, name: str) -> None:
        it._deploying.cancel(name)  # noqa: SLF001 - as its API does it

    anyio.run(calls)


def test_builds_fail_take_their_time_or_wait_for_a_person_when_they_are_told_to(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})

    async def calls() -> None:
        async with world(tmp_path / "vercel", source) as (it, platform, _):
            address = f"{platform.client.exchange.address}/_stand-in/builds"
            await it.add(Project(name="other", repository=str(source), start=(sys.executable, "server.py")))
            async with httpx.AsyncClient() as client:
                fail = {"project": "web", "kind": "fail", "reason": "out of memory"}
                assert (await client.post(address, json=fail)).status_code == 204
                for wrong in ({"kind": "sad"}, {"kind": "fail", "times": 0}, {"kind": "slow", "seconds": "x"}, [1]):
                    assert (await client.post(address, json=wrong)).status_code == 400
            bad = await pushed(it, platform, first)
            assert (bad.state, bad.reason) == (State.FAILED, "out of memory")

            async def is_gone() -> bool | None:  # what it had is tidied up once it has failed
                return not (tmp_path / "vercel/deployments" / bad.id).exists() or None

            assert await until(is_gone, QUICK)
            other = it.account.of(it.account.project("other") or {})
            assert [each["error"] for each in other] == [None]

            it.builds.add(kind="blocked", project="web")
            it.pushed("main", first)
            (blocked, *_) = await platform.client.deployments("web", commit=first)

            async def is_blocked() -> bool | None:
                found = await platform.client.deployment(blocked.id)
                return (found is not None and found.ready is Ready.BLOCKED) or None

            assert await until(is_blocked, QUICK)
            it.builds.add(kind="slow", project="web", seconds=300)
            it.pushed("main", first)
            (slow, *_) = await platform.client.deployments("web", commit=first)

            async def is_building() -> bool | None:  # which it is for as long as nobody cancels it
                found = await platform.client.deployment(slow.id)
                return (found is not None and found.ready is Ready.BUILDING) or None

            assert await until(is_building, QUICK)
            await platform.client.cancel(slow.id)
            assert (await pushed(it, platform, first)).state is State.READY

    anyio.run(calls)


def test_what_was_pushed_while_nobody_listened_is_deployed_at_the_next_start_and_once(tmp_path: Path) -> None:
    source = tmp_path / "source"
    first = repository(source, {"server.py": SERVER})
    second = repository(source, {"more.txt": "x"})
    memory = Memory(tmp_path / "github.sqlite")
    host = GitHost(memory, tmp_path / "host", "acme/web", (AUTHOR,))

    async def calls() -> None:
        await host.moved("main", None, first, AUTHOR)
        async with world(tmp_path / "vercel", source, pushes=host.pushes.values) as (it, platform, _):
            await pushed(it, platform, first)
        host.on_push.append(lambda branch, _, after: it.pushed(branch, after or ""))
        await host.moved("main", first, second, AUTHOR)  # nobody listens, and the push does not fail by it
        await host.moved("gone", None, first, AUTHOR)
        await host.moved("gone", first, None, AUTHOR)
        for _ in range(2):
            async with world(tmp_path / "vercel", source, pushes=host.pushes.values) as (again, _, domain):

                async def serves() -> bool | None:
                    return (await get(domain))["VERCEL_GIT_COMMIT_SHA"] == second or None

                assert await until(serves, QUICK)
                found = [each["commit"] for each in again.account.of(again.account.project("web") or {})]
                assert found == [second, first]

    anyio.run(calls)
    memory.close()
