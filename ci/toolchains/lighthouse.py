"""Lighthouse as a library of Shipway's own Node, with all it needs by hash."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ci.toolchains import versions
from ci.toolchains.installation import install
from ci.toolchains.npm import npm

if TYPE_CHECKING:
    from collections.abc import Callable

_LOCK = Path(__file__).with_name("locks") / "lighthouse"

_ROOM = 300_000_000  # bytes, while it is being set up


async def provide_lighthouse(tools: Path, note: Callable[[str], None]) -> Path:
    """Put Lighthouse into the cache and return the directory that holds its node_modules."""
    place = tools / f"lighthouse-{versions.LIGHTHOUSE}"

    async def build(target: Path) -> None:
        note(f"setting up Lighthouse {versions.LIGHTHOUSE} (once)")
        async with npm(f"Lighthouse {versions.LIGHTHOUSE}", place) as fetcher:
            await fetcher.install_locked(_LOCK, target)

    await install(place, build, room=_ROOM)
    return place
