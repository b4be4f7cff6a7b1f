"""Runs checks on a commit with changes that nobody has committed yet, for whoever looks for a cause or judges a fix.

Nothing is taken from the cache that users' own runs share, and nothing is put there: what a patch has made in one
cycle is for that cycle alone. Checks that need a secret run without it, and say so by failing.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio.to_thread

from ci import config
from ci.diagnosis.laying import lay_out
from ci.diagnosis.repairs import brought, mended, plan_of, repairs
from ci.executors.cache import cache_directory
from ci.executors.find import find
from ci.executors.reuse import select
from ci.executors.scratch import remove
from ci.model import STAGE_NAMES, Reuse
from ci.monorepo import snapshot as snapshots
from ci.reporting.live import LiveView
from ci.running import Work, carry_out, report_of
from ci.settings.aimed import boxed
from ci.stages import catalogue
from ci.stages.context import Context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from rich.console import Console

    from ci.diagnosis.trying import Tree
    from ci.executors.find import Ground
    from ci.model import CheckRun, Plan, RunReport
    from ci.monorepo.snapshot import Snapshot
    from ci.running import Worked
    from ci.settings import Settings


@dataclass(kw_only=True)
class HostedTrials:
    """Trials of one cycle, where stages run: on the host or on Dagger. `root` is the workspace in the repository.

    `place` is a directory of the cycle's own, which is gone with it: what was prepared there is used again. In a Dagger
    function `bring` brings files into its engine and returns the id that they have there.
    """

    root: Path
    place: Path
    console: Console
    executor: str = "auto"
    slots: int = 0
    mirror: str | None = None
    bring: Callable[[Path], Awaitable[str]] | None = None
    _count: int = field(default=0, init=False)
    _ground: Ground | None = field(default=None, init=False)

    async def run(self, tree: Tree, checks: tuple[str, ...] = (), *, anew: bool = False) -> RunReport:
        """Run checks on a tree; see `Trials`."""
        started, began = datetime.datetime.now(datetime.UTC), time.monotonic()
        snapshot, settings = await self._made(tree, await self._found())
        plan = _chosen(catalogue.plan(Context.of(snapshot, settings)), checks, anew=anew)
        work, done = await self._carried(snapshot, settings, plan)
        there = {check.stage for check in plan.checks}
        unselected = tuple(each for each in STAGE_NAMES if each not in there) if checks else ()
        report = report_of(work, done, started=started, seconds=time.monotonic() - began, unselected=unselected)
        return dataclasses.replace(report, commit=tree.commit, dirty=bool(tree.files))

    async def repair(self, tree: Tree, runs: tuple[CheckRun, ...]) -> tuple[str, Mapping[str, bytes | None]] | None:
        """Have the tools' own fix modes repair what is red, one kind of tool after the other; see `Trials`."""
        files, names = dict(tree.files), list[str]()
        plan = catalogue.plan(Context.of(*await self._made(tree, await self._found())))
        for repair in repairs(plan, runs):
            snapshot, settings = await self._made(dataclasses.replace(tree, files=files), await self._found())
            _, done = await self._carried(snapshot, settings, plan_of(plan, repair.check))
            before = functools.partial(_content, snapshot.workspace)
            changed = await anyio.to_thread.run_sync(mended, repair, brought(done.kept, repair), before)
            if changed:
                files |= changed
                names += repair.fixers
        return (", ".join(names), files) if names else None

    async def checks_of(self, tree: Tree, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Return the ids of all checks that read one of some files."""
        plan = catalogue.plan(Context.of(*await self._made(tree, await self._found())))
        return tuple(check.id for check in plan.checks if select(paths, check.inputs))

    async def _carried(self, snapshot: Snapshot, settings: Settings, plan: Plan) -> tuple[Work, Worked]:
        """Carry out a plan in a directory of its own, which is gone afterwards."""
        self._count += 1
        place = self.place / f"run-{self._count}"
        place.mkdir()
        work = Work(
            identity=f"{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
            snapshot=snapshot,
            settings=settings,
            plan=plan,
            ground=await self._found(),
            root=self.root,
            cache=cache_directory(),
            place=place,
            slots=self.slots or settings.run.slots,
            results=self.place / "results",
            tree=await self.bring(snapshot.directory) if self.bring else None,
            mirror=self.mirror,
        )
        with LiveView(self.console, plan=plan) as view:
            done = await carry_out(work, view)
        await anyio.to_thread.run_sync(remove, place)
        return work, done

    async def _found(self) -> Ground:
        if self._ground is None:
            self._ground = await find(self.executor, self.place / "probe")
        return self._ground

    async def _made(self, tree: Tree, ground: Ground) -> tuple[Snapshot, Settings]:
        """Lay the tree out, always in the same place: what was prepared there is good for no other."""
        checkout, copy = self.place / "commit", self.place / "snapshot"
        for each in (checkout, copy):
            await anyio.to_thread.run_sync(remove, each)
        workspace = await snapshots.check_out(self.root, tree.commit, checkout)
        await anyio.to_thread.run_sync(lay_out, workspace, tree.files)
        snapshot = await snapshots.take(workspace, copy, objects=ground.objects)
        settings = boxed(config.load(snapshot.workspace))
        return await snapshots.widen(snapshot, settings.run.outside), settings


def _content(root: Path, path: str) -> bytes | None:
    """Return a file of the workspace, None where there is none."""
    place = root / path
    return place.read_bytes() if place.is_file() and not place.is_symlink() else None


def _chosen(plan: Plan, wanted: tuple[str, ...], *, anew: bool) -> Plan:
    """Return what of a plan is wanted, with all that it needs."""
    if not wanted:
        return plan
    by_id = {check.id: check for check in plan.checks}
    kept, left = set[str](), [each for each in wanted if each in by_id]
    while left:
        identity = left.pop()
        if identity not in kept:
            kept.add(identity)
            left += by_id[identity].needs
    checks = tuple(
        dataclasses.replace(check, reuse=Reuse.NEVER) if anew and check.id in wanted else check
        for check in plan.checks
        if check.id in kept
    )
    return dataclasses.replace(plan, checks=checks, skips=())
