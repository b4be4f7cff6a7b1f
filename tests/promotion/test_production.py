from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from ci.errors import ExitCode
from ci.journal import Journal, State
from ci.journal.releases import Proof
from ci.model import Status
from ci.promoted import exit_code
from ci.promotion.adopting import adopt
from ci.promotion.flow import RESULT
from ci.promotion.promoting import read
from ci.promotion.rolling_back import BACK, FAILED, MIXED, outcome
from ci.rehearsal.github import PEOPLE, SLUG
from tests.promotion.town import APPS, POINTS, SERVER, Town, promote, promotion, town

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ci.journal import Entry

LIVE = functools.partial(promote, environment="production")


def played(directory: Path, scene: Callable[[Town], Awaitable[None]], *, more: str = "", adopted: bool = True) -> None:
    """Play a scene in a town whose production serves, and is adopted."""

    async def run() -> None:
        async with town(directory, live=True, more=more) as place:
            async with promotion(place.root, place.journal, place.first, environment="production") as (made, _):
                if adopted:
                    await adopt(
                        "production",
                        settings=made.settings,
                        journal=made.journal,
                        platform=made.platform,
                        history=made.history,
                    )
            await scene(place)

    anyio.run(run)


async def staged(place: Town, commit: str) -> str:
    """Promote a commit to staging, and wait for its window."""
    ended = await promote(place, commit)
    assert ended.flow.state is State.DONE, ended.refusal
    return commit


async def served(place: Town) -> set[str]:
    """Which commits users get."""
    async with httpx.AsyncClient(trust_env=False) as client:
        addresses = place.settings.environments.production.addresses
        return {(await client.get(f"{addresses[name]}/version")).json()["commit"] for name in APPS}


def broken(place: Town, *points: str) -> str:
    """Push a commit that fails these points in production alone."""
    text = SERVER.replace('"Corner Bakery", ""', f'"Corner Bakery", "{" ".join(points)}"')
    assert text != SERVER
    return place.push(f"breaks {points}", **{"server.py": text})


def proofs(place: Town) -> list[tuple[str, Proof]]:
    return [(each.commit, each.state) for each in place.journal.releases.of("production")]


def test_a_soaked_commit_goes_to_production_step_by_step_and_is_good_after_its_window(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        await staged(place, place.second)
        ended = await LIVE(place, place.second)
        assert (ended.refusal, ended.flow.state) == (None, State.DONE)
        assert not {run.status for run in ended.steps} - {Status.PASSED, Status.SKIPPED}
        assert await served(place) == {place.second}
        assert place.tree("prod") == place.tree(place.second)
        assert proofs(place) == [(place.second, Proof.GOOD), (place.first, Proof.GOOD)]
        gates = [ruling.gate for facts in ended.facts.values() for ruling in read(facts)]
        assert gates[:5] == ["soak", "evidence", "isolation", "migrations", "smoke"]
        assert {"smoke", "slo", "error_rate", "new_errors", "monitor"} <= set(gates[5:])

    played(tmp_path, scene)


@pytest.mark.parametrize("point", POINTS)
def test_a_release_that_fails_a_point_at_its_own_address_is_never_switched_to(tmp_path: Path, point: str) -> None:
    async def scene(place: Town) -> None:
        commit = await staged(place, broken(place, point))
        ended = await LIVE(place, commit)
        assert ended.refusal is not None
        assert (ended.refusal.step, ended.flow.state) == ("staged smoke", State.BLOCKED)
        assert f"{point}: " in ended.refusal.message
        assert (await served(place), outcome(ended.facts)) == ({place.first}, None)
        assert proofs(place) == [(place.first, Proof.GOOD)]

    played(tmp_path, scene)


def switched(place: Town, *does: Callable[[], None]) -> Journal:
    """The journal, and something that happens once users are moved."""
    journal = place.journal

    def heard(entry: Entry) -> None:
        if (entry.step, entry.kind) == ("mark", RESULT):
            for each in does:
                each()

    journal.flows.heard = heard
    return journal


def out(place: Town, name: str) -> Callable[[], None]:
    """Have all points fail in production: of a commit, or of "all"."""
    return (place.directory / "outages" / name).touch


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Something that goes wrong once users have the release, and how it ends."""

    name: str
    does: Callable[[Town, str], Callable[[], None]]
    came: str = BACK
    code: ExitCode = ExitCode.ROLLED_BACK
    pinned: bool = True
    step: str = "smoke"
    says: str = "7 of"
    adopted: bool = True


SCENARIOS = [
    Scenario(name="the release fails where users are", does=out),
    Scenario(name="an outage that the build before has too", does=lambda place, _: out(place, "all"), pinned=False),
    Scenario(
        name="nothing was adopted that could be gone back to",
        does=out,
        adopted=False,
        came=FAILED,
        code=ExitCode.MIXED,
        pinned=False,
    ),
    Scenario(
        name="a person stopped rollbacks too",
        does=lambda place, commit: together(out(place, commit), lambda: stop(place, "shipway:stop-all")),
        came=FAILED,
        code=ExitCode.MIXED,
        pinned=False,
    ),
    Scenario(
        name="one app cannot be put back at first",
        does=lambda place, commit: together(out(place, commit), lambda: jam(place, times=3)),
    ),
    Scenario(
        name="one app cannot be put back at all",
        does=lambda place, commit: together(out(place, commit), lambda: jam(place, times=1000)),
        came=MIXED,
        code=ExitCode.MIXED,
        pinned=False,
    ),
]


def together(*does: Callable[[], None]) -> Callable[[], None]:
    def do() -> None:
        for each in does:
            each()

    return do


def jam(place: Town, *, times: int) -> None:
    """Have Vercel refuse to roll back the web app."""
    web = (place.vercel.account.project("live-web") or {})["id"]
    place.vercel.faults.add(kind="status", method="POST", path=f"{web}/rollback/", status=400, times=times, body="{}")


def stop(place: Town, label: str) -> None:
    """Open an issue of that label, as a person does."""
    told = {"title": "stop", "body": "we look into it", "labels": [label]}
    head = {"authorization": f"Bearer {PEOPLE[0].token}"}
    hub = place.settings.github
    assert hub is not None
    made = httpx.post(f"{hub.address}/repos/{SLUG}/issues", json=told, headers=head, trust_env=False)
    assert made.status_code == httpx.codes.CREATED, made.text


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_fails_once_users_have_it_is_put_back(tmp_path: Path, scenario: Scenario) -> None:
    async def scene(place: Town) -> None:
        commit = await staged(place, place.second)
        ended = await LIVE(place, commit, journal=switched(place, scenario.does(place, commit)))
        assert ended.refusal is not None
        assert (ended.refusal.step, ended.flow.state) == (scenario.step, State.BLOCKED)
        assert (outcome(ended.facts), exit_code(ended)) == (scenario.came, scenario.code)
        back = scenario.came == BACK
        assert await served(place) == {place.first if back else commit} or scenario.came == MIXED
        assert [each.commit for each in place.journal.bars.pins()] == ([commit] if scenario.pinned else [])
        assert place.branches()["prod"] == place.first
        if back:
            assert proofs(place) == [(commit, Proof.ROLLED_BACK), (place.first, Proof.GOOD)]
            assert place.journal.servings.of("production")[-1].commit == place.first

    played(tmp_path, scene, adopted=scenario.adopted)
