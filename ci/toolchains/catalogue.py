"""A toolchain's tools, by name, put into the per-user cache and on PATH."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from ci.errors import ShipwayError, ToolError
from ci.toolchains import versions
from ci.toolchains.chromium import COMMAND, playwright_downloads, provide_chromium
from ci.toolchains.commands import PRELOAD, provide_commands
from ci.toolchains.depcruise import provide_depcruise
from ci.toolchains.lighthouse import provide_lighthouse
from ci.toolchains.node import provide_node
from ci.toolchains.pnpm import provide_pnpm
from ci.toolchains.postgres import provide_postgres
from ci.toolchains.wheels import node_wheel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ci.model import Toolchain

# pnpm fetches another pnpm when the pin differs from itself. Here it is the pinned one, its hash compared.
_NO_SWITCH = {"npm_config_manage_package_manager_versions": "false", "pnpm_config_pm_on_fail": "ignore"}


@dataclass(frozen=True, kw_only=True)
class Provided:
    """Tools that are ready for use. All paths are absolute.

    `path` are directories for PATH, the first wins. `environment` is what the tools need beside it. `visible`
    must be readable inside a sandbox that hides the home directory. `versions` are those really provided.
    """

    path: tuple[str, ...]
    environment: Mapping[str, str]
    visible: tuple[str, ...]
    versions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What one tool adds."""

    version: str
    path: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    visible: tuple[Path, ...] = ()


async def provide(toolchain: Toolchain, *, cache: Path, note: Callable[[str], None]) -> Provided:
    """Put each tool of the toolchain into `cache` and say how to use them; Shipway's own commands always come too.

    What is in the cache already is used without the network. `note` is told, in one line each, what takes time
    or differs from what one would expect. Raises ToolError when a tool cannot be had in the version asked for,
    DiskFullError when there is no room for it.
    """
    tools = (cache / "tools").resolve()  # a link of the user's would lead nowhere inside a sandbox
    makers = {name: _maker(name, version, toolchain, tools, note) for name, version in toolchain.tools.items()}
    parts = await _all_at_once({**makers, "commands": _commands(tools)})
    # Node first: an own Node of a package manager must not come before the one asked for
    order = sorted((*toolchain.tools, "commands"), key=lambda name: name != "node")
    visible = dict.fromkeys(str(path) for name in order for path in parts[name].visible)
    return Provided(
        path=tuple(dict.fromkeys(str(path) for name in order for path in parts[name].path)),
        environment={key: value for name in order for key, value in parts[name].environment.items()},
        visible=tuple(visible),
        versions={name: parts[name].version for name in toolchain.tools},
    )


async def _all_at_once(makers: Mapping[str, Callable[[], Awaitable[_Part]]]) -> dict[str, _Part]:
    """Make all parts side by side. The first error stops the others and is raised by itself, not in a group."""
    parts: dict[str, _Part] = {}
    errors: list[ShipwayError] = []

    async with anyio.create_task_group() as group:

        async def make(name: str, maker: Callable[[], Awaitable[_Part]]) -> None:
            try:
                parts[name] = await maker()
            except ShipwayError as error:
                errors.append(error)
                group.cancel_scope.cancel()

        for name, maker in makers.items():
            group.start_soon(make, name, maker)
    if errors:
        raise errors[0]
    return parts


def _maker(
    name: str, version: str, toolchain: Toolchain, tools: Path, note: Callable[[str], None]
) -> Callable[[], Awaitable[_Part]]:
    async def node() -> _Part:
        bin_ = await provide_node(version, tools, note)
        return _Part(version=version, path=(bin_,), visible=(bin_.parent, node_wheel().root))

    async def pnpm() -> _Part:
        bin_ = await provide_pnpm(version, toolchain.pnpm_hash, tools, note)
        return _Part(version=version, path=(bin_,), environment=_NO_SWITCH, visible=(bin_.parent.parent,))

    async def postgres() -> _Part:
        found = await provide_postgres(note)
        environment = {"SHIPWAY_POSTGRES_BIN": str(found.bin)}
        return _Part(version=found.version, environment=environment, visible=(found.root, *_python()))

    async def chromium() -> _Part:
        _only(name, version, versions.CHROMIUM)
        found = await provide_chromium(tools, note)
        environment = {"SHIPWAY_CHROMIUM": str(found.bin / COMMAND), **found.environment}
        visible = found.roots
        if (
            downloads := playwright_downloads()
        ) is not None:  # `shipway-browsers` prefers them, with Firefox and WebKit
            environment["PLAYWRIGHT_BROWSERS_PATH"] = str(downloads)
            visible = (*visible, downloads)
        return _Part(version=found.version, path=(found.bin,), environment=environment, visible=visible)

    async def lighthouse() -> _Part:
        _only(name, version, versions.LIGHTHOUSE)
        place = await provide_lighthouse(tools, note)
        return _Part(version=version, environment={"SHIPWAY_LIGHTHOUSE": str(place)}, visible=(place,))

    async def depcruise() -> _Part:
        _only(name, version, versions.DEPCRUISE)
        place = await provide_depcruise(tools, note)
        return _Part(version=version, environment={"SHIPWAY_DEPCRUISE": str(place)}, visible=(place,))

    async def rls() -> _Part:
        return _Part(version=version, visible=_python())

    known = {
        "node": node,
        "pnpm": pnpm,
        "postgres": postgres,
        "chromium": chromium,
        "lighthouse": lighthouse,
        "depcruise": depcruise,
        "rls": rls,
        "playwright": _theirs(version),
    }
    if name not in known:
        raise ToolError(f"toolchain {toolchain.name} asks for {name!r}, which is no tool of Shipway's")
    return known[name]


def _theirs(version: str) -> Callable[[], Awaitable[_Part]]:
    """Return the maker of what the repository itself installs."""

    async def make() -> _Part:
        return _Part(version=version)

    return make


def _commands(tools: Path) -> Callable[[], Awaitable[_Part]]:
    async def make() -> _Part:
        place = await provide_commands(tools)
        environment = {"SHIPWAY_PLAYWRIGHT_PRELOAD": str(place / "programs" / PRELOAD)}
        visible = (place, node_wheel().root)
        return _Part(version="", path=(place / "bin",), environment=environment, visible=visible)

    return make


def _only(name: str, asked: str, pinned: str) -> None:
    if asked != pinned:
        raise ToolError(f"{name} {asked} cannot be had: this Shipway brings {name} {pinned}")


def _python() -> tuple[Path, ...]:
    """Return where Shipway's own Python and its psycopg lie."""
    psycopg = importlib.util.find_spec("psycopg")
    if psycopg is None or not psycopg.submodule_search_locations:
        raise ToolError("the package psycopg is not installed beside Shipway", hint="pip install 'psycopg[binary]'")
    home = Path(sys.executable).resolve().parent.parent
    return (Path(sys.prefix), Path(sys.base_prefix), home, Path(psycopg.submodule_search_locations[0]).parent)
