"""A town whose production serves, and has something to be put back to: what its tests promote and break in it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from ci.journal import State
from ci.promotion.adopting import adopt
from ci.promotion.flow import RESULT
from ci.promotion.work import Asked, What
from ci.rehearsal.github import PEOPLE, SLUG
from tests.promotion.table import Table
from tests.promotion.town import Town, promote, promotion, town
from tests.promotion.townplan import APPS, SERVER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ci.journal import Entry, Journal
    from ci.journal.releases import Proof

LIVE = functools.partial(promote, environment="production")


def played(
    directory: Path,
    scene: Callable[[Town], Awaitable[None]],
    *,
    approval: str = "none",
    apart: float = 180.0,
    watch: tuple[float, float, float] = (1.0, 2.0, 4.0),
    adopted: bool = True,
    **more: Any,
) -> None:
    """Play a scene in a town whose production serves, and is adopted. `more` is what else a town takes."""

    async def run() -> None:
        async with town(directory, live=True, approval=approval, apart=apart, watch=watch, **more) as place:
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


async def proven(place: Town, commit: str) -> str:
    """Have a commit proven for production without staging: its report is told by a table."""
    await Table(journal=place.journal).run(Asked(what=What.STAGES, commit=commit, environment="staging"))
    return commit


async def served(place: Town) -> set[str]:
    """Which commits users get."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - it is plain HTTP
        addresses = place.settings.environments.production.addresses
        return {(await client.get(f"{addresses[name]}/version")).json()["commit"] for name in APPS}


def broken(place: Town, *points: str) -> str:
    """Push a commit that fails these points in production alone."""
    text = SERVER.replace('BROKEN = ""', f'BROKEN = "{" ".join(points)}"')
    assert text != SERVER
    return place.push(f"breaks {points}", **{"server.py": text})


def proofs(place: Town) -> list[tuple[str, Proof]]:
    """The releases, the newest first, and how far each is proven."""
    return [(each.commit, each.state) for each in place.journal.releases.of("production")]


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


def out_where_users_are(place: Town, commit: str) -> None:
    """Have a commit fail all points where users are, and nowhere else."""
    at = place.settings.environments.production.addresses.values()
    hosts = " ".join(each.removeprefix("http://") for each in at)
    (place.directory / "outages" / f"{commit}-at").write_text(hosts)


def together(*does: Callable[[], None]) -> Callable[[], None]:
    """Do one after the other."""

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
