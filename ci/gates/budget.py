"""The budget gate: the pipeline takes at most ten minutes, or a person accepts that it is slow.

Counted is the wall time of the run, and on top what each stage would have taken longer had nothing come from cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from ci.gates.recording import Seconds, decide, number, quoted
from ci.model import Outcome, Ruling

LIMIT = 600.0


@dataclass(frozen=True, kw_only=True)
class StageTime:
    """A stage's seconds in this run, and with cached checks at their original seconds."""

    name: str
    seconds: Seconds
    full_seconds: Seconds


@dataclass(frozen=True, kw_only=True)
class BudgetObserved:
    """A pipeline's time. `seconds` is its wall time, None where none was measured; `accepted` a person's reason."""

    seconds: Seconds | None
    stages: tuple[StageTime, ...] = ()
    accepted: str | None = None
    limit: Seconds = LIMIT


def rule(observed: BudgetObserved, *, environment: str) -> Ruling:
    """FAIL over the limit, unless it was accepted with a reason."""
    if observed.seconds is None:
        return decide("budget", environment, Outcome.NODATA, "no pipeline was measured for this commit", observed)
    cached = sum(max(0.0, stage.full_seconds - stage.seconds) for stage in observed.stages)
    total = observed.seconds + cached
    said = f"the pipeline takes {number(total)} s"
    if cached:
        said += f" ({number(cached)} s of it from cache, counted at the original seconds)"
    slowest = max(observed.stages, key=lambda stage: stage.full_seconds, default=None)
    if total <= observed.limit:
        outcome, said = Outcome.PASS, f"{said}; at most {number(observed.limit)} s are allowed"
    elif observed.accepted and observed.accepted.strip():
        outcome = Outcome.PASS
        said = f"{said}, over {number(observed.limit)} s; accepted: {quoted(observed.accepted)}"
    else:
        outcome, said = Outcome.FAIL, f"{said}; at most {number(observed.limit)} s are allowed"
        if slowest is not None:
            said = f"{said}; the longest stage is {slowest.name}, {number(slowest.full_seconds)} s"
    return decide("budget", environment, outcome, said, observed, seconds=total, cached_seconds=cached)
