"""Steps 9 to 11: the candidate tried at its own address: tier 2, benchmarks beside what is served, the product's AI."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from ci.gates import benchmarks as benchmarks_gate
from ci.gates import extraction as extraction_gate
from ci.model import Outcome
from ci.promotion.benchmarks import measure
from ci.promotion.extraction import extract
from ci.promotion.flow import SKIPPED
from ci.promotion.promoting import demand, demand_green
from ci.promotion.target import plain_target
from ci.promotion.work import Asked, What

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion
    from ci.promotion.target import Target

MEASURES = 3  # so often, while it cannot be told
ACCEPTED = frozenset({Outcome.PASS, Outcome.INCONCLUSIVE})


async def test_tier_2(promotion: Promotion, doing: Doing) -> Facts:
    """Run tier 2 at the candidate's own address. Raises BlockedError."""
    tier2 = promotion.settings.stages.e2e.tier2
    if tier2 is None:
        return {SKIPPED: "shipway.toml has no [stages.e2e.tier2]"}
    address = doing.facts[f"deploy {tier2.app}"]["address"]
    asked = Asked(what=What.TIER_2, commit=promotion.commit, environment=promotion.environment, address=address)
    report = await promotion.work.run(asked)
    demand_green(report, "tier 2 is not green")
    return {"seconds": report.seconds}


async def compare(promotion: Promotion, doing: Doing) -> Facts:
    """Measure the candidate beside what is served, again where that tells nothing. Raises BlockedError."""
    settings = promotion.settings.benchmarks
    if settings is None:
        return {SKIPPED: "shipway.toml has no [benchmarks]"}
    before = doing.facts["served before"]["deployments"]
    if settings.app not in before:
        return {SKIPPED: f"no {settings.app} is served that it could be measured beside"}
    candidate = await _target(promotion, settings.app, _addresses(promotion, doing.facts))
    current = await _target(promotion, settings.app, {name: each["address"] for name, each in before.items()})
    servings = promotion.journal.servings
    baseline = await anyio.to_thread.run_sync(servings.baseline, promotion.environment)
    for number in range(MEASURES):
        measured = await measure(settings, candidate=candidate, current=current, baseline=baseline)
        ruling = benchmarks_gate.rule(measured.observed, environment=promotion.environment)
        if ruling.ruling is not Outcome.INCONCLUSIVE:
            break
        doing.note(f"{ruling.reason}" + ("; measuring again" if number + 1 < MEASURES else "; accepted"))
    facts = demand(ruling, accept=ACCEPTED)
    await anyio.to_thread.run_sync(servings.measure, promotion.environment, promotion.commit, measured.medians)
    return facts


async def read_samples(promotion: Promotion, doing: Doing) -> Facts:
    """Have the product's AI read the sample documents. Raises BlockedError."""
    settings = promotion.settings.extraction
    if settings is None:
        return {SKIPPED: "shipway.toml has no [extraction]"}
    target = await _target(promotion, settings.app, _addresses(promotion, doing.facts))
    with tempfile.TemporaryDirectory(prefix="shipway-samples-") as directory:
        place = Path(directory)
        await promotion.history.write_out(promotion.commit, [each.file for each in settings.samples], place)
        observed = await extract(settings, target, root=place)
    return demand(extraction_gate.rule(observed, environment=promotion.environment))


def _addresses(promotion: Promotion, facts: Mapping[str, Facts]) -> dict[str, str]:
    return {app.name: facts[f"deploy {app.name}"]["address"] for app in promotion.settings.apps}


async def _target(promotion: Promotion, app: str, addresses: Mapping[str, str]) -> Target:
    return await plain_target(
        promotion.settings,
        promotion.environment,
        root=promotion.root,
        addresses=addresses,
        headers=await promotion.platform.passage(app),
    )
