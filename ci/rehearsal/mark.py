"""How a process knows that it is in a rehearsal's world: by the variable SHIPWAY_REHEARSAL, which names its directory.

The variable alone turns nothing on. A world must be up there, which holds a lock for as long as it lasts, and all that
is connected must be at this world's own addresses: a real environment can be taken for a rehearsal by no mistake.
"""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci.settings import Settings

VARIABLE = "SHIPWAY_REHEARSAL"
LOCK, MARK = "lock", "rehearsal.json"


def leave(directory: Path, addresses: Iterable[str]) -> None:
    """Say in a world's directory which addresses are its own."""
    (directory / MARK).write_text(json.dumps({"addresses": sorted({_origin(each) for each in addresses})}))


def rehearsing(settings: Settings, environment: Mapping[str, str]) -> bool:
    """Whether this is a rehearsal's world, by the variable in `environment`.

    Raises UsageError where no world is up in the directory that it names, or anything is connected that is not its own.
    """
    given = environment.get(VARIABLE)
    if not given:
        return False
    own = _own(Path(given))
    if own is None:
        hint = f"unset {VARIABLE}, or start that world again"
        raise UsageError(f"{VARIABLE}: no rehearsal's world is up in {given}", hint=hint)
    for place, address in _connected(settings):
        if _origin(address) not in own:
            raise UsageError(
                f"{VARIABLE} is set, but {place} is not in the rehearsal's world: {_origin(address)}",
                hint=f"unset {VARIABLE} for what is no rehearsal",
            )
    return True


def _own(directory: Path) -> frozenset[str] | None:
    """Return a world's own addresses, None where none is up there."""
    try:
        with (directory / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        pass  # whoever holds it is up
    except OSError:
        return None
    else:
        return None
    try:
        told = json.loads((directory / MARK).read_text())["addresses"]
        return frozenset(str(each) for each in told)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _connected(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield all that is connected, by its place in shipway.toml."""
    if settings.github is not None:
        yield "[github]", settings.github.address
    for name, each in settings.environments:
        for what in ("vercel", "neon", "stripe", "sentry"):
            if (service := getattr(each, what)) is not None:
                yield f"[environments.{name}.{what}]", service.address
        for place, address in each.notify.addresses.items():
            yield f"[environments.{name}.notify.{place}]", address
        for app, address in each.addresses.items():
            yield f"[environments.{name}] addresses {app}", address


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
