"""What an app says of itself: which commit it serves. The platform may think that it serves another one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.errors import Trouble, VendorError
from ci.vendors.answers import Dialect
from ci.vendors.exchange import Exchange, Patience

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.settings.environments import Serves

PATIENCE = Patience(request=10.0, whole=20.0)
COMMIT = re.compile(r"[0-9a-f]{7,40}")


async def commit_of(app: str, address: str, serves: Serves, *, headers: Mapping[str, str] | None = None) -> str:
    """Return the commit that the app at `address` says it serves. Raises VendorError where it says none."""
    exchange = Exchange(Dialect(vendor=app), address, patience=PATIENCE)
    async with exchange.client:
        answer = await exchange.ask("GET", serves.path, headers=headers)
    body = answer.json()
    found = body.get(serves.commit) if isinstance(body, dict) else None
    if not isinstance(found, str) or not COMMIT.fullmatch(found):
        raise VendorError(
            f"{app} {Trouble.UNREADABLE.value}: there is no commit under `{serves.commit}` at {address}{serves.path}",
            hint="have it answer with the commit that it was built from, or correct [[apps]] serves",
            trouble=Trouble.UNREADABLE,
        )
    return found
