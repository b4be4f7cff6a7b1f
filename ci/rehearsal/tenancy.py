"""The three environments of a rehearsal and the two apps in each: what a team sets up at its vendors, once.

Each environment has its own database, sign-in, webhook and projects at Vercel. Development and staging share a test
account at Stripe and the keys of a developer; production has its own, and Stripe's live mode. What is pushed to main is
deployed to development by Vercel itself; the other two are left to whoever promotes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from ci.errors import ToolError
from ci.rehearsal.vercel import Project
from ci.vendors import neon

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from ci.rehearsal.neon import Neon
    from ci.rehearsal.sentry import Sentry

PRODUCT = "receipts"
OWNER = "owner"
PLANS = {"pro": 900, "business": 4900}  # cents a month, as in the example


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One of the three. `branch` is what it serves, `live` whether its money is real."""

    name: str
    branch: str
    live: bool = False


@dataclass(frozen=True, kw_only=True)
class App:
    """One of the two, as Vercel builds and starts it: `root` is its directory."""

    name: str
    root: str
    build: tuple[str, ...]
    start: tuple[str, ...]

    def project(self, environment: Environment) -> str:
        """Return the name of its project at Vercel."""
        return f"{PRODUCT}-{self.name}-{environment.name}"


DEVELOPMENT = Environment(name="development", branch="main")
STAGING = Environment(name="staging", branch="staging")
PRODUCTION = Environment(name="production", branch="prod", live=True)
ENVIRONMENTS = (DEVELOPMENT, STAGING, PRODUCTION)
API = App(name="api", root="apps/api", build=(), start=("node", "src/server.ts"))
WEB = App(
    name="web",
    root="apps/web",
    build=("pnpm", "run", "build"),
    start=("node", "node_modules/vite/bin/vite.js", "preview"),
)
APPS = (API, WEB)  # in the order of what they need
# Where Vercel deploys by itself, nobody else migrates; each target has a branch of the database of its own.
MIGRATE = ("node", "../../packages/db/src/migrate/cli.ts")


class Making(Protocol):
    """A world that comes about: where its stand-ins are, and what is kept for the next time."""

    sentry: Sentry

    @property
    def addresses(self) -> Mapping[str, str]:
        """Of the stand-ins, by name."""

    @property
    def kept(self) -> MutableMapping[str, Any]:
        """What was made once and is still there after a restart."""

    def secret(self, name: str, *, size: int = 24) -> str:
        """Return a secret of the world's own in hexadecimal, the same each time."""


def neon_key(making: Making) -> str:
    """Return the key that opens the projects at Neon."""
    return f"napi_{making.secret('neon')}"


def stripe_key(making: Making, environment: Environment) -> str:
    """Return the key of an environment's account at Stripe."""
    return f"sk_{'live' if environment.live else 'test'}_{making.secret(f'stripe {environment.live}')}"


def resend_key(making: Making, environment: Environment) -> str:
    """Return the key that an environment sends its mails with."""
    return f"re_{making.secret(f'resend {environment.live}')}"


def pager_key(making: Making) -> str:
    """Return the routing key of the integration at PagerDuty, which production has."""
    return making.secret("pagerduty", size=16)


def board_key(making: Making) -> str:
    """Return the key of the workspace at Linear."""
    return f"lin_api_{making.secret('linear', size=20)}"


def model_key(making: Making, environment: Environment) -> str:
    """Return the key that an environment asks the model with."""
    return f"sk-ant-{making.secret(f'model {environment.live}')}"


def diagnosis_key(making: Making) -> str:
    """Return the key that a diagnosis asks the model with."""
    return f"sk-ant-{making.secret('diagnosis')}"


async def database(making: Making, stand_in: Neon, environment: Environment, branch: str | None = None) -> str:
    """Return how an environment's database is reached, as the vendor's API tells it; a `branch` is made beside it."""
    project = f"{PRODUCT}-{environment.name}"
    stand_in.account.open_project(project, database=PRODUCT, role=OWNER)
    async with neon.connect(neon_key(making), address=f"{making.addresses['neon']}/api/v2") as client:
        found = (await client.branches(project))[0]
        if branch is not None:
            found = await client.make_branch(project, branch, parent=found.id)
        for endpoint in await client.endpoints(project, found.id):
            await client.start(project, endpoint.id)
        return await client.connection_uri(project, found.id, database=PRODUCT, role=OWNER)


def project(app: App, environment: Environment, repository: str, *, migrating: bool) -> Project:
    """Return an app's project at Vercel as it is before it has an address of its own.

    `migrating`: nobody but its build migrates the database.
    """
    return Project(
        name=app.project(environment),
        repository=repository,
        production_branch=environment.branch,
        root=app.root,
        build=MIGRATE if migrating and app is API else app.build,
        start=app.start,
    )


async def configuration(making: Making, environment: Environment, *, api: str, web: str) -> dict[str, str]:
    """Return what the API of an environment is given, all but its database, as a person sets it at Vercel."""
    key = stripe_key(making, environment)
    return {
        "APP_URL": web,
        "AUTH_SECRET": making.secret(f"auth {environment.name}"),
        "APP_ENVIRONMENT": environment.name,
        "EMAIL_FROM": "Receipts <receipts@receipts.test>",
        "RESEND_API_KEY": resend_key(making, environment),
        "RESEND_BASE_URL": making.addresses["resend"],
        "STRIPE_SECRET_KEY": key,
        "STRIPE_API_BASE": making.addresses["stripe"],
        "STRIPE_WEBHOOK_SECRET": await _webhook(making, environment, key, f"{api}/api/billing/webhook"),
        **await _prices(making, environment, key),
        "ANTHROPIC_API_KEY": model_key(making, environment),
        "ANTHROPIC_BASE_URL": making.addresses["anthropic"],
        "SYNTHETIC_KEY": making.secret(f"synthetic {environment.name}"),
        "SENTRY_DSN": making.sentry.dsn(making.addresses["sentry"], "api"),
        "SENTRY_DSN_WEB": making.sentry.dsn(making.addresses["sentry"], "web"),
    }


async def _webhook(making: Making, environment: Environment, key: str, address: str) -> str:
    """Return the secret of an environment's webhook at Stripe, which tells it only when the webhook is made."""
    name = f"webhook {environment.name}"
    if name not in making.kept:
        made = await _sold(making, key, "webhook_endpoints", {"url": address, "enabled_events[0]": "*"})
        making.kept[name] = made["secret"]
    return str(making.kept[name])


async def _prices(making: Making, environment: Environment, key: str) -> dict[str, str]:
    """Return the ids of the plans' prices in an account at Stripe, by the variables that name them."""
    name = f"prices {environment.live}"
    if name not in making.kept:
        prices = {}
        for plan, cents in PLANS.items():
            product = await _sold(making, key, "products", {"name": f"Receipts {plan.capitalize()}"})
            form = {
                "currency": "eur",
                "unit_amount": str(cents),
                "recurring[interval]": "month",
                "product": product["id"],
            }
            prices[f"STRIPE_PRICE_{plan.upper()}"] = (await _sold(making, key, "prices", form))["id"]
        making.kept[name] = prices
    return dict(making.kept[name])


async def _sold(making: Making, key: str, what: str, form: dict[str, str]) -> dict[str, Any]:
    """Make something at Stripe, as a person does on its pages."""
    async with httpx.AsyncClient(base_url=making.addresses["stripe"], trust_env=False) as client:
        answer = await client.post(f"/v1/{what}", data=form, headers={"authorization": f"Bearer {key}"})
    if not answer.is_success:
        raise ToolError(f"Stripe's stand-in refuses: {answer.text[:300]}")
    made: dict[str, Any] = answer.json()
    return made
