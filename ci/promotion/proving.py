"""Steps 2 and 8: the seven stages of exactly this commit: as evidence, then with the environment's services."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import anyio.to_thread

from ci.gates import budget, evidence
from ci.model import Outcome, Status
from ci.promotion.promoting import demand, demand_green
from ci.promotion.work import Asked, What

if TYPE_CHECKING:
    from ci.journal.evidence import Kept
    from ci.model import Ruling
    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion


async def find_evidence(promotion: Promotion, doing: Doing) -> Facts:
    """Find a green report of the seven stages for the commit, or make one; the budget gate rules on its seconds.

    Raises BlockedError where a stage is red, or the pipeline too slow and nobody said that it may be.
    """
    kept = await _kept(promotion, None)
    ruling = _ruled(promotion, kept)
    if ruling.ruling is not Outcome.PASS:
        doing.note(f"{ruling.reason}: running the seven stages")
        report = await promotion.work.run(Asked(what=What.STAGES, commit=promotion.commit))
        demand_green(report, "the seven stages are not green")
        kept = await _kept(promotion, None)
        ruling = _ruled(promotion, kept)
    slow = doing.flow.asked.get("accept_slow")
    time_of = budget.rule(_budget(kept, slow), environment=promotion.environment)
    return {"report": kept.id if kept else None, **demand(ruling, time_of)}


async def prove_again(promotion: Promotion, doing: Doing) -> Facts:
    """Run all seven again, none from cache, with the environment's services and databases made of its own."""
    database = doing.facts["test database"].get("branch")
    asked = Asked(what=What.STAGES, commit=promotion.commit, environment=promotion.environment, database=database)
    report = await promotion.work.run(asked)
    kept = await _kept(promotion, promotion.environment)
    ruling = _ruled(promotion, kept, executed=True)
    demand_green(report, f"the stages are not green with the services of {promotion.environment}", rulings=(ruling,))
    return {"report": report.id, **demand(ruling)}


async def kept_ruling(promotion: Promotion, environment: str) -> Ruling:
    """Return how the report counts that was made with an environment's services, as evidence for this promotion."""
    return _ruled(promotion, await _kept(promotion, environment))


async def _kept(promotion: Promotion, environment: str | None) -> Kept | None:
    journal = promotion.journal
    return await anyio.to_thread.run_sync(lambda: journal.evidence.newest(promotion.commit, environment=environment))


def _ruled(promotion: Promotion, kept: Kept | None, *, executed: bool = False) -> Ruling:
    stages = promotion.settings.stages
    observed = evidence.EvidenceObserved(
        commit=promotion.commit,
        report=None if kept is None else _observed(kept),
        now=time.time(),
        max_age=promotion.settings.promotion.evidence_max_age,
        executed=executed,
        allow_empty=tuple(name for name, stage in stages if stage.allow_empty),
    )
    return evidence.rule(observed, environment=promotion.environment)


def _observed(kept: Kept) -> evidence.Report:
    document = json.loads(kept.report)
    return evidence.Report(
        id=kept.id,
        commit=document["commit"],
        ended=kept.moment,
        dirty=document["dirty"],
        untrusted=document["pull_request"] is not None,
        stages=tuple(
            evidence.StageEvidence(
                name=stage["name"],
                status=Status(stage["status"]),
                cached=sum(check["cached_from"] is not None for check in stage["checks"]),
                reason=stage["reason"],
            )
            for stage in document["stages"]
        ),
    )


def _budget(kept: Kept | None, accepted: str | None) -> budget.BudgetObserved:
    if kept is None:
        return budget.BudgetObserved(seconds=None, accepted=accepted)
    document = json.loads(kept.report)
    times = tuple(
        budget.StageTime(name=stage["name"], seconds=stage["seconds"], full_seconds=stage["full_seconds"])
        for stage in document["stages"]
    )
    return budget.BudgetObserved(seconds=document["seconds"], stages=times, accepted=accepted)
