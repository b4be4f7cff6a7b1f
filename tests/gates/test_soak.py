from __future__ import annotations

from typing import Any

from ci.gates.soak import NewType, Repeat, Serving, SoakObserved, rule
from ci.model import Outcome, Ruling

TESTED = (Repeat(name="smoke", at=700, passed=True), Repeat(name="tier 1", at=710, passed=True))


def served(commit: str, since: float, *, carries: bool = True) -> Serving:
    """Return a serving."""
    return Serving(commit=commit, since=since, carries=carries)


def ruled(*servings: Serving, now: float = 1900, repeats: tuple[Repeat, ...] = TESTED, **more: Any) -> Ruling:
    """Return the ruling on commit c, of which 1800 s are required."""
    observed = SoakObserved(commit="c", now=now, servings=servings, repeats=repeats, **more)
    return rule(observed, environment="staging")


def test_it_counts_from_the_first_serving() -> None:
    assert ruled(served("c", 100)).ruling is Outcome.PASS
    short = ruled(served("c", 101))
    assert (short.ruling, short.reason) == (Outcome.INCONCLUSIVE, "c was served for 1799 s, 1800 s are required")
    assert ruled().ruling is Outcome.NODATA


def test_descendants_keep_it_going_and_another_commit_ends_it() -> None:
    assert ruled(served("c", 100), served("d", 800), served("e", 1200)).ruling is Outcome.PASS
    broken = ruled(served("c", 100), served("x", 800, carries=False), served("d", 900))
    assert (broken.ruling, broken.values["seconds"]) == (Outcome.INCONCLUSIVE, 1000)
    gone = ruled(served("c", 100), served("x", 800, carries=False))
    assert "staging serves something else now" in gone.reason


def test_a_descendant_that_was_served_before_it_does_not_count() -> None:
    assert ruled(served("d", 100), served("c", 1800)).values["seconds"] == 100


def test_a_new_error_type_or_a_failed_repeat_voids_it() -> None:
    failed = Repeat(name="tier 1", at=1300, passed=False, reason="cart is empty")
    found = ruled(served("c", 100), repeats=(*TESTED, failed), new_errors=(NewType(title="TypeError: x", at=900),))
    assert found.ruling is Outcome.FAIL
    assert found.reason == (
        'the soak of c is void: new error type "TypeError: x" after 800 s; tier 1 failed after 1200 s ("cart is empty")'
    )


def test_what_comes_after_the_soak_or_before_it_does_not_void_it() -> None:
    for at in (99, 1901):
        errors = (NewType(title="TypeError", at=at),)
        assert ruled(served("c", 100), now=2500, new_errors=errors).ruling is Outcome.PASS


def test_a_new_stretch_after_a_void_one_is_a_new_chance() -> None:
    servings = (served("c", 100), served("x", 1000, carries=False), served("c", 2000))
    errors = (NewType(title="TypeError", at=900),)
    again = (*TESTED, Repeat(name="smoke", at=2700, passed=True), Repeat(name="tier 1", at=2700, passed=True))
    assert ruled(*servings, now=3800, repeats=again, new_errors=errors).ruling is Outcome.PASS
    assert ruled(*servings, now=3000, repeats=again, new_errors=errors).ruling is Outcome.INCONCLUSIVE


def test_time_alone_is_no_soak() -> None:
    found = ruled(served("c", 100), repeats=TESTED[:1])
    assert found.ruling is Outcome.INCONCLUSIVE
    assert "not repeated yet: tier 1" in found.reason


def test_a_person_skips_it_with_a_reason() -> None:
    assert 'skipped: "customers are locked out"' in ruled(skipped="customers are locked out").reason
    assert ruled(skipped="customers are locked out").ruling is Outcome.PASS
    assert ruled(skipped="").ruling is Outcome.NODATA


def test_a_test_that_never_passed_voids_it_also_when_the_time_is_over() -> None:
    late = (TESTED[0], Repeat(name="tier 1", at=2500, passed=False, reason="cart is empty"))
    assert ruled(served("c", 100), now=2600, repeats=late).ruling is Outcome.FAIL
    later = (*TESTED, Repeat(name="tier 1", at=2500, passed=False, reason="cart is empty"))
    assert ruled(served("c", 100), now=2600, repeats=later).ruling is Outcome.PASS
