"""A drill, step by step: the list here is the whole of it. The steps are those of a release wherever there is one.

Up to the switch nothing that users of staging get is touched. A drill is meant to be stopped by a gate: whatever says
no after the switch, and whoever was killed in between, staging serves at the end what it served before.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ci.errors import ExitCode
from ci.promotion import deploying, overseeing, releasing
from ci.promotion.drills import beginning, ending, planting
from ci.promotion.drills.scenario import SCENARIOS, SMOKE, WINDOW, Fault
from ci.promotion.flow import BlockedError, FlowStep
from ci.promotion.rollback import rolling_back
from ci.promotion.route import LONG, make_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.journal import Flow
    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion


def steps(promotion: Promotion, flow: Flow) -> Sequence[FlowStep]:
    """Return what is done under the lease, in its order."""
    step = functools.partial(make_step, promotion)
    name, scenario = promotion.environment, SCENARIOS[flow.asked["scenario"]]
    pretends = scenario.fault is not Fault.PROBE
    planted = f"{scenario.fault.value}, sent to {name}'s Sentry" if pretends else ""
    watched = (step(WINDOW, planting.watch, writes=f"a test event; {scenario.fault.value}", lasting=LONG),)
    before = (step(overseeing.BASELINE, overseeing.keep_baseline),)
    died = FlowStep(
        name=planting.DEATH,
        act=functools.partial(planting.die, promotion),
        look=functools.partial(planting.find_dead, promotion),
    )
    return (
        step("admission", beginning.admit),
        step("isolation", beginning.keep_apart),
        step("served before", deploying.note_served),
        step("branch", beginning.cut_branch, writes=f"the branch {promotion.head}, for as long as it lasts"),
        *deploying.deployments(promotion),
        step("staged smoke", planting.smoke_staged, writes="what its probes make"),
        *(before if pretends else ()),
        step(releasing.SWITCH, releasing.move_users, writes=f"what users of {name} get: the same, built again"),
        step(ending.FAULT, planting.plant, writes=planted),
        died,
        step(SMOKE, planting.smoke, writes="what its probes make"),
        *(watched if pretends else ()),
        step("found", _miss),
    )


def closing_steps(promotion: Promotion) -> Sequence[FlowStep]:
    """Return what is done at the end of these, whatever came of them."""
    step = functools.partial(make_step, promotion)
    name = promotion.environment
    back = functools.partial(_flip, promotion)
    return (
        step(ending.TARGET, ending.choose),
        FlowStep(name=ending.BACK, act=back, writes=f"what users of {name} get: what they had"),
        step("rollback noted", ending.note),
        step("errors resolved", ending.resolve_errors, writes="what was pretended, at Sentry"),
        step(ending.TIMES, ending.keep_times),
        step(ending.TOLD, ending.tell, writes="mail, page and issue, marked as a drill"),
        step("people told that it is over", ending.tell_over, writes="the page resolved, the issue closed"),
        step("branch removed", ending.remove_branch, writes=f"the branch {promotion.head}"),
    )


def order(promotion: Promotion, flow: Flow) -> tuple[str, ...]:
    """Return the names of all steps in their order."""
    return tuple(step.name for step in (*steps(promotion, flow), *closing_steps(promotion)))


async def _flip(promotion: Promotion, doing: Doing) -> Facts:
    return await rolling_back.flip(promotion, "", doing)


async def _miss(promotion: Promotion, doing: Doing) -> Facts:  # noqa: ARG001 - a step's form
    """Say that it came to this: what was planted was found by nothing. Raises BlockedError."""
    raise BlockedError("nothing found the fault that was planted", code=ExitCode.STAGE_FAILED)
