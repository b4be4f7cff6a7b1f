"""The walls around a check: what it may read and write, as the warden's specification has it.

Paths have two spellings where a link leads to them (a home directory that was moved to another disk): what is
hidden is hidden by the one without links, what stays visible is so by both.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.executors.environment import shared
from ci.executors.isolation import Mode
from ci.fingerprints import KEY
from ci.model import Check, Network
from ci.toolchains.registry import registry

if TYPE_CHECKING:
    from ci.executors.workspace import Workspace
    from ci.toolchains.catalogue import Provided

CERTIFICATES = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR")
DEVICES = ("/dev", "/proc")


def build(check: Check, workspace: Workspace, provided: Provided, *, cache: Path, landlock: bool) -> dict[str, Any]:
    """Return the `sandbox` or the `landlock` part of the specification, or nothing where the machine has neither."""
    writable = list(shared(cache)) if check.registry else []
    for path in writable:
        Path(path).mkdir(parents=True, exist_ok=True)
    visible = _must_see(check, provided)
    if workspace.mode is Mode.NAMESPACES:
        return {"sandbox": _sandbox(check, workspace, visible, writable, private(cache))}
    return {"landlock": _rules(workspace, visible, writable, private(cache))} if landlock else {}


def _must_see(check: Check, provided: Provided) -> list[str]:
    """Return what steps need though it may be hidden: tools, our Python; for packages, certificates and settings."""
    visible = [*provided.visible, sys.prefix, sys.base_prefix, *_way_to(Path(sys.executable))]
    if check.network is Network.OUTSIDE:
        visible += [os.environ[name] for name in CERTIFICATES if name in os.environ]
    if check.registry:
        known = registry()
        visible += [value for name, value in known.settings.items() if name.lower().endswith("_cafile")]
        visible += map(str, known.files.values())
    return visible


def private(cache: Path) -> tuple[Path, ...]:
    """Return what no step may see, without links: the user's home directory, and in the cache what is for other checks.

    Where the home directory is / (a container's user who has none), it is all in it that begins with a dot.
    """
    home = Path.home().resolve()
    own = (home,) if home != home.parent else tuple(sorted(home.glob(".*")))
    return (*own, *((cache / name).resolve() for name in ("work", KEY)))


def _sandbox(
    check: Check, workspace: Workspace, visible: list[str], writable: list[str], hidden: tuple[Path, ...]
) -> dict[str, Any]:
    covers: list[dict[str, str | None]] = [{"target": "/tmp", "source": str(workspace.tmp)}]
    paths = [*map(str, hidden), "/var/tmp"]
    if check.network is Network.LOOPBACK:
        paths.append("/run")  # sockets of the machine's own servers; with the network, names are resolved through it
    for path in paths:
        if _can_cover(path) and not any(_below(path, str(cover["target"])) for cover in covers):
            covers.append({"target": path, "source": None if Path(path).is_dir() else os.devnull})
    linked = workspace.linked
    target = str(workspace.top if linked is None else workspace.top.parent)
    targets = [*(str(cover["target"]) for cover in covers), target]
    views: list[dict[str, Any]] = [
        {"source": path, "target": spelling, "writable": path in writable}
        for path in (*_outermost(visible), *writable)
        for spelling in _spellings(path)
        if path in writable or any(_below(spelling, target) for target in targets)
    ]
    if workspace.snapshot.objects is not None:
        place = str(workspace.inside / "objects")
        views.append({"source": str(workspace.snapshot.objects), "target": place, "writable": False})
    return {
        "source": None if linked is None else str(linked.parent),
        "target": target,
        "lower": [*map(str, workspace.layers), str(workspace.snapshot.directory)],
        "upper": str(workspace.place / "upper"),
        "work": str(workspace.place / "work"),
        "staging": str(workspace.place / "staging"),
        "covers": covers,
        "views": views,
        "loopback": check.network is Network.LOOPBACK,
    }


def _rules(
    workspace: Workspace, visible: list[str], writable: list[str], hidden: tuple[Path, ...]
) -> dict[str, list[str]]:
    """Return what Landlock is to grant; the steps may add to their logs, and put nothing else in their place."""
    objects = [] if workspace.snapshot.objects is None else [str(workspace.snapshot.objects)]
    return {
        "read": [*_beside(Path("/"), hidden), *visible, str(workspace.place), *objects],
        "write": [str(workspace.top), str(workspace.tmp), *writable, *DEVICES],
        "append": [str(workspace.logs)],
    }


def _beside(directory: Path, hidden: tuple[Path, ...]) -> list[str]:
    """Landlock only grants: so all in the directory but the ways to what is hidden is granted, piece by piece.

    A rule follows a link, and what a link leads to has a way of its own. In a directory that may not be listed nothing
    is granted: what Shipway needs there has rules of its own.
    """
    try:
        entries = sorted(Path(entry.path) for entry in os.scandir(directory) if not entry.is_symlink())
    except PermissionError:
        return []
    granted: list[str] = []
    for entry in entries:
        if not any(place.is_relative_to(entry) for place in hidden):
            granted.append(str(entry))
        elif entry not in hidden:
            granted += _beside(entry, hidden)
    return granted


def _way_to(program: Path) -> list[str]:
    """Return every link between a program's name and the program: a virtual environment's Python is often several."""
    way: list[str] = []
    while program.is_symlink() and str(program) not in way:
        way.append(str(program))
        program = program.parent / program.readlink()
    return [*way, str(program)]


def _spellings(path: str) -> list[str]:
    """Return the path, and the one that leads to the same place without links."""
    return list(dict.fromkeys((path, str(Path(path).parent.resolve() / Path(path).name))))


def _can_cover(path: str) -> bool:
    return Path(path).exists() and not Path(path).is_symlink()


def _below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _outermost(paths: list[str]) -> list[str]:
    """Drop what lies below another of the paths: one view shows both."""
    unique = [path for path in dict.fromkeys(paths) if Path(path).exists()]
    return [path for path in unique if not any(path != other and _below(path, other) for other in unique)]
