"""What of a plan's tools is in the per-user cache already, and what is still to be fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ci.model import Toolchain

OWN = frozenset({"postgres", "rls"})  # come with Shipway's own Python packages


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One tool. `state` is "ready", "to be fetched" or "with Shipway"; `size` is what lies in the cache, in bytes."""

    name: str
    version: str
    state: str
    place: str | None = None
    size: int | None = None


def inventory(toolchains: Iterable[Toolchain], cache: Path) -> tuple[Entry, ...]:
    """Return every tool of the toolchains once, by name and version."""
    wanted = sorted({item for toolchain in toolchains for item in toolchain.tools.items()})
    return tuple(_entry(name, version, cache / "tools") for name, version in wanted)


def _entry(name: str, version: str, tools: Path) -> Entry:
    if name in OWN:
        return Entry(name=name, version=version, state="with Shipway")
    place = next(iter(sorted(tools.glob(f"{name}-{version}*"))), None)
    if place is None:
        return Entry(name=name, version=version, state="to be fetched")
    size = sum(path.lstat().st_size for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    return Entry(name=name, version=version, state="ready", place=str(place), size=size)
