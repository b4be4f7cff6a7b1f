"""By how much one of two is slower, from pairs that were measured side by side.

The estimate is that of Hodges and Lehmann, the median of all averages of two (Walsh averages), and the interval the one
that belongs to Wilcoxon's signed-rank test, here on the logarithms of the pairs' ratios: Hollander, Wolfe and Chicken,
Nonparametric Statistical Methods, 3rd edition, sections 3.2 and 3.3. Nothing is assumed of the noise but that it is the
same on both sides of a pair, which interleaving sees to: the logarithms are then symmetric about the true one. Up to 50
pairs the distribution is exact, above the usual approximation by a normal one with a correction for continuity.
"""

from __future__ import annotations

import functools
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXACT = 50


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A ratio, and the bounds that it is below, or above, with `1 - alpha` confidence each."""

    estimate: float
    lower: float
    upper: float


def fewest(alpha: float) -> int:
    """Return the number of pairs from which there is a bound at all."""
    return max(2, math.ceil(-math.log2(alpha)))


def ratio(pairs: Sequence[tuple[float, float]], *, alpha: float) -> Interval:
    """Return how many times longer the first of each pair takes.

    All values are above 0, and there are `fewest(alpha)` pairs or more.
    """
    logs = [math.log(one / other) for one, other in pairs]
    averages = sorted((logs[i] + logs[j]) / 2 for i in range(len(logs)) for j in range(i, len(logs)))
    cut = _cut(len(logs), alpha)
    return Interval(
        estimate=math.exp(statistics.median(averages)),
        lower=math.exp(averages[cut]),
        upper=math.exp(averages[-1 - cut]),
    )


@functools.cache
def _cut(count: int, alpha: float) -> int:
    """Return how many of the smallest Walsh averages lie below the lower bound: the largest c with P(W <= c) <= alpha.

    W is the signed-rank statistic of `count` values without a shift.
    """
    if count > _EXACT:
        mean = count * (count + 1) / 4
        deviation = math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
        return max(0, math.floor(mean + statistics.NormalDist().inv_cdf(alpha) * deviation - 0.5))
    ways = [1]  # of making each sum of ranks, out of 2 ** count
    for rank in range(1, count + 1):
        longer = ways + [0] * rank
        for at, number in enumerate(ways):
            longer[at + rank] += number
        ways = longer
    below, allowed = 0, alpha * 2**count
    for total, number in enumerate(ways):
        below += number
        if below > allowed:
            return max(0, total - 1)
    return 0
