"""The error-rate gate: have errors gone up by more than half over the time before the deployment?

That rule taken literally on counts rolls healthy releases back by the dozen, so the default is an exact test of the
same hypothesis. With x1 errors in exposure E1 after and x0 in E0 before, and a rate after of at most 1.5 times the rate
before, x1 ~ Binomial(x0 + x1, 1.5 E1 / (1.5 E1 + E0)) at worst. A look trips where so many errors or more are less
likely than 0.01 / looks, there are at least 5, and at least 3 users have them; two looks in a row must trip. Hard trip,
at one look and without statistics: at least 5 errors that are 25 % of at least 20 requests. Both verdicts are told.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ci.gates.binomial import upper_tail
from ci.gates.recording import Count, Seconds, Share, decide, joined, number, quoted
from ci.model import Outcome, Ruling

RISE = 1.5
ALPHA = 0.01
LOOKS = 10
ERRORS = 5
USERS = 3
HARD_SHARE = 0.25
HARD_REQUESTS = 20
FEWEST = 100  # real requests, for a PASS
BLIND = 4  # looks in a row that could not be read
WINDOW = 300.0
EXTENDED = 900.0


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What was counted before the deployment."""

    errors: Count
    exposure: Seconds


@dataclass(frozen=True, kw_only=True)
class Look:
    """All that was counted from the end of the warm-up to `after` seconds later; synthetic requests are not in it.

    `exposure` is in the unit of the baseline's. `users` have errors, None where errors name no users. `requests` is
    None where they are not counted. `error` says why nothing could be read at this look.
    """

    after: Seconds
    errors: Count = 0
    exposure: Seconds = 0
    users: Count | None = None
    requests: Count | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class ErrorRateObserved:
    """The looks so far, in order, and the rule's settings.

    `source` names where the numbers come from, `unit` what exposure is. `known_users` is how many distinct users the
    product had in baseline and window, None where they are not known: under three the rule about users is waived.
    """

    source: str
    unit: Literal["requests", "minutes"]
    baseline: Baseline | None
    looks: tuple[Look, ...]
    known_users: Count | None = None
    mode: Literal["exact", "literal"] = "exact"
    planned: Count = LOOKS
    rise: Share = RISE
    alpha: Share = ALPHA
    window: Seconds = WINDOW
    extended: Seconds = EXTENDED


def rule(observed: ErrorRateObserved, *, environment: str) -> Ruling:
    """FAIL goes first, then a monitor that is blind, then too little data; only then comes good news."""
    read = [look for look in observed.looks if look.error is None]
    blind = _blind(observed.looks)
    if not read:
        reason = f"nothing was read from {quoted(observed.source)}"
        if blind:
            reason = f"{blind} looks in a row could not be read: {quoted(observed.looks[-1].error or '')}"
        outcome = Outcome.ERROR if blind >= BLIND else Outcome.NODATA
        return decide("error_rate", environment, outcome, reason, observed, blind=blind)
    last, baseline = read[-1], observed.baseline
    if not any(look.exposure or look.errors or look.requests for look in read) and blind < BLIND:
        reason = f"nothing was measured by {quoted(observed.source)} in {number(last.after)} s"
        return decide("error_rate", environment, Outcome.NODATA, reason, observed, blind=blind)
    hard = next((look for look in read if _hard(look)), None)
    tripped = [_trips(look, observed) for look in read]
    twice = [look for look, pair in zip(read[1:], itertools.pairwise(tripped), strict=True) if all(pair)]
    exact = hard is not None or bool(twice)
    literally = baseline is not None and literal(last, baseline, rise=observed.rise)
    chance = None if baseline is None else p_value(last, baseline, rise=observed.rise)
    figures = {
        "p": chance,
        "threshold": observed.alpha / max(1, observed.planned),
        "tripped": tripped,
        "hard": hard is not None,
        "exact": _word(fails=exact),
        "literal": _word(fails=literally),
        "blind": blind,
        "notify": literally and not exact,
    }
    said = _said(observed, hard or (twice[-1] if twice else last), figures)
    if exact if observed.mode == "exact" else literally or hard is not None:
        outcome = Outcome.FAIL
    elif blind >= BLIND:
        outcome = Outcome.ERROR
        said.insert(0, f"{blind} looks in a row could not be read: {quoted(observed.looks[-1].error or '')}")
    elif tripped[-1]:
        outcome = Outcome.INCONCLUSIVE
        said.append("the last look tripped, the next one decides")
    elif last.after < observed.window:
        outcome = Outcome.INCONCLUSIVE
        said.append(f"{number(last.after)} of {number(observed.window)} s watched")
    elif last.requests is not None and last.requests < FEWEST:
        outcome = Outcome.INCONCLUSIVE
        said.append(f"{last.requests} real requests, {FEWEST} are needed")
    elif literally and not exact and last.after < observed.extended:
        outcome = Outcome.INCONCLUSIVE
        said.append(f"only the literal rule says FAIL: watched on to {number(observed.extended)} s")
    else:
        outcome = Outcome.PASS
    return decide("error_rate", environment, outcome, joined(said), observed, **figures)


def p_value(look: Look, baseline: Baseline, *, rise: float = RISE) -> float:
    """Return how likely so many errors or more are, where the rate went up by no more than the allowed."""
    weighed = rise * look.exposure
    whole = weighed + baseline.exposure
    if look.errors == 0 or look.exposure == 0 or whole == 0:
        return 1.0
    return upper_tail(look.errors, look.errors + baseline.errors, weighed / whole)


def literal(look: Look, baseline: Baseline, *, rise: float = RISE) -> bool:
    """Whether the rate is over the allowed multiple of the baseline's, as the plain words have it."""
    return look.errors * baseline.exposure > rise * baseline.errors * look.exposure


def _trips(look: Look, observed: ErrorRateObserved) -> bool:
    if observed.baseline is None or look.errors < ERRORS:
        return False
    known = observed.known_users is not None and observed.known_users >= USERS
    if known and look.users is not None and look.users < USERS:
        return False
    return p_value(look, observed.baseline, rise=observed.rise) < observed.alpha / max(1, observed.planned)


def _hard(look: Look) -> bool:
    requests = look.requests or 0
    return look.errors >= ERRORS and requests >= HARD_REQUESTS and look.errors >= HARD_SHARE * requests


def _blind(looks: tuple[Look, ...]) -> int:
    return sum(1 for _ in itertools.takewhile(lambda look: look.error is not None, reversed(looks)))


def _word(*, fails: bool) -> str:
    return str(Outcome.FAIL if fails else Outcome.PASS)


def _said(observed: ErrorRateObserved, look: Look, figures: Mapping[str, object]) -> list[str]:
    unit, baseline = observed.unit, observed.baseline
    counted = f"{look.errors} errors in {number(look.exposure)} {unit} after"
    if figures["hard"]:
        return [f"{counted}, of {look.requests} requests: hard trip at 25 %", f"literal rule: {figures['literal']}"]
    if baseline is None:
        return [f"{counted}; no baseline: only the hard trip of 25 % applies", "literal rule: none without a baseline"]
    against = f"{baseline.errors} in {number(baseline.exposure)} {unit} before"
    chance = p_value(look, baseline, rise=observed.rise)
    threshold = observed.alpha / max(1, observed.planned)
    return [
        f"{counted}, {against}: p = {number(chance)}, trips under {number(threshold)} with {ERRORS} errors on 2 looks",
        f"exact rule: {figures['exact']}, literal rule (over {number(observed.rise)} x): {figures['literal']}",
    ]
