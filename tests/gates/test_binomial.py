from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from ci.gates.binomial import upper_tail


def exact(successes: int, trials: int, chance: float) -> float:
    """Return the same in whole numbers."""
    p = Fraction(chance)
    return float(
        sum(math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(max(0, successes), trials + 1))
    )


def test_tails_are_those_of_whole_number_arithmetic() -> None:
    chance = random.Random(7)  # noqa: S311 - the same cases each time
    for _ in range(300):
        trials = chance.randint(0, 60)
        successes, p = chance.randint(-1, trials + 1), chance.choice([0.001, 0.05, 0.11, 0.5, 0.97])
        assert upper_tail(successes, trials, p) == pytest.approx(exact(successes, trials, p), rel=1e-9, abs=1e-12)


def test_the_ends() -> None:
    assert [upper_tail(0, 0, 0.5), upper_tail(1, 0, 0.5), upper_tail(1, 5, 0.0), upper_tail(5, 5, 1.0)] == [1, 0, 0, 1]
    assert upper_tail(10**9, 10**9, 0.5) == 0
    assert upper_tail(10**9 // 2, 10**9, 0.5) == pytest.approx(0.5, abs=1e-3)
