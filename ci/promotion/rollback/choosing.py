"""Chooses what a rollback goes back to: the newest earlier release that proved good, and is all there still."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from ci.errors import VendorError
from ci.gates.effects import Effect
from ci.gates.phases import read_migration
from ci.journal import State
from ci.journal.releases import Proof
from ci.promotion.admission import STOP
from ci.promotion.deploying import UNDONE, read_deployment
from ci.promotion.flow import SKIPPED
from ci.vendors.platform import State as Built

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.journal.releases import Release
    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion
    from ci.vendors.platform import Deployment

KIND = "rollback"  # of a flow, where a person asked for it
FAILED = "failed"
SWITCH = "switch"
ASKED = 5.0  # seconds in which GitHub must say that a person stopped rollbacks too
ALL_OF_IT = STOP[-1]  # the label that does, but for those by hand


async def choose(promotion: Promotion, doing: Doing) -> Facts:
    """Return the release to go back to, whose deployments are all there still. Raises ShipwayError."""
    why = await _unneeded(promotion, doing)
    if why is not None:
        return {SKIPPED: why}
    releases = await anyio.to_thread.run_sync(promotion.journal.releases.of, promotion.environment)
    bad = _bad(doing, releases)
    by_hand = doing.flow.kind == KIND
    if not by_hand:
        if stopped := await _stopped(promotion):
            return {FAILED: stopped}
        await _keep_apart(promotion, doing)
    wanted = doing.flow.asked.get("to")
    earlier = [each for each in releases if bad is None or each.moment < bad.moment]
    good = [each for each in earlier if each.state is Proof.GOOD and (not wanted or each.commit.startswith(wanted))]
    if not good:
        return {FAILED: f"no release proved good {'of ' + wanted[:12] if wanted else 'before it'} to go back to"}
    gone: list[str] = []
    for release in good:
        if contracts := await _contracts(promotion, release):
            lost = f"{contracts[0]} took away what {release.commit[:12]} needs: only a later commit can mend it"
            return {FAILED: "; ".join([*gone, lost])}
        if app := await lacking(promotion, release.deployments):
            gone.append(f"{app} of {release.commit[:12]} is gone")
            continue
        return {"commit": release.commit, "deployments": release.deployments, "bad": bad.flow if bad else None}
    return {FAILED: "; ".join(gone)}


async def _unneeded(promotion: Promotion, doing: Doing) -> str | None:
    """Return why nothing is to be put back, None where it is."""
    if doing.flow.kind == KIND:
        return None
    if doing.refusal is None:
        return "the release did not fail"
    if doing.refusal.state is State.HELD and doing.refusal.step != SWITCH:  # half a switch must not stay so
        return "it is held, and serves"
    released = await anyio.to_thread.run_sync(promotion.journal.releases.of_flow, doing.flow.id)
    if released is None:
        return "nothing was switched"
    if doing.refusal.state is State.ABORTED and released.state is Proof.GOOD:
        return "only its watch was ended: it had proved good"
    return None


def _bad(doing: Doing, releases: Sequence[Release]) -> Release | None:
    """Return the release that is to go: this promotion's own; by hand, what was switched to last."""
    if doing.flow.kind != KIND:
        return next((each for each in releases if each.flow == doing.flow.id), None)
    return next((each for each in releases if each.state is not Proof.ROLLED_BACK), None)


async def _stopped(promotion: Promotion) -> str | None:
    """Return the label by which a person has even this stopped, None where nobody has."""
    with contextlib.suppress(VendorError), anyio.move_on_after(ASKED):  # users come first: who is away stops nothing
        for issue in await promotion.github.issues.labelled(ALL_OF_IT):
            return f"stopped by issue #{issue.number}, labelled {ALL_OF_IT}"
    return None


async def _keep_apart(promotion: Promotion, doing: Doing) -> None:
    """Wait until the last rollback is long enough ago: something that fails so soon again may be no release's fault."""
    known = await anyio.to_thread.run_sync(promotion.journal.servings.of, promotion.environment)
    last = max((each.moment for each in known if each.flow.endswith(UNDONE)), default=None)
    wait = 0.0 if last is None else last + promotion.settings.promotion.rollbacks_apart - time.time()
    if wait > 0:
        doing.note(f"the last rollback was just now: waiting {wait:.0f} s")
        await anyio.sleep(wait)


async def _contracts(promotion: Promotion, release: Release) -> list[str]:
    """Return the contract migrations that the database had since a release, and that it does not bring itself."""
    settings = promotion.settings.migrations
    had = await anyio.to_thread.run_sync(promotion.journal.servings.migrations, promotion.environment)
    since = [name for name in had if name not in release.migrations]
    if settings is None or not since:
        return []
    await promotion.history.require(release.commit, "which is to be served again")
    own = await promotion.history.files(release.commit, settings.directory, settings.files)
    since = [name for name in since if name not in own]  # its own ran when it was good, and it can live with it
    files = await promotion.history.files(promotion.commit, settings.directory, settings.files)
    read = [read_migration(name, files[name]) for name in since if name in files]
    return [each.name for each in read if each.phase is Effect.CONTRACT]


async def lacking(promotion: Promotion, deployments: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return an app whose deployment is not there any more, None where all are, as far as the platform says."""
    for app in promotion.settings.apps:
        known = deployments.get(app.name)
        if known is None or not await _is_there(promotion, read_deployment(known)):
            return app.name
    return None


async def _is_there(promotion: Promotion, deployment: Deployment) -> bool:
    try:
        return (await promotion.platform.wait(deployment)).state is Built.READY
    except VendorError:
        return True  # a platform that is away is no reason to leave users where they are: it is tried, and told
