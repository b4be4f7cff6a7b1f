"""Operations of Neon's that fail when they are told to.

    POST   /_stand-in/operations    {"action": "create_branch", "times": 1, "error": "no capacity"}
    DELETE /_stand-in/operations    fail no more

Nothing of such an operation is done, and what was to follow it for the same branch is cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass

from ci.errors import ToolError
from ci.rehearsal.faults import check_numbers, check_texts
from ci.rehearsal.planned import Planned

ACTIONS = ("create_branch", "create_timeline", "start_compute", "suspend_compute", "delete_timeline")


@dataclass(frozen=True, kw_only=True)
class OperationFault:
    """What becomes of the next `times` operations of a kind; of any, where none is named."""

    action: str = ""
    times: int = 1
    error: str = "compute node is not available"

    def __post_init__(self) -> None:
        """Refuse what could never happen. Raises ValueError, TypeError."""
        check_texts(self, ("action", "error"))
        check_numbers(self, {"times": (1, 10**9)})
        if self.action not in {"", *ACTIONS}:
            raise ValueError(f"{self.action}: there is {', '.join(ACTIONS)}")


class OperationFaults(Planned[OperationFault]):
    """Those that are still to come."""

    def __init__(self) -> None:
        """Let all operations be."""
        super().__init__(OperationFault, "operations")

    def meet(self, action: str) -> None:
        """Raise ToolError where an operation that begins now is to fail."""
        if fault := self.next(lambda each: each.action in {"", action}):
            raise ToolError(fault.error)
