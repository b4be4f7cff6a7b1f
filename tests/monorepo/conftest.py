"""A workspace from a few lines: files by path, read as Shipway reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.monorepo.workspace import Workspace, read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

NODES = ("18.20.4", "20.18.0", "22.20.0", "23.11.0", "24.19.0")


@pytest.fixture
def workspace_of(tmp_path: Path) -> Callable[..., Workspace]:
    """Write files (objects as JSON) and read them as a workspace.

    Where they are not given there are a package.json, a lockfile, and a pnpm-workspace.yaml that takes in packages/*
    and apps/*; None leaves a file out.
    """

    def build(files: Mapping[str, Any] | None = None, **scripts: str) -> Workspace:
        given: dict[str, Any] = {
            "package.json": {"name": "root", "scripts": scripts},
            "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
            "pnpm-workspace.yaml": "packages: [packages/*, apps/*]\n",
            **(files or {}),
        }
        paths = []
        for path, content in given.items():
            if content is None:
                continue
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
            paths.append(path)
        return read(tmp_path, tuple(sorted(paths)), known_nodes=NODES, default_node="24.19.0")

    return build
