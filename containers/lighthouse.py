"""Lighthouse and dependency-cruiser: npm packages by Shipway's own lock files, as the host has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import ci
from containers.furniture import HOME
from containers.kitchen import asking
from containers.pnpm import QUIET, fetching

if TYPE_CHECKING:
    from dagger import Container

    from containers.kitchen import Kitchen

LOCKS = Path(ci.__file__).parent / "toolchains" / "locks"


def place(name: str) -> str:
    """Return where the tool's node_modules lie."""
    return f"{HOME}/{name}"


def with_tool(kitchen: Kitchen, container: Container, name: str) -> Container:
    """Return the container with `lighthouse` or `depcruise`, its packages by hash, none of their scripts run."""
    inside = fetching(kitchen)
    for file in ("package.json", "package-lock.json"):
        inside = inside.with_new_file(f"{place(name)}/{file}", (LOCKS / name / file).read_text(encoding="utf-8"))
    inside = inside.with_workdir(place(name)).with_exec(
        asking("npm", "ci", "--ignore-scripts", "--omit=dev", "--include=optional", *QUIET)
    )
    return container.with_directory(place(name), inside.directory(place(name)))
