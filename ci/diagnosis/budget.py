"""What one cycle of a diagnosis may cost: dollars, calls and time, counted over every process that works on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ci.journal.spendings import Allowance, Shortage, Spending

if TYPE_CHECKING:
    from ci.journal.spendings import Spendings

ALLOWANCE = Allowance()


class Purse:
    """The money of one cycle of an incident."""

    def __init__(self, spendings: Spendings, incident: str, cycle: int, *, allowance: Allowance = ALLOWANCE) -> None:
        """Take where it is written down, and what may be spent."""
        self.allowance = allowance
        self._spendings = spendings
        self._incident = incident
        self._cycle = cycle

    def reserve(self, dollars: float) -> Spending | Shortage:
        """Set aside what a call costs at most; say which limit forbids it."""
        if not math.isfinite(dollars) or dollars < 0:  # a sum with it in it would forbid nothing
            return Shortage.CYCLE
        return self._spendings.reserve(self._incident, self._cycle, dollars, allowance=self.allowance)

    def settle(self, spending: Spending, dollars: float) -> None:
        """Note what the call did cost; one that is never settled counts in full."""
        self._spendings.settle(spending, dollars)

    def spent(self) -> float:
        """Return the dollars that the cycle has cost so far, with those that are set aside."""
        return math.fsum(call.dollars for call in self._spendings.of(self._incident, self._cycle))

    def seconds_left(self) -> float:
        """Return how long the cycle may still go on."""
        used = self._spendings.used(self._incident, self._cycle, silence=self.allowance.silence)
        return max(0.0, self.allowance.seconds - used)
