"""A check's toolchain as a container: which recipes make it, what its steps find on PATH, and what was really there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.toolchains.pnpm import check_pin
from ci.toolchains.versions import DEFAULT_NODE
from containers import lighthouse, playwright, pnpm, postgres
from containers.furniture import BIN, PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagger import Container

    from ci.model import Toolchain
    from containers.kitchen import Kitchen

PRELOAD = f"{PROGRAMS}/preload.cjs"


@dataclass(frozen=True, kw_only=True)
class Furnished:
    """A container with the tools. `path` are directories for PATH, the first wins; `versions` those really there."""

    container: Container
    path: tuple[str, ...]
    environment: Mapping[str, str]
    versions: Mapping[str, str]


async def furnish(kitchen: Kitchen, toolchain: Toolchain) -> Furnished:
    """Have the toolchain's container made. Raises ToolError where a pin's hash is not that of the package."""
    tools = toolchain.tools
    environment = {"SHIPWAY_PLAYWRIGHT_PRELOAD": PRELOAD}
    versions = dict(tools)
    node = tools.get("node", DEFAULT_NODE)
    if "chromium" in tools:
        container = playwright.container(kitchen, node=node, playwright=tools.get("playwright"))
        environment |= {"SHIPWAY_CHROMIUM": playwright.CHROMIUM, "PLAYWRIGHT_BROWSERS_PATH": playwright.DOWNLOADS}
        versions["chromium"] = (await container.file(playwright.VERSION).contents()).strip()
        image = kitchen.image("playwright", playwright.version(tools.get("playwright")))
    else:
        container = pnpm.container(kitchen, node=node)
        image = kitchen.image("node", node)
    if "pnpm" in tools:
        container = pnpm.with_pnpm(kitchen, container, tools["pnpm"])
        await _hold_to_pin(container, tools["pnpm"], toolchain.pnpm_hash)
    for name, variable in (("lighthouse", "SHIPWAY_LIGHTHOUSE"), ("depcruise", "SHIPWAY_DEPCRUISE")):
        if name in tools:
            container = lighthouse.with_tool(kitchen, container, name)
            environment[variable] = lighthouse.place(name)
    if "rls" in tools:
        container = postgres.with_psycopg(kitchen, container)
    versions["image"] = await image.image_ref()
    return Furnished(
        container=container, path=(f"{pnpm.TOOLS}/bin", pnpm.PATH, BIN), environment=environment, versions=versions
    )


async def _hold_to_pin(container: Container, version: str, pin: str | None) -> None:
    lines = (await container.file(pnpm.HASHES).contents()).splitlines()
    check_pin(version, pin, dict(line.split(" ", 1) for line in lines))
