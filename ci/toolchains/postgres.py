"""Postgres' programs: the wheel's, or else a server that the machine has."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci import processes
from ci.errors import ToolError
from ci.toolchains import versions
from ci.toolchains.wheels import postgres_wheel

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """Where initdb and postgres lie, which version they are, and what they need to be readable."""

    bin: Path
    version: str
    root: Path


async def provide_postgres(note: Callable[[str], None]) -> Postgres:
    """Find Postgres. Raises ToolError when neither the wheel nor the machine has one."""
    try:
        root = postgres_wheel()
    except ToolError as missing:
        return await _of_the_machine(missing, note)
    # the wheel's libraries lie beside its package
    return Postgres(bin=root / "bin", version=versions.POSTGRES, root=root.parent.parent)


def postgres_here() -> str:
    """Describe the server that stands in for the wheel's, empty where that is there: with another, tests may differ."""
    try:
        postgres_wheel()
    except ToolError:
        found = _server()
        return "" if found is None else f"{found} {found.stat().st_mtime_ns}"
    return ""


def _server() -> Path | None:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("postgres")
    found = installed[-1] if installed else Path(on_path).resolve() if on_path else None
    return found if found is not None and (found.parent / "initdb").exists() else None


async def _of_the_machine(missing: ToolError, note: Callable[[str], None]) -> Postgres:
    found = _server()
    if found is None:
        raise ToolError(f"Postgres cannot be had: {missing.message}", hint=missing.hint)
    said = (await processes.run([str(found), "--version"], timeout=10)).text
    number = re.search(r"\d+(\.\d+)*", said)
    version = number[0] if number else "unknown"
    note(f"Postgres {version} of this machine is used, not {versions.POSTGRES}: {missing.message}")
    return Postgres(bin=found.parent, version=version, root=found.parent.parent)
