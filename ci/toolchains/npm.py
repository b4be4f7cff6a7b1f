"""The one way in which npm packages are fetched: the wheel's npm, in a scratch home, with the user's registry settings.

npm is told to give up early: "no network" must show in seconds, not after its usual minutes of retries. Nothing of
its output is passed on but its error code and the sentence behind it: a registry's address may hold a password.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci import processes
from ci.errors import ToolError
from ci.toolchains.installation import no_room
from ci.toolchains.registry import registry
from ci.toolchains.wheels import node_wheel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SETTINGS = {
    "audit": "false",
    "fund": "false",
    "update_notifier": "false",
    "progress": "false",
    "loglevel": "error",
    "fetch_retries": "1",
    "fetch_retry_mintimeout": "500",
    "fetch_retry_maxtimeout": "1000",
    "fetch_timeout": "10000",  # without a byte, per request
}
_UNREACHABLE = re.compile(
    r"E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|CONNABORTED|TIMEDOUT|NETUNREACH|HOSTUNREACH|PIPE)"
    r"|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT|ECONNECTIONTIMEOUT|ERESPONSETIMEOUT|FETCH_ERROR|E50\d"
)
_CERTIFICATE = re.compile(r"CERT|UNABLE_TO_(GET_ISSUER|VERIFY)")


@dataclass(frozen=True, kw_only=True)
class Npm:
    """npm at work for one tool. `tool` is how a message names it; `place` is where it goes."""

    tool: str
    place: Path
    scratch: Path

    async def pack(self, package: str, version: str) -> Path:
        """Download a package's tarball, unpacking and running nothing of it, and return its path."""
        target = self.scratch / "tarballs"
        target.mkdir(exist_ok=True)
        await self._run("pack", f"{package}@{version}", "--pack-destination", str(target), cwd=target)
        (tarball,) = target.iterdir()
        return tarball

    async def install(self, tarball: Path, into: Path) -> None:
        """Install a tarball, and the optional packages that hold its binaries, into `into`/node_modules."""
        await self._run(
            "install",
            str(tarball),
            "--prefix",
            str(into),
            "--include=optional",
            "--no-package-lock",
            "--ignore-scripts=false",
            cwd=into,
        )

    async def install_locked(self, lock: Path, into: Path) -> None:
        """Install exactly what the lock file in `lock` names, by its hashes, running no script of any package."""
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(lock / name, into / name)
        await self._run("ci", "--ignore-scripts", "--omit=dev", "--include=optional", cwd=into)

    async def _run(self, *arguments: str, cwd: Path) -> None:
        wheel = node_wheel()
        argv = (str(wheel.node), str(wheel.npm), *arguments)
        ended = await processes.run(argv, cwd=cwd, environment=_environment(self.scratch, wheel.node.parent))
        if ended.code != 0:
            raise refused(ended.stderr.decode(errors="replace"), self.tool, self.place)


@contextlib.asynccontextmanager
async def npm(tool: str, place: Path) -> AsyncIterator[Npm]:
    """Give an npm with a scratch directory of its own, which holds its home and its cache and goes with it."""
    name = f".{place.name}.new-npm-"  # on the disk that has the room, and swept with the place's other left-overs
    with tempfile.TemporaryDirectory(prefix=name, dir=place.parent, ignore_cleanup_errors=True) as scratch:
        yield Npm(tool=tool, place=place, scratch=Path(scratch))


def _environment(scratch: Path, node: Path) -> dict[str, str]:
    environment = processes.inherited() | registry().environment
    environment |= {f"NPM_CONFIG_{name.upper()}": value for name, value in _SETTINGS.items()}
    environment |= {
        "HOME": str(scratch),
        "NPM_CONFIG_CACHE": str(scratch / "cache"),
        "PATH": f"{node}:{environment.get('PATH', os.defpath)}",
    }
    return environment


def refused(stderr: str, tool: str, place: Path | None = None) -> ToolError:
    """Return what to say of npm's own complaint about `tool`, which was to go to `place`."""
    lines = [line.removeprefix("npm error ").strip() for line in stderr.splitlines() if line.startswith("npm error ")]
    code = next((line.removeprefix("code ") for line in lines if line.startswith("code ")), "")
    said = next((line for line in lines if not re.match(r"(code|errno|syscall|path|type|dest) |\S*$", line)), code)
    said = re.sub(r"//[^/@\s]+@", "//***@", "".join(char for char in said if char.isprintable()))[:300]
    if place is not None and (code in {"ENOSPC", "EDQUOT"} or "ENOSPC" in stderr):
        return no_room(place)
    if _UNREACHABLE.search(code):
        return ToolError(
            f"{tool} cannot be downloaded: no answer from the npm registry ({code})",
            hint="check the network, the proxy, and the registry in ~/.npmrc; what is in the cache needs none",
        )
    if _CERTIFICATE.search(code):
        return ToolError(
            f"{tool} cannot be downloaded: the registry's certificate is not trusted ({code})",
            hint="name your certificate authority in NODE_EXTRA_CA_CERTS, or as cafile in ~/.npmrc",
        )
    if code in {"ETARGET", "E404", "ENOVERSIONS"}:
        return ToolError(f"{tool} does not exist on the npm registry ({code})", hint="check the version asked for")
    if code == "EINTEGRITY":
        return ToolError(
            f"{tool} is not what was pinned: {said}", hint="the registry or what lies before it changed it"
        )
    return ToolError(f"{tool} cannot be downloaded: {said or 'npm failed without a word'}")
