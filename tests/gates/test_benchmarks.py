from __future__ import annotations

import random

import pytest

from ci.gates.benchmarks import PAIRS, BenchmarksObserved, Pair, Route, rule
from ci.gates.paired import fewest, ratio
from ci.model import Outcome, Ruling


def noisy(chance: random.Random) -> float:
    """Return a factor of heavy noise: a quarter this way or that, and one in twenty two to ten times as long."""
    factor = chance.lognormvariate(0, 0.25)
    return factor * chance.uniform(2, 10) if chance.random() < 0.05 else factor


def measured(slower: float, pairs: int, chance: random.Random, *, routes: int = 5) -> Ruling:
    """Return the ruling on routes of which the first is so much slower, on a machine whose speed drifts."""
    made = []
    for at in range(routes):
        samples = []
        for _ in range(pairs):
            machine = 0.05 * chance.uniform(0.5, 2)
            factor = slower if at == 0 else 1.0
            samples.append(Pair(candidate=machine * factor * noisy(chance), current=machine * noisy(chance)))
        made.append(Route(name=f"/{at}", pairs=tuple(samples)))
    return rule(BenchmarksObserved(routes=tuple(made)), environment="staging")


def test_noise_alone_fails_in_none_of_twenty() -> None:
    chance = random.Random("noise")  # noqa: S311 - the same cases each time
    for pairs in (20, 60, PAIRS, PAIRS):
        assert all(measured(1, pairs, chance).ruling is not Outcome.FAIL for _ in range(5))


def test_thirty_percent_more_fails_in_all_of_twenty() -> None:
    chance = random.Random("slower")  # noqa: S311 - the same cases each time
    for _ in range(20):
        found = measured(1.3, PAIRS, chance)
        assert found.ruling is Outcome.FAIL
        assert "/0 x 1." in found.reason
        assert "10 % slower allowed" in found.reason


@pytest.mark.long
def test_a_true_ratio_lies_outside_its_interval_as_rarely_as_promised() -> None:
    chance = random.Random("coverage")  # noqa: S311 - the same cases each time
    for pairs, repeats in ((8, 6000), (20, 6000), (60, 2000)):
        below = above = 0
        for _ in range(repeats):
            found = ratio([(1.2 * noisy(chance), noisy(chance)) for _ in range(pairs)], alpha=0.05)
            below += found.upper < 1.2
            above += found.lower > 1.2
        assert max(below, above) / repeats < 0.05 + 3 * (0.05 * 0.95 / repeats) ** 0.5
        assert min(below, above) / repeats > 0.02  # and the interval is not wider than it must be


def test_bounds_are_those_of_the_printed_table() -> None:
    # Critical values of the signed-rank test, one-sided 0.025: n = 10 has 8, n = 20 has 52.
    for pairs, critical in ((10, 8), (20, 52)):
        values = [(1.0 + 2.0**at, 1.0) for at in range(pairs)]
        found = ratio(values, alpha=0.025)
        averages = sorted((one * other) ** 0.5 for at, (one, _) in enumerate(values) for other, _ in values[at:])
        assert found.lower == pytest.approx(averages[critical])
        assert found.upper == pytest.approx(averages[-1 - critical])


def test_the_approximation_joins_the_exact_distribution() -> None:
    chance = random.Random("join")  # noqa: S311 - the same cases each time
    pairs = [(noisy(chance), noisy(chance)) for _ in range(51)]
    one, two = ratio(pairs[:50], alpha=0.01), ratio(pairs, alpha=0.01)
    assert two.lower == pytest.approx(one.lower, rel=0.05)
    assert two.upper == pytest.approx(one.upper, rel=0.05)


@pytest.mark.parametrize(("alpha", "pairs"), [(0.05, 5), (0.025, 6), (0.01, 7), (0.002, 9)])
def test_so_few_pairs_have_a_bound(alpha: float, pairs: int) -> None:
    assert fewest(alpha) == pairs
    assert ratio([(2.0, 1.0)] * pairs, alpha=alpha).lower == 2


def route(*ratios: float, baseline: float | None = None) -> BenchmarksObserved:
    """Return one route whose pairs have these ratios."""
    pairs = tuple(Pair(candidate=each, current=1) for each in ratios)
    return BenchmarksObserved(routes=(Route(name="/", pairs=pairs, baseline=baseline),))


def test_too_few_pairs_are_inconclusive() -> None:
    found = rule(route(*[3.0] * 19), environment="staging")
    assert (found.ruling, "19 pairs, 20 are needed" in found.reason) == (Outcome.INCONCLUSIVE, True)
    assert rule(route(*[3.0] * 20), environment="staging").ruling is Outcome.FAIL


def test_more_than_allowed_and_not_proven_is_inconclusive() -> None:
    assert rule(route(*[0.9, 1.4] * 10), environment="staging").ruling is Outcome.INCONCLUSIVE
    assert rule(route(*[0.9, 1.2] * 10), environment="staging").ruling is Outcome.PASS


def test_the_stored_baseline_is_a_notice_and_decides_nothing() -> None:
    found = rule(route(*[1.0] * 20, baseline=0.5), environment="staging")
    assert found.ruling is Outcome.PASS
    assert "notice: / takes 1 s, 100 % more than the stored 0.5 s" in found.reason
    assert "notice" not in rule(route(*[1.0] * 20, baseline=0.9), environment="staging").reason


def test_nothing_measured_is_no_data_and_a_failure_to_measure_an_error() -> None:
    assert rule(BenchmarksObserved(routes=()), environment="staging").ruling is Outcome.NODATA
    assert rule(BenchmarksObserved(routes=(), error="refused"), environment="staging").ruling is Outcome.ERROR
