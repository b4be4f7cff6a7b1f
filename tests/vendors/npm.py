"""Programs for Node that drive stand-ins, installed by their lock file into a directory of the test."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from ci import processes
from ci.toolchains.wheels import node_wheel
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CLIENTS = ROOT / "tests/vendors/clients"


async def installed(name: str, directory: Path, *, among: Path = CLIENTS) -> Path:
    """Install what a round needs, as the clients of a vendor, and return where its round.mjs can be run."""
    node = node_wheel()
    place = directory / "client"
    shutil.copytree(among / name, place, ignore=shutil.ignore_patterns("node_modules"))
    argv = (str(node.node), str(node.npm), "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund")
    done = await processes.run(argv, cwd=place, environment=_environment(), timeout=300)
    assert done.code == 0, done.complaint
    return place


async def played(
    place: Path, *words: str, environment: Mapping[str, str] | None = None, program: str = "round.mjs"
) -> Any:
    """Run a program there, and return what it tells."""
    argv = (str(node_wheel().node), program, *words)
    done = await processes.run(argv, cwd=place, environment={**_environment(), **(environment or {})}, timeout=120)
    assert done.code == 0, done.stderr.decode()
    return json.loads(done.text)


def _environment() -> dict[str, str]:
    known = processes.inherited()
    return {**known, "PATH": f"{node_wheel().node.parent}:{known['PATH']}"}
