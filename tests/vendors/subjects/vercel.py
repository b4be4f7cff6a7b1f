from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import anyio

from ci.rehearsal import vercel as standing_in
from ci.rehearsal.vercel import BuildFailedError, Order, Project, Site
from ci.vendors import vercel
from ci.vendors.pace import Pace
from ci.vendors.vercel import Vercel, VercelPlatform, building, moving
from tests.vendors.hostile import Asked, Subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from anyio.streams.memory import MemoryObjectReceiveStream

    from ci.rehearsal.vercel.building import Say

TOKEN = "vercel-token-0123456789"  # noqa: S105 - of a stand-in
TEAM = "team_rehearsal"
NAME = "receipts-web"
OLDER, NEWER = "a" * 40, "b" * 40
COMMIT, SLOW, BAD = "c" * 40, "d" * 40, "e" * 40
BRANCH = "main"
QUICK = Pace(first=0.01, most=0.05, whole=10.0)


class Nowhere:
    """Where deployments are said to run and do not."""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Nothing to do."""
        yield

    async def start(self, name: str, site: Site, port: int) -> None:
        """Run nothing."""

    async def stop(self, name: str) -> None:
        """Nothing runs."""

    @contextlib.contextmanager
    def listening(self, name: str) -> Iterator[MemoryObjectReceiveStream[tuple[str, str]]]:
        """Each says two lines, and no more."""
        send, receive = anyio.create_memory_object_stream[tuple[str, str]](2)
        with send:
            send.send_nowait(("info", f"{name} listens"))
            send.send_nowait(("error", "x is undefined"))
        with receive:
            yield receive


async def no_build(order: Order, say: Say) -> Site:
    """Build nothing, and SLOW never."""
    say(f"building {order.commit}")
    if order.commit == SLOW:
        await anyio.sleep_forever()
    if order.commit == BAD:
        raise BuildFailedError('Command "pnpm build" exited with 2')
    return Site(argv=order.start, directory=order.directory)


class Quick(standing_in.Vercel):
    """One with a project and two deployments of it, of which the newer one serves, without builds and processes."""

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Have both when it is served."""
        async with super().living():
            if self.account.project(NAME) is None:
                project = await self.add(Project(name=NAME, repository="nowhere"))
                for commit in (OLDER, NEWER):
                    self.pushed(BRANCH, commit)
                    while self.account.of(project)[0]["state"] != "READY":  # noqa: ASYNC110 - it stands in a file
                        await anyio.sleep(0.001)
            yield


def stand_in(directory: Path) -> Quick:
    """Return one that moves at once."""
    return Quick(directory, token=TOKEN, build=no_build, host=Nowhere(), delay=0.001)


KNOWN: dict[str, str] = {}


async def know(client: Vercel) -> None:
    """Note the ids by which calls name what is there."""
    found = await client.deployments(NAME)
    project = await client.require_project(NAME)
    domains = await client.domains(NAME)
    KNOWN.update({each.commit or "": each.id for each in found}, project=project.id, domain=domains[0].name)


async def building_slowly(client: Vercel) -> None:
    """Have a build that goes on."""
    await create(client, SLOW)
    await know(client)


async def create(client: Vercel, commit: str = COMMIT) -> object:
    """Deploy a commit."""
    project = await client.require_project(NAME)
    return await building.create(client, project, commit=commit, branch=BRANCH, key=f"key of {commit}")


async def rebuild(client: Vercel) -> object:
    """Deploy one that is there once more."""
    project = await client.require_project(NAME)
    found = (await client.deployments(project.id, commit=OLDER))[0]
    return await building.rebuild(client, project, found, key="again")


def moves(it: standing_in.Vercel) -> int:
    """Count the moves that were agreed to."""
    paths = [call.path for call in it.calls if call.method == "POST" and call.status in {201, 202}]
    return sum("/promote/" in path or "/rollback/" in path for path in paths)


def platform(client: Vercel) -> VercelPlatform:
    """Return the platform of one app."""
    return VercelPlatform(client, {"web": NAME}, build_pace=QUICK, move_pace=QUICK)


SUBJECT = Subject(
    name="vercel",
    stand_in=stand_in,
    connect=lambda address, patience, transport: vercel.connect(
        TOKEN, team=TEAM, address=address, patience=patience, transport=transport
    ),
    secrets=(TOKEN,),
    contract="vercel",
    asked={
        "user": Asked(run=lambda client: client.user()),
        "project": Asked(run=lambda client: client.project(NAME)),
        "auto assign": Asked(
            run=lambda client: client.set_auto_assign(NAME, on=False),
            effects=lambda it: int(not it.account.project(NAME)["auto_assign"]),
        ),
        "domains": Asked(run=lambda client: client.domains(NAME)),
        "aliases": Asked(run=lambda client: client.aliases(KNOWN["project"]), prepare=know),
        "alias": Asked(run=lambda client: client.alias(KNOWN["domain"]), prepare=know),
        "failed aliases": Asked(run=lambda client: client.failed_aliases(NAME), quiet=True),
        "rolling release": Asked(run=lambda client: client.rolling_release(NAME)),
        "deployments": Asked(run=lambda client: client.deployments(NAME)),
        "deployment": Asked(run=lambda client: client.deployment(KNOWN[OLDER]), prepare=know),
        "create": Asked(run=create, effects=lambda it: len(it.account.deployments)),
        "rebuild": Asked(run=rebuild, effects=lambda it: len(it.account.deployments)),
        "cancel": Asked(
            run=lambda client: client.cancel(KNOWN[SLOW]),
            prepare=building_slowly,
            effects=lambda it: [each["state"] for each in it.account.deployments.values()].count("CANCELED"),
        ),
        "events": Asked(run=lambda client: client.events(KNOWN[OLDER]), prepare=know),
        "spoken": Asked(run=lambda client: client.spoken(NAME, KNOWN[OLDER], seconds=5), prepare=know, quiet=True),
        "promote": Asked(
            run=lambda client: moving.promote(client, NAME, KNOWN[OLDER], pace=QUICK), prepare=know, effects=moves
        ),
        "roll back": Asked(
            run=lambda client: moving.roll_back(client, NAME, KNOWN[OLDER], pace=QUICK), prepare=know, effects=moves
        ),
        "platform: serving": Asked(run=lambda client: platform(client).serving("web")),
        "platform: candidates": Asked(run=lambda client: platform(client).candidates("web")),
    },
)
