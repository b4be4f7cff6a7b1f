"""The seven stages by name, and the plan that they make together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ci.model import STAGE_NAMES, Check, Plan
from ci.stages import audit, e2e, install, integration, lint, preparation, submodules, typecheck, unit
from ci.stages.context import Context, merge
from ci.stages.prose import without_prose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PLANS: Mapping[str, Callable[[Context], Plan]] = {
    "install": install.plan,
    "lint": lint.plan,
    "typecheck": typecheck.plan,
    "unit": unit.plan,
    "integration": integration.plan,
    "e2e": e2e.plan,
    "audit": audit.plan,
}


def plan(context: Context, only: tuple[str, ...] = ()) -> Plan:
    """Return what the stages would run, each check after those it needs.

    `only` names stages; empty means all seven. What their checks need comes with them: a preparation is
    shown under the first stage that needs it.
    """
    context = preparation.prepare(context)
    names = tuple(name for name in STAGE_NAMES if not only or name in only)
    return arrange(context, merge(*(PLANS[name](context) for name in names)))


def arrange(context: Context, whole: Plan) -> Plan:
    """Return a plan with all that its checks need, each check after those. The context is prepared already."""
    prepared = (install.install(context), *preparation.checks(context))
    known = {check.id: check for check in (*prepared, *whole.checks)}
    ordered: dict[str, Check] = {}
    shown: dict[str, str] = {}
    for check in whole.checks:
        _place(check, check.stage, known, ordered, shown)
    new = {
        check.id: dataclasses.replace(check, stage=shown[check.id]).id for check in prepared[1:] if check.id in ordered
    }
    checks = tuple(
        dataclasses.replace(
            check,
            stage=shown[check.id] if check.id in new else check.stage,
            needs=tuple(new.get(need, need) for need in check.needs),
        )
        for check in ordered.values()
    )
    return Plan(
        checks=tuple(submodules.excuse(context, check) for check in without_prose(context.workspace, checks)),
        skips=whole.skips,
        notices=whole.notices,
    )


def _place(
    check: Check, stage: str, known: Mapping[str, Check], ordered: dict[str, Check], shown: dict[str, str]
) -> None:
    """Put a check behind what it needs, and note the first stage that needs it."""
    if check.id in ordered:
        return
    for need in check.needs:
        _place(known[need], stage, known, ordered, shown)
    ordered[check.id] = check
    shown[check.id] = stage
