"""Which images, by which tags: the reading of images.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATA: Mapping[str, Mapping[str, str]] = tomllib.loads(
    Path(__file__).with_name("images.toml").read_text(encoding="utf-8")
)

PLAYWRIGHT: str = _DATA["playwright"]["default"]


def reference(name: str, version: str = "", *, mirror: str | None = None) -> str:
    """Return an image's reference by tag. A mirror takes the registry's place, with the same names below it."""
    image, tag = _DATA[name]["image"], _DATA[name]["tag"].format(version=version)
    if mirror:
        image = f"{mirror.rstrip('/')}/{image.partition('/')[2]}"
    return f"{image}:{tag}"
