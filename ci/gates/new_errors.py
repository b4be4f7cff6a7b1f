"""New error types: errors that nobody saw before this deployment.

`strict` takes any as bad, `confirmed` one with enough events and users, `notify` none: it only tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ci.gates.recording import Count, Moment, decide, joined, quoted
from ci.model import Outcome, Ruling
from ci.text import count

EVENTS = 3
USERS = 2
BLIND = 4  # reads in a row that failed


@dataclass(frozen=True, kw_only=True)
class ErrorType:
    """An issue of the monitor: its first release and moment, and its count since the deployment, synthetic apart."""

    title: str
    first_seen: Moment
    release: str
    events: Count
    users: Count
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class NewErrorsObserved:
    """The last list that could be read (None: there was none), and how many reads have failed since."""

    deployed: Moment
    release: str
    types: tuple[ErrorType, ...] | None
    mode: Literal["strict", "confirmed", "notify"] = "confirmed"
    events: Count = EVENTS
    users: Count = USERS
    failures: Count = 0
    error: str = ""


def rule(observed: NewErrorsObserved, *, environment: str) -> Ruling:
    """FAIL goes first; four reads in a row that failed are ERROR, fewer are waited for."""
    new = [
        each
        for each in observed.types or ()
        if each.first_seen >= observed.deployed and each.release == observed.release
    ]
    bad = [each for each in new if _bad(each, observed)]
    told = [each for each in new if each not in bad]
    mode: str = observed.mode
    if mode == "confirmed":
        mode += f" (from {count(observed.events, 'event')} and {count(observed.users, 'user')})"
    figures = {"new": [each.title for each in new], "bad": [each.title for each in bad], "notify": bool(told)}
    unread = f"{count(observed.failures, 'read')} in a row failed: {quoted(observed.error)}"
    if bad:
        reason = f"{count(len(bad), 'new error type')}, {mode}: {joined([_told(each) for each in bad])}"
        return decide("new_errors", environment, Outcome.FAIL, reason, observed, **figures)
    if observed.failures >= BLIND:
        return decide("new_errors", environment, Outcome.ERROR, unread, observed, **figures)
    if observed.types is None:
        reason = f"no list of errors was read; {unread}" if observed.failures else "no list of errors was read"
        return decide("new_errors", environment, Outcome.NODATA, reason, observed, **figures)
    if observed.failures:
        return decide("new_errors", environment, Outcome.INCONCLUSIVE, unread, observed, **figures)
    if told:
        reason = f"{count(len(told), 'new error type')} to look at, {mode}: {joined([_told(each) for each in told])}"
    else:
        reason = f"no new error type among {count(len(observed.types), 'error type')}, {mode}"
    return decide("new_errors", environment, Outcome.PASS, reason, observed, **figures)


def _bad(each: ErrorType, observed: NewErrorsObserved) -> bool:
    if observed.mode == "strict":
        return True
    return observed.mode == "confirmed" and each.events >= observed.events and each.users >= observed.users


def _told(each: ErrorType) -> str:
    return f"{quoted(each.title)} ({count(each.events, 'event')}, {count(each.users, 'user')})"
