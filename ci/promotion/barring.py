"""What people do about promotions beside promoting: freeze an environment, pin a commit out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.errors import UsageError
from ci.promotion.history import History

if TYPE_CHECKING:
    from pathlib import Path

    from ci.journal import Journal


async def change(journal: Journal, root: Path, what: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Do what is asked, and return how it is now, a line each. Raises UsageError."""
    name, *reason = words
    bars = journal.bars
    match what:
        case "freeze":
            found = bars.freeze(name, reason[0])
            return (f"{name} is frozen: {found.reason}",)
        case "unfreeze":
            return (f"{name} is open again" if bars.unfreeze(name) else f"{name} was not frozen",)
        case "pin":
            commit = await History(root=root).whole(name)
            return (f"{commit[:12]} is pinned out: {bars.pin(commit, reason[0]).reason}",)
        case "unpin":
            known = [each.commit for each in bars.pins() if each.commit.startswith(name)]
            if not known:
                raise UsageError(f"{name[:12]} is not pinned", hint="`shipway status` names what is")
            return tuple(f"{each[:12]} may be promoted again" for each in known if bars.unpin(each))
        case _:
            raise AssertionError(what)
