"""What serves the apps: deploys a commit to an address of its own, and moves users to it and back.

A platform of one environment: staging's and production's are two of them, with other projects or other commands.
vercel/platform.py is Vercel, command.py any other one through commands of the user's own.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class State(enum.StrEnum):
    """How far a deployment is."""

    QUEUED = "queued"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def ended(self) -> bool:
        """Whether it stays as it is."""
        return self in {State.READY, State.FAILED, State.CANCELED}


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A build of one app, reachable at an address of its own whether it serves users or not.

    `commit` is None where the platform does not know it, `created` is seconds since 1970, `reason` says why it failed,
    or why it did not get a name that was meant for it.
    """

    id: str
    app: str
    commit: str | None
    state: State
    address: str
    created: float
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be deployed. All orders with one `key` make one deployment, however often they are given.

    `branch` is one that holds the commit. `variables` go to this deployment alone, as the addresses of the others of
    its release.
    """

    app: str
    commit: str
    branch: str
    key: str
    variables: Mapping[str, str] = field(default_factory=dict)


class Platform(Protocol):
    """All of them raise VendorError where the platform cannot do it or cannot be asked.

    What they do is done when they return, and repeating it is harmless. A build that fails is a value.
    """

    async def deploy(self, order: Order) -> Deployment:
        """Begin to deploy, with the configuration of users' traffic but without any of it."""

    async def wait(self, deployment: Deployment) -> Deployment:
        """Return it once its state has ended."""

    async def log(self, deployment: Deployment) -> tuple[str, ...]:
        """Return the lines of its build; text of strangers, in which secrets may stand."""

    async def passage(self, app: str) -> Mapping[str, str]:
        """Return the headers, secrets among them, by which the deployments' own addresses let a request in."""

    async def serving(self, app: str) -> tuple[Deployment, ...]:
        """Return what users get: none, one, or several where the app's domains do not agree."""

    async def switch(self, deployment: Deployment) -> None:
        """Have users get this one, which is ready."""

    async def roll_back(self, deployment: Deployment, *, why: str) -> None:
        """Have users get this one again, which they had before."""

    async def candidates(self, app: str) -> tuple[Deployment, ...]:
        """Return what could be rolled back to, the newest first."""
