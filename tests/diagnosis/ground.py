"""The example as a repository in which failures are planted, and the product's own parts that run its checks."""

from __future__ import annotations

import datetime
import io
import secrets
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from rich.console import Console

from ci import config
from ci.diagnosis.places import Tree
from ci.diagnosis.repairs import plan_of
from ci.executors.cache import held
from ci.executors.find import find
from ci.model import STAGE_NAMES
from ci.monorepo import snapshot as snapshots
from ci.reporting.live import LiveView
from ci.running import Work, carry_out, report_of
from ci.stages import catalogue
from ci.stages.context import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ci.model import Check, CheckRun, Plan, RunReport
    from ci.reporting.keepsakes import Keepsakes
    from ci.scenarios.candidates import Candidate


@dataclass(frozen=True, kw_only=True)
class Played:
    """Checks that ran on the files as they were, and the whole plan for these; `kept` is what they left."""

    plan: Plan
    report: RunReport
    kept: Keepsakes
    tree: Tree

    @property
    def runs(self) -> tuple[CheckRun, ...]:
        """All checks that ran."""
        return tuple(check for stage in self.report.stages for check in stage.checks)


@dataclass(frozen=True, kw_only=True)
class Field:
    """A repository of its own, `root`, with one commit that is well."""

    root: Path

    def plant(self, *candidates: Candidate) -> None:
        """Make the edits of candidates, one after the other."""
        for candidate in candidates:
            for path, text in candidate.edits(self.root).items():
                place = self.root / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding="utf-8")

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write what a repair changed."""
        for path, content in files.items():
            (self.root / path).write_bytes(content)

    def clear(self) -> None:
        """Have the files as they were committed."""
        for words in (("checkout", "-q", "."), ("clean", "-fdq")):
            subprocess.run(["git", *words], cwd=self.root, check=True)

    def before(self, path: str) -> bytes | None:
        """Return a file as it is now."""
        place = self.root / path
        return place.read_bytes() if place.is_file() else None

    def play(self, choose: Callable[[Plan], tuple[Check, ...]]) -> Played:
        """Run the checks that are chosen from the plan of all stages, and what they need."""
        return anyio.run(self._play, choose)

    async def _play(self, choose: Callable[[Plan], tuple[Check, ...]]) -> Played:
        started = datetime.datetime.now(datetime.UTC)
        identity = f"planted-{secrets.token_hex(4)}"
        with held(identity) as (cache, place):
            ground = await find("host", place / "probe")
            snapshot = await snapshots.take(self.root, place / "snapshot", objects=ground.objects)
            settings = config.load(snapshot.workspace)
            context = Context.of(snapshot, settings)
            whole = catalogue.plan(context)
            plan = plan_of(whole, *choose(whole))
            work = Work(
                identity=identity,
                snapshot=snapshot,
                settings=settings,
                plan=plan,
                ground=ground,
                root=self.root,
                cache=cache,
                place=place,
            )
            with LiveView(Console(file=io.StringIO()), plan=plan) as view:
                done = await carry_out(work, view)
            chosen = {check.stage for check in plan.checks}
            unselected = tuple(each for each in STAGE_NAMES if each not in chosen)
            report = report_of(work, done, started=started, seconds=0, unselected=unselected)
        packages = tuple(package.path for package in context.workspace.packages)
        tree = Tree(files=frozenset(snapshot.files), packages=packages)
        return Played(plan=whole, report=report, kept=done.kept, tree=tree)
