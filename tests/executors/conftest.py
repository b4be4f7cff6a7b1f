"""A small repository, and every executor that this machine can have, to run checks in it."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.executors import isolation, reuse
from ci.executors.find import Bench
from ci.executors.host import HostExecutor
from ci.executors.isolation import Isolation, Mode
from ci.executors.reuse import Store
from ci.executors.scratch import scratch
from ci.fingerprints import fingerprints
from ci.model import Check, Execution, Plan, Status, Step, Toolchain, Verdict
from ci.monorepo import snapshot as snapshots
from ci.settings import Containers
from ci.warden import landlock
from containers.furniture import PSYCOPG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ci.executors.engine import Engine

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
    name: str = "host"
    repository: Path
    cache: Path
    shown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    isolated: Isolation | None = None
    prepared: tuple[Check, ...] = ()
    kept: tuple[str, ...] = ()  # the files among the outputs of all checks
    specifications: tuple[Path, ...] = ()  # those that were still there when the last check ended

    def ask(self, variable: str, query: str) -> Step:
        """Return a step that puts a query to the database whose address the variable holds, and prints one row."""
        return Step(argv=("sh", "-c", f'"$SHIPWAY_POSTGRES_BIN/psql" "${variable}" -Atc "{query}"'))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Give what must be so the time that this executor may take for it: here none."""

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


@dataclass(kw_only=True)
class DaggerPlace(Place):
    """The same on a Dagger engine. Its `kept` files are read out of the engine."""

    engine: Engine
    name: str = "dagger"
    run_id: str = "run-1"
    secrets: dict[str, str] = field(default_factory=dict)
    fresh: bool = False
    planned: tuple[Check, ...] = ()  # which count as green in an earlier run

    def ask(self, variable: str, query: str) -> Step:
        """The same with psycopg: the server's own programs are in its container."""
        program = (
            f"import os, psycopg; row = psycopg.connect(os.environ[{variable!r}]).execute({query!r}).fetchone(); "
            "print('|'.join(str(value).lower()[:1] if isinstance(value, bool) else str(value) for value in row))"
        )
        return Step(argv=("python3", "-c", program), environment={"PYTHONPATH": PSYCOPG})

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """The engine ends an exec when it hears that nobody waits for it, a moment later."""
        deadline = time.monotonic() + 10
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.1)

    async def run(self, checks: tuple[Check, ...]) -> Execution:
        """Execute them in one session."""
        from ci.executors.dagger import connected  # noqa: PLC0415 - it costs a second

        with scratch(self.cache, self.run_id) as place:
            snapshot = await snapshots.take(self.repository, place / "snapshot")
            bench = Bench(
                snapshot=snapshot,
                plan=Plan(checks=(*self.prepared, *self.planned, *checks)),
                scratch=place,
                cache=self.cache,
                store=Store(place / "results", elsewhere=True),
                keys={},
                run=self.run_id,
                volume=Containers().volume,
                note=self.notes.append,
                on_output=lambda _check, tail: self.shown.append(tail),
                fresh=self.fresh,
                secrets=self.secrets,
                fingerprints=fingerprints(self.secrets, b"k" * 32),
            )
            async with connected(self.engine, bench) as executor:
                client = executor.kitchen.client
                for check in self.prepared:
                    made = client.directory().with_new_directory(check.name)
                    executor._outputs[check.id] = made  # noqa: SLF001 - they count as executed
                executions = [await executor.execute(check) for check in checks]
                kept: list[str] = []
                for check in checks:
                    if check.outputs:
                        found = await executor._outputs[check.id].glob("**")  # noqa: SLF001 - what is kept is to be seen
                        kept += [path for path in found if not path.endswith("/")]
                self.kept = tuple(sorted(kept))
            return executions[-1]


@pytest.fixture(params=[Mode.NAMESPACES, Mode.COPY])
def place(request: pytest.FixtureRequest, repository: Path, tmp_path: Path) -> Place:
    """Each way of running on the host: in namespaces, and in a copy where they are refused."""
    return Place(mode=request.param, repository=repository, cache=tmp_path / "cache")


@pytest.fixture
def dagger(engine: Engine, repository: Path, tmp_path: Path) -> DaggerPlace:
    """The engine that answers here; without one the test is skipped."""
    return DaggerPlace(mode=Mode.COPY, repository=repository, cache=tmp_path / "cache", engine=engine)


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
