"""The world of a rehearsal: every stand-in served, and the example deployed through them as a team would have it.

The example's repository is pushed to GitHub, which Vercel hears of, builds and serves; its database is a branch at
Neon, its mails go to Resend, its plans are sold by Stripe, its errors are filed at Sentry. Addresses are the same after
a restart, for they stand in what was deployed.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import httpx

from ci.errors import ToolError
from ci.processes import inherited, run
from ci.rehearsal import resend, stripe
from ci.rehearsal.computes import computing
from ci.rehearsal.github.people import AUTHOR
from ci.rehearsal.github.server import GitHub
from ci.rehearsal.mailpit import Mailpit
from ci.rehearsal.memory import Memory
from ci.rehearsal.neon import Neon
from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.resend import Resend
from ci.rehearsal.sentry import Sentry
from ci.rehearsal.serving import serving
from ci.rehearsal.sink import receiving
from ci.rehearsal.stripe import Stripe
from ci.rehearsal.vercel import Project, Vercel
from ci.rehearsal.vercel.building import pnpm
from ci.vendors import neon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from ci.rehearsal.standin import StandIn

PRODUCT = "receipts"
MAIN = "main"
VERCEL_TOKEN = "token-of-the-team-in-a-rehearsal"  # noqa: S105 - opens a stand-in only
NEON_KEY = f"napi_{'0' * 40}"
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
        await making.serve(Sentry(directory, projects=("api", "web")))
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
        url = await _database(databases, making.addresses["neon"])
        project = Project(name=PRODUCT, repository=str(github.state.bare.path))
        product = f"http://{(await vercel.add(project))['domains'][0]}"
        variables = await _variables(making, product=product, database=url)
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
        await _push(example, directory / "checkout", f"{making.addresses['github']}/{github.state.slug}.git")
        await _deployed(vercel)
        await _answers(product)
        yield World(product=product, places=_places(making, product), stand_ins=making.stand_ins)


async def _database(stand_in: Neon, address: str) -> str:
    """Open the project and return how its database is reached, as the vendor's API tells it."""
    stand_in.account.open_project(PRODUCT, database=PRODUCT, role="owner")
    async with neon.connect(NEON_KEY, address=f"{address}/api/v2") as client:
        branch = (await client.branches(PRODUCT))[0]
        for endpoint in await client.endpoints(PRODUCT, branch.id):
            await client.start(PRODUCT, endpoint.id)
        return await client.connection_uri(PRODUCT, branch.id, database=PRODUCT, role="owner")


async def _variables(making: _Making, *, product: str, database: str) -> dict[str, str]:
    """Return the example's configuration, as a person sets it at Vercel."""
    sentry = making.stand_ins["sentry"]
    assert isinstance(sentry, Sentry)  # noqa: S101 - for the type alone
    key = next(key for key, access in stripe.KEYS.items() if not access.live and access.permissions is None)
    return {
        "DATABASE_URL": database,
        "APP_URL": product,
        "AUTH_SECRET": making.secret("auth"),
        "APP_ENVIRONMENT": "production",
        "EMAIL_FROM": "Receipts <receipts@receipts.test>",
        "RESEND_API_KEY": next(iter(resend.KEYS)),
        "RESEND_BASE_URL": making.addresses["resend"],
        "STRIPE_SECRET_KEY": key,
        "STRIPE_API_BASE": making.addresses["stripe"],
        "STRIPE_WEBHOOK_SECRET": await _webhook(making, key, f"{product}/api/billing/webhook"),
        "SENTRY_DSN": sentry.dsn(making.addresses["sentry"], "api"),
        "SENTRY_DSN_WEB": sentry.dsn(making.addresses["sentry"], "web"),
    }


async def _webhook(making: _Making, key: str, address: str) -> str:
    """Return the secret of the example's webhook at Stripe, which tells it only when the webhook is made."""
    if "webhook" not in making.kept:
        form = {"url": address, "enabled_events[0]": "*"}
        async with httpx.AsyncClient(base_url=making.addresses["stripe"], trust_env=False) as client:
            answer = await client.post("/v1/webhook_endpoints", data=form, headers={"authorization": f"Bearer {key}"})
        answer.raise_for_status()
        making.kept["webhook"] = answer.json()["secret"]
    return str(making.kept["webhook"])


async def _push(example: Path, checkout: Path, address: str) -> None:
    """Commit the example as it is now and push it to main, as its author does; nothing, where nothing changed."""
    listed = await run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=example)
    if listed.code != 0:
        raise ToolError(f"{example} is in no git repository: {listed.complaint}")
    checkout.mkdir(exist_ok=True)
    login = base64.b64encode(f"{AUTHOR.login}:{AUTHOR.token}".encode()).decode()
    environment = {
        **inherited(),
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", AUTHOR.login), ("EMAIL", AUTHOR.email))},
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}",
        "GIT_DIR": str(checkout / ".git"),
        "GIT_WORK_TREE": str(example),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }  # fmt: skip

    async def git(*arguments: str, stdin: bytes | None = None) -> str:
        done = await run(["git", *arguments], cwd=example, environment=environment, stdin=stdin)
        if done.code != 0:
            raise ToolError(f"git {arguments[0]} failed: {done.complaint}")
        return done.text

    if not (checkout / ".git").exists():
        await git("init", "--quiet", f"--initial-branch={MAIN}")
    await git("add", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=listed.stdout)
    if await git("status", "--porcelain", "--untracked-files=no"):
        await git("commit", "--quiet", "--message", "The example")
    await git("push", "--quiet", address, MAIN)


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
    )
