from __future__ import annotations

import functools
import math
import random

import pytest

from ci.gates.error_rate import Baseline, ErrorRateObserved, Look, literal, p_value, rule
from ci.model import Outcome, Ruling

SOURCE = "Sentry spans"


def looks(*errors: int, requests: int | None = None, users: int | None = None, minutes: float = 5) -> tuple[Look, ...]:
    """Return looks at the window's last half minutes, the last one at its end."""
    last = len(errors) - 1
    return tuple(
        Look(
            after=60 * minutes - 30 * (last - at),
            errors=each,
            exposure=minutes - 0.5 * (last - at),
            requests=requests,
            users=users,
        )
        for at, each in enumerate(errors)
    )


def ruled(*looks: Look, before: int | None = 12, known: int | None = None, mode: str = "exact") -> Ruling:
    """Return the ruling on these looks, over a baseline of an hour with so many errors."""
    baseline = None if before is None else Baseline(errors=before, exposure=60)
    observed = ErrorRateObserved(
        source=SOURCE,
        unit="minutes",
        baseline=baseline,
        looks=looks,
        known_users=known,
        mode="literal" if mode == "literal" else "exact",
    )
    return rule(observed, environment="production")


@pytest.mark.parametrize(
    ("before", "trips"), [(0, 5), (3, 5), (6, 6), (12, 8), (24, 12), (60, 19), (120, 31), (600, 106)]
)
def test_golden_values_trip_from_so_many_errors(before: int, trips: int) -> None:
    (just,) = looks(trips)
    (less,) = looks(trips - 1)
    assert ruled(just, before=before).values["tripped"] == [True]
    assert ruled(less, before=before).values["tripped"] == [False]


@pytest.mark.parametrize(("after", "before", "p"), [(5, 0, 1.7e-5), (5, 12, 0.033), (8, 12, 8.5e-4)])
def test_golden_chances(after: int, before: int, p: float) -> None:
    found = p_value(looks(after)[0], Baseline(errors=before, exposure=60))
    assert found == pytest.approx(p, rel=0.02)


def test_two_looks_in_a_row_fail_and_one_does_not() -> None:
    assert ruled(*looks(20, 20)).ruling is Outcome.FAIL
    assert ruled(*looks(7, 20)).ruling is Outcome.INCONCLUSIVE  # only the literal rule says FAIL: watched on
    assert ruled(*looks(20, 20, 20, 20)).ruling is Outcome.FAIL


def test_a_look_that_could_not_be_read_does_not_part_two_that_tripped() -> None:
    one, two, three = looks(20, 20, 20)
    blind = Look(after=two.after, error="Sentry answered 503")
    assert ruled(one, blind, three).ruling is Outcome.FAIL


def test_few_users_are_no_trip_unless_the_product_has_few() -> None:
    many = looks(20, 20, users=2)
    assert ruled(*many, known=50).ruling is not Outcome.FAIL
    assert ruled(*many, known=2).ruling is Outcome.FAIL
    assert ruled(*many, known=None).ruling is Outcome.FAIL
    assert ruled(*looks(20, 20, users=3), known=50).ruling is Outcome.FAIL


def test_the_hard_trip_needs_one_look_and_no_baseline() -> None:
    assert ruled(*looks(5, requests=20), before=None).ruling is Outcome.FAIL
    assert "hard trip" in ruled(*looks(5, requests=20), before=None).reason
    for mild in (looks(4, requests=16), looks(5, requests=21), looks(5, requests=19), looks(5)):
        assert ruled(*mild, before=None).ruling is not Outcome.FAIL


def test_without_a_baseline_only_the_hard_trip_applies() -> None:
    found = ruled(*looks(50, 50), before=None)
    assert found.ruling is Outcome.PASS
    assert "no baseline" in found.reason


def test_one_look_that_tripped_at_the_end_is_no_good_news() -> None:
    found = ruled(*looks(17, 50, minutes=15), before=60)
    assert (found.values["tripped"], found.ruling) == ([False, True], Outcome.INCONCLUSIVE)
    assert "the next one decides" in found.reason


def test_errors_without_exposure_prove_nothing_and_no_exposure_is_no_data() -> None:
    nothing = Look(after=300, errors=9)
    assert ruled(nothing, nothing).ruling is not Outcome.FAIL
    assert ruled(Look(after=300)).ruling is Outcome.NODATA


def test_the_reason_of_a_failure_is_the_look_that_failed() -> None:
    one, two, three = looks(20, 20, 1)
    assert "20 errors in 4.5 minutes after" in ruled(one, two, three).reason


def test_both_verdicts_stand_side_by_side() -> None:
    found = ruled(*looks(2, 2))
    assert found.ruling is Outcome.INCONCLUSIVE
    assert found.values["exact"] == "PASS"
    assert found.values["literal"] == "FAIL"
    assert found.values["notify"] is True
    assert "exact rule: PASS, literal rule (over 1.5 x): FAIL" in found.reason
    assert "p = 0.4713" in found.reason
    assert "0.001" in found.reason


def test_where_only_the_literal_rule_fails_the_watch_goes_on_and_then_passes() -> None:
    assert ruled(*looks(2, 2)).ruling is Outcome.INCONCLUSIVE
    late = ruled(*looks(5, 5, minutes=15))
    assert (late.ruling, late.values["notify"]) == (Outcome.PASS, True)


def test_the_literal_mode_is_the_plain_rule() -> None:
    assert ruled(*looks(2), mode="literal").ruling is Outcome.FAIL
    assert ruled(*looks(1), mode="literal").ruling is Outcome.PASS
    assert literal(looks(1)[0], Baseline(errors=0, exposure=60))
    assert not literal(looks(3)[0], Baseline(errors=24, exposure=60))  # exactly half more is not over it


def test_good_news_needs_the_whole_window_and_a_hundred_requests() -> None:
    assert ruled(*looks(0, minutes=4)).ruling is Outcome.INCONCLUSIVE
    assert ruled(*looks(0, requests=99, minutes=15)).ruling is Outcome.INCONCLUSIVE
    assert ruled(*looks(0, requests=100)).ruling is Outcome.PASS
    assert ruled(*looks(0)).ruling is Outcome.PASS


def test_blind_is_not_bad() -> None:
    blind = [Look(after=30.0 * at, error="Sentry answered 503") for at in range(1, 5)]
    assert ruled().ruling is Outcome.NODATA
    assert ruled(*blind[:3]).ruling is Outcome.NODATA
    assert ruled(*blind).ruling is Outcome.ERROR
    assert ruled(*looks(0), *blind).ruling is Outcome.ERROR
    assert ruled(*looks(20, 20), *blind).ruling is Outcome.FAIL  # what was seen before goes first


# --- simulations: how often healthy releases fail, and bad ones do not -----------------------------------------------


def poisson(mean: float, chance: random.Random) -> int:
    """Return a random count with this mean, in steps that a product of uniform numbers can carry."""
    drawn = 0
    while mean > 0:
        step = min(mean, 30.0)
        left, limit = chance.random(), math.exp(-step)
        while left > limit:
            drawn += 1
            left *= chance.random()
        mean -= step
    return drawn


@functools.cache
def trips_from(before: int, look: int) -> int:
    """Return from how many errors on the exact rule trips at one of ten looks over five minutes."""
    errors, exposure = 5, look * 0.5
    baseline = Baseline(errors=before, exposure=60)
    while p_value(Look(after=0, errors=errors, exposure=exposure), baseline) >= 0.001:
        errors += 1
    return errors


def share_tripped(per_window: float, times: float, runs: int, chance: random.Random) -> float:
    """Return how often ten looks trip twice in a row, at so many errors a window before and times that after."""
    tripped = 0
    for _ in range(runs):
        before, errors, row = poisson(per_window * 12, chance), 0, 0
        for look in range(1, 11):
            errors += poisson(per_window * times / 10, chance)
            row = row + 1 if errors >= trips_from(before, look) else 0
            if row == 2:
                tripped += 1
                break
    return tripped / runs


def test_the_thresholds_of_the_simulation_are_those_of_the_gate() -> None:
    chance = random.Random(3)  # noqa: S311 - the same cases each time
    for _ in range(60):
        before, look = chance.randint(0, 200), chance.randint(1, 10)
        errors = trips_from(before, look)
        for count in (errors - 1, errors):
            found = ruled(Look(after=30.0 * look, errors=count, exposure=look * 0.5), before=before)
            assert found.values["tripped"] == [count >= errors]


@pytest.mark.long
@pytest.mark.parametrize("per_window", [0.5, 1, 2, 5, 10, 20, 50, 100])
def test_healthy_releases_are_left_alone(per_window: float) -> None:
    runs = 20_000 if per_window <= 5 else 3_000
    share = share_tripped(per_window, 1, runs, random.Random(f"healthy {per_window}"))  # noqa: S311 - as above
    assert share <= 0.001


@pytest.mark.long
@pytest.mark.parametrize(
    ("per_window", "five", "ten"),
    [(0.5, 0.03, 0.31), (1, 0.12, 0.70), (2, 0.34, 0.97), (5, 0.85, 1), (10, 1, 1), (20, 1, 1)],
)
def test_bad_releases_are_found_as_often_as_promised(per_window: float, five: float, ten: float) -> None:
    chance = random.Random(f"bad {per_window}")  # noqa: S311 - as above
    found = [share_tripped(per_window, times, 3_000, chance) for times in (5, 10)]
    assert found == pytest.approx([five, ten], abs=0.03)


@pytest.mark.long
@pytest.mark.parametrize(
    ("per_window", "once", "often"),
    [
        (0.5, 0.26, 0.34),
        (1, 0.33, 0.48),
        (2, 0.33, 0.57),
        (5, 0.25, 0.55),
        (10, 0.18, 0.47),
        (20, 0.10, 0.37),
        (50, 0.02, 0.22),
        (100, 0.002, 0.10),
    ],
)
def test_the_literal_rule_rolls_back_so_many_healthy_releases(per_window: float, once: float, often: float) -> None:
    chance = random.Random(f"literal {per_window}")  # noqa: S311 - as above
    runs, at_end, at_any = 8_000, 0, 0
    for _ in range(runs):
        baseline, errors, failed = Baseline(errors=poisson(per_window, chance), exposure=5), 0, []
        for look in range(1, 11):
            errors += poisson(per_window / 10, chance)
            failed.append(literal(Look(after=0, errors=errors, exposure=look * 0.5), baseline))
        at_end += failed[-1]
        at_any += any(failed)
    assert [at_end / runs, at_any / runs] == pytest.approx([once, often], abs=0.02)
