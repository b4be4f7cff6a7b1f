"""What the doctor finds: one thing that was looked at, how it is, and what a person can do about it."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from dataclasses import dataclass


class State(enum.StrEnum):
    """How a thing is."""

    FINE = "fine"
    WRONG = "wrong"  # a promotion would be refused, or fail
    UNKNOWN = "unknown"  # it could not be read
    ABSENT = "absent"  # it is not configured; what needs it is left out, and said to be


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at. `fix` is what a person can do about it."""

    what: str
    state: State
    says: str
    fix: str = ""


Findings = AsyncIterator[Finding]


def fine(what: str, says: str) -> Finding:
    """Return that it is well."""
    return Finding(what=what, state=State.FINE, says=says)


def wrong(what: str, says: str, fix: str) -> Finding:
    """Return that it is not, and what to do."""
    return Finding(what=what, state=State.WRONG, says=says, fix=fix)
