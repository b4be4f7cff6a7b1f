"""Carries out a plan: where its checks run, with databases at Neon for those that ask, and no secret left behind."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from ci import __version__, outcome
from ci.errors import UsageError
from ci.executors import environment, reuse
from ci.executors.find import Bench, Ground, start
from ci.executors.redacting import Redacting
from ci.executors.reuse import Store
from ci.executors.room import room
from ci.executors.scheduler import Scheduler
from ci.fingerprints import fingerprints, own_key
from ci.model import EMPTY, NOT_HAD, RunReport, written
from ci.redact import Redactor
from ci.redact.forms import SHORTEST
from ci.reporting.keepsakes import Keepsakes
from ci.secrets import resolve
from ci.toolchains.chromium import browsers_here
from ci.toolchains.postgres import postgres_here
from ci.toolchains.registry import registry

if TYPE_CHECKING:
    import datetime
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from ci.branches import Branches
    from ci.model import CheckRun, Plan
    from ci.monorepo.snapshot import Snapshot
    from ci.reporting.live import LiveView
    from ci.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Work:
    """A plan, and all that is needed to carry it out.

    `root` is where references to secrets are read from, `place` a directory of this run's own. `given` are secrets that
    are known already, by the names under which checks ask for them; `hidden` are those that no check gets. `slots` 0
    means as many as there is room for. `results` is where results are kept and taken from in place of the shared cache.
    """

    identity: str
    snapshot: Snapshot
    settings: Settings
    plan: Plan
    ground: Ground
    root: Path
    cache: Path
    place: Path
    slots: int = 0
    no_cache: bool = False
    tree: str | None = None
    mirror: str | None = None
    given: Mapping[str, str] = field(default_factory=lambda: EMPTY, repr=False)
    hidden: Mapping[str, str] = field(default_factory=lambda: EMPTY, repr=False)
    results: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Worked:
    """What came of it. `notices` are one line each."""

    checks: tuple[CheckRun, ...]
    slots: int
    kept: Keepsakes
    notices: tuple[str, ...]


async def carry_out(work: Work, view: LiveView) -> Worked:
    """Carry out a plan; what fails is in its checks. Raises UsageError, ToolError, NoExecutorError."""
    redactor, resolved, token = await _redactor(work)
    snapshot = work.snapshot
    results = work.results or (work.place / "results" if work.no_cache else work.cache / "results")
    store = Store(results, elsewhere=work.ground.name == "dagger")
    # Outputs may hold the place where they were made (shims, build manifests): another place is another key.
    where = (work.ground.kind, snapshot.root, snapshot.prefix, work.identity if work.no_cache else "")
    marks = fingerprints(resolved, own_key(work.cache)) if resolved else {}
    keys = reuse.keys(
        work.plan.checks,
        snapshot.digests,
        world=" ".join(map(str, (*where, *sorted(snapshot.outside.items())))),
        registry=environment.asked(),
        secrets=marks,
        machine={"chromium": browsers_here(), "postgres": postgres_here()},
    )
    kept = Keepsakes()
    async with _branches(work, token) as branches:
        shown = branches.shown if branches else _as_it_is
        bench = Bench(
            snapshot=snapshot,
            plan=work.plan,
            scratch=work.place,
            cache=work.cache,
            store=store,
            keys=keys,
            run=work.identity,
            note=view.note,
            on_output=lambda check, tail: view.check_output(check, shown(check, redactor.last_line(tail))),
            fresh=work.no_cache,
            tree=work.tree,
            mirror=work.mirror or work.settings.containers.mirror,
            volume=work.settings.containers.volume,
            secrets=resolved,
            fingerprints=marks,
        )
        async with start(work.ground, bench) as executor, anyio.create_task_group() as group:
            redacting = Redacting(executor=executor, redactor=redactor)
            scheduler = Scheduler(
                executor=branches.around(redacting) if branches else redacting,
                store=store,
                keys=keys,
                run=work.identity,
                slots=work.slots or room(),
                listener=view,
                keep_artifacts=kept.keep,
            )
            group.start_soon(view.keep_time)
            checks = await scheduler.execute(work.plan.checks)
            group.cancel_scope.cancel()
    store.sweep()
    notices = (*_unredacted(redactor), *(branches.notices if branches else ()))
    return Worked(checks=checks, slots=scheduler.slots, kept=kept, notices=notices)


def report_of(
    work: Work, done: Worked, *, started: datetime.datetime, seconds: float, unselected: tuple[str, ...]
) -> RunReport:
    """Return the report of a plan that was carried out; `unselected` are the stages that nobody asked for."""
    stages = outcome.stage_runs(done.checks, work.plan.skips, unselected=unselected)
    ground = work.ground
    return RunReport(
        id=work.identity,
        kind="run",
        tool=f"shipway {__version__}",
        repository=work.root.name,
        started=written(started.timestamp()),
        verdict=outcome.verdict(stages, unselected=unselected),
        seconds=round(seconds, 3),
        executor=ground.name,
        executor_reason=ground.reason,
        isolation=(*ground.holds, *(f"{NOT_HAD}{missing}" for missing in ground.missing)),
        slots=done.slots,
        stages=stages,
        notices=(*work.plan.notices, *work.snapshot.notices, *done.notices),
    )


async def _redactor(work: Work) -> tuple[Redactor, Mapping[str, str], str | None]:
    """Resolve the references to secrets, and make the redactor that knows them and the environment's own.

    Returns it, the secrets by the names under which checks get them, and Neon's key where the plan asks for branches.
    """
    settings = work.settings
    integration, e2e = settings.stages.integration.secrets, settings.stages.e2e.secrets
    for name in integration.keys() & e2e.keys():
        if integration[name] != e2e[name]:
            raise UsageError(
                f"shipway.toml: {name} is another secret in [stages.integration] than in [stages.e2e]",
                hint="give one of them another name",
            )
    references = {**integration, **e2e}
    resolved = {name: await resolve(value, root=work.root, setting=name) for name, value in references.items()}
    resolved |= work.given
    neon = settings.environments.development.neon
    token = None
    if neon is not None and any(service.name == "neon" for check in work.plan.checks for service in check.services):
        token = await resolve(neon.token, root=work.root, setting="environments.development.neon.token")
    known = {**work.hidden, **resolved, **({} if token is None else {"Neon's API key": token})}
    return Redactor.from_environment(os.environ, known=known, npmrc=registry().files), resolved, token


@asynccontextmanager
async def _branches(work: Work, token: str | None) -> AsyncIterator[Branches | None]:
    """Give the branches at Neon that checks ask for, None where none does."""
    neon = work.settings.environments.development.neon
    if neon is None or token is None:
        yield None
        return
    # It brings a client of HTTP and one of Postgres, which other runs need not pay for.
    from ci.branches import branches  # noqa: PLC0415

    async with branches(neon, token, cache=work.cache, run=work.identity) as made:
        yield made


def _as_it_is(_check: str, line: str) -> str:
    return line


def _unredacted(redactor: Redactor) -> tuple[str, ...]:
    """Name the secrets that are too short to be taken out: such a value stands in every text."""
    return tuple(
        f"{name} is not redacted: its value is shorter than {SHORTEST} characters" for name in redactor.too_short
    )
