"""Whether error monitoring is alive: a tagged test event that was sent must come back through the API.

Zero errors are good news only from a monitor that is known to see. One that does not is no sign of a bad release: ERROR
holds and pages, and nothing is rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass

from ci.gates.recording import Seconds, decide, number, quoted
from ci.model import Outcome, Ruling


@dataclass(frozen=True, kw_only=True)
class MonitorObserved:
    """What became of the test event.

    `came_back` is the seconds from sending it to reading it, None where it was not found in `waited` seconds; `error`
    says why it could not be sent or asked for, `untried` why a monitor that is connected was sent none.
    """

    connected: bool = True
    came_back: Seconds | None = None
    waited: Seconds = 0
    error: str | None = None
    untried: str | None = None


def rule(observed: MonitorObserved, *, environment: str) -> Ruling:
    """PASS where the event came back, ERROR where not, NODATA where none was sent."""
    if not observed.connected:
        outcome, reason = Outcome.NODATA, "no error monitor is connected"
    elif observed.untried is not None:
        outcome, reason = Outcome.NODATA, f"no test event was sent: {quoted(observed.untried)}"
    elif observed.came_back is not None:
        outcome, reason = Outcome.PASS, f"the test event came back after {number(observed.came_back)} s"
    elif observed.error is not None:
        outcome, reason = Outcome.ERROR, f"the monitor could not be asked: {quoted(observed.error)}"
    else:
        reason = f"the test event did not come back in {number(observed.waited)} s: zero errors would say nothing"
        outcome = Outcome.ERROR
    return decide("monitor", environment, outcome, reason, observed)
