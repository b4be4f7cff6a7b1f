"""pnpm, exactly the pinned version and, where the pin carries a hash, exactly the pinned content."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from ci.errors import ToolError
from ci.toolchains.installation import install
from ci.toolchains.npm import npm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_ALGORITHMS = ("sha512", "sha384", "sha256", "sha224", "sha1")
_HASHES = "tarball.json"

_ROOM = 200_000_000  # bytes, while it is being set up


async def provide_pnpm(version: str, pin: str | None, tools: Path, note: Callable[[str], None]) -> Path:
    """Put pnpm `version` into the cache and return its directory for PATH: pnpm, pnpx.

    `pin` is the `algorithm.hex` behind the plus sign of `packageManager`: the hash of the tarball. It is compared
    before anything is unpacked, and again, against the recorded hashes, whenever the cached one is used.
    Raises ToolError when it differs.
    """
    place = tools / f"pnpm-{version}"

    async def build(target: Path) -> None:
        note(f"setting up pnpm {version} (once)")
        async with npm(f"pnpm {version}", place) as fetcher:
            tarball = await fetcher.pack("pnpm", version)
            hashes = {name: hashlib.new(name, tarball.read_bytes()).hexdigest() for name in _ALGORITHMS}
            check_pin(version, pin, hashes)
            await fetcher.install(tarball, target)
        (target / _HASHES).write_text(json.dumps(hashes))

    await install(place, build, room=_ROOM)
    check_pin(version, pin, json.loads((place / _HASHES).read_text()))
    return place / "node_modules" / ".bin"


def check_pin(version: str, pin: str | None, hashes: Mapping[str, str]) -> None:
    """Hold the hashes of a tarball, in hexadecimal by algorithm, to a pin. Raises ToolError."""
    if pin is None:
        return
    algorithm, _, wanted = pin.partition(".")
    found = hashes.get(algorithm.lower())
    if found is None:
        raise ToolError(
            f"package.json: packageManager pins pnpm@{version} by {algorithm!r}, which is no hash known here",
            hint=f"use one of {', '.join(_ALGORITHMS)}",
        )
    if found != wanted.lower():
        raise ToolError(
            f"package.json: packageManager pins pnpm@{version}+{algorithm}.{wanted}, but the registry's pnpm "
            f"{version} has {algorithm}.{found}",
            hint="correct the pin, or find out who changed the package",
        )
