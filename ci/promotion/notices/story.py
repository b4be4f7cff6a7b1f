"""What there is to tell: an incident, its end, a switch. Values that are kept in the journal as JSON."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from pydantic import TypeAdapter

from ci.model import Ruling  # noqa: TC001 - pydantic reads the annotations
from ci.vendors.pagerduty import Severity  # noqa: TC001 - the same


class Ending(enum.StrEnum):
    """What became of a bad release."""

    ROLLED_BACK = "rolled back"
    MIXED = "mixed"  # some apps are back, some are not
    LEFT = "not rolled back"  # it cannot be: forward fix
    STOPPED = "stopped"  # before users got it
    HELD = "held"  # nobody can tell whether it is bad
    UNMERGED = "not merged"  # it is good, and its branch does not name it
    DOUBTED = "doubted"  # it stays: what speaks against it may be chance
    ESCALATED = "escalated"  # nothing mends it by itself: a person has to


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """Lines of a log, and whose."""

    name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """An address that a person can open, and what is there."""

    name: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Story:
    """An incident as it is told to a person who was asleep.

    `product` is what is ill, `commit` what was bad, `returned_to` what its users get again. `what` is the step or gate
    that said so, `reason` why. `safe` is whether users are safe now, None where nobody knows. `outside`: what served
    before has the same trouble, so that the commit is not to blame. Moments are seconds since 1970: when users began
    to get it, when that was found, when they were safe again. `advice` is a recommended fix, `command` what to type
    next. `report` is the page of HTML to attach. `drill`: nothing is wrong, it was played.
    """

    incident: str
    product: str
    environment: str
    commit: str
    ending: Ending
    what: str
    reason: str
    severity: Severity
    safe: bool | None
    detected: float
    returned_to: str | None = None
    apps: tuple[str, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    pinned: bool = False
    outside: bool = False
    started: float | None = None
    restored: float | None = None
    excerpts: tuple[Excerpt, ...] = ()
    links: tuple[Link, ...] = ()
    advice: str = ""
    command: str = ""
    report: bytes | None = None
    drill: bool = False


@dataclass(frozen=True, kw_only=True)
class Over:
    """The end of an incident: `commit` serves, and passed; of a `drill`, it serves again."""

    incident: str
    product: str
    environment: str
    commit: str
    moment: float
    drill: bool = False


@dataclass(frozen=True, kw_only=True)
class Change:
    """A switch: from a moment on an environment serves `commit` in place of `before`. `back`: it is a rollback."""

    flow: str
    product: str
    environment: str
    commit: str
    moment: float
    before: str | None = None
    back: bool = False
    links: tuple[Link, ...] = ()


STORY = TypeAdapter(Story)
OVER = TypeAdapter(Over)
CHANGE = TypeAdapter(Change)
