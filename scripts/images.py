"""The work of scripts/images."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import anyio

from ci import processes
from ci.executors.engine import choose
from ci.executors.equipment import MIRROR
from ci.toolchains.versions import DEFAULT_NODE, POSTGRES
from containers import images
from containers.kitchen import Kitchen

PLACE = Path(images.__file__).with_name("images.toml")
VERSIONS = {"node": DEFAULT_NODE, "playwright": images.PLAYWRIGHT, "postgres": POSTGRES.partition(".")[0], "python": ""}


async def renew() -> None:
    """Write the newest Playwright into images.toml."""
    newest = (await processes.run(("npm", "view", "playwright", "version"))).text.strip()
    if not re.fullmatch(r"\d+\.\d+\.\d+", newest):
        raise SystemExit(f"npm does not tell the newest Playwright: {newest[:200]!r}")
    text = PLACE.read_text(encoding="utf-8")
    PLACE.write_text(re.sub(r'^default = "[^"]*"', f'default = "{newest}"', text, flags=re.MULTILINE), encoding="utf-8")
    print(f"playwright {images.PLAYWRIGHT} -> {newest}")


async def digests() -> None:
    """Print what each image's tag leads to now, as an engine pulls it."""
    from ci.executors.session import session  # noqa: PLC0415 - it costs a second

    choice = await choose("dagger")
    if choice.engine is None:
        raise SystemExit("no engine")
    async with session(choice.engine, on_output=lambda _check, _tail: None) as client:
        kitchen = Kitchen(client=client, mirror=os.environ.get(MIRROR))
        for name, version in VERSIONS.items():
            print(await kitchen.image(name, version).image_ref())


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            anyio.run(renew)
        case ["--digests"]:
            anyio.run(digests)
        case _:
            raise SystemExit("usage: scripts/images [--digests]")
