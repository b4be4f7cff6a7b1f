"""Step 1: whether a commit may be promoted at all, as pins, freezes, incidents and the platform have it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import anyio.to_thread

from ci.errors import ShipwayError
from ci.promotion.asking import commit_of
from ci.promotion.flow import BlockedError

if TYPE_CHECKING:
    from ci.journal.bars import Pin
    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion

STOP = ("shipway:stop", "shipway:stop-all")
PROMOTED = ("staging", "production")
FIXES = re.compile(r"^Shipway-Fixes:\s*(\S+)\s*$", re.MULTILINE)
REVERTS = re.compile(r"^This reverts commit ([0-9a-f]{7,40})\b", re.MULTILINE)
HOLDING = frozenset({"ahead", "identical"})


async def admit(promotion: Promotion, doing: Doing) -> Facts:
    """Refuse what is pinned, frozen, stopped or shipped behind our back; return what is served now, by environment."""
    commit = promotion.commit
    await promotion.history.require(commit, "the candidate")
    compared = await promotion.github.commits.compare(commit, promotion.main)
    if compared is None or compared.status not in HOLDING:
        raise BlockedError(
            f"{promotion.name} is no commit of {promotion.main}", hint="promote one that was pushed to it"
        )
    branch = promotion.own.branch
    there = await promotion.github.commits.compare(branch, commit)
    if there is not None and there.ahead == 0:
        raise BlockedError(f"{branch} holds {promotion.name} already", hint="promote a later commit")
    await _refuse_barred(promotion)
    await refuse_deployments_by_push(promotion)
    return {"served": {name: await _served(promotion, name, doing) for name in PROMOTED}}


async def look_again(promotion: Promotion, _doing: Doing) -> Facts:
    """Look again at what people may have said since: users are moved next. Raises BlockedError."""
    await _refuse_barred(promotion)
    return {}


async def _refuse_barred(promotion: Promotion) -> None:
    """Refuse what a freeze, a pin, an open incident or a person's label bars. Raises BlockedError."""
    commit = promotion.commit
    await refuse_frozen(promotion)
    for pin in await anyio.to_thread.run_sync(promotion.journal.bars.pins):
        if await _is_barred(promotion, pin):
            raise BlockedError(
                f"{promotion.name} holds {pin.commit[:12]}, which is pinned out: {pin.reason}",
                hint=f"revert it on {promotion.main}, or `shipway unpin {pin.commit[:12]}`",
            )
    incidents = await anyio.to_thread.run_sync(lambda: promotion.journal.incidents.going_on(commit=commit))
    if incidents:
        found = incidents[0]
        raise BlockedError(
            f"an incident is open on {promotion.name}: {found.what}: {found.reason}",
            hint=f"promote a commit that mends it, or `shipway incident close {found.id}`",
        )
    await refuse_stopped(promotion)


async def refuse_frozen(promotion: Promotion) -> None:
    """Refuse what a person has frozen. Raises BlockedError."""
    frozen = await anyio.to_thread.run_sync(promotion.journal.bars.frozen, promotion.environment)
    if frozen is not None:
        raise BlockedError(
            f"{promotion.environment} is frozen: {frozen.reason}", hint=f"shipway unfreeze {promotion.environment}"
        )


async def refuse_stopped(promotion: Promotion) -> None:
    """Refuse while a person has stopped it by an issue. Raises BlockedError."""
    for label in STOP:
        for issue in await promotion.github.issues.labelled(label):
            raise BlockedError(
                f"promotions are stopped by issue #{issue.number}, labelled {label}",
                hint="close it, or take its label away",
            )


async def _is_barred(promotion: Promotion, pin: Pin) -> bool:
    """Whether the candidate holds a pinned commit, and nothing since that one takes it back or mends it.

    What mends it names an incident of it; where none is known, as of a pin by hand, any name will do.
    """
    history = promotion.history
    if not await history.has(pin.commit) or not await history.contains(promotion.commit, pin.commit):
        return False
    pinned = (pin.commit,) if pin.good is None else await history.between(pin.good, pin.commit)
    about = await anyio.to_thread.run_sync(promotion.journal.incidents.about, pin.commit)
    incidents = {each.id for each in about}
    for message in await history.messages(promotion.commit, without=pin.commit):
        reverted = REVERTS.findall(message)
        mends = any(name in incidents or not incidents for name in FIXES.findall(message))
        if mends or any(each.startswith(name) for each in pinned for name in reverted):
            return False
    return True


async def refuse_deployments_by_push(promotion: Promotion) -> None:
    """Refuse while the platform deploys pushes by itself, in the environments that are promoted to."""
    vercel = promotion.made.vercel
    if vercel is None:
        return
    for name in PROMOTED:
        house = getattr(promotion.settings.environments, name).vercel
        for project in house.projects.values() if house is not None else ():
            found = await vercel.project(project)
            if found is not None and found.deploys_on_push:
                raise BlockedError(
                    f"Vercel deploys pushes to {found.name} by itself, behind the back of a promotion",
                    hint="project settings, Git: turn deployments off for it",
                )


async def _served(promotion: Promotion, name: str, doing: Doing) -> dict[str, str]:
    """Return which commit each app of an environment says that it serves, where users reach it."""
    found: dict[str, str] = {}
    addresses = getattr(promotion.settings.environments, name).addresses
    for app in promotion.settings.apps:
        if app.serves is None or app.name not in addresses:
            continue
        try:
            found[app.name] = await commit_of(app.name, addresses[app.name], app.serves)
        except ShipwayError as error:
            doing.note(f"{name} serves no {app.name} that can be told: {error.message}")
    return found
