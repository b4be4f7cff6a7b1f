"""What connects the pushed example with the world: tables for its shipway.toml, and the secrets that they refer to.

Each secret is a file of its own that its owner alone may read; the tables, which are committed, name it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.rehearsal.github.people import APP
from ci.rehearsal.linear_world import TEAM as BOARD
from ci.rehearsal.tenancy import (
    APPS,
    DEVELOPMENT,
    ENVIRONMENTS,
    OWNER,
    PRODUCT,
    PRODUCTION,
    WEB,
    board_key,
    diagnosis_key,
    neon_key,
    pager_key,
    resend_key,
    stripe_key,
)
from ci.rehearsal.toml_text import changed, without, write
from ci.rehearsal.vercel.standin import TEAM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ci.rehearsal.tenancy import Environment, Making

SMOKE_EMAIL = "smoke@receipts.test"
TEAM_EMAIL, SHIPWAY_EMAIL = "team@receipts.test", "Shipway <shipway@receipts.test>"
INBOX = "delivered@resend.dev"  # https://resend.com/docs/dashboard/emails/send-test-emails
REQUIRED = (
    "ai,resend,payments,errors,metering"  # services without which a tier 2 test fails, in place of being left out
)
TESTED = "tests"  # the environment of errors that tests make


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How long things last, in the words of shipway.toml. `pairs` are those of requests of a benchmark.

    `within` is how long a probe of the smoke is tried.
    """

    promotion: Mapping[str, str]
    watch: Mapping[str, str]
    pairs: int
    within: str


# The report of a promotion states it.
SHORT = Profile(
    promotion={"soak": "12s", "repeat": "6s", "hotfix_soak": "6s"},
    watch={
        "warm_up": "2s",
        "window": "10s",
        "extended": "20s",
        "armed": "60s",
        "every": "5s",
        "lag": "1s",
        "alive": "15s",
        "baseline": "10m",
    },
    pairs=100,
    within="20s",
)
# Of what an app is given, what its tests have to know too.
VARIABLES = (
    "EMAIL_FROM",
    "RESEND_BASE_URL",
    "STRIPE_API_BASE",
    "STRIPE_PRICE_PRO",
    "STRIPE_PRICE_BUSINESS",
    "ANTHROPIC_BASE_URL",
)
SECRETS = (
    "RESEND_API_KEY",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "ANTHROPIC_API_KEY",
    "SENTRY_DSN_WEB",
    "SYNTHETIC_KEY",
)


class Vault:
    """A directory of secrets, each in a file."""

    def __init__(self, directory: Path) -> None:
        """Make it where it is not there."""
        self._directory = directory
        directory.mkdir(mode=0o700, exist_ok=True)

    def keep(self, name: str, value: str) -> str:
        """Keep a secret, and return how it is referred to."""
        place = self._directory / name
        place.touch(mode=0o600)
        place.chmod(0o600)
        place.write_text(value, encoding="utf-8")
        return f"file://{place}"


def smoke_password(making: Making, environment: Environment) -> str:
    """Return the password of the account that an environment's probes sign in with."""
    return making.secret(f"smoke {environment.name}")


def settings(
    example: str,
    making: Making,
    vault: Vault,
    *,
    repository: str,
    token: str,
    apps: Mapping[str, Mapping[str, str]],
    told: Mapping[str, Mapping[str, str]],
    profile: Profile | None = SHORT,
) -> str:
    """Return the shipway.toml of the example with what connects it: `token` is GitHub's.

    `apps` are the addresses of apps and `told` is what the API is given, each by environment. Without a `profile` all
    lasts as long as the example and Shipway say.
    """
    tables = {
        "github": {
            "repository": repository,
            "token": vault.keep("GITHUB_TOKEN", token),
            "login": APP.login,
            "address": making.addresses["github"],
        },
        "promotion": dict(profile.promotion) if profile else {},
        "diagnosis": {
            "model": {
                "key": vault.keep("DIAGNOSIS_ANTHROPIC_KEY", diagnosis_key(making)),
                "address": making.addresses["anthropic"],
            }
        },
        "environments": {
            each.name: _environment(making, vault, each, apps[each.name], told[each.name]) for each in ENVIRONMENTS
        },
    }
    kept = without(example, *tables)
    if profile is not None:
        kept = changed(changed(kept, "watch", profile.watch), "benchmarks", {"pairs": profile.pairs})
        kept = changed(kept, "smoke", {"within": profile.within})
    return f"{kept.rstrip()}\n\n# The rehearsal's world.\n{write(tables).lstrip()}"


def _environment(
    making: Making, vault: Vault, environment: Environment, apps: Mapping[str, str], told: Mapping[str, str]
) -> dict[str, Any]:
    at, name = making.addresses, environment.name

    def keep(secret: str, value: str) -> str:
        return vault.keep(f"{name}-{secret}", value)

    smoke = {
        "SMOKE_EMAIL": SMOKE_EMAIL,
        "SMOKE_PASSWORD": smoke_password(making, environment),
        "SYNTHETIC_KEY": told["SYNTHETIC_KEY"],
    }
    return {
        "branch": environment.branch,
        "addresses": dict(apps),
        "neon": {
            "project": f"{PRODUCT}-{name}",
            "token": keep("NEON_API_KEY", neon_key(making)),
            "database": PRODUCT,
            "role": OWNER,
            "address": f"{at['neon']}/api/v2",
        },
        "vercel": {
            "token": keep("VERCEL_TOKEN", making.secret("vercel")),
            "team": TEAM,
            "projects": {app.name: app.project(environment) for app in APPS},
            "address": at["vercel"],
        },
        "stripe": {"key": keep("STRIPE_SECRET_KEY", stripe_key(making, environment)), "address": at["stripe"]},
        "configured": {
            "auth": apps[WEB.name],
            "webhooks": {"STRIPE": keep("STRIPE_WEBHOOK_SECRET", told["STRIPE_WEBHOOK_SECRET"])},
            "ai": keep("ANTHROPIC_API_KEY", told["ANTHROPIC_API_KEY"]),
            "health": "/health",
        },
        "sentry": {
            "token": keep("SENTRY_TOKEN", f"sntrys_{making.secret('sentry')}"),
            "organization": making.sentry.store.organization,
            "projects": [app.name for app in APPS],
            "dsn": keep("SENTRY_DSN", making.sentry.dsn(at["sentry"], APPS[0].name)),
            "address": at["sentry"],
        },
        **_notify(making, environment, keep),
        "smoke": {
            "secrets": {secret: keep(secret, value) for secret, value in smoke.items()},
            "headers": {"X-Synthetic": "{secret:SYNTHETIC_KEY}"},
        },
        "tests": {
            "variables": {
                "APP_ENVIRONMENT": TESTED,
                "E2E_INBOX": INBOX,
                "E2E_REQUIRE": REQUIRED,
                **{each: told[each] for each in VARIABLES},
            },
            "secrets": {each: keep(each, told[each]) for each in SECRETS},
        },
    }


def _notify(making: Making, environment: Environment, keep: Callable[[str, str], str]) -> dict[str, Any]:
    """Return who is told: production wakes people, staging writes, development says it on the terminal."""
    if environment == DEVELOPMENT:
        return {}
    at = making.addresses
    email: dict[str, Any] = {"from": SHIPWAY_EMAIL, "to": [TEAM_EMAIL]}
    if environment == PRODUCTION:
        resend = {"key": keep("NOTIFY_RESEND_KEY", resend_key(making, environment)), "address": at["resend"]}
        pager = {"key": keep("PAGERDUTY_KEY", pager_key(making)), "address": f"{at['pagerduty']}/v2"}
        told = {"issues": "github", "email": {**email, "resend": resend}, "pagerduty": pager}
    else:
        server = {"host": "127.0.0.1", "port": int(at["smtp"].rpartition(":")[2])}
        board = {"key": keep("LINEAR_KEY", board_key(making)), "team": BOARD["key"], "address": at["linear"]}
        told = {"issues": "linear", "email": {**email, "smtp": server}, "linear": board}
    return {"notify": {"monitoring": at["sentry"], **told}}
