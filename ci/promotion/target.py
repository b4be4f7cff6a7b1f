"""What probes are made at: the addresses of an environment, and what it adds to each request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import httpx

from ci.errors import UsageError
from ci.promotion.filling import fill
from ci.secrets import resolve
from ci.settings.smoke import SECRET, Smoking

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from pathlib import Path

    from ci.settings import Settings
    from ci.settings.environments import Environment

    Trust = ssl.SSLContext | Literal[False]

SYNTHETIC = "x-synthetic"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Addresses of apps and of services beside them; `headers` go to apps alone."""

    addresses: Mapping[str, str]
    services: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def everywhere(self) -> tuple[str, ...]:
        """All addresses."""
        return (*self.addresses.values(), *self.services.values())


def origin(address: str) -> str:
    """Return scheme, host and port of an address."""
    url = httpx.URL(address)
    return f"{url.scheme}://{url.netloc.decode()}"


def trust(*targets: Target) -> Trust:
    """Return what all visitors know of certificates, read once; nothing is read where nothing is encrypted."""
    encrypted = any(each.startswith("https:") for target in targets for each in target.everywhere)
    return httpx.create_ssl_context() if encrypted else False


async def target_of(
    settings: Settings,
    name: str,
    *,
    root: Path,
    addresses: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Target:
    """Return where an environment's probes are made: at `addresses`, else at those where its users reach it.

    Raises UsageError where something is not said that a probe needs, or a secret cannot be had.
    """
    environment: Environment = getattr(settings.environments, name)
    more = environment.smoke or Smoking()
    at = environment.addresses if addresses is None else addresses
    place = f"environments.{name}"
    if not settings.smoke:
        raise UsageError("shipway.toml has no [[smoke]]: there is nothing to ask", hint="docs/smoke.md has recipes")
    for probe in settings.smoke:
        if probe.app is not None and probe.requests and probe.name not in more.without and probe.app not in at:
            raise UsageError(
                f"shipway.toml: [{place}] addresses lacks {probe.app}, which the probe {probe.name} asks",
                hint=f"say where {probe.app} is reached, or leave the probe out in [{place}.smoke] without",
            )
    for lacking in settings.lacking(name):
        raise UsageError(f"shipway.toml: [{place}.smoke] {lacking}")
    return await plain_target(settings, name, root=root, addresses=at, headers=headers)


async def plain_target(
    settings: Settings,
    name: str,
    *,
    root: Path,
    addresses: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> Target:
    """Return addresses of an environment's apps with what it adds to each request. Raises UsageError for a secret."""
    environment: Environment = getattr(settings.environments, name)
    more, place = environment.smoke or Smoking(), f"environments.{name}"
    secrets = {
        each: await resolve(reference, root=root, setting=f"{place}.smoke.secrets.{each}")
        for each, reference in more.secrets.items()
    }
    values = {f"{SECRET}{each}": value for each, value in secrets.items()}
    own = {each.lower(): fill(value, values) for each, value in more.headers.items()}
    return Target(
        addresses=dict(addresses),
        services=dict(more.services),
        headers={SYNTHETIC: "1", **own, **(headers or {})},
        secrets=secrets,
    )
