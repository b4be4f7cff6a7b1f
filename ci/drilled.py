"""A drill as somebody asks for it: whether it can be played here, its commit made, then carried to its end."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci import config, processes
from ci.errors import ExitCode, UsageError
from ci.journal import State
from ci.promotion.connected import connected
from ci.promotion.drills.beginning import (
    Asked,
    begin,
    going_on,
    make_commit,
    refuse_busy,
    refuse_production,
    served_now,
)
from ci.promotion.drills.scenario import ENVIRONMENT, lacking
from ci.promotion.flow import BusyError
from ci.promotion.history import History
from ci.releases import carry, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from ci.asked import Promoted, PromotionRequest
    from ci.journal import Flow, Journal


@dataclass(frozen=True, kw_only=True)
class Drilled:
    """What came of it, and what the process ends with; `skipped` is why nothing was played."""

    code: ExitCode
    promoted: Promoted | None = None
    skipped: str | None = None


async def drill(request: PromotionRequest, root: Path, journal: Journal, asked: Asked, console: Console) -> Drilled:
    """Play a scenario on staging, or go on with it where that was left. Raises as `promote`."""
    flow = going_on(journal)
    if flow is not None and flow.asked["scenario"] != asked.scenario.name:
        raise BusyError(
            f"the drill {flow.asked['scenario']} is not finished",
            hint=f"`shipway resume {ENVIRONMENT}` or `shipway abort {ENVIRONMENT}`",
        )
    if flow is None:
        refuse_busy(journal, anyway=asked.anyway)
        begun = await _begun(root, journal, asked)
        if isinstance(begun, str):
            return Drilled(code=ExitCode.HELD, skipped=begun)
        flow = begun
    if asked.scenario.kills and (code := await _killed(request, root, console)) >= 0:  # no signal ended it
        return Drilled(code=ExitCode(code))
    try:
        promoted = await carry(request, root, journal, flow, console)
    except BusyError as error:  # somebody was quicker: what did nothing must bar nobody
        if not journal.flows.entries(flow.id):
            journal.flows.move(flow.id, State.ABORTED, error.message)
        raise
    return Drilled(code=promoted.code, promoted=promoted)


async def _begun(root: Path, journal: Journal, asked: Asked) -> Flow | str:
    """Begin it by the settings of the commit that staging serves; return why it cannot be played, where it cannot."""
    here, history = config.load(root), History(root=root)
    refuse_production(here)
    async with connected(here, ENVIRONMENT, root=root) as made:
        if made.github is None or made.platform is None:
            raise UsageError(
                f"shipway.toml does not say where {ENVIRONMENT} is",
                hint=f"a drill needs [github], and [environments.{ENVIRONMENT}.vercel] or .commands",
            )
        served = await served_now(here, made.platform)
        if lack := lacking(asked.scenario, await settings_of(history, served)):
            return lack
        commit = await make_commit(made.github, served, asked.scenario)
    return begin(journal, commit, served, asked)


async def _killed(request: PromotionRequest, root: Path, console: Console) -> int:
    """Have another process play it that dies of it, and return how that ended; ours goes on then, as any would."""
    console.print("another process plays it, and is killed once users were moved; this one goes on", style="dim")
    report = () if request.report is None else ("--report", str(request.report.absolute()))
    argv = (sys.executable, "-P", "-m", "ci.cli", "resume", ENVIRONMENT, str(root), *report)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    aside = sys.stderr.fileno() if console.stderr else None  # standard output is for the answer alone
    return await processes.attached(argv, cwd=root, environment=environment, stdout=aside)
