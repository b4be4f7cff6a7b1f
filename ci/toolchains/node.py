"""Node by exact version: the wheel's when it is that one, else from npm; always with an npm that works."""

from __future__ import annotations

import base64
import hashlib
import platform
import shlex
import shutil
import tarfile
from typing import TYPE_CHECKING

from ci.errors import ToolError
from ci.toolchains import versions
from ci.toolchains.archives import unpack
from ci.toolchains.installation import install
from ci.toolchains.npm import npm
from ci.toolchains.wheels import NodeWheel, node_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_NPM_NEEDS = (20, 17)  # of Node; an older one still gets npm, run by the wheel's Node

_ROOM = 300_000_000  # bytes, while it is being set up


async def provide_node(version: str, tools: Path, note: Callable[[str], None]) -> Path:
    """Put Node `version` into the cache and return its directory for PATH: node, npm, npx.

    Raises ToolError when npm has no such version for this machine.
    """
    wheel = node_wheel()
    if version == wheel.version:
        mark = hashlib.sha256(str(wheel.root).encode()).hexdigest()[:8]  # another environment, another place
        place = tools / f"node-{version}-{mark}"
    else:
        place = tools / f"node-{version}"

    async def build(target: Path) -> None:
        if version != wheel.version:
            note(f"setting up Node {version} (once)")
            await _download(version, place, target)
        _make_commands(version, wheel, target, place)

    await install(place, build, room=0 if version == wheel.version else _ROOM)
    return place / "bin"


async def _download(version: str, place: Path, target: Path) -> None:
    system, machine = platform.system(), platform.machine()
    if system not in _SYSTEMS or machine.lower() not in _MACHINES:
        raise ToolError(f"Node {version} cannot be had for {system} on {machine}")
    package = f"node-{_SYSTEMS[system]}-{_MACHINES[machine.lower()]}"
    async with npm(f"Node {version}", place) as fetcher:
        tarball = await fetcher.pack(package, version)
        _check(tarball, package, version)
        with tarfile.open(tarball) as archive:
            unpack(archive, target, strip=1)


def _check(tarball: Path, package: str, version: str) -> None:
    pinned = versions.node_integrity(package, version)
    if pinned is None:  # npm has held it to the hash that the registry names
        return
    with tarball.open("rb") as file:
        found = "sha512-" + base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if found != pinned:
        raise ToolError(
            f"Node {version} is not what was pinned: {package} has {found}, not {pinned}",
            hint="the registry or what lies before it changed it",
        )


def _make_commands(version: str, wheel: NodeWheel, target: Path, place: Path) -> None:
    bin_ = target / "bin"
    bin_.mkdir(exist_ok=True)
    node = bin_ / "node"
    if not node.exists():
        node.symlink_to(wheel.node)
    old = tuple(int(part) for part in version.split(".")[:2]) < _NPM_NEEDS
    runs = wheel.node if old else place / "bin" / "node"
    for name, script in (("npm", wheel.npm), ("npx", wheel.npx)):
        command = bin_ / name
        command.unlink(missing_ok=True)
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(str(runs))} {shlex.quote(str(script))} "$@"\n')
        command.chmod(0o755)
    shutil.rmtree(target / "share", ignore_errors=True)  # manual pages
