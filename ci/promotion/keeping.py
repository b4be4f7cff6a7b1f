"""Which apps of production are not built anew: those that nothing changed of since what they serve was built.

In doubt an app is deployed. What is counted is in git: the files that it is built from (inputs.py). How the platform is
configured cannot be read; whoever changes a variable there and wants it in use says `keep_unchanged = false`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread

from ci.errors import ToolError, UsageError, VendorError
from ci.journal.releases import ADOPTED, Proof
from ci.promotion.asking import commit_of, is_same
from ci.promotion.inputs import read_inputs
from ci.vendors.platform import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.journal.releases import Release
    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion
    from ci.settings.environments import App
    from ci.vendors.platform import Deployment

LIVE = "production"
KEPT = "kept"  # in what came of a step: the commit that the deployment was built from


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The deployment that an app keeps; None where it is built anew. `why` is told."""

    why: str
    deployment: Deployment | None = None


async def choose(promotion: Promotion, app: App, doing: Doing) -> Choice:
    """Choose whether an app keeps what it serves. Raises VendorError."""
    if promotion.environment != LIVE:
        return Choice(why="")
    if not promotion.settings.promotion.keep_unchanged:
        return Choice(why="shipway.toml keeps no deployment")
    anew = [name for name in app.needs if KEPT not in doing.facts[f"deploy {name}"]]
    if anew:
        return Choice(why=f"{anew[0]}, which it needs, has another address")
    serving = await promotion.platform.serving(app.name)
    if len(serving) != 1 or serving[0].state is not State.READY or serving[0].commit is None:
        return Choice(why="the platform does not name one deployment that serves it")
    try:
        return await _compare(promotion, app, doing.facts, serving[0], serving[0].commit)
    except (UsageError, ToolError, VendorError) as error:
        return Choice(why=error.message)


async def _compare(
    promotion: Promotion, app: App, facts: Mapping[str, Facts], serving: Deployment, commit: str
) -> Choice:
    """Compare what an app serves with the candidate. Raises UsageError where that cannot be done."""
    told = facts["admission"]["served"].get(promotion.environment, {}).get(app.name)
    if app.serves is not None and not (told and is_same(told, commit)):
        return Choice(why="it does not say that it serves what the platform says")
    releases = await anyio.to_thread.run_sync(promotion.journal.releases.of, promotion.environment)
    if not any(_is_of(release, serving, app, facts) for release in releases):
        return Choice(why="what serves it is of no release that proved good with what it needs")
    before = await promotion.history.whole(commit)
    inputs = await read_inputs(promotion.history, promotion.commit)
    differs = await inputs.difference(app.path, before)
    if differs is not None:
        return Choice(why=differs)
    if app.serves is not None:
        headers = await promotion.platform.passage(app.name)
        if await commit_of(app.name, serving.address, app.serves, headers=headers) != told:
            return Choice(why="its deployment does not answer as it does where users are")
    why = f"nothing that it is built from changed since {before[:12]}: it keeps that deployment"
    return Choice(why=why, deployment=serving)


def _is_of(release: Release, serving: Deployment, app: App, facts: Mapping[str, Facts]) -> bool:
    """Whether a release had this deployment together with those of what the app needs, and proved good.

    One that was adopted may have been deployed with other variables than Shipway gives.
    """
    wanted = {app.name: serving.id, **{name: facts[f"deploy {name}"]["id"] for name in app.needs}}
    has = all(release.deployments.get(name, {}).get("id") == found for name, found in wanted.items())
    given = not app.variables or not release.flow.startswith(ADOPTED)
    return has and given and release.state is Proof.GOOD
