"""What the tests of stages share: tiny workspaces made of files, recorded reports, executions of commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ci import config
from ci.model import Check, Execution, StepRun
from ci.monorepo.workspace import read
from ci.stages.context import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RECORDED = Path(__file__).with_name("recorded")
NODES = ("22.20.0", "24.19.0")


@pytest.fixture
def recorded() -> Callable[[str], bytes]:
    """Return the content of a recorded report; the workspace it was recorded in lay at /workspace."""
    return lambda name: (RECORDED / name).read_bytes()


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., Context]:
    """Make a workspace of files, its lockfile of what the packages depend on, and return what stages are handed.

    A file given as a mapping is written as JSON. `settings` is the text of shipway.toml.
    """

    def make(files: Mapping[str, str | Mapping[str, Any]], *, settings: str = "") -> Context:
        importers: dict[str, Any] = {}
        everything: dict[str, str | Mapping[str, Any]] = {
            "package.json": {"name": "root", "packageManager": "pnpm@10.34.9"},
            **files,
        }
        for path, content in everything.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content if isinstance(content, str) else json.dumps(content))
            if not isinstance(content, str) and path.endswith("package.json"):
                folder = path.removesuffix("package.json").rstrip("/") or "."
                importers[folder] = {
                    kind: {name: {"specifier": spec, "version": spec} for name, spec in content[kind].items()}
                    for kind in ("dependencies", "devDependencies")
                    if kind in content
                }
        (tmp_path / "pnpm-workspace.yaml").write_text("packages: ['packages/*', 'apps/*']\n")
        (tmp_path / "pnpm-lock.yaml").write_text(json.dumps({"lockfileVersion": "9.0", "importers": importers}))
        (tmp_path / "shipway.toml").write_text(settings)
        paths = tuple(sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()))
        workspace = read(tmp_path, paths, known_nodes=NODES, default_node="24.19.0")
        return Context(workspace=workspace, settings=config.load(tmp_path))

    return make


@pytest.fixture
def executed() -> Callable[..., Execution]:
    """Make the execution of a check: how each step ended, what it printed, which files it left."""

    def make(
        check: Check,
        *,
        files: Mapping[str, bytes] | None = None,
        codes: tuple[int, ...] = (),
        outputs: tuple[str, ...] = (),
        **more: Any,
    ) -> Execution:
        ends = codes or (0,) * len(check.steps)
        said = (*outputs, *("" for _ in ends[len(outputs) :]))
        steps = tuple(
            StepRun(argv=step.argv, cwd=step.cwd, seconds=1.0, exit_code=code, output=output)
            for step, code, output in zip(check.steps, ends, said, strict=False)
        )
        return Execution(steps=steps, files=dict(files or {}), root="/workspace", **more)

    return make
