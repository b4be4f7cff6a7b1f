"""Builds that go wrong when they are told to: those of one project, or the next ones of any.

    POST   /_stand-in/builds    {"project": "web", "kind": "fail", "times": 1, "seconds": 5, "reason": "out of memory"}
    DELETE /_stand-in/builds    go wrong no more

fail      building for `seconds`, then ERROR with that reason
slow      building for `seconds` longer than it takes
blocked   BLOCKED, as where Vercel waits for a person
"""

from __future__ import annotations

from dataclasses import dataclass

from ci.rehearsal.faults import check_numbers, check_texts
from ci.rehearsal.planned import Planned

KINDS = ("fail", "slow", "blocked")


@dataclass(frozen=True, kw_only=True)
class BuildFault:
    """What becomes of the next `times` builds of a project, by its name; of any, where none is named."""

    kind: str
    project: str = ""
    times: int = 1
    seconds: float = 0.0
    reason: str = 'Command "pnpm build" exited with 1'

    def __post_init__(self) -> None:
        """Refuse what could never happen. Raises ValueError, TypeError."""
        check_texts(self, ("project", "reason"))
        check_numbers(self, {"times": (1, 10**9), "seconds": (0, 86_400)})
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind}: there is {', '.join(KINDS)}")


class BuildFaults(Planned[BuildFault]):
    """Those that are still to come."""

    def __init__(self) -> None:
        """Let all builds be."""
        super().__init__(BuildFault, "builds")

    def of(self, project: str) -> BuildFault | None:
        """Return what becomes of the build that a project begins now."""
        return self.next(lambda each: each.project in {"", project})
