"""What an app says of itself: which commit it serves. The platform may think that it serves another one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci.errors import Trouble, VendorError
from ci.vendors.answers import Dialect
from ci.vendors.exchange import Exchange, Patience

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.settings.environments import Serves
    from ci.vendors.exchange import Query
    from ci.vendors.platform import Platform

PATIENCE = Patience(request=10.0, whole=20.0)
COMMIT = re.compile(r"[0-9a-f]{7,40}")


async def ask(
    app: str, address: str, path: str, *, query: Query | None = None, headers: Mapping[str, str] | None = None
) -> Any:
    """Return what the app at `address` answers in JSON. Raises VendorError."""
    exchange = Exchange(Dialect(vendor=app), address, patience=PATIENCE)
    async with exchange.client:
        return (await exchange.ask("GET", path, query=query, headers=headers)).json()


def is_same(one: str, other: str) -> bool:
    """Whether two names are of one commit: an app may say a short one."""
    return one.startswith(other) or other.startswith(one)


async def serves_nothing(platform: Platform | None, app: str) -> bool:
    """Whether the platform itself knows that an app serves nothing yet. Raises VendorError."""
    return platform is not None and not await platform.serving(app)


async def commit_of(app: str, address: str, serves: Serves, *, headers: Mapping[str, str] | None = None) -> str:
    """Return the commit that the app at `address` says it serves. Raises VendorError where it says none."""
    body = await ask(app, address, serves.path, headers=headers)
    found = body.get(serves.commit) if isinstance(body, dict) else None
    if not isinstance(found, str) or not COMMIT.fullmatch(found):
        raise VendorError(
            f"{app} {Trouble.UNREADABLE.value}: there is no commit under `{serves.commit}` at {address}{serves.path}",
            hint="have it answer with the commit that it was built from, or correct [[apps]] serves",
            trouble=Trouble.UNREADABLE,
        )
    return found
