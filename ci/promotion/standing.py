"""How each environment stands: what its apps serve, what goes on in it, what bars it, what a person can do next."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from ci import processes
from ci.errors import ShipwayError
from ci.journal import State
from ci.journal.incidents import Stage
from ci.journal.releases import Proof
from ci.journal.timings import DRILL
from ci.promotion import overseeing, releasing, soaking
from ci.promotion.asking import commit_of
from ci.promotion.deploying import read_deployment
from ci.promotion.flow import INTENT, RESULT
from ci.promotion.promoting import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ci.journal import Entry, Flow, Journal
    from ci.journal.bars import Freeze, Pin
    from ci.journal.incidents import Incident
    from ci.journal.timings import Timing
    from ci.settings import Settings
    from ci.settings.environments import App, Environment

PROMOTED = ("staging", "production")
CYCLES = ("diagnosis", "fix", "revert")  # the kinds of flow that mend an incident
REVIEWS = {"review": "fix", "revert's review": "taken back"}  # where a person is waited for, and what asked for that
MAIN = "main"


@dataclass(frozen=True, kw_only=True)
class Served:
    """What an app serves; None where it does not say, and `trouble` why. `behind` counts main's commits after it."""

    app: str
    commit: str | None
    behind: int | None = None
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a gate said of a flow."""

    gate: str
    ruling: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Window:
    """A testing window: how many seconds it still takes, and how often each test passed and failed in it."""

    left: float
    passed: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class Going:
    """A flow that goes on, or the one that was last. `step` is what it is at, since when in seconds since 1970.

    `addresses` are where the team uses a release first, app by app, and `left` is for how many seconds.
    """

    id: str
    kind: str
    commit: str
    state: str
    reason: str | None
    step: str | None = None
    since: float | None = None
    window: Window | None = None
    gates: tuple[Gate, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    left: float | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How an environment stands. `holder` holds its lease now, `drill` is the last one that was played there.

    `release` is the commit of the release that its apps serve, of which some may have been built from earlier ones.
    """

    environment: str
    branch: str
    served: tuple[Served, ...]
    flows: tuple[Going, ...] = ()
    holder: str | None = None
    frozen: Freeze | None = None
    incidents: tuple[Incident, ...] = ()
    drill: Timing | None = None
    release: str | None = None


@dataclass(frozen=True, kw_only=True)
class Main:
    """How main stands: what it is red with, what goes on to mend that or another incident, and what is to be reviewed.

    `reviews` are the addresses of pull requests.
    """

    branch: str
    incidents: tuple[Incident, ...] = ()
    flows: tuple[Going, ...] = ()
    reviews: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Main, all environments that are configured, what is pinned out of them, and the next command for the reader."""

    environments: tuple[Standing, ...]
    main: Main
    pins: tuple[Pin, ...] = ()
    command: str = ""


async def overview(settings: Settings, journal: Journal, root: Path) -> Overview:
    """Return how all stand that are configured. Apps that cannot be asked are told, not raised."""
    main = settings.environments.development.branch
    found: dict[str, Standing] = {}

    async def ask(name: str, environment: Environment) -> None:
        served = [await _served(app, environment, root, main) for app in settings.apps if app.serves]
        standing = await anyio.to_thread.run_sync(_standing, name, settings, journal, served)
        if standing.release is not None:  # what was built earlier is as new as the release that holds it
            behind = await _behind(root, standing.release, main)
            standing = replace(standing, served=tuple(replace(each, behind=behind) for each in standing.served))
        found[name] = standing

    async with anyio.create_task_group() as group:
        for name, environment in settings.environments:
            if environment != type(environment)():
                group.start_soon(ask, name, environment)
    every = tuple(found[name] for name, _ in settings.environments if name in found)
    pins = await anyio.to_thread.run_sync(journal.bars.pins)
    own = await anyio.to_thread.run_sync(_main, main, settings, journal)
    command = _command(every, own, await _newest(root, main))
    return Overview(environments=every, main=own, pins=pins, command=command)


def _main(branch: str, settings: Settings, journal: Journal) -> Main:
    flows = journal.flows.going_on(*CYCLES)
    every = tuple(_going(each, settings, journal) for each in flows)
    reviews = []
    for each in every:
        asked = journal.flows.results(each.id).get(REVIEWS.get(each.step or "", ""), {})
        reviews += [str(asked["url"])] if "url" in asked else []
    incidents = journal.incidents.going_on(environment=MAIN)
    return Main(branch=branch, incidents=incidents, flows=every, reviews=tuple(reviews))


def _standing(name: str, settings: Settings, journal: Journal, served: Sequence[Served]) -> Standing:
    lease = journal.leases.of(name)
    recent = journal.flows.recent(name)
    shown = [flow for flow in recent if flow.is_open] or [flow for flow in recent if flow.kind != DRILL][:1]
    drills = journal.timings.recent(DRILL, environment=name, limit=1)
    return Standing(
        environment=name,
        branch=getattr(settings.environments, name).branch,
        served=tuple(served),
        flows=tuple(_going(flow, settings, journal) for flow in shown),
        holder=lease.holder if lease else None,
        frozen=journal.bars.frozen(name),
        incidents=journal.incidents.going_on(environment=name),
        drill=drills[0] if drills else None,
        release=_release(name, journal, served),
    )


def _release(name: str, journal: Journal, served: Sequence[Served]) -> str | None:
    """Return the commit of the newest release, where the apps serve what it is made of."""
    newest = next((each for each in journal.releases.of(name) if each.state is not Proof.ROLLED_BACK), None)
    if newest is None or not served:
        return None
    built = [str(newest.deployments.get(each.app, {}).get("commit") or "") for each in served]
    same = all(each.commit and own.startswith(each.commit) for each, own in zip(served, built, strict=True))
    return newest.commit if same else None


def _going(flow: Flow, settings: Settings, journal: Journal) -> Going:
    entries = journal.flows.entries(flow.id)
    gates = tuple(
        Gate(gate=each.gate, ruling=each.ruling.value, reason=each.reason)
        for entry in entries
        if entry.kind == RESULT
        for each in read(entry.facts)
    )
    step = since = window = None
    last = entries[-1] if entries else None
    if flow.state is State.WAITING:
        staged = flow.environment == PROMOTED[0]
        step, window = (soaking.STEP, _window(flow, settings, journal)) if staged else (overseeing.ARMED, None)
    elif flow.state in {State.RUNNING, State.PAUSED} and last is not None and last.kind == INTENT:
        step, since = last.step, last.moment
    lasting = settings.promotion.dogfood
    first = flow.state is State.PAUSED and step == releasing.DOGFOOD
    return Going(
        id=flow.id,
        kind=flow.kind,
        commit=flow.commit,
        state=flow.state.value,
        reason=flow.reason,
        step=step,
        since=since,
        window=window,
        gates=gates,
        addresses=_addresses(entries, settings) if first else {},
        left=round(releasing.first_use_left(entries, lasting), 1) if first and lasting is not None else None,
    )


def _addresses(entries: Sequence[Entry], settings: Settings) -> dict[str, str]:
    """Return the addresses of a release's own, app by app."""
    facts = {entry.step: entry.facts for entry in entries if entry.kind == RESULT}
    return {
        app.name: read_deployment(found).address for app in settings.apps if (found := facts.get(f"deploy {app.name}"))
    }


def _window(flow: Flow, settings: Settings, journal: Journal) -> Window | None:
    """Return how a window stands by the settings that are here; None before the commit was served."""
    servings = journal.servings.of(flow.environment)
    since = next((each.moment for each in servings if each.flow == flow.id), None)
    if since is None:
        return None
    repeats = journal.servings.repeats(flow.environment, since=since)
    passed = sum(each.passed for each in repeats)
    left = max(0.0, since + settings.promotion.soak - time.time())
    return Window(left=round(left, 1), passed=passed, failed=len(repeats) - passed)


def _command(every: Sequence[Standing], main: Main, newest: str | None) -> str:
    """Return the next command for the reader: what is unfinished goes first, then what bars, then what is new."""
    promoted = [each for each in every if each.environment in PROMOTED]
    for standing in promoted:
        states = {flow.state for flow in standing.flows}
        if standing.holder is not None:
            return "shipway status"  # somebody is at it
        if State.RUNNING in states:
            return f"shipway resume {standing.environment}"
        if State.PAUSED in states:
            first = any(flow.left is not None for flow in standing.flows)
            return "shipway tick" if first else f"shipway approve {standing.environment}"
        if State.WAITING in states:
            return "shipway tick"
        bars = next((each for each in (*standing.incidents, *main.incidents) if each.commit == newest), None)
        if bars is not None:
            return _mending(bars)
        if _has_newest(standing, every):
            continue
        if standing.frozen is not None:
            return f"shipway unfreeze {standing.environment}"
        return f"shipway promote {standing.environment}"
    return "git push" if promoted else ""


def _mending(incident: Incident) -> str:
    """Return what goes on with an incident: a search for its cause, its fix as far as it is, or a person's commit."""
    known = {Stage.ESCALATED: "git push", Stage.FIXING: "shipway tick"}
    return known.get(incident.state, f"shipway diagnose {incident.id}")


def _has_newest(standing: Standing, every: Sequence[Standing]) -> bool:
    """Whether there is nothing to be promoted there: main has nothing new or, for production, staging has not."""
    if standing.environment == PROMOTED[0]:
        return all(each.behind == 0 for each in standing.served)
    before = next((each for each in every if each.environment == PROMOTED[0]), None)
    served = {each.commit for each in standing.served} if standing.release is None else {standing.release}
    return before is None or None in served or served == {each.commit for each in before.served}


async def _served(app: App, environment: Environment, root: Path, main: str) -> Served:
    address = environment.addresses.get(app.name)
    if address is None or app.serves is None:
        return Served(app=app.name, commit=None, trouble="no address is configured")
    try:
        commit = await commit_of(app.name, address, app.serves)
    except ShipwayError as error:
        return Served(app=app.name, commit=None, trouble=error.message)
    return Served(app=app.name, commit=commit, behind=await _behind(root, commit, main))


async def _behind(root: Path, commit: str, main: str) -> int | None:
    """Count the commits of main that a commit does not have; None where git does not know them here."""
    told = await _of_main(root, main, "rev-list", "--count", f"{commit}..{{}}", "--")
    return None if told is None else int(told)


async def _newest(root: Path, main: str) -> str | None:
    return await _of_main(root, main, "rev-parse", "--verify", "--quiet", "{}")


async def _of_main(root: Path, main: str, *words: str) -> str | None:
    """Ask git about main, as it was fetched last, else as it is here; None where it does not know it."""
    for branch in (f"refs/remotes/origin/{main}", f"refs/heads/{main}"):
        argv = ["git", *(word.replace("{}", branch) for word in words)]
        done = await processes.run(argv, cwd=root, timeout=30)
        if done.code == 0:
            return done.text.strip()
    return None
