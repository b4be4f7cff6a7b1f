"""What the watch promises of its rules, by other ways than the gates': exact sums, many windows, sweeps."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import pytest

from ci.gates import error_rate, new_errors, slo
from ci.gates.error_rate import Baseline, ErrorRateObserved, Look, p_value
from ci.model import Outcome, Ruling
from tests.gates.test_error_rate import poisson, share_tripped


def first_below(limit: Fraction, trials: int, chance: Fraction) -> int:
    """Return from how many successes on so many or more are less likely than the limit, in whole numbers alone."""
    no, whole = chance.denominator - chance.numerator, chance.denominator**trials
    fewer = 0
    for successes in range(trials + 1):
        if (whole - fewer) * limit.denominator < whole * limit.numerator:
            return successes
        fewer += math.comb(trials, successes) * chance.numerator**successes * no ** (trials - successes)
    return trials + 1


def ruled(*looks: Look, before: Baseline | None, known: int | None = None) -> Ruling:
    """Return the gate's ruling on looks."""
    observed = ErrorRateObserved(source="a sweep", unit="requests", baseline=before, looks=looks, known_users=known)
    return error_rate.rule(observed, environment="production")


@pytest.mark.parametrize(
    ("before", "trips"), [(0, 5), (3, 5), (6, 6), (12, 8), (24, 12), (60, 19), (120, 31), (600, 106)]
)
def test_errors_trip_from_as_many_as_exact_sums_say(before: int, trips: int) -> None:
    chance = Fraction(3, 2) * 5 / (Fraction(3, 2) * 5 + 60)
    assert chance == Fraction(1, 9)
    limit = Fraction(1, 1000)
    first = next(x for x in itertools.count(5) if first_below(limit, x + before, chance) <= x)
    assert first == trips
    for errors in range(5, trips + 3):
        look = Look(after=300, errors=errors, exposure=5)
        assert ruled(look, before=Baseline(errors=before, exposure=60)).values["tripped"] == [errors >= first]


@pytest.mark.parametrize(("requests", "fails"), [(20, 5), (50, 8), (100, 12), (300, 25), (1000, 68)])
def test_the_slo_fails_from_as_many_slow_ones_as_exact_sums_say(requests: int, fails: int) -> None:
    first = first_below(Fraction(1, 100), requests, Fraction(1, 20))
    assert first == fails
    for slow in (fails - 1, fails):
        observed = slo.SloObserved(
            source="a sweep", target=1, looks=(slo.Look(after=300, requests=requests, slow=slow),)
        )
        assert (slo.rule(observed, environment="production").ruling is Outcome.FAIL) is (slow >= first)


@pytest.mark.parametrize("per_window", [0.5, 2, 10, 50])
def test_of_two_thousand_windows_in_which_nothing_changed_one_in_a_thousand_is_rolled_back_at_most(
    per_window: float,
) -> None:
    chance = random.Random(f"the same {per_window}")  # noqa: S311 - the same cases each time
    assert share_tripped(per_window, 1, 2000, chance) <= 0.001


@pytest.mark.parametrize(("per_window", "least"), [(0.5, 0.25), (2, 0.93), (10, 0.999), (50, 0.999)])
def test_ten_times_the_errors_are_found(per_window: float, least: float) -> None:
    chance = random.Random(f"ten times {per_window}")  # noqa: S311 - the same cases each time
    assert share_tripped(per_window, 10, 2000, chance) >= least


def test_what_one_user_repeats_is_rolled_back_never_where_more_users_are_known() -> None:
    chance = random.Random("bursts")  # noqa: S311 - the same cases each time
    for _ in range(150):
        before = Baseline(errors=poisson(12, chance), exposure=60)
        errors, looks = 0, list[Look]()
        for number in range(1, 11):
            errors += poisson(5, chance)
            looks.append(Look(after=30 * number, errors=errors, exposure=number / 2, users=1))
        assert ruled(*looks, before=before, known=20).ruling is not Outcome.FAIL
        assert any(p_value(look, before) < 0.001 for look in looks)  # it is the users that save it


def cases(seed: str, count: int) -> list[tuple[int, float, int, float]]:
    """Return errors and exposures, before and after, of every size."""
    chance = random.Random(seed)  # noqa: S311 - the same cases each time
    sizes = [0, 1, 3, 5, 20, 100, 3000]
    return [
        (
            chance.randint(0, chance.choice(sizes)),
            chance.choice([0.01, 1.0, 60.0, 5000.0]) * (1 + chance.random()),
            chance.randint(0, chance.choice(sizes)),
            chance.choice([0.01, 1.0, 60.0, 5000.0]) * (1 + chance.random()),
        )
        for _ in range(count)
    ]


def test_more_errors_are_never_better() -> None:
    for x0, e0, x1, e1 in cases("monotone", 300):
        before = Baseline(errors=x0, exposure=e0)
        less, more = (Look(after=300, errors=each, exposure=e1) for each in (x1, x1 + 1))
        assert p_value(more, before) <= p_value(less, before) * (1 + 1e-12)
        if ruled(less, less, before=before).ruling is Outcome.FAIL:
            assert ruled(more, more, before=before).ruling is Outcome.FAIL


def test_only_the_ratio_of_the_exposures_counts() -> None:
    for (x0, e0, x1, e1), scale in itertools.product(cases("scale", 80), (0.001, 7.0, 1e4)):
        one = p_value(Look(after=300, errors=x1, exposure=e1), Baseline(errors=x0, exposure=e0))
        other = p_value(Look(after=300, errors=x1, exposure=e1 * scale), Baseline(errors=x0, exposure=e0 * scale))
        assert other == pytest.approx(one, rel=1e-9)


def test_below_the_sample_limits_it_is_inconclusive_unless_it_tripped() -> None:
    for x0, e0, x1, e1 in cases("few", 300):
        look = Look(after=900, errors=min(x1, 99), exposure=e1, requests=99)
        found = ruled(look, look, before=Baseline(errors=x0, exposure=e0))
        tripped = found.values["hard"] or all(found.values["tripped"])  # type: ignore[arg-type]
        assert found.ruling is (Outcome.FAIL if tripped else Outcome.INCONCLUSIVE)


def test_nothing_fails_without_data() -> None:
    blind = tuple(Look(after=30.0 * at, error="503") for at in range(1, 11))
    for x0, e0, *_ in cases("nothing", 40):
        before = Baseline(errors=x0, exposure=e0)
        for looks in ((), blind[:3], blind, (Look(after=300),), (Look(after=300), *blind)):
            assert ruled(*looks, before=before).ruling in {Outcome.NODATA, Outcome.ERROR}
    for few in ((), (slo.Look(after=300),), (slo.Look(after=300, error="503"),) * 6):
        observed = slo.SloObserved(source="none", target=1, looks=few)
        assert slo.rule(observed, environment="production").ruling in {Outcome.NODATA, Outcome.ERROR}
    for failures in (0, 3, 4, 9):
        types = new_errors.NewErrorsObserved(deployed=0, release="r", types=None, mode="strict", failures=failures)
        assert new_errors.rule(types, environment="production").ruling in {Outcome.NODATA, Outcome.ERROR}
