"""What main is given at GitHub: a commit on top of another, and main moved to it, where that needs no person."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from ci.errors import Trouble, VendorError
from ci.promotion.flow import BlockedError
from ci.vendors.github.objects import Signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.diagnosis.cycle import Cycle
    from ci.promotion.flow import Doing

NAME, EMAIL = "Shipway", "shipway@users.noreply.github.com"


async def make(cycle: Cycle, doing: Doing, base: str, files: Mapping[str, tuple[str, str] | None], message: str) -> str:
    """Make a commit on top of another, on no branch yet; made again, it is the same one.

    `files` are modes and blobs by path, None for one that is gone. Raises VendorError, BlockedError.
    """
    objects = cycle.hub.objects
    found = await objects.commit(base)
    if found is None:
        raise BlockedError(f"GitHub does not have {base[:12]}", hint=f"git push origin {base[:12]}")
    tree = await objects.make_tree(found.tree, files)
    moment = datetime.datetime.fromtimestamp(int(doing.flow.began), datetime.UTC)
    return await objects.make_commit(message, tree, (base,), Signature(name=NAME, email=EMAIL, moment=moment))


async def move(cycle: Cycle, commit: str) -> str | None:
    """Move main to a commit that stands on it; return why that cannot be. Raises VendorError."""
    branch = await cycle.hub.refs.branch(cycle.main)
    if branch is not None and branch.protected:
        return f"{cycle.main} is protected: it takes pull requests alone"
    try:
        await cycle.hub.refs.move(cycle.main, commit)
    except VendorError as error:
        if error.trouble is not Trouble.REFUSING:
            raise
        return f"GitHub does not move {cycle.main}: {error.message}"
    return None
