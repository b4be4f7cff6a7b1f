"""Where a run's checks run: decided before anything else, and made ready when the plan is known."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from ci.executors import engine, isolation
from ci.executors.host import HostExecutor
from ci.executors.isolation import Isolation, Mode
from ci.model import EMPTY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from ci.executors.engine import Engine
    from ci.executors.reuse import Store
    from ci.model import Executor, Plan
    from ci.monorepo.snapshot import Snapshot

OBJECTS = "/tmp/.shipway/objects"  # where a sandbox of ours shows the repository's object store


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The executor by name and why it is that one; exactly one of `engine` and `isolated` is there.

    `holds` and `missing` are one line each: what keeps steps apart here, and what could not be had.
    """

    name: str
    reason: str
    holds: tuple[str, ...]
    missing: tuple[str, ...]
    engine: Engine | None = None
    isolated: Isolation | None = None

    @property
    def objects(self) -> str | None:
        """Where steps find the repository's object store; None where they have another, or see it in its own place."""
        return OBJECTS if self.isolated is not None and self.isolated.mode is Mode.NAMESPACES else None

    @property
    def kind(self) -> str:
        """What sets results apart that another place could not use."""
        return self.name if self.isolated is None else self.isolated.mode


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What an executor of either kind is made of. `on_output` is told a check's id and a running step's last output.

    `keys` say where outputs lie in `store`; `fresh` takes no result from a cache of the executor's own.
    `fingerprints` tell whether a secret changed; `mirror` is where images come from, `volume`
    what pnpm's packages are kept in, `tree` the id of the files where the engine has them already.
    """

    snapshot: Snapshot
    plan: Plan
    scratch: Path
    cache: Path
    store: Store
    keys: Mapping[str, str]
    run: str
    note: Callable[[str], None]
    on_output: Callable[[str, str], None]
    volume: str
    fresh: bool = False
    mirror: str | None = None
    tree: str | None = None
    secrets: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    fingerprints: Mapping[str, str] = field(default_factory=lambda: EMPTY)


async def find(asked: str, probe: Path) -> Ground:
    """Return where checks run, by `host`, `dagger` or `auto`. `probe` is a new directory where workspaces will lie.

    Raises UsageError, NoExecutorError.
    """
    choice = await engine.choose(asked)
    if choice.engine is not None:
        return Ground(
            name="dagger",
            reason=choice.reason,
            engine=choice.engine,
            holds=("a container for each check: its own files, processes, user, loopback and ports",),
            missing=("a network of its own: Dagger cannot cut an exec off, so steps can reach out",),
        )
    isolated = await isolation.probe(probe)
    return Ground(name="host", reason=choice.reason, isolated=isolated, holds=isolated.holds, missing=isolated.missing)


@contextlib.asynccontextmanager
async def start(ground: Ground, bench: Bench) -> AsyncIterator[Executor]:
    """Give the executor. Raises NoExecutorError where the engine has no session for it, or is lost inside."""
    if ground.engine is not None:
        # It costs more than a second, which a run on the host must not pay.
        from ci.executors.dagger import connected  # noqa: PLC0415

        async with connected(ground.engine, bench) as executor:
            yield executor
    elif ground.isolated is not None:
        host = HostExecutor(
            snapshot=bench.snapshot,
            scratch=bench.scratch,
            cache=bench.cache,
            isolation=ground.isolated,
            store=bench.store,
            keys=bench.keys,
            run=bench.run,
            note=bench.note,
            on_output=lambda check, tail: bench.on_output(check.id, tail),
            secrets=bench.secrets,
        )
        async with anyio.create_task_group() as group:
            group.start_soon(host.tidy)
            yield host
            group.cancel_scope.cancel()
