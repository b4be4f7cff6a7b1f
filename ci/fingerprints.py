"""Fingerprints: whether a value is still the same, told without keeping the value.

A plain hash of a short secret can be guessed back; one with a key that stays on this machine cannot, where only the
fingerprint is seen.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from typing import TYPE_CHECKING

from ci.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY = "fingerprints.key"
_SIZE = 32


def own_key(directory: Path) -> bytes:
    """Return this user's key, 32 bytes kept in `directory`; made on first use. Raises ToolError where it cannot be."""
    place = directory / KEY
    try:
        if not place.exists():
            fresh = directory / f"fingerprints.{secrets.token_hex(6)}.tmp"
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(_SIZE))
            with contextlib.suppress(FileExistsError):  # another run was quicker: its key is the one
                os.link(fresh, place)
            fresh.unlink()
        key = place.read_bytes()
    except OSError as error:
        raise ToolError(f"{place} cannot be used: {error.strerror}", hint="remove it, or set SHIPWAY_CACHE") from error
    if len(key) != _SIZE:
        raise ToolError(f"{place} is damaged", hint="remove it; a new one is made")
    return key


def fingerprints(values: Mapping[str, str], key: bytes) -> dict[str, str]:
    """Return a fingerprint of each value, 32 hexadecimal digits, by the same names; the name is part of it."""
    return {
        name: hashlib.blake2b(f"{name}\0{value}".encode(errors="surrogateescape"), key=key, digest_size=16).hexdigest()
        for name, value in values.items()
    }
