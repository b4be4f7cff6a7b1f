"""How each environment stands: what its apps serve, what goes on in it, who holds it. No secret is needed for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from ci import processes
from ci.errors import ShipwayError
from ci.promotion.asking import commit_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ci.journal import Journal
    from ci.settings import Settings
    from ci.settings.environments import App, Environment


@dataclass(frozen=True, kw_only=True)
class Served:
    """What an app serves; None where it does not say, and `trouble` why. `behind` counts main's commits after it."""

    app: str
    commit: str | None
    behind: int | None = None
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How an environment stands. `flow` is what goes on in it, or what was last; `holder` holds its lease now."""

    environment: str
    branch: str
    served: tuple[Served, ...]
    flow: str | None = None
    state: str | None = None
    reason: str | None = None
    holder: str | None = None


async def standings(settings: Settings, journal: Journal, root: Path) -> tuple[Standing, ...]:
    """Return how each environment stands that is configured. Apps that cannot be asked are told, not raised."""
    main = settings.environments.development.branch
    found: dict[str, Standing] = {}

    async def ask(name: str, environment: Environment) -> None:
        served = [await _served(app, environment, root, main) for app in settings.apps if app.serves]
        found[name] = await anyio.to_thread.run_sync(_standing, name, environment, journal, served)

    async with anyio.create_task_group() as group:
        for name, environment in settings.environments:
            if environment != type(environment)():
                group.start_soon(ask, name, environment)
    return tuple(found[name] for name, _ in settings.environments if name in found)


def _standing(name: str, environment: Environment, journal: Journal, served: Sequence[Served]) -> Standing:
    newest = next(iter(journal.flows.recent(name, limit=1)), None)
    lease = journal.leases.of(name)
    return Standing(
        environment=name,
        branch=environment.branch,
        served=tuple(served),
        flow=newest.id if newest else None,
        state=newest.state.value if newest else None,
        reason=newest.reason if newest else None,
        holder=lease.holder if lease else None,
    )


async def _served(app: App, environment: Environment, root: Path, main: str) -> Served:
    address = environment.addresses.get(app.name)
    if address is None or app.serves is None:
        return Served(app=app.name, commit=None, trouble="no address is configured")
    try:
        commit = await commit_of(app.name, address, app.serves)
    except ShipwayError as error:
        return Served(app=app.name, commit=None, trouble=error.message)
    return Served(app=app.name, commit=commit, behind=await _behind(root, commit, main))


async def _behind(root: Path, commit: str, main: str) -> int | None:
    """Count the commits of main that a commit does not have; None where git does not know them here."""
    for branch in (f"refs/remotes/origin/{main}", f"refs/heads/{main}"):
        argv = ["git", "rev-list", "--count", f"{commit}..{branch}", "--"]
        done = await processes.run(argv, cwd=root, timeout=30)
        if done.code == 0:
            return int(done.text)
    return None
