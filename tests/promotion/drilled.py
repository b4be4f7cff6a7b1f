"""A town whose staging can be drilled: probes, a watch of seconds, a monitor, and people who are told by stand-ins.

drilled.py DIRECTORY SCENARIO WHERE is a process of its own in such a town that is up: it goes on with the drill that is
begun, or begins one, and is killed behind an entry of the journal, which is told by its number or as STEP/result.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import httpx

from ci.journal import leases
from ci.promotion.carrying import drill
from ci.promotion.drills.beginning import Asked, begin, going_on, make_commit, served_now
from ci.promotion.drills.scenario import SCENARIOS
from ci.rehearsal.mark import LOCK, VARIABLE, leave
from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.resend import KEYS, Resend
from ci.rehearsal.serving import serving
from tests.conftest import ROOT, command, environment
from tests.promotion import toy
from tests.promotion.table import Unheld
from tests.promotion.town import Town, opened, promotion, town
from tests.promotion.townplan import APPS, POINTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ci.journal import Entry, Flow, Journal
    from ci.promotion.flow import Ended
    from ci.promotion.promoting import Promotion

ROUTING = "e0" + "k" * 30
PROBES = """
[[smoke]]
name = "closed"
point = "auth"
app = "api"
requests = [{ path = "/closed", status = 401 }]
within = 0.8
""" + "".join(
    f"""
[[smoke]]
name = "{point}"
point = "{point}"
app = "api"
requests = [{{ path = "/smoke/{point}" }}]
within = 0.8
"""
    for point in POINTS
)
WATCH = """
[watch]
warm_up = 0.1
window = 4.0
extended = 8.0
looks = 4
armed = 20.0
every = 0.5
lag = 0.1
alive = 5.0
app = "api"
target = 0.1
routes = [{ name = "list", path = "/list" }]
"""
NOTIFY = """
[environments.staging.notify]
issues = "github"

[environments.staging.notify.email]
from = "Shipway <shipway@receipts.test>"
to = ["team@acme.test"]
resend = {{ key = "file://{secrets}/resend", address = "{resend}" }}

[environments.staging.notify.pagerduty]
key = "file://{secrets}/pagerduty"
address = "{pagerduty}/v2"
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """The town, and who is told."""

    town: Town
    resend: Resend
    pagerduty: PagerDuty

    @property
    def journal(self) -> Journal:
        """The journal beside it."""
        return self.town.journal

    def told(self) -> dict[str, list[tuple[str, str]]]:
        """Who was told what, and how that stands: mails by subject, pages by summary, issues by title."""
        return {
            "mails": [(str(each["subject"]), "sent") for each in self.resend.mails.values()],
            "pages": [(str(each["summary"]), str(each["status"])) for each in self.pagerduty.incidents.values()],
            "issues": [(str(each["title"]), str(each["state"])) for each in self.town.github.state.issues.values()],
        }

    async def served(self) -> dict[str, tuple[str, str]]:
        """What users of staging get of each app: the commit that it says, and the deployment that the platform says."""
        found = {}
        async with httpx.AsyncClient(trust_env=False) as client, promotion_of(self.town) as made:
            for name in APPS:
                [deployment] = await made.platform.serving(name)
                answer = await client.get(f"{self.town.settings.environments.staging.addresses[name]}/version")
                found[name] = (answer.json()["commit"], deployment.id)
        return found


@contextlib.asynccontextmanager
async def promotion_of(place: Town) -> AsyncIterator[Promotion]:
    """Give a promotion in the town that only looks."""
    async with promotion(place.root, place.journal, place.first) as (made, _):
        yield made


@contextlib.asynccontextmanager
async def drilled(
    directory: Path, *, smoke: bool = True, watch: bool = True, dsn: bool = True, notify: bool = True, soak: float = 0.2
) -> AsyncIterator[Place]:
    """Give a place with all of these, or without some."""
    secrets = directory / "told"
    secrets.mkdir(parents=True)
    (secrets / "resend").write_text(next(iter(KEYS)))
    (secrets / "pagerduty").write_text(ROUTING)
    resend, pagerduty = Resend(directory, rate=10_000), PagerDuty(directory)
    async with serving(resend) as post, serving(pagerduty) as pager:
        more = (PROBES if smoke else "") + (WATCH if watch else "")
        more += NOTIFY.format(secrets=secrets, resend=post, pagerduty=pager) if notify else ""
        async with town(directory, dsn=dsn, more=more, soak=soak) as place:
            yield Place(town=place, resend=resend, pagerduty=pagerduty)


async def begun(root: Path, journal: Journal, commit: str, scenario: str, *, anyway: bool = False) -> Flow:
    """Begin a drill, or find the one that goes on."""
    known = going_on(journal)
    if known is not None:
        return known
    async with promotion(root, journal, commit) as (made, fence):
        fence.held = Unheld()  # type: ignore[assignment]
        served = await served_now(made.settings, made.platform)
        drilled_ = await make_commit(made.github, served, SCENARIOS[scenario])
    return begin(journal, drilled_, served, Asked(scenario=SCENARIOS[scenario], anyway=anyway))


async def play(
    place: Place,
    scenario: str,
    *,
    journal: Journal | None = None,
    anyway: bool = False,
    rehearsal: bool = True,
) -> Ended:
    """Play a scenario to its end."""
    journal = journal or place.journal
    flow = await begun(place.town.root, journal, place.town.first, scenario, anyway=anyway)
    async with promotion(place.town.root, journal, flow.commit, rehearsal=rehearsal) as (made, fence):
        return await drill(made, flow, fence, toy.Quiet())


@contextlib.contextmanager
def marked(place: Place) -> Iterator[dict[str, str]]:
    """Give the environment of a process for which the town is a rehearsal's world, with the town's journal."""
    world, settings = place.town.directory / "world", place.town.settings
    world.mkdir(exist_ok=True)
    assert settings.github is not None
    addresses = [settings.github.address]
    for _, each in settings.environments:
        services = (each.vercel, each.neon, each.stripe, each.sentry)
        addresses += [service.address for service in services if service is not None]
        addresses += [*each.notify.addresses.values(), *each.addresses.values()]
    leave(world, addresses)
    with (world / LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        around = environment(place.town.directory / "cache", SHIPWAY_STATE=str(place.town.directory / "journal"))
        yield {**around, VARIABLE: str(world)}


async def asked(place: Place, around: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run the tool in the workspace, where the town is up."""

    def run() -> subprocess.CompletedProcess[str]:
        argv, at = command(*words), place.town.directory
        return subprocess.run(argv, cwd=at, env=around, capture_output=True, text=True, timeout=240, check=False)

    return await anyio.to_thread.run_sync(run)


def killed(place: Place, scenario: str, where: str) -> int:
    """Have a process play it and be killed there; return how it ended."""
    argv = [sys.executable, "-P", "-m", "tests.promotion.drilled", str(place.town.directory), scenario, where]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(argv, cwd=ROOT, env=env, check=False, timeout=240).returncode


def main() -> None:
    """Play in a place that is up, and be killed behind an entry of the journal."""
    directory, scenario, where = Path(sys.argv[1]), *sys.argv[2:4]
    journal = opened(directory)

    def heard(entry: Entry) -> None:
        if where in {str(entry.number), f"{entry.step}/{entry.kind}"}:
            os.kill(os.getpid(), signal.SIGKILL)

    async def go() -> None:
        root = directory / "work"
        flow = await begun(root, journal, "HEAD", scenario)
        async with promotion(root, journal, flow.commit) as (made, fence):
            await drill(made, flow, fence, toy.Quiet())

    journal.flows.heard = heard
    journal.leases.life = 3.0
    leases.BEAT, leases.GRACE = 0.5, 0.2
    anyio.run(go)


if __name__ == "__main__":
    main()
