"""The Playwright toolchain: the browsers of the repository's own Playwright, with its Node and pnpm beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from containers import images, pnpm
from containers.furniture import BIN, HOME

if TYPE_CHECKING:
    from dagger import Container

    from containers.kitchen import Kitchen

DOWNLOADS = "/ms-playwright"  # as the image itself says in PLAYWRIGHT_BROWSERS_PATH
CHROMIUM = f"{BIN}/chromium"
VERSION = f"{HOME}/chromium.version"
# The browser's own sandbox needs what an exec does not have; the exec is one.
NAME = f"""
found=$(find {DOWNLOADS}/chromium-* -type f -name chrome | sort | tail -n 1)
[ -n "$found" ] || {{ echo "the image has no Chromium in {DOWNLOADS}" >&2; exit 1; }}
printf '#!/bin/sh\nexec "%s" --no-sandbox "$@"\n' "$found" > {CHROMIUM}
chmod 755 {CHROMIUM}
{CHROMIUM} --version > {VERSION}
"""


def container(kitchen: Kitchen, *, node: str, playwright: str | None) -> Container:
    """Return the image of that Playwright; without one, of the default."""
    image = kitchen.image("playwright", version(playwright))
    return pnpm.in_image(kitchen, image, node=node).with_exec(["sh", "-ec", NAME])


def version(playwright: str | None) -> str:
    """Return which image is taken: that of the repository's own Playwright, or the default."""
    return playwright or images.PLAYWRIGHT
