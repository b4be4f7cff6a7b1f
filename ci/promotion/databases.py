"""An environment's database and its branches: how they are reached, and a lock while it is migrated."""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from ci.branches import connect
from ci.errors import UsageError, VendorError
from ci.vendors.neon import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ci.promotion.promoting import Promotion
    from ci.settings.environments import Neon as Settings
    from ci.vendors.neon import Neon
    from ci.vendors.neon_values import Branch

LOCK = "select pg_try_advisory_lock(hashtext('shipway migration'))"
LASTING = datetime.timedelta(hours=12)  # of a branch for tests, should nobody take it away
KEEPING = datetime.timedelta(days=7)  # of a restore point
KEPT = 3  # restore points of an environment: a project has no more than ten branches, on Neon's free plan


@dataclass(frozen=True, kw_only=True)
class Databases:
    """A project at Neon with one environment's database."""

    client: Neon
    settings: Settings

    async def own(self) -> Branch:
        """Return the branch that the environment's apps use. Raises VendorError, UsageError."""
        found = await self.client.branches(self.settings.project)
        wanted = self.settings.parent
        for each in found:
            if wanted in {each.id, each.name} or (wanted is None and each.is_default):
                return each
        raise UsageError(f"{self.settings.project} has no branch {wanted or 'that is the default'}")

    async def url(self, branch: str) -> str:
        """Return how a branch, by its id, is reached as its owner: a secret. Raises VendorError."""
        settings = self.settings
        for endpoint in await self.client.endpoints(settings.project, branch):
            await self.client.start(settings.project, endpoint.id)
        return await self.client.connection_uri(
            settings.project, branch, database=settings.database, role=settings.role
        )

    async def make(self, name: str) -> Branch:
        """Return a branch of the environment's own, for tests; made once. Raises VendorError."""
        parent = await self.own()
        expires = datetime.datetime.now(datetime.UTC) + LASTING
        return await self.client.make_branch(self.settings.project, name, parent=parent.id, expires=expires)

    async def delete(self, name: str) -> None:
        """Delete a branch and those that were made of it; nothing where it is gone. Raises VendorError."""
        project = self.settings.project
        found = await self.client.branches(project)
        for each in found:
            if each.name == name:
                for child in found:
                    if child.parent == each.id:
                        await self.client.delete_branch(project, child.id)
                await self.client.delete_branch(project, each.id)

    async def make_room(self, prefix: str, *, name: str) -> None:
        """Delete the oldest branches of a prefix, so that with the one of that name no more than KEPT are there."""
        known = await self.client.branches(self.settings.project, search=prefix)
        others = [each for each in known if each.name.startswith(prefix) and each.name != name[:LONGEST_NAME]]
        others.sort(key=lambda each: each.created, reverse=True)
        for each in others[KEPT - 1 :]:
            await self.client.delete_branch(self.settings.project, each.id)


def databases(promotion: Promotion) -> Databases | None:
    """Return the environment's project at Neon, None where none is connected."""
    settings = promotion.own.neon
    if promotion.made.neon is None or settings is None:
        return None
    return Databases(client=promotion.made.neon, settings=settings)


async def own_url(promotion: Promotion) -> str | None:
    """Return how the environment's own database is reached directly, None where nothing says it: a secret."""
    if (found := databases(promotion)) is not None:
        return await found.url((await found.own()).id)
    return promotion.made.secrets.get(f"environments.{promotion.environment}.configured.database")


@contextlib.asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Hold the one lock under which a database is migrated. Raises VendorError where somebody else has it."""
    async with await connect(url) as connection:
        try:
            row = await (await connection.execute(LOCK)).fetchone()
        except psycopg.Error as error:
            raise VendorError(f"the database cannot be used: {type(error).__name__}") from None
        if row is None or not row[0]:
            raise VendorError("the database is being migrated by somebody else", hint="wait for it, and resume")
        yield
