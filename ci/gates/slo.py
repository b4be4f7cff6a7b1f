"""The SLO gate: the share of requests that are slower than their target stays within 5 %.

No percentile of a dozen requests is compared. With n requests of which k were slow, and 5 % allowed, the window's end
fails where k slow ones or more are less likely than 0.01: n = 20, 50, 100, 300, 1000 fail from 5, 8, 12, 25, 68. A look
before the end trips under 0.001, and two in a row fail.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from ci.gates.binomial import upper_tail
from ci.gates.recording import Count, Seconds, Share, decide, joined, number, percent, quoted
from ci.model import Outcome, Ruling
from ci.text import count

ALLOWED = 0.05
ALPHA = 0.01
EARLY_ALPHA = 0.001
FEWEST = 100
FEWEST_SYNTHETIC = 20
BLIND = 4
WINDOW = 300.0


@dataclass(frozen=True, kw_only=True)
class Look:
    """Requests from the end of the warm-up to `after` seconds later, and how many were slower than their target."""

    after: Seconds
    requests: Count = 0
    slow: Count = 0
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class SloObserved:
    """The looks so far, in order. `synthetic`: the requests are our own, where nothing counts the real ones."""

    source: str
    target: Seconds
    looks: tuple[Look, ...]
    synthetic: bool = False
    window: Seconds = WINDOW
    allowed: Share = ALLOWED
    alpha: Share = ALPHA
    early_alpha: Share = EARLY_ALPHA


def rule(observed: SloObserved, *, environment: str) -> Ruling:
    """FAIL goes first, then a source that is blind, then too little data."""
    read = [look for look in observed.looks if look.error is None]
    blind = sum(1 for _ in itertools.takewhile(lambda look: look.error is not None, reversed(observed.looks)))
    unread = f"{count(blind, 'look')} in a row could not be read"
    if blind:
        unread += f": {quoted(observed.looks[-1].error or '')}"
    if not read or (read[-1].requests == 0 and blind < BLIND):
        outcome = Outcome.ERROR if blind >= BLIND else Outcome.NODATA
        reason = unread if blind else f"no request was measured by {quoted(observed.source)}"
        return decide("slo", environment, outcome, reason, observed, blind=blind)
    last = read[-1]
    early = [look.after < observed.window and _chance(look, observed) < observed.early_alpha for look in read]
    ended, chance = last.after >= observed.window, _chance(last, observed)
    alpha = observed.alpha if ended else observed.early_alpha
    fails = (ended and chance < observed.alpha) or any(one and two for one, two in itertools.pairwise(early))
    fewest = FEWEST_SYNTHETIC if observed.synthetic else FEWEST
    kind = "synthetic requests" if observed.synthetic else "requests"
    said = [
        f"{last.slow} of {last.requests} {kind} slower than {number(observed.target)} s,"
        f" {percent(observed.allowed)} allowed: p = {number(chance)}, fails under {number(alpha)}"
        + ("" if ended else " on 2 looks"),
    ]
    if fails:
        outcome = Outcome.FAIL
    elif blind >= BLIND:
        outcome = Outcome.ERROR
        said.insert(0, unread)
    elif not ended:
        outcome = Outcome.INCONCLUSIVE
        said.append(f"{number(last.after)} of {number(observed.window)} s watched")
    elif last.requests < fewest:
        outcome = Outcome.INCONCLUSIVE
        said.append(f"{fewest} {kind} are needed")
    else:
        outcome = Outcome.PASS
    figures = {"p": chance, "threshold": alpha, "early": early, "blind": blind}
    return decide("slo", environment, outcome, joined(said), observed, **figures)


def _chance(look: Look, observed: SloObserved) -> float:
    return upper_tail(min(look.slow, look.requests), look.requests, min(1.0, observed.allowed))
