"""A small repository, and every executor that this machine can have, to run checks in it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.executors import isolation, reuse
from ci.executors.host import HostExecutor
from ci.executors.isolation import Isolation, Mode
from ci.executors.reuse import Store
from ci.executors.scratch import scratch
from ci.model import Check, Execution, Status, Step, Toolchain, Verdict
from ci.monorepo import snapshot as snapshots
from ci.warden import landlock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {
    "package.json": "{}\n",
    "README.md": "one\n",
    ".gitignore": "dist\nnode_modules\n",
    "packages/core/index.ts": "export const one = 1;\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with four files and one commit."""
    root = tmp_path / "repository"
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "one"]):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
        subprocess.run(["git", *identity, *command], cwd=root, check=True)
    return root


@dataclass(kw_only=True)
class Place:
    """Runs checks on one executor; remembers what the live view would have shown.

    `prepared` are checks that count as executed, each with a directory of its own name among its outputs.
    """

    mode: Mode
    repository: Path
    cache: Path
    shown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    isolated: Isolation | None = None
    prepared: tuple[Check, ...] = ()
    kept: tuple[str, ...] = ()  # the files among the outputs of all checks
    specifications: tuple[Path, ...] = ()  # those that were still there when the last check ended

    def execute(self, *checks: Check) -> Execution:
        """Execute the checks one after another, each may need those before it; return the last one's execution."""
        return anyio.run(self.run, checks)

    async def run(self, checks: tuple[Check, ...]) -> Execution:
        """The same, for tests that are in an event loop already."""
        with scratch(self.cache, "run-1") as place:
            isolated = await isolation.probe(place / "probe")
            if self.mode is Mode.NAMESPACES and isolated.mode is Mode.COPY:
                pytest.skip(f"this machine refuses namespaces: {isolated.missing[0]}")
            if self.mode is Mode.COPY:
                isolated = Isolation(mode=Mode.COPY, landlock=landlock.version() > 0, holds=())
            self.isolated = isolated
            lent = "/tmp/.shipway/objects" if isolated.mode is Mode.NAMESPACES else None  # noqa: S108 - a private /tmp
            snapshot = await snapshots.take(self.repository, place / "snapshot", objects=lent)
            store, keys = Store(place / "results"), reuse.keys((*self.prepared, *checks), snapshot.digests)
            for check in self.prepared:
                (store.layer(keys[check.id]) / check.name).mkdir(parents=True)
            host = HostExecutor(
                snapshot=snapshot,
                scratch=place,
                cache=self.cache,
                isolation=isolated,
                store=store,
                keys=keys,
                run="run-1",
                note=self.notes.append,
                on_output=lambda _check, tail: self.shown.append(tail),
            )
            executions = [await host.execute(check) for check in checks]
            layers = [store.layer(keys[check.id]) for check in checks]
            files = [(layer, path) for layer in layers for path in layer.rglob("*") if not path.is_dir()]
            self.kept = tuple(sorted(str(path.relative_to(layer)) for layer, path in files))
            self.specifications = tuple(place.glob("*/check.json"))
            return executions[-1]


@pytest.fixture(params=[Mode.NAMESPACES, Mode.COPY])
def place(request: pytest.FixtureRequest, repository: Path, tmp_path: Path) -> Place:
    """Each way of running on the host: in namespaces, and in a copy where they are refused."""
    return Place(mode=request.param, repository=repository, cache=tmp_path / "cache")


def passes(_execution: Execution) -> Verdict:
    """A judge for tests that look at the execution itself."""
    return Verdict(status=Status.PASSED)


@pytest.fixture
def check() -> Callable[..., Check]:
    """Make a check of shell lines (each a step of its own) or of steps."""

    def make(*lines: str | Step, name: str = "check", **more: object) -> Check:
        steps = tuple(line if isinstance(line, Step) else Step(argv=("sh", "-c", line), timeout=30) for line in lines)
        toolchain = Toolchain(name="none", tools={})
        return Check(stage="unit", name=name, toolchain=toolchain, steps=steps, judge=passes, **more)  # type: ignore[arg-type]

    return make
