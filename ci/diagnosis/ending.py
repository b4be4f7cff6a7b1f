"""How a diagnosis ended, what it found, and what that did cost."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal


class Ending(enum.StrEnum):
    """Why the loop with a model is over."""

    FINISHED = "finished"
    GAVE_UP = "gave up"
    STEPS = "steps"  # all that it may take are taken
    MONEY = "money"  # the cycle's dollars, or the day's
    TIME = "time"
    REFUSAL = "refusal"  # the model would not
    ROOM = "room"  # an answer, or all that was said, was too long
    SILENT = "silent"  # it used no tool though it was asked to
    STUCK = "stuck"  # it did the same again and again, and the same came of it
    MALFORMED = "malformed"  # it used tools as they cannot be used
    UNREACHABLE = "unreachable"  # the model's vendor, once something was spent
    CANARY = "canary"  # it said what it can only have from where it may not look


@dataclass(frozen=True, kw_only=True)
class Found:
    """A cause, and what was or is to be done about it. `tier` is what the model asks for: it can be no freer."""

    cause: str
    approach: str
    tier: Literal[1, 2, 3]
    complexity: str
    confidence: str


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What came of a cycle. `reason` says in a line why it ended, `changed` whether files of the checkout were changed.

    `cost` is in dollars, of all processes that worked on the cycle, with what may have been spent.
    """

    ending: Ending
    reason: str
    cost: float
    steps: int
    changed: bool = False
    found: Found | None = None
