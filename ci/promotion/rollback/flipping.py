"""Moves the users of all apps back at once: reads what is served, flips, and asks each app until it says so itself.

What is served is read before each flip: somebody else may have moved users meanwhile, and that is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from ci.errors import ShipwayError, VendorError
from ci.journal import LeaseLostError
from ci.promotion.asking import commit_of, is_same
from ci.promotion.deploying import read_deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ci.promotion.promoting import Promotion
    from ci.settings.environments import App
    from ci.vendors.platform import Deployment

TRIES = 3
SERVED = 30.0  # seconds for an app to serve what it is put back to
PAUSE = 0.2


@dataclass(frozen=True, kw_only=True)
class Flipped:
    """Which apps are not back, with why; and what is to be said of the others too."""

    wrong: Mapping[str, str]
    said: tuple[str, ...]


async def move_back(
    promotion: Promotion,
    deployments: Mapping[str, Mapping[str, Any]],
    *,
    ours: frozenset[str],
    note: Callable[[str], None],
) -> Flipped:
    """Put all apps back to these deployments, what is not back up to three times.

    `ours` are those that Shipway itself moved users to last.
    """
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        note(line)

    targets = {name: read_deployment(each) for name, each in deployments.items()}
    wrong: dict[str, str] = {}
    for number in range(TRIES):
        wrong = await _put_back(promotion, targets, only=wrong if number else targets, ours=ours, say=say)
        if not wrong:
            break
        for app, why in wrong.items():
            say(f"{app} is not back: {why}")
        await anyio.sleep(PAUSE)
    return Flipped(wrong=wrong, said=tuple(said))


async def _put_back(
    promotion: Promotion,
    targets: Mapping[str, Deployment],
    *,
    only: Collection[str],
    ours: frozenset[str],
    say: Callable[[str], None],
) -> dict[str, str]:
    """Put these apps back side by side; return those that are not, with why."""
    wrong: dict[str, str] = {}
    lost: list[LeaseLostError] = []

    async def put(app: App) -> None:
        target = targets[app.name]
        try:
            await _put(promotion, app, target, ours=ours, say=say)
        except LeaseLostError as error:
            lost.append(error)
        except ShipwayError as error:
            if not await _is_back(promotion, app, target):
                wrong[app.name] = error.message

    async with anyio.create_task_group() as group:
        for app in promotion.settings.apps:
            if app.name in only and app.name in targets:
                group.start_soon(put, app)
    if lost:
        raise lost[0]
    return wrong


async def _put(
    promotion: Promotion, app: App, target: Deployment, *, ours: frozenset[str], say: Callable[[str], None]
) -> None:
    """Put an app back, if it is not; it must say so itself. Raises VendorError, LeaseLostError."""
    serving = await promotion.platform.serving(app.name)
    for each in serving:
        if each.id not in ours:
            say(f"{app.name} led to {_named(each)}: somebody else moved its users there")
    if not serving or any(each.id != target.id for each in serving):
        await promotion.platform.roll_back(target, why=f"{promotion.name} failed")
    await _until_back(promotion, app, target)


async def _is_back(promotion: Promotion, app: App, target: Deployment) -> bool:
    """Whether an app says by itself that it serves the target's build: the platform may be away, or late."""
    address = promotion.own.addresses.get(app.name)
    if app.serves is None or address is None or target.commit is None:
        return False
    try:
        found = await commit_of(app.name, address, app.serves)
    except ShipwayError:
        return False
    return is_same(found, target.commit)


async def _until_back(promotion: Promotion, app: App, target: Deployment) -> None:
    """Ask an app what it serves until that is what the deployment was built from. Raises VendorError.

    Where it says something else the platform is asked too: somebody may have moved its users meanwhile.
    """
    address = promotion.own.addresses.get(app.name)
    if app.serves is None or address is None or target.commit is None:
        return
    said = "it does not answer"
    with anyio.move_on_after(SERVED):
        while True:
            try:
                found = await commit_of(app.name, address, app.serves)
            except VendorError as error:
                said = error.message
            else:
                if is_same(found, target.commit):
                    return
                said = f"it serves {found[:12]}"
                for each in await promotion.platform.serving(app.name):
                    if each.id != target.id:
                        raise VendorError(f"its users were moved to {_named(each)} meanwhile")
            await anyio.sleep(PAUSE)
    raise VendorError(f"it does not serve {target.commit[:12]} after {SERVED:.0f} s: {said}")


def _named(deployment: Deployment) -> str:
    return f"{deployment.id} of {deployment.commit[:12]}" if deployment.commit else deployment.id
