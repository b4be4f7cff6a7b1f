"""The world of a rehearsal: every stand-in served, and the example deployed through them as a team would have it.

The example's repository is pushed to GitHub, which Vercel hears of, builds and serves; its database is a branch at
Neon, a model of Anthropic's reads its receipts, its mails go to Resend, its plans are sold by Stripe, its errors are
filed at Sentry. Addresses are the same after a restart, for they stand in what was deployed.
"""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import httpx

from ci.errors import ToolError
from ci.rehearsal.anthropic import Anthropic
from ci.rehearsal.computes import computing
from ci.rehearsal.github.server import GitHub
from ci.rehearsal.linear import Linear
from ci.rehearsal.mailpit import Mailpit
from ci.rehearsal.memory import Memory
from ci.rehearsal.neon import Neon
from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.resend import Resend
from ci.rehearsal.seeding import MAIN, PRODUCT, configuration, database, push
from ci.rehearsal.sentry import Sentry
from ci.rehearsal.serving import serving
from ci.rehearsal.sink import receiving
from ci.rehearsal.stripe import Stripe
from ci.rehearsal.vercel import Project, Vercel
from ci.rehearsal.vercel.building import pnpm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from ci.rehearsal.standin import StandIn

VERCEL_TOKEN = "token-of-the-team-in-a-rehearsal"  # noqa: S105 - opens a stand-in only
DEPLOYED = 180.0  # seconds in which the example must be built and served
MIGRATE = "node packages/db/src/migrate/cli.ts"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Something that a person can open: its name, its address, what is to be seen there."""

    name: str
    address: str
    what: str


@dataclass(frozen=True, kw_only=True)
class World:
    """What is there while it lasts. `product` is the address of the example."""

    product: str
    places: tuple[Place, ...]
    stand_ins: Mapping[str, StandIn]


class _Making:
    """A world that comes about: its ports are kept, so that it comes back at the same addresses."""

    def __init__(self, directory: Path, stack: contextlib.AsyncExitStack) -> None:
        self.directory = directory
        self._stack = stack
        memory = Memory(directory / "world.sqlite")
        stack.callback(memory.close)
        self.kept = memory.shelf("kept")
        self.stand_ins: dict[str, StandIn] = {}
        self.addresses: dict[str, str] = {}
        self.sentry = Sentry(directory, projects=("api", "web"))

    async def serve(self, stand_in: StandIn) -> str:
        """Serve a stand-in where it was served before."""
        address = await self._stack.enter_async_context(serving(stand_in, port=self.kept.get(stand_in.name, 0)))
        self.kept[stand_in.name] = int(address.rpartition(":")[2])
        self.stand_ins[stand_in.name] = stand_in
        self.addresses[stand_in.name] = address
        return address

    def secret(self, name: str) -> str:
        """Return a secret of the world's own, the same each time."""
        if name not in self.kept:
            self.kept[name] = secrets.token_hex(24)
        return str(self.kept[name])


@contextlib.asynccontextmanager
async def world(directory: Path, *, example: Path, cache: Path, note: Callable[[str], None]) -> AsyncIterator[World]:
    """Give the world of a directory, with the example deployed. All of it ends with the block.

    Raises ToolError where a tool cannot be had or the example is not served, OSError where a port is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        making = _Making(directory, stack)
        note("starting the stand-ins")
        await making.serve(PagerDuty(directory))
        await making.serve(Resend(directory))
        await making.serve(making.sentry)
        await making.serve(Anthropic(directory))
        await making.serve(Linear(directory))
        mailpit = Mailpit(directory)
        await making.serve(mailpit)
        making.addresses["smtp"] = await stack.enter_async_context(receiving(mailpit, port=making.kept.get("smtp", 0)))
        making.kept["smtp"] = int(making.addresses["smtp"].rpartition(":")[2])
        await making.serve(Stripe(directory))
        computes = await stack.enter_async_context(computing(directory / "postgres"))
        databases = Neon(directory, computes)
        await making.serve(databases)
        github = GitHub(directory)
        await making.serve(github)
        vercel = Vercel(directory, token=VERCEL_TOKEN, build=pnpm(cache))
        await making.serve(vercel)

        def tell(branch: str, _before: str | None, after: str | None) -> None:
            if after is not None:
                vercel.pushed(branch, after)

        github.state.on_push.append(tell)

        note("opening the database")
        url = await database(databases, making.addresses["neon"])
        project = Project(name=PRODUCT, repository=str(github.state.bare.path))
        product = f"http://{(await vercel.add(project))['domains'][0]}"
        variables = await configuration(making, product=product, database=url)
        await vercel.add(
            Project(
                name=PRODUCT,
                repository=str(github.state.bare.path),
                production_branch=MAIN,
                build=("sh", "-ec", f"{MIGRATE} && pnpm run build"),
                start=("node", "apps/api/src/server.ts"),
                variables={"production": variables, "preview": variables},
            )
        )
        note("pushing the example, which Vercel builds and serves")
        await push(example, directory / "checkout", f"{making.addresses['github']}/{github.state.slug}.git")
        await _deployed(vercel)
        await _answers(product)
        yield World(product=product, places=_places(making, product), stand_ins=making.stand_ins)


async def _deployed(vercel: Vercel) -> None:
    """Wait until the newest deployment serves. Raises ToolError where it fails."""
    with anyio.move_on_after(DEPLOYED):
        while True:
            project = vercel.account.project(PRODUCT)
            newest = next(iter(vercel.account.of(project)), None) if project else None
            if newest is not None and newest["state"] in {"ERROR", "CANCELED"}:
                raise ToolError(f"the example was not deployed: {newest.get('error')}", hint=_log(vercel, newest["id"]))
            if project and newest and project["production"] == newest["id"]:
                return
            await anyio.sleep(0.1)
    raise ToolError(f"the example was not deployed within {DEPLOYED:.0f} s")


async def _answers(product: str) -> None:
    """Wait until the example answers: what was deployed before a restart is only now started again."""
    async with httpx.AsyncClient(trust_env=False) as client:
        with anyio.move_on_after(DEPLOYED):
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{product}/health")).is_success:
                        return
                await anyio.sleep(0.1)
    raise ToolError(f"the example does not answer at {product}/health")


def _log(vercel: Vercel, deployment: str) -> str:
    return str(list(vercel.account.logs.get(deployment, []))[-20:])


def _places(making: _Making, product: str) -> tuple[Place, ...]:
    at = making.addresses
    return (
        Place(name="Receipts", address=product, what="the example: sign up, upload a receipt, buy a plan"),
        Place(name="its health", address=f"{product}/health", what="what it is connected with"),
        Place(name="Resend", address=at["resend"], what="the inbox: every mail that was sent"),
        Place(name="Mailpit", address=at["mailpit"], what=f"another inbox, for {at['smtp']}"),
        Place(name="Stripe", address=at["stripe"], what="API; its page for paying is where the example leads"),
        Place(name="Sentry", address=at["sentry"], what="the errors"),
        Place(name="GitHub", address=f"{at['github']}/{PRODUCT}", what="REST, and git to clone and push"),
        Place(name="Vercel", address=at["vercel"], what="API; builds and serves what is pushed"),
        Place(name="Neon", address=at["neon"], what="API; the databases"),
        Place(name="PagerDuty", address=at["pagerduty"], what="API; the pages"),
        Place(name="Linear", address=at["linear"], what="GraphQL; the issues"),
        Place(name="Anthropic", address=at["anthropic"], what="API; a script in place of a model"),
    )
