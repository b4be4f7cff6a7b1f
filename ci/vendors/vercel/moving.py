"""Promotions and rollbacks. Vercel says 201 when it has taken note of one, and does it in its own time.

They move domains and nothing else: the build with its variables stays as it is, databases are not touched.
https://vercel.com/docs/instant-rollback, https://vercel.com/docs/deployments/promoting-a-deployment
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import anyio

from ci.errors import Trouble, VendorError
from ci.text import clean, first_line
from ci.vendors.adapter import BRIEF, ensure
from ci.vendors.exchange import LOOKED_AT
from ci.vendors.pace import GROWTH, Pace, until
from ci.vendors.vercel.client import Vercel
from ci.vendors.vercel.values import AliasRequest, Job, Project

CONFLICT = 409
PACE = Pace(whole=180.0)  # what Vercel's own command line gives it


async def promote(client: Vercel, project: str, deployment: str, *, pace: Pace = PACE) -> None:
    """Have the production domains lead to a deployment, which was built for production; done when this returns.

    Afterwards Vercel may give the domains to new builds by itself again. Raises VendorError.
    """
    await _move(client, project, deployment, lambda name: client.ask_promotion(name, deployment), pace)


async def roll_back(client: Vercel, project: str, deployment: str, *, why: str = "", pace: Pace = PACE) -> None:
    """Have the production domains lead to a deployment that they led to before; done when this returns.

    Afterwards new builds do not get the domains by themselves, until a promotion. Raises VendorError.
    """
    await _move(client, project, deployment, lambda name: client.ask_rollback(name, deployment, why=why), pace)


async def _move(client: Vercel, name: str, deployment: str, ask: Callable[[str], Awaitable[None]], pace: Pace) -> None:
    end, rest = time.monotonic() + pace.whole, pace.first
    while True:
        before = await client.require_project(name)
        under_way = before.moving
        if under_way is not None and under_way.to == deployment:
            await _follow(client, before, deployment, under_way.requested - 1, pace)
            return
        if under_way is None and await _serves(client, before, deployment):
            return
        since = before.request.requested if before.request is not None else 0.0
        try:
            await _ask(client, before, deployment, since, ask)
        except VendorError as error:
            if error.status != CONFLICT or time.monotonic() >= end:
                raise
            # One at a time. It is somebody else's, or ours, whose answer was lost and which is not shown yet.
            await anyio.sleep(rest)
            rest = min(rest * GROWTH, pace.most)
        else:
            await _follow(client, before, deployment, since, pace)
            return


async def _ask(
    client: Vercel, project: Project, deployment: str, since: float, ask: Callable[[str], Awaitable[None]]
) -> None:
    async def look() -> AliasRequest | None:
        found = (await client.require_project(project.id)).request
        return found if found is not None and _is_ours(found, deployment, since) else None

    async def write() -> AliasRequest | None:
        await ask(project.id)
        return None

    await ensure(look, write, lag=BRIEF)  # it may be done twice, and users await it


async def _follow(client: Vercel, project: Project, deployment: str, since: float, pace: Pace) -> None:
    """Wait until the request to this deployment that is newer than `since` has ended well. Raises VendorError."""

    async def look() -> AliasRequest | None:
        found = (await client.require_project(project.id)).request
        if found is None or found.requested <= since:
            return None  # not noted yet
        return found if found.job.ended or found.to != deployment else None

    found = await until(look, pace)
    if found is None:
        told = f"{project.name} does not lead to {deployment} after {pace.whole:.0f} s"
        raise VendorError(f"Vercel {Trouble.BROKEN.value}: {told}", trouble=Trouble.BROKEN, unsettled=True)
    if found.to != deployment:
        told = f"another request, to {found.to}, came after the one to {deployment} in {project.name}"
        raise VendorError(f"Vercel {Trouble.REFUSING.value}: {told}", trouble=Trouble.REFUSING, unsettled=True)
    if found.job is Job.SUCCEEDED:
        return
    if found.job is Job.SKIPPED and (await client.require_project(project.id)).production == deployment:
        return
    failed = [f"{each.name} ({each.status})" for each in await client.failed_aliases(project.id)]
    there = await client.deployment(deployment)
    told = f"the {found.kind} of {project.name} to {deployment} {found.job.value}"
    domains = f": {', '.join(failed)}" if failed else ""
    why = f": {there.alias_error}" if there is not None and there.alias_error else ""
    line = first_line(clean(f"Vercel {Trouble.BROKEN.value}: {told}{domains}{why}"), LOOKED_AT)
    message = first_line(client.exchange.redactor.text(line))
    raise VendorError(message, trouble=Trouble.BROKEN, code=found.job.value)


async def _serves(client: Vercel, project: Project, deployment: str) -> bool:
    """Whether all is as asked for already. Where a rolling release is active, asking for what serves ends it."""
    if project.production != deployment:
        return False
    if project.rolling is None:
        return True
    active = await client.rolling_release(project.id)
    return active is None or active.state != "ACTIVE"


def _is_ours(request: AliasRequest, deployment: str, since: float) -> bool:
    return request.to == deployment and request.requested > since
