"""A build as Vercel does it: the commit cloned, its dependencies installed from the lockfile, then built."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from ci.executors.environment import shared
from ci.model import Toolchain
from ci.monorepo.workspace import read
from ci.processes import inherited, lines, run, supervised
from ci.rehearsal.leash import leashed
from ci.toolchains.catalogue import provide
from ci.toolchains.registry import registry
from ci.toolchains.versions import DEFAULT_NODE, known_nodes

if TYPE_CHECKING:
    from pathlib import Path

    from anyio.abc import ByteReceiveStream
Say = Callable[[str], None]


class BuildFailedError(Exception):
    """A build that did not end well; its log says why, and the message in one line."""


class BuildIgnoredError(Exception):
    """A build that the project's own command did not want."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be built. `directory` is empty and its own, `variables` are those of the project's environment.

    `ignoring` is a command that says whether to build at all: where it succeeds, the deployment is cancelled.
    """

    repository: str
    commit: str
    root: str
    build: tuple[str, ...]
    start: tuple[str, ...]
    directory: Path
    variables: Mapping[str, str]
    ignoring: str | None = None


@dataclass(frozen=True, kw_only=True)
class Site:
    """What serves a deployment: a command that listens on PORT of the loopback, where it runs, what it is given."""

    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)


Build = Callable[[Order, Say], Awaitable[Site]]


def pnpm(cache: Path) -> Build:
    """Return the build of a pnpm workspace, with the Node and the pnpm that the repository asks for."""

    async def build(order: Order, say: Say) -> Site:
        place = order.directory / "source"
        await call(["git", "clone", "--quiet", "--no-checkout", order.repository, str(place)], order, say)
        await call(["git", "-C", str(place), "checkout", "--quiet", "--detach", order.commit], order, say)
        listed = await run(["git", "-C", str(place), "ls-files", "-z"])
        files = tuple(filter(None, listed.text.split("\0")))
        workspace = read(place, files, known_nodes=known_nodes(), default_node=DEFAULT_NODE)
        tools = {"node": workspace.node.version, "pnpm": workspace.pnpm.version}
        toolchain = Toolchain(name="pnpm", tools=tools, pnpm_hash=workspace.pnpm.hash)
        provided = await provide(toolchain, cache=cache, note=say)
        here = inherited()
        path = {"PATH": ":".join([*provided.path, here.get("PATH", "/usr/bin:/bin")])}
        environment = {**here, **provided.environment, **path, **order.variables, "CI": "1"}
        if order.ignoring and await _is_ignored(order, say, place / order.root, environment):
            raise BuildIgnoredError(f"{order.ignoring} succeeded")
        fetching = {**registry().environment, **environment, **_shared(cache)}
        await call(["pnpm", "install", "--frozen-lockfile"], order, say, cwd=place, environment=fetching)
        if order.build:
            await call(order.build, order, say, cwd=place / order.root, environment=environment)
        serving = {**provided.environment, **path, "NODE_ENV": "production"}
        return Site(argv=order.start, directory=place / order.root, environment=serving)

    return build


async def _is_ignored(order: Order, say: Say, where: Path, environment: Mapping[str, str]) -> bool:
    """Whether nothing is to be built: https://vercel.com/docs/project-configuration/git-settings."""
    try:
        await call(["sh", "-c", order.ignoring or ""], order, say, cwd=where, environment=environment)
    except BuildFailedError:
        return False
    return True


def _shared(cache: Path) -> dict[str, str]:
    """Return what leads pnpm to the store that all installs share, and has it link packages there.

    A deployment is then a few hundred files in place of twenty thousand, which a rehearsal makes and takes away by the
    dozen. pnpm does not do that where it believes to be in CI: that is told to it alone.
    """
    store, answers = shared(cache)
    told = {"store_dir": store, "cache_dir": answers, "enable_global_virtual_store": "true", "ci": "false"}
    return {f"{prefix}_config_{name}": value for name, value in told.items() for prefix in ("npm", "pnpm")}


async def call(
    argv: tuple[str, ...] | list[str],
    order: Order,
    say: Say,
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command of a build and put what it says into the log. Raises BuildFailedError where it fails."""
    say(f"$ {' '.join(argv)}".replace(str(order.directory), ""))
    where = cwd or order.directory
    async with supervised(leashed(argv), cwd=where, environment=environment, dies_with_us=False) as process:
        async with anyio.create_task_group() as group:
            group.start_soon(_told, process.stdout, say)
            group.start_soon(_told, process.stderr, say)
        code = await process.wait()
    if code != 0:
        raise BuildFailedError(f'Command "{" ".join(argv)}" exited with {code}')


async def _told(stream: ByteReceiveStream | None, say: Say) -> None:
    async for line in lines(stream):
        say(line.decode(errors="replace"))
