"""Exact tails of the binomial distribution: how likely so many or more are where nothing is wrong."""

from __future__ import annotations

import math

_NEGLIGIBLE = 1e-18


def upper_tail(successes: int, trials: int, chance: float) -> float:
    """Return P(X >= successes) for X ~ Binomial(trials, chance).

    Terms are summed from the larger end of the wanted side until they no longer count.
    """
    if successes <= 0 or chance >= 1:
        return 1.0 if successes <= trials else 0.0
    if successes > trials or chance <= 0:
        return 0.0
    if successes > trials * chance:
        return min(1.0, _sum(successes, trials, chance, step=1))
    return max(0.0, 1.0 - _sum(successes - 1, trials, chance, step=-1))


def _sum(start: int, trials: int, chance: float, *, step: int) -> float:
    """Sum the probabilities from `start` away from the mean: each is smaller than the last."""
    term = math.exp(
        math.lgamma(trials + 1)
        - math.lgamma(start + 1)
        - math.lgamma(trials - start + 1)
        + start * math.log(chance)
        + (trials - start) * math.log1p(-chance)
    )
    odds = chance / (1 - chance)
    total, at = 0.0, start
    while 0 <= at <= trials:
        total += term
        if term <= total * _NEGLIGIBLE:
            break
        term *= (trials - at) / (at + 1) * odds if step > 0 else at / (trials - at + 1) / odds
        at += step
    return total
