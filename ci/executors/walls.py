"""The walls around a check: what it may read and write, as the warden's specification has it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.executors.environment import npmrc, shared
from ci.executors.isolation import Mode
from ci.model import Check, Network

if TYPE_CHECKING:
    from ci.executors.workspace import Workspace
    from ci.toolchains.catalogue import Provided

DEVICES = ("/dev", "/proc")


def build(check: Check, workspace: Workspace, provided: Provided, *, cache: Path, landlock: bool) -> dict[str, Any]:
    """Return the `sandbox` or the `landlock` part of the specification, or nothing where the machine has neither."""
    writable = list(shared(cache)) if check.registry else []
    for path in writable:
        Path(path).mkdir(parents=True, exist_ok=True)
    visible = [*provided.visible, sys.prefix, sys.base_prefix, *_way_to(Path(sys.executable))]
    if check.registry and (settings := npmrc()) is not None:
        visible.append(str(settings))
    if workspace.mode is Mode.NAMESPACES:
        return {"sandbox": _sandbox(check, workspace, visible, writable)}
    return {"landlock": _rules(workspace, visible, writable)} if landlock else {}


def _sandbox(check: Check, workspace: Workspace, visible: list[str], writable: list[str]) -> dict[str, Any]:
    covers: list[dict[str, str | None]] = [{"target": "/tmp", "source": str(workspace.tmp)}]
    hidden = [str(Path.home()), "/var/tmp"]
    if check.network is Network.LOOPBACK:
        hidden.append("/run")  # sockets of the machine's own servers; with the network, names are resolved through it
    for path in hidden:
        if _can_cover(path) and not any(_below(path, str(cover["target"])) for cover in covers):
            covers.append({"target": path, "source": None})
    targets = [*(str(cover["target"]) for cover in covers), str(workspace.top)]
    views: list[dict[str, Any]] = [
        {"source": path, "target": path, "writable": path in writable}
        for path in (*_outermost(visible), *writable)
        if path in writable or any(_below(path, target) for target in targets)
    ]
    if workspace.snapshot.objects is not None:
        place = str(workspace.inside / "objects")
        views.append({"source": str(workspace.snapshot.objects), "target": place, "writable": False})
    return {
        "target": str(workspace.top),
        "lower": [*map(str, workspace.layers), str(workspace.snapshot.directory)],
        "upper": str(workspace.place / "upper"),
        "work": str(workspace.place / "work"),
        "staging": str(workspace.place / "staging"),
        "covers": covers,
        "views": views,
        "loopback": check.network is Network.LOOPBACK,
    }


def _rules(workspace: Workspace, visible: list[str], writable: list[str]) -> dict[str, list[str]]:
    """Landlock only grants: so everything but the way to the home directory is granted, piece by piece.

    The steps may add to their logs, and put nothing else in their place.
    """
    home = Path.home()
    read: list[str] = []
    for directory in (*reversed(home.parents),):
        inward = directory / home.relative_to(directory).parts[0]
        read += [entry.path for entry in os.scandir(directory) if Path(entry.path) != inward]
    objects = [] if workspace.snapshot.objects is None else [str(workspace.snapshot.objects)]
    return {
        "read": [*read, *visible, str(workspace.place), *objects],
        "write": [str(workspace.top), str(workspace.tmp), *writable, *DEVICES],
        "append": [str(workspace.logs)],
    }


def _way_to(program: Path) -> list[str]:
    """Return every link between a program's name and the program: a virtual environment's Python is often several."""
    way: list[str] = []
    while program.is_symlink() and str(program) not in way:
        way.append(str(program))
        program = program.parent / program.readlink()
    return [*way, str(program)]


def _can_cover(path: str) -> bool:
    return Path(path).is_dir() and not Path(path).is_symlink() and path != "/"


def _below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _outermost(paths: list[str]) -> list[str]:
    """Drop what lies below another of the paths: one view shows both."""
    unique = [path for path in dict.fromkeys(paths) if Path(path).exists()]
    return [path for path in unique if not any(path != other and _below(path, other) for other in unique)]
