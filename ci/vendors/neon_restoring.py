"""The way back: a branch that keeps what a database held, and another one that is made to hold that again.

https://neon.com/docs/guides/branch-restore. A branch that is restored keeps its id, its name and its computes, so those
who connect need not know; what it held before stays in a branch of its own.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from ci.vendors.adapter import ensure
from ci.vendors.exchange import segment
from ci.vendors.neon import LONGEST_NAME, precisely
from ci.vendors.neon_values import Branch, Operation

if TYPE_CHECKING:
    from ci.vendors.neon import Neon


async def restore_point(
    client: Neon,
    project: str,
    name: str,
    *,
    parent: str,
    at: datetime.datetime | None = None,
    expires: datetime.datetime | None = None,
) -> Branch:
    """Keep what a branch, by its id, holds now or held at a moment, under a name; nothing runs. Raises VendorError."""
    return await client.make_branch(project, name, parent=parent, at=at, expires=expires, compute=False)


async def restore(
    client: Neon, project: str, branch: str, *, source: str, keep: str, at: datetime.datetime | None = None
) -> Branch:
    """Have a branch hold what `source` holds, or held at a moment, both by their ids; done when this returns.

    What it held until now is kept in a branch named `keep`, by which one that was restored so already is known: the
    name must be this try's own. Connections end. Raises VendorError.
    """
    kept = keep[:LONGEST_NAME]
    body: dict[str, Any] = {"source_branch_id": source, "preserve_under_name": kept}
    body |= {"source_timestamp": precisely(at)} if at else {}

    async def look() -> tuple[Operation, ...] | None:
        if await client.find_branch(project, kept) is None:
            return None
        return await client.pending(project, branch)

    async def write() -> tuple[Operation, ...]:
        path = f"/projects/{segment(project)}/branches/{segment(branch)}/restore"
        answer = await client.change("POST", path, body=body)
        found: tuple[Operation, ...] = client.part(answer, "operations", tuple[Operation, ...])
        return found

    await client.settle(project, await ensure(look, write))
    return await client.ready(project, branch)
