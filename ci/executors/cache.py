"""The per-user cache, and in it a scratch directory for one run."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ci.errors import DiskFullError, without_room
from ci.executors import linking
from ci.executors.scratch import scratch, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator


def cache_directory() -> Path:
    """Return the per-user cache: SHIPWAY_CACHE, else XDG_CACHE_HOME/shipway, else ~/.cache/shipway."""
    if chosen := os.environ.get("SHIPWAY_CACHE"):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "shipway"


@contextmanager
def held(identity: str) -> Iterator[tuple[Path, Path]]:
    """Give the cache and a scratch directory in it; sweep what killed runs left there."""
    cache = cache_directory()
    try:
        with scratch(cache, identity) as place:
            sweep(cache)
            linking.sweep(cache)
            yield cache, place
    except (OSError, ExceptionGroup) as error:
        if full := without_room(error):
            place = full.filename or cache
            raise DiskFullError(f"no space left for {place}", hint="free some, or set SHIPWAY_CACHE") from error
        raise
