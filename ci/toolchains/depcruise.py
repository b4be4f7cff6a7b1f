"""dependency-cruiser as a library of Shipway's own Node, with the TypeScript that it reads sources with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ci.toolchains import versions
from ci.toolchains.installation import install
from ci.toolchains.npm import npm

if TYPE_CHECKING:
    from collections.abc import Callable

_LOCK = Path(__file__).with_name("locks") / "depcruise"

_ROOM = 60_000_000  # bytes, while it is being set up


async def provide_depcruise(tools: Path, note: Callable[[str], None]) -> Path:
    """Put dependency-cruiser into the cache and return the directory that holds its node_modules."""
    place = tools / f"depcruise-{versions.DEPCRUISE}"

    async def build(target: Path) -> None:
        note(f"setting up dependency-cruiser {versions.DEPCRUISE} (once)")
        async with npm(f"dependency-cruiser {versions.DEPCRUISE}", place) as fetcher:
            await fetcher.install_locked(_LOCK, target)

    await install(place, build, room=_ROOM)
    return place
