from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from ci.rehearsal import neon as standing_in
from ci.vendors import neon, neon_restoring
from ci.vendors.neon import Pace
from tests.vendors.hostile import Asked, Subject

if TYPE_CHECKING:
    from pathlib import Path

    from ci.vendors.neon import Neon

KEY = "napi_" + "k3y5" * 12
PROJECT, MAIN, ENDPOINT = "shiny-wind-028834", "br-shiny-wind-028834", "ep-shiny-wind-028834"
DATABASE, ROLE = "neondb", "neondb_owner"
QUICK = Pace(look=0.02, whole=5.0)


def on_paper(directory: Path) -> standing_in.Neon:
    """Return a stand-in with one project and nothing to connect to."""
    made = standing_in.Neon(directory, moment=0.01)
    made.account.open_project(PROJECT, database=DATABASE, role=ROLE)
    return made


def names(it: standing_in.Neon) -> list[str]:
    """Return the names of the project's branches."""
    return [branch["told"]["name"] for branch in it.account.branches_of(PROJECT)]


async def _branch(client: Neon) -> None:
    await client.make_branch(PROJECT, "shipway-one")


async def _delete(client: Neon) -> None:
    found = await client.find_branch(PROJECT, "shipway-one")
    await client.delete_branch(PROJECT, found.id if found else "br-gone")


async def _sweep(client: Neon) -> None:
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    await client.sweep(PROJECT, "shipway-", now=later, age=datetime.timedelta(days=1))


async def _restore(client: Neon) -> None:
    found = await client.find_branch(PROJECT, "shipway-one")
    await neon_restoring.restore(client, PROJECT, MAIN, source=found.id if found else "br-gone", keep="kept")


def _is(state: str, it: standing_in.Neon) -> int:
    return sum(each["current_state"] == state for each in it.account.endpoints.values())


SUBJECT = Subject(
    name="neon",
    stand_in=on_paper,
    connect=lambda address, patience, transport: neon.connect(
        KEY, address=f"{address}/api/v2", patience=patience, pace=QUICK, transport=transport
    ),
    secrets=(KEY,),
    asked={
        "user": Asked(run=lambda client: client.user()),
        "project": Asked(run=lambda client: client.project(PROJECT)),
        "branches": Asked(run=lambda client: client.branches(PROJECT)),
        "branch": Asked(run=lambda client: client.branch(PROJECT, MAIN)),
        "find_branch": Asked(run=lambda client: client.find_branch(PROJECT, "main")),
        "endpoints": Asked(run=lambda client: client.endpoints(PROJECT, MAIN)),
        "databases": Asked(run=lambda client: client.databases(PROJECT, MAIN)),
        "roles": Asked(run=lambda client: client.roles(PROJECT, MAIN)),
        "connection_uri": Asked(run=lambda client: client.connection_uri(PROJECT, MAIN, database=DATABASE, role=ROLE)),
        "make_branch": Asked(run=_branch, effects=lambda it: names(it).count("shipway-one")),
        "delete_branch": Asked(
            prepare=_branch, run=_delete, effects=lambda it: names(it).count("main") - len(names(it))
        ),
        "sweep": Asked(prepare=_branch, run=_sweep, effects=lambda it: 1 - len(names(it))),
        "restore": Asked(prepare=_branch, run=_restore, effects=lambda it: names(it).count("kept"), asks=2),
        "start": Asked(run=lambda client: client.start(PROJECT, ENDPOINT), effects=lambda it: _is("active", it)),
        "suspend": Asked(
            prepare=lambda client: client.start(PROJECT, ENDPOINT),
            run=lambda client: client.suspend(PROJECT, ENDPOINT),
            effects=lambda it: _is("idle", it),
        ),
    },
)
