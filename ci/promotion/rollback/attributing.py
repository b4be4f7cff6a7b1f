"""Where the cause of a failed smoke lies: does the build before fail the same probes, at its own address?

That decides whether a commit is pinned out, never whether it is put back. An address that cannot be asked says nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from ci.errors import ShipwayError
from ci.gates.smoke import SmokeObserved, rule
from ci.model import Outcome
from ci.promotion.promoting import RULING
from ci.promotion.smoking import smoke

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.model import Ruling
    from ci.promotion.flow import Doing
    from ci.promotion.promoting import Promotion
    from ci.vendors.platform import Deployment

_OBSERVED = TypeAdapter(SmokeObserved)
ONCE = 5.0  # seconds for the build before to say what it serves


async def attribute(promotion: Promotion, doing: Doing, before: Sequence[Deployment]) -> Ruling | None:
    """Return the ruling on the smoke that failed, with what the build before says to the same probes.

    None where it was no smoke that failed, or the build before cannot be asked.
    """
    failed = _failed(doing)
    if failed is None:
        return None
    probes = [probe for point in failed.points for probe in point.probes]
    names = {_own(probe.name) for probe in probes if probe.error is None and not probe.passed}
    headers: dict[str, str] = {}
    try:
        for each in before:
            headers |= await promotion.platform.passage(each.app)
        made = await smoke(
            promotion.settings,
            promotion.environment,
            root=promotion.root,
            addresses={each.app: each.address for each in before},
            headers=headers,
            only=names,
            within=ONCE,
        )
    except ShipwayError as error:
        doing.note(f"the build before cannot be asked: {error.message}")
        return None
    return rule(_with(failed, {run.name: run.passed for run in made.runs}), environment=promotion.environment)


def _failed(doing: Doing) -> SmokeObserved | None:
    """Return what was observed by the smoke that failed, None where none did."""
    found: Sequence[Mapping[str, Any]] = doing.refusal.rulings if doing.refusal else ()
    for each in found:
        ruling = RULING.validate_python(each)
        if ruling.gate == "smoke" and ruling.ruling is Outcome.FAIL:
            return _OBSERVED.validate_python(ruling.values["observed"])
    return None


def _with(observed: SmokeObserved, passed: Mapping[str, bool]) -> SmokeObserved:
    points = tuple(
        replace(
            point, probes=tuple(replace(each, before=passed.get(_own(each.name), each.before)) for each in point.probes)
        )
        for point in observed.points
    )
    return replace(observed, points=points)


def _own(told: str) -> str:
    """Return a probe's name as shipway.toml has it: what was observed names its last request too."""
    return told.partition(":")[0]
