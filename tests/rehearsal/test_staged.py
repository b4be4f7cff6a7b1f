"""The world as somebody finds it who is about to promote: staging serves, a clone to work in, all of it connected."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.from_thread
import httpx
import pytest

from ci import config
from ci.errors import ExitCode
from ci.executors.cache import cache_directory
from ci.model import Toolchain
from ci.promotion.connected import connected
from ci.rehearsal.pushing import push_commit
from ci.rehearsal.tenancy import STAGING
from ci.rehearsal.world import World, world
from ci.toolchains import versions
from ci.toolchains.catalogue import provide
from ci.toolchains.chromium import COMMAND
from ci.vendors.platform import Deployment, Order
from tests.conftest import ROOT, command, environment
from tests.rehearsal.test_world import is_running
from tests.vendors.npm import installed, played

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anyio.from_thread import BlockingPortal

pytestmark = pytest.mark.long

NAMES = ("development", "staging", "production")
ACCOUNT = {"name": "Ada", "password": "correct horse battery"}
Ran = subprocess.CompletedProcess[str]


class Staged:
    """A world that is up, in a thread of its own, and Shipway run in its checkout."""

    def __init__(self, made: World, portal: BlockingPortal, state: Path) -> None:
        """Have a state of its own."""
        self.made = made
        self.state = state
        self._portal = portal

    @property
    def checkout(self) -> Path:
        """Where a user works."""
        assert self.made.checkout is not None
        return self.made.checkout

    def run(self, *words: str, **variables: str) -> Ran:
        """Run Shipway as a user does; without the world's variables where others are given."""
        env = environment(self.state, **(variables or self.made.variables))
        argv = command(*words)
        return subprocess.run(
            argv, cwd=self.checkout, env=env, capture_output=True, text=True, timeout=300, check=False
        )

    def push(self, edits: dict[str, str | None], message: str) -> str:
        """Push a commit to main."""
        return self._portal.call(functools.partial(push_commit, self.made, edits, message))


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    """Start a world, once; nothing of it is left afterwards."""
    directory = tmp_path_factory.mktemp("staged")
    before = _below(os.getpid())
    began = world(
        directory / "world",
        example=ROOT / "examples/receipts",
        cache=cache_directory(),
        note=lambda _: None,
        staged=(STAGING,),
    )
    with anyio.from_thread.start_blocking_portal() as portal, portal.wrap_async_context_manager(began) as made:
        yield Staged(made, portal, directory / "state")
        during = _below(os.getpid())
    left = {pid: told for pid, told in during.items() if pid not in before and is_running(pid, told)}
    assert left == {}


def _below(parent: int) -> dict[int, str]:
    """The command lines of the processes below one, by their ids."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], check=True, capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    found = {parent: ""}
    for _ in range(3):  # ids begin again at small ones
        found |= {int(pid): arguments for pid, above, arguments in rows if int(above) in found}
    return {pid: told for pid, told in found.items() if told and not told.startswith("ps ")}


def test_the_doctor_finds_every_environment_well_each_in_a_process_of_its_own(staged: Staged) -> None:
    for name in NAMES:  # each records what it has, with which the others are compared
        staged.run("doctor", "--env", name)
    for name in NAMES:
        done = staged.run("doctor", "--env", name, "--json")
        found = json.loads(done.stdout)
        assert (done.returncode, {each["state"] for each in found}) == (ExitCode.PASSED, {"fine"}), done.stdout
    says = {each["what"]: each["says"] for each in found}
    assert (says["app api"], says["app web"]) == ("serves nothing yet", "serves nothing yet")
    assert "answered by api in development, api in staging" in says["isolation"]


def test_without_the_worlds_variable_its_stand_ins_are_refused(staged: Staged) -> None:
    done = staged.run("doctor", "--env", "staging", "--json", SHIPWAY_REHEARSAL="")
    isolation = next(each for each in json.loads(done.stdout) if each["what"] == "isolation")
    assert (done.returncode, isolation["state"]) == (ExitCode.GATE_REFUSED, "wrong")
    assert "staging points at a stand-in of GitHub, Vercel, Neon, Stripe" in isolation["says"]


def test_staging_serves_the_first_commit_and_passes_its_smoke(staged: Staged) -> None:
    first = staged.made.commit
    done = staged.run("smoke", "staging", "--commit", first)
    assert done.returncode == ExitCode.PASSED, done.stdout + done.stderr
    standings = json.loads(staged.run("status", "--json").stdout)["environments"]
    served = {each["environment"]: {app["app"]: app["commit"] for app in each["served"]} for each in standings}
    assert served["staging"] == {"api": first, "web": first}
    assert served["production"] == {"api": None, "web": None}
    there = ["git", "ls-remote", "--heads", "origin"]
    listed = subprocess.run(there, cwd=staged.checkout, capture_output=True, text=True, check=True).stdout
    heads = {line.split("refs/heads/")[1]: line.split()[0] for line in listed.splitlines()}
    assert (heads["staging"], heads["prod"]) == (first, first)


def test_the_projects_are_left_to_whoever_promotes(staged: Staged) -> None:
    settings = config.load(staged.checkout)

    async def calls() -> list[Any]:
        found = []
        for name in NAMES[1:]:
            async with connected(settings, name, root=staged.checkout) as made:
                assert made.vercel is not None
                assert made.settings.vercel is not None
                found += [await made.vercel.require_project(each) for each in made.settings.vercel.projects.values()]
        return found

    projects = anyio.run(calls)
    assert {each.deploys_on_push for each in projects} == {False}
    assert {each.auto_assign for each in projects} == {False}


def test_a_commit_that_is_pushed_arrives_at_development_alone(staged: Staged) -> None:
    commit = staged.push({"apps/api/src/note.ts": "export const note = 'pushed';\n"}, "A note")
    at = staged.made.apps
    with httpx.Client(trust_env=False) as client:
        deadline = time.monotonic() + 180
        while any(_served(client, address) != commit for address in at["development"].values()):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert {_served(client, address) for address in at["staging"].values()} == {staged.made.commit}


def test_a_candidate_works_in_a_browser_at_its_own_address_and_for_no_foreign_page(
    staged: Staged, tmp_path: Path
) -> None:
    async def calls() -> tuple[Any, str]:
        settings = config.load(staged.checkout)
        async with connected(settings, "staging", root=staged.checkout) as made:
            assert made.platform is not None
            order = Order(app="api", commit=staged.made.commit, branch="main", key="candidate")
            api = await made.platform.wait(await made.platform.deploy(order))
            web = await made.platform.wait(await made.platform.deploy(_with(order, api)))
        place = await installed("person", tmp_path, among=ROOT / "tests/rehearsal")
        toolchain = Toolchain(name="browser", tools={"chromium": versions.CHROMIUM})
        browser = await provide(toolchain, cache=tmp_path / "cache", note=lambda _: None)
        program = str(next(path for each in browser.path if (path := Path(each, COMMAND)).exists()))
        environment = browser.environment
        told = await played(place, web.address, program, environment=environment, program="newcomer.mjs")
        return told, web.address

    told, address = anyio.run(calls)
    assert told == {"there": True, "origin": address}
    assert address not in staged.made.apps["staging"].values()
    with httpx.Client(base_url=address, trust_env=False) as client:
        for origin in ("https://evil.test", "null"):
            account = {**ACCOUNT, "email": f"{len(origin)}@example.test"}
            answer = client.post("/api/auth/sign-up/email", json=account, headers={"origin": origin})
            assert answer.status_code == httpx.codes.FORBIDDEN, answer.text


def _with(order: Order, api: Deployment) -> Order:
    """The order for the web app, which is given its release's API."""
    return Order(app="web", commit=order.commit, branch=order.branch, key=order.key, variables={"API_URL": api.address})


def _served(client: httpx.Client, address: str) -> str | None:
    """The commit that an app says it serves."""
    for path in ("/version.json", "/version"):
        answer = client.get(f"{address}{path}")
        if answer.is_success and answer.headers["content-type"].startswith("application/json"):
            return str(answer.json()["commit"])
    return None
