"""Takes what production serves today for good: so the first release that Shipway makes can be rolled back."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from ci.errors import UsageError
from ci.journal.releases import ADOPTED, Proof
from ci.promotion.deploying import plain_deployment
from ci.promotion.history import digest
from ci.vendors.platform import State

if TYPE_CHECKING:
    from ci.journal import Journal
    from ci.journal.releases import Release
    from ci.promotion.history import History
    from ci.settings import Settings
    from ci.vendors.platform import Deployment, Platform


async def adopt(
    environment: str, *, settings: Settings, journal: Journal, platform: Platform, history: History
) -> Release:
    """Write down what all apps serve, as a release that proved good. Raises UsageError, VendorError."""
    known = await anyio.to_thread.run_sync(journal.releases.of, environment)
    if known:
        raise UsageError(
            f"{environment} has releases already: {known[0].commit[:12]} is {known[0].state.value}",
            hint="`shipway status` tells them; nothing is to be adopted",
        )
    found = [await _serving(platform, app.name, environment) for app in settings.apps]
    commits = [each.commit for each in found if each.commit is not None]
    if not commits:
        raise UsageError(f"the platform does not know which commit {environment} serves: that cannot be adopted")
    # Apps may have been built from several commits: the release is called by the newest that holds the others.
    commit = commits[0]
    for each in commits[1:]:
        await history.require(each, f"which {environment} serves")
        commit = each if await history.contains(each, commit) else commit
    marks = await _migrations(settings, history, commit)
    deployments: dict[str, dict[str, Any]] = {each.app: plain_deployment(each) for each in found}
    flow = f"{ADOPTED}{environment}-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"

    def note() -> Release:
        journal.servings.migrated(environment, marks)
        journal.servings.record(environment, commit, flow=flow)
        return journal.releases.record(
            environment, commit, flow=flow, deployments=deployments, migrations=tuple(marks), state=Proof.GOOD
        )

    return await anyio.to_thread.run_sync(note)


async def _serving(platform: Platform, app: str, environment: str) -> Deployment:
    found = await platform.serving(app)
    if not found:
        raise UsageError(f"{environment} serves no {app} yet: there is nothing to adopt")
    if len(found) > 1:
        raise UsageError(
            f"the domains of {app} lead to {len(found)} deployments", hint="have all lead to one, and adopt it then"
        )
    if found[0].state is not State.READY:
        raise UsageError(f"{found[0].id} of {app} is {found[0].state.value}: that cannot be adopted")
    return found[0]


async def _migrations(settings: Settings, history: History, commit: str) -> dict[str, str]:
    if settings.migrations is None:
        return {}
    await history.require(commit, "which is to be adopted")
    files = await history.files(commit, settings.migrations.directory, settings.migrations.files)
    return {name: digest(text) for name, text in files.items()}
