from __future__ import annotations

import pytest

from ci.gates.slo import Look, SloObserved, rule
from ci.model import Outcome, Ruling


def ruled(*looks: Look, synthetic: bool = False) -> Ruling:
    """Return the ruling on these looks."""
    observed = SloObserved(source="Sentry spans", target=0.5, looks=looks, synthetic=synthetic)
    return rule(observed, environment="production")


@pytest.mark.parametrize(("requests", "fails"), [(20, 5), (50, 8), (100, 12), (300, 25), (1000, 68)])
def test_golden_values_fail_at_the_end_from_so_many_slow_ones(requests: int, fails: int) -> None:
    assert ruled(Look(after=300, requests=requests, slow=fails)).ruling is Outcome.FAIL
    assert ruled(Look(after=300, requests=requests, slow=fails - 1)).ruling is not Outcome.FAIL


def test_early_looks_are_stricter_and_two_in_a_row() -> None:
    def early(*slow: int) -> Outcome:
        return ruled(*(Look(after=60.0 + at, requests=100, slow=each) for at, each in enumerate(slow))).ruling

    assert early(12, 12) is Outcome.INCONCLUSIVE  # p = 0.004
    assert early(20) is Outcome.INCONCLUSIVE
    assert early(20, 5, 20) is Outcome.INCONCLUSIVE
    assert early(20, 20) is Outcome.FAIL


def test_an_early_look_and_the_end_are_no_two_in_a_row() -> None:
    found = ruled(Look(after=270, requests=50, slow=12), Look(after=300, requests=300, slow=14))
    assert found.ruling is Outcome.PASS


def test_the_reason_has_the_numbers_and_the_threshold() -> None:
    reason = ruled(Look(after=300, requests=100, slow=12)).reason
    assert reason == "12 of 100 requests slower than 0.5 s, 5 % allowed: p = 0.004274, fails under 0.01"


def test_too_few_requests_are_inconclusive_and_none_is_no_data() -> None:
    assert ruled(Look(after=900, requests=99)).ruling is Outcome.INCONCLUSIVE
    assert ruled(Look(after=300, requests=20), synthetic=True).ruling is Outcome.PASS
    assert ruled(Look(after=300, requests=19), synthetic=True).ruling is Outcome.INCONCLUSIVE
    assert ruled(Look(after=300)).ruling is ruled().ruling is Outcome.NODATA


def test_a_source_that_is_blind_four_times_is_an_error() -> None:
    seen, blind = Look(after=300, requests=200), Look(after=330, error="Sentry answered 503")
    assert ruled(seen, blind, blind, blind).ruling is Outcome.PASS
    assert ruled(seen, blind, blind, blind, blind).ruling is Outcome.ERROR
    assert ruled(blind, blind, blind).ruling is Outcome.NODATA
    assert ruled(blind, blind, blind, blind).ruling is Outcome.ERROR
    assert ruled(Look(after=300, requests=100, slow=50), blind, blind, blind, blind).ruling is Outcome.FAIL
