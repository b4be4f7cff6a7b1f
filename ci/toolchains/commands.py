"""Shipway's own programs as commands on PATH, so that no argv of a step holds a path.

The programs are copied into the cache, under a hash of their content: a sandbox needs to show the cache only, and a
run that began with one version of Shipway ends with it.
"""

from __future__ import annotations

import compileall
import functools
import hashlib
import py_compile
import shlex
import shutil
import sys
from pathlib import Path

from ci.toolchains.installation import install
from ci.toolchains.wheels import node_wheel

_PROGRAMS = Path(__file__).with_name("programs")
# By the command's name: what starts it, and the rest of its command line. NODE_OPTIONS and PYTHONPATH of the
# project are for the project's processes; a command that starts such a process hands NODE_OPTIONS on.
_PYTHON = ("shipway-forward", "shipway-postgres", "shipway-rls")
_NODE = {
    "shipway-browsers": "browsers.cjs",
    "shipway-imports": "imports.mjs",
    "shipway-lighthouse": "lighthouse.mjs",
    "shipway-listen": "listen.cjs",
    "shipway-playwright": "playwright.mjs",
    "shipway-serve": "serve.cjs",
    "shipway-sizes": "sizes.cjs",
    "shipway-strict": "strict.cjs",
}
PRELOAD = "preload.cjs"

_ROOM = 1_000_000  # bytes, while it is being set up


async def provide_commands(tools: Path) -> Path:
    """Put the commands into the cache and return the directory that holds `bin` and `programs`."""
    node = str(node_wheel().node)
    place = tools / f"commands-{_content_hash(node, sys.executable)}"

    async def build(target: Path) -> None:
        shutil.copytree(_PROGRAMS, target / "programs", ignore=shutil.ignore_patterns("__pycache__"))
        _compile(target / "programs", place / "programs")
        bin_ = target / "bin"
        bin_.mkdir()
        for name, text in scripts(node=node, python=sys.executable, programs=str(place / "programs")).items():
            (bin_ / name).write_text(text)
            (bin_ / name).chmod(0o755)

    await install(place, build, room=_ROOM)
    return place


def _compile(programs: Path, place: Path) -> None:
    """Compile the Python ones, to lie in `place`: a sandbox cannot keep what it compiles."""
    compileall.compile_dir(
        programs, quiet=2, stripdir=str(programs), prependdir=str(place),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )  # fmt: skip


@functools.cache
def _content_hash(*words: str) -> str:
    sum_ = hashlib.sha256(repr(words).encode())
    sum_.update(Path(__file__).read_bytes())
    for path in sorted(_PROGRAMS.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            sum_.update(f"\0{path.relative_to(_PROGRAMS)}\0".encode())
            sum_.update(path.read_bytes())
    return sum_.hexdigest()[:16]


def scripts(*, node: str, python: str, programs: str, libraries: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the text of each command by its name. `programs` is where the programs lie; all are absolute paths.

    `libraries` are where Python finds what it does not have by itself.
    """
    path = ":".join((programs, *libraries))
    found = {
        name: f"PYTHONPATH={shlex.quote(path)} exec {shlex.quote(python)} -B -s -P -m {name.removeprefix('shipway-')}"
        for name in _PYTHON
    }
    found |= {
        name: f'SHIPWAY_NODE_OPTIONS="$NODE_OPTIONS" NODE_OPTIONS= exec {shlex.quote(node)} '
        f"{shlex.quote(f'{programs}/{file}')}"
        for name, file in _NODE.items()
    }
    return {name: f'#!/bin/sh\n{start} "$@"\n' for name, start in found.items()}
