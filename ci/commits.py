"""Runs stages, tests and migrations on a commit as it is in git, for whoever promotes it."""

from __future__ import annotations

import dataclasses
import datetime
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci import config
from ci.errors import UsageError
from ci.executors.cache import held
from ci.executors.find import find
from ci.model import STAGE_NAMES, Plan, RunVerdict
from ci.monorepo import snapshot as snapshots
from ci.promotion.work import Asked, What
from ci.reporting.document import to_json
from ci.reporting.live import LiveView
from ci.running import Work, carry_out, report_of
from ci.settings.aimed import aimed
from ci.stages import catalogue, deployed
from ci.stages.context import Context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from rich.console import Console

    from ci.journal import Journal
    from ci.model import RunReport
    from ci.monorepo.snapshot import Snapshot
    from ci.reporting.keepsakes import Keepsakes
    from ci.settings import Settings

LOCK_TIMEOUT = "-c lock_timeout=5s"  # rather fail, and be run again, than keep all who read waiting


@dataclass(kw_only=True)
class Commits:
    """`root` is the workspace in the user's own repository.

    `failed` is the last run that was not green, `kept` what it left for its report. In a Dagger function `bring` brings
    files into its engine and returns the id that they have there; `mirror` goes before that of the settings.
    """

    root: Path
    journal: Journal
    console: Console
    executor: str = "auto"
    slots: int = 0
    mirror: str | None = None
    bring: Callable[[Path], Awaitable[str]] | None = None
    kept: Keepsakes | None = None
    failed: RunReport | None = None

    async def run(self, asked: Asked) -> RunReport:
        """Run it, and remember what the seven stages said. Raises UsageError, ToolError, NoExecutorError."""
        started = datetime.datetime.now(datetime.UTC)
        began = time.monotonic()
        identity = f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        with held(identity) as (cache, place):
            ground = await find(self.executor, place / "probe")
            checkout = await snapshots.check_out(self.root, asked.commit, place / "commit")
            snapshot = await snapshots.take(checkout, place / "snapshot", objects=ground.objects)
            settings = config.load(snapshot.workspace)
            snapshot = await snapshots.widen(snapshot, settings.run.outside)
            settings = aimed(settings, asked.environment, database=asked.database)
            plan = _plan(asked, settings, snapshot, self.journal)
            work = Work(
                identity=identity,
                snapshot=snapshot,
                settings=settings,
                plan=plan,
                ground=ground,
                root=self.root,
                cache=cache,
                place=place,
                slots=self.slots or settings.run.slots,
                no_cache=True,
                tree=await self.bring(snapshot.directory) if self.bring else None,
                mirror=self.mirror,
                given=asked.given,
            )
            with LiveView(self.console, plan=plan) as view:
                done = await carry_out(work, view)
            chosen = {check.stage for check in plan.checks} | {skip.stage for skip in plan.skips}
            unselected = () if asked.what is What.STAGES else tuple(each for each in STAGE_NAMES if each not in chosen)
            report = report_of(work, done, started=started, seconds=time.monotonic() - began, unselected=unselected)
            report = dataclasses.replace(report, environment=asked.environment, commit=asked.commit)
        if report.verdict is not RunVerdict.PASSED:
            self.kept, self.failed = done.kept, report
        if asked.what is What.STAGES:
            self.journal.runs.record(report)
            self.journal.evidence.record(
                report.id, commit=asked.commit, environment=asked.environment, report=to_json(report)
            )
        return report


def _plan(asked: Asked, settings: Settings, snapshot: Snapshot, journal: Journal) -> Plan:
    context = Context.of(snapshot, settings, journal.runs.baseline())
    match asked.what:
        case What.STAGES:
            return catalogue.plan(context)
        case What.INTEGRATION:
            return catalogue.plan(dataclasses.replace(context, migrated=True), ("integration",))
        case What.MIGRATION:
            return _migration(asked, context)
        case What.TIER_1 | What.TIER_2:
            return _tier(asked, context)


def _migration(asked: Asked, context: Context) -> Plan:
    (variable,) = asked.given
    migrations, stage = context.settings.migrations, context.settings.stages.integration
    return deployed.migration(
        context,
        variable=variable,
        command=migrations.command if migrations else None,
        timeout=migrations.timeout if migrations else stage.timeout,
        environment={**stage.env, "PGOPTIONS": LOCK_TIMEOUT},
    )


def _tier(asked: Asked, context: Context) -> Plan:
    settings = context.settings.stages.e2e
    tier2 = settings.tier2
    if tier2 is None or asked.address is None:
        raise UsageError("shipway.toml has no [stages.e2e.tier2]: no test can be told where a deployment is")
    first = asked.what is What.TIER_1
    return deployed.tier(
        context,
        "tier-1" if first else "tier-2",
        variable=tier2.address,
        address=asked.address,
        tags=settings.tags if first else tier2.tags,
        require=() if first else tier2.require,
    )
