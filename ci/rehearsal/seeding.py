"""What the example needs before it is deployed: a database, its configuration, its commit on main.

All of it is made as a person or a program makes it at the real vendors: through their APIs, and git.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from ci.errors import ToolError
from ci.processes import inherited, run
from ci.rehearsal import anthropic, resend, stripe
from ci.rehearsal.github.people import AUTHOR
from ci.vendors import neon

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from pathlib import Path

    from ci.rehearsal.neon import Neon
    from ci.rehearsal.sentry import Sentry

PRODUCT = "receipts"
MAIN = "main"
NEON_KEY = f"napi_{'0' * 40}"
PLANS = {"pro": 900, "business": 4900}  # cents a month, as in the example


class Making(Protocol):
    """A world that comes about: where its stand-ins are, and what is kept for the next time."""

    sentry: Sentry

    @property
    def addresses(self) -> Mapping[str, str]:
        """Of the stand-ins, by name."""

    @property
    def kept(self) -> MutableMapping[str, Any]:
        """What was made once and is still there after a restart."""

    def secret(self, name: str) -> str:
        """Return a secret of the world's own, the same each time."""


async def database(stand_in: Neon, address: str) -> str:
    """Open the project and return how its database is reached, as the vendor's API tells it."""
    stand_in.account.open_project(PRODUCT, database=PRODUCT, role="owner")
    async with neon.connect(NEON_KEY, address=f"{address}/api/v2") as client:
        branch = (await client.branches(PRODUCT))[0]
        for endpoint in await client.endpoints(PRODUCT, branch.id):
            await client.start(PRODUCT, endpoint.id)
        return await client.connection_uri(PRODUCT, branch.id, database=PRODUCT, role="owner")


async def configuration(making: Making, *, product: str, database: str) -> dict[str, str]:
    """Return the example's configuration, as a person sets it at Vercel."""
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
        **await _prices(making, key),
        "ANTHROPIC_API_KEY": anthropic.KEY,
        "ANTHROPIC_BASE_URL": making.addresses["anthropic"],
        "SENTRY_DSN": making.sentry.dsn(making.addresses["sentry"], "api"),
        "SENTRY_DSN_WEB": making.sentry.dsn(making.addresses["sentry"], "web"),
    }


async def _webhook(making: Making, key: str, address: str) -> str:
    """Return the secret of the example's webhook at Stripe, which tells it only when the webhook is made."""
    if "webhook" not in making.kept:
        made = await _sold(making, key, "webhook_endpoints", {"url": address, "enabled_events[0]": "*"})
        making.kept["webhook"] = made["secret"]
    return str(making.kept["webhook"])


async def _prices(making: Making, key: str) -> dict[str, str]:
    """Return the ids of the plans' prices at Stripe, by the variables that name them."""
    if "prices" not in making.kept:
        prices = {}
        for name, cents in PLANS.items():
            product = await _sold(making, key, "products", {"name": f"Receipts {name.capitalize()}"})
            form = {
                "currency": "eur",
                "unit_amount": str(cents),
                "recurring[interval]": "month",
                "product": product["id"],
            }
            prices[f"STRIPE_PRICE_{name.upper()}"] = (await _sold(making, key, "prices", form))["id"]
        making.kept["prices"] = prices
    return dict(making.kept["prices"])


async def _sold(making: Making, key: str, what: str, form: dict[str, str]) -> dict[str, Any]:
    """Make something at Stripe, as a person does on its pages."""
    async with httpx.AsyncClient(base_url=making.addresses["stripe"], trust_env=False) as client:
        answer = await client.post(f"/v1/{what}", data=form, headers={"authorization": f"Bearer {key}"})
    if not answer.is_success:
        raise ToolError(f"Stripe's stand-in refuses: {answer.text[:300]}")
    made: dict[str, Any] = answer.json()
    return made


async def push(example: Path, checkout: Path, address: str) -> None:
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
