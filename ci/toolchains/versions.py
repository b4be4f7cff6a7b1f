"""Which tools, in which exact versions and with which hashes: the reading of versions.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATA: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("versions.toml").read_text(encoding="utf-8"))

DEFAULT_NODE: str = _DATA["node"]["default"]
WHEEL_NODES: tuple[str, ...] = tuple(_DATA["node"]["wheels"])
POSTGRES: str = _DATA["postgres"]["version"]
CHROMIUM: str = _DATA["chromium"]["version"]
LIGHTHOUSE: str = _DATA["lighthouse"]["version"]
DEPCRUISE: str = _DATA["depcruise"]["version"]


def known_nodes() -> tuple[str, ...]:
    """Return the exact Node versions that can be had, oldest first, for whoever resolves a range."""
    known = {version for line in _DATA["node"]["known"].values() for version in line}
    return tuple(sorted(known.union(WHEEL_NODES), key=_order))


def node_integrity(package: str, version: str) -> str | None:
    """Return the hash that npm's `package@version` must have, in the form of a lock file, where it is pinned here."""
    integrity: str | None = _DATA["node"]["integrity"].get(f"{package}@{version}")
    return integrity


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
