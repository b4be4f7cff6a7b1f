"""The world of a rehearsal: every stand-in served, and the example deployed through them as a team would have it.

The example's repository is pushed to GitHub, which Vercel hears of, builds and serves; its databases are branches at
Neon, a model of Anthropic's reads its receipts, its mails go to Resend, its plans are sold by Stripe, its errors are
filed at Sentry. Addresses are the same after a restart, for they stand in what was deployed.
"""

from __future__ import annotations

import contextlib
import fcntl
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio

from ci.errors import ToolError
from ci.rehearsal.advisories import Advisories
from ci.rehearsal.anthropic import Anthropic
from ci.rehearsal.arriving import answers, deployed
from ci.rehearsal.computes import computing
from ci.rehearsal.connections import SHORT, SMOKE_EMAIL, Vault, settings, smoke_password
from ci.rehearsal.customer import subscribe
from ci.rehearsal.github.people import PEOPLE
from ci.rehearsal.github.server import GitHub
from ci.rehearsal.houses import Houses
from ci.rehearsal.linear import Linear
from ci.rehearsal.mailpit import Mailpit
from ci.rehearsal.mark import LOCK, VARIABLE, leave
from ci.rehearsal.memory import Memory
from ci.rehearsal.neon import Neon
from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.pushing import SETTINGS, clone, push
from ci.rehearsal.resend import FULL, Resend
from ci.rehearsal.sentry import SCOPES, Sentry
from ci.rehearsal.serving import serving
from ci.rehearsal.sink import receiving
from ci.rehearsal.stripe import Access, Stripe
from ci.rehearsal.tenancy import (
    API,
    APPS,
    DEVELOPMENT,
    ENVIRONMENTS,
    WEB,
    board_key,
    database,
    diagnosis_key,
    model_key,
    pager_key,
    resend_key,
    stripe_key,
)
from ci.rehearsal.vercel import Vercel
from ci.rehearsal.vercel.building import pnpm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from ci.rehearsal.standin import StandIn
    from ci.rehearsal.tenancy import Environment

LAG = 1.0  # seconds until Sentry shows what it took in; the real one takes 60 to 90
ACCOUNT = "acct_1Standing000000"
PREVIEW = "preview"
UNRULY = 0.3  # seconds within which Stripe tells an event twice, in no order


@dataclass(frozen=True, kw_only=True)
class Place:
    """Something that a person can open: its name, its address, what is to be seen there."""

    name: str
    address: str
    what: str


@dataclass(frozen=True, kw_only=True)
class World:
    """What is there while it lasts. `apps` are addresses by environment and app.

    Where it is staged, `checkout` is a clone of the repository in which a user works, and `variables` are those of a
    process there.
    """

    apps: Mapping[str, Mapping[str, str]]
    places: tuple[Place, ...]
    stand_ins: Mapping[str, StandIn]
    commit: str  # what main was when it was up
    checkout: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


class _Making:
    """A world that comes about: its ports and secrets are kept, so that it comes back as it was."""

    def __init__(self, directory: Path, stack: contextlib.AsyncExitStack) -> None:
        self.directory = directory
        self._stack = stack
        memory = Memory(directory / "world.sqlite")
        stack.callback(memory.close)
        self.kept = memory.shelf("kept")
        self.stand_ins: dict[str, StandIn] = {}
        self.addresses: dict[str, str] = {}
        self.sentry = Sentry(
            directory, projects=[app.name for app in APPS], tokens={f"sntrys_{self.secret('sentry')}": SCOPES}, lag=LAG
        )

    async def serve(self, stand_in: StandIn) -> str:
        """Serve a stand-in where it was served before. Raises ToolError where somebody else is there by now."""
        port = self.kept.get(stand_in.name, 0)
        with _port(stand_in.name, port):
            address = await self._stack.enter_async_context(serving(stand_in, port=port))
        self.kept[stand_in.name] = int(address.rpartition(":")[2])
        self.stand_ins[stand_in.name] = stand_in
        self.addresses[stand_in.name] = address
        return address

    async def receive(self, mailpit: Mailpit) -> None:
        """Have a mail server hand its mails to the inbox. Raises ToolError as `serve`."""
        port = self.kept.get("smtp", 0)
        with _port("smtp", port):
            address = await self._stack.enter_async_context(receiving(mailpit, port=port))
        self.kept["smtp"] = int(address.rpartition(":")[2])
        self.addresses["smtp"] = address

    def secret(self, name: str, *, size: int = 24) -> str:
        """Return a secret of the world's own in hexadecimal, the same each time."""
        place = f"secret {name}"
        if place not in self.kept:
            self.kept[place] = secrets.token_hex(size)
        return str(self.kept[place])


@contextlib.asynccontextmanager
async def world(
    directory: Path,
    *,
    example: Path,
    cache: Path,
    note: Callable[[str], None],
    staged: Collection[Environment] = (),
    real_time: bool = False,
) -> AsyncIterator[World]:
    """Give the world of a directory, with the example deployed. All of it ends with the block.

    `staged` are environments that are ready for a promotion, as a team has them that let Vercel deploy them until now.
    In `real_time` windows last as long as they do for a team, which is hours.

    Raises ToolError where a tool cannot be had, the example is not served, a port is taken, or the directory's world
    is up already.
    """
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_alone(directory))
        making = _Making(directory, stack)
        note("starting the stand-ins")
        await _serve_services(making)
        computes = await stack.enter_async_context(computing(directory / "postgres"))
        neon = Neon(directory, computes)
        await making.serve(neon)
        people = tuple(replace(each, token=f"ghp_{making.secret(f'github {each.login}', size=8)}") for each in PEOPLE)
        github = GitHub(directory, people=people)
        await making.serve(github)

        note("opening the databases")
        urls = {each.name: await database(making, neon, each) for each in ENVIRONMENTS}
        preview = await database(making, neon, DEVELOPMENT, PREVIEW)

        vercel = Vercel(directory, token=making.secret("vercel"), build=pnpm(cache), pushes=github.state.pushes.values)
        await making.serve(vercel)

        def tell(branch: str, _before: str | None, after: str | None) -> None:
            if after is not None:
                vercel.pushed(branch, after)

        github.state.on_push.append(tell)
        houses = Houses(making, vercel, str(github.state.bare.path), urls, preview)
        await houses.set_up(staged=staged)
        apps = houses.apps
        leave(directory, [*making.addresses.values(), *(each for app in apps.values() for each in app.values())])

        note("pushing the example, which Vercel builds and serves")
        place = f"{making.addresses['github']}/{github.state.slug}.git"
        text: str | None = None
        if staged:
            token = people[-1].token  # the app's, which is nobody's own
            own, vault = (example / SETTINGS).read_text(encoding="utf-8"), Vault(directory / "secrets")
            text = settings(
                own,
                making,
                vault,
                repository=github.state.slug,
                token=token,
                apps=apps,
                told=houses.told,
                profile=None if real_time else SHORT,
            )
        branches = tuple(each.branch for each in ENVIRONMENTS[1:]) if staged else ()
        commit = await push(example, directory / "example", place, people[0], settings=text, branches=branches)
        async with anyio.create_task_group() as group:
            for each in staged:
                group.start_soon(houses.stage, each, commit)
        for app in APPS:
            await deployed(vercel, app.project(DEVELOPMENT), commit)
        await answers(f"{apps[DEVELOPMENT.name][WEB.name]}/health")
        address = place.replace("://", f"://{people[0].login}:{people[0].token}@")
        places = _places(making, apps[DEVELOPMENT.name], address)
        made = World(apps=apps, places=places, stand_ins=making.stand_ins, commit=commit)
        if staged:
            note("opening the accounts of the smoke, and a clone to work in")
            for each in (DEVELOPMENT, *staged):
                await subscribe(apps[each.name][WEB.name], SMOKE_EMAIL, smoke_password(making, each), live=each.live)
            await clone(place, directory / "checkout", people[0])
            made = replace(made, checkout=directory / "checkout", variables={VARIABLE: str(directory)})
        yield made


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold the directory. Raises ToolError where a world holds it."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ToolError(f"the world in {directory} is up already", hint="end it, or name another place") from None
        yield


@contextlib.contextmanager
def _port(name: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{name} cannot be served at 127.0.0.1:{port}, where it was: {error.strerror}"
        raise ToolError(message, hint="end what listens there, or begin another world") from error


async def _serve_services(making: _Making) -> None:
    """Serve what needs nothing of the others."""
    directory = making.directory
    lasting = [ENVIRONMENTS[0], ENVIRONMENTS[-1]]  # development, whose keys staging has too, and production
    await making.serve(PagerDuty(directory, keys=[pager_key(making)]))
    await making.serve(Resend(directory, keys={resend_key(making, each): FULL for each in lasting}))
    await making.serve(making.sentry)
    models = [*(model_key(making, each) for each in lasting), diagnosis_key(making)]
    await making.serve(Anthropic(directory, keys=models))
    await making.serve(Linear(directory, keys=[board_key(making)]))
    await making.serve(Advisories(directory))
    mailpit = Mailpit(directory)
    await making.serve(mailpit)
    await making.receive(mailpit)
    access = {stripe_key(making, each): Access(account=ACCOUNT, live=each.live) for each in lasting}
    await making.serve(Stripe(directory, keys=access, unruly=UNRULY))


def _places(making: _Making, apps: Mapping[str, str], clone: str) -> tuple[Place, ...]:
    at = making.addresses
    return (
        Place(name="Receipts", address=apps[WEB.name], what="the example: sign up, upload a receipt, buy a plan"),
        Place(name="its health", address=f"{apps[API.name]}/health", what="what it is connected with"),
        Place(name="Resend", address=at["resend"], what="the inbox: every mail that was sent"),
        Place(name="Mailpit", address=at["mailpit"], what=f"another inbox, for {at['smtp']}"),
        Place(name="Stripe", address=at["stripe"], what="API; its page for paying is where the example leads"),
        Place(name="Sentry", address=at["sentry"], what="the errors"),
        Place(name="git", address=clone, what="to clone and push"),
        Place(name="GitHub", address=at["github"], what="REST"),
        Place(name="Vercel", address=at["vercel"], what="API; builds and serves what is pushed"),
        Place(name="Neon", address=at["neon"], what="API; the databases"),
        Place(name="PagerDuty", address=at["pagerduty"], what="API; the pages"),
        Place(name="Linear", address=at["linear"], what="GraphQL; the issues"),
        Place(name="Anthropic", address=at["anthropic"], what="API; a script in place of a model"),
        Place(name="advisories", address=at["advisories"], what="what npm and pnpm ask when they audit"),
    )
