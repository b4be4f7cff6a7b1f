"""All scenarios by their names: the whole story, those of one environment, and promotions that are killed at a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.errors import UsageError
from ci.scenarios import mending, production, staging

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.scenarios.scenario import Scenario

STORY = production.STORY.name
CRASH = "crash@"
SCENARIOS: Mapping[str, Scenario] = {
    each.name: each for each in (*production.SCENARIOS, *mending.SCENARIOS, *staging.SCENARIOS)
}


def find_scenario(name: str) -> Scenario:
    """Return the scenario of a name, which may be crash@STEP. Raises UsageError where there is none."""
    if name in SCENARIOS:
        return SCENARIOS[name]
    step = name.removeprefix(CRASH).replace("-", " ")
    if not name.startswith(CRASH):
        raise UsageError(f"there is no scenario {name!r}", hint=f"there are world, {', '.join(SCENARIOS)}, {CRASH}STEP")
    if step in production.STEPS:
        return production.crash(step)
    if step in staging.STEPS:
        return staging.crash(step)
    known = ", ".join(each.replace(" ", "-") for each in dict.fromkeys((*staging.STEPS, *production.STEPS)))
    raise UsageError(f"no promotion has a step {step!r}", hint=f"there are {known}")
