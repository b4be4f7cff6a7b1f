"""The outside services of an environment, connected: what is configured in shipway.toml, with its secrets resolved.

One process holds the secrets of one environment; those of another are not even resolved.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ci.secrets import resolve
from ci.vendors import command, linear, neon, pagerduty, resend, sentry, smtp, stripe
from ci.vendors.adapter import Adapter
from ci.vendors.github import client as github
from ci.vendors.vercel import client as vercel
from ci.vendors.vercel.platform import VercelPlatform

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from ci.settings import Settings
    from ci.settings.environments import Commands, Configured, Environment
    from ci.settings.environments import Sentry as Monitor
    from ci.settings.notify import Notify, Smtp
    from ci.vendors.mail import Carrier
    from ci.vendors.platform import Platform

A = TypeVar("A", bound=Adapter)
Before = Callable[[], Awaitable[None]]
Secret = Callable[[str, str], Awaitable[str]]
LIVE = "production"


class Kept(Protocol):
    """Keeps a client open as long as the environment is connected, and returns it."""

    async def __call__(self, adapter: A, /) -> A:
        """Keep it."""


@dataclass(frozen=True, kw_only=True)
class Connected:
    """The services of one environment; None for what is not configured. `secrets` are all values, by their places."""

    name: str
    settings: Environment
    secrets: Mapping[str, str] = field(repr=False)
    webhooks: Mapping[str, str] = field(default_factory=dict)  # the places of their secrets, by their names
    github: github.GitHub | None = None
    platform: Platform | None = None
    vercel: vercel.Vercel | None = None
    neon: neon.Neon | None = None
    stripe: stripe.Stripe | None = None
    sentry: sentry.Sentry | None = None
    mail: Carrier | None = None
    pagerduty: pagerduty.PagerDuty | None = None
    linear: linear.Linear | None = None


@contextlib.asynccontextmanager
async def connected(
    settings: Settings, name: str, *, root: Path, before: Before | None = None
) -> AsyncIterator[Connected]:
    """Give the services of an environment. `before` is awaited before each attempt of a write.

    Raises UsageError for a secret that cannot be had.
    """
    environment: Environment = getattr(settings.environments, name)
    secrets: dict[str, str] = {}

    async def secret(reference: str, place: str) -> str:
        secrets[place] = await resolve(reference, root=root, setting=place)
        return secrets[place]

    async with contextlib.AsyncExitStack() as stack:

        async def kept(adapter: A) -> A:
            adapter.exchange.before = before
            stack.push_async_exit(adapter)
            return adapter

        hub, house, shop = settings.github, environment.vercel, environment.stripe
        made = Connected(name=name, settings=environment, secrets=secrets)
        if hub is not None:
            token = await secret(hub.token, "github.token")
            client = await kept(github.connect(token, hub.repository, login=hub.login, address=hub.address))
            made = replace(made, github=client)
        place = f"environments.{name}"
        if house is not None:
            token = await secret(house.token, f"{place}.vercel.token")
            team = await kept(vercel.connect(token, team=house.team, address=house.address))
            made = replace(made, vercel=team, platform=VercelPlatform(team, house.projects))
        if (base := environment.neon) is not None:
            key = await secret(base.token, f"{place}.neon.token")
            made = replace(made, neon=await kept(neon.connect(key, address=base.address)))
        if shop is not None:
            key = await secret(shop.key, f"{place}.stripe.key")
            live = name == LIVE
            made = replace(made, stripe=await kept(stripe.connect(key, live=live, address=shop.address)))
        if environment.sentry is not None:
            made = replace(made, sentry=await kept(await _monitor(environment.sentry, name, secret)))
        made = replace(made, **await _tellers(environment.notify, f"{place}.notify", secret, kept, before))
        if environment.configured is not None:
            made = replace(made, webhooks=await _configured(environment.configured, f"{place}.configured", secret))
        if (commands := environment.commands) is not None:
            made = replace(made, platform=await _by_commands(commands, name, root, secret, before))
        yield made


async def _monitor(monitor: Monitor, name: str, secret: Secret) -> sentry.Sentry:
    token = await secret(monitor.token, f"environments.{name}.sentry.token")
    if monitor.dsn is not None:
        await secret(monitor.dsn, dsn_place(name))
    return sentry.connect(token, monitor.organization, address=monitor.address)


def dsn_place(name: str) -> str:
    """Return the place of the DSN that test events of an environment are sent to."""
    return f"environments.{name}.sentry.dsn"


async def _configured(own: Configured, place: str, secret: Secret) -> dict[str, str]:
    """Resolve what is configured, and return the places of the webhooks' secrets by their names."""
    places = {name: f"{place}.webhooks.{name}" for name in own.webhooks}
    for name, reference in own.webhooks.items():
        await secret(reference, places[name])
    for name, given in (("ai", own.ai), ("database", own.database)):
        if given is not None:
            await secret(given, f"{place}.{name}")
    return places


async def _tellers(notify: Notify, at: str, secret: Secret, kept: Kept, before: Before | None) -> dict[str, Any]:
    """Return what people are told by, by the names of the fields."""
    made: dict[str, Any] = {}
    if (email := notify.email) is not None and email.resend is not None:
        key = await secret(email.resend.key, f"{at}.email.resend.key")
        made["mail"] = await kept(resend.connect(key, address=email.resend.address))
    if email is not None and email.smtp is not None:
        made["mail"] = await _by_server(email.smtp, f"{at}.email.smtp", secret, before)
    if (pager := notify.pagerduty) is not None:
        key = await secret(pager.key, f"{at}.pagerduty.key")
        made["pagerduty"] = await kept(pagerduty.connect(key, address=pager.address))
    if (team := notify.linear) is not None:
        key = await secret(team.key, f"{at}.linear.key")
        made["linear"] = await kept(linear.connect(key, address=team.address))
    return made


async def _by_server(settings: Smtp, place: str, secret: Secret, before: Before | None) -> smtp.Smtp:
    password = await secret(settings.password, f"{place}.password") if settings.password is not None else ""
    return smtp.connect(settings.address, user=settings.user or "", password=password, before=before)


async def _by_commands(
    settings: Commands, name: str, root: Path, secret: Secret, before: Before | None
) -> command.CommandPlatform:
    place = f"environments.{name}.commands.secrets"
    secrets = {each: await secret(reference, f"{place}.{each}") for each, reference in settings.secrets.items()}
    names, timeout = tuple(secrets), settings.timeout

    def one(argv: tuple[str, ...]) -> command.Command:
        return command.Command(argv=argv, secrets=names, timeout=timeout)

    commands = command.Commands(
        directory=root,
        deploy=one(settings.deploy),
        status=one(settings.status),
        switch=one(settings.switch),
        rollback=one(settings.rollback),
        log=one(settings.log) if settings.log else None,
    )
    return command.CommandPlatform(commands, environment=name, secrets=secrets, before=before)
