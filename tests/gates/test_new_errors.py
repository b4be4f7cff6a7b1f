from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ci.gates.new_errors import ErrorType, NewErrorsObserved, rule
from ci.model import Outcome, Ruling

NEW = ErrorType(title="TypeError: total is undefined", first_seen=1010, release="r2", events=3, users=2)


def ruled(*types: ErrorType, **more: Any) -> Ruling:
    """Return the ruling on these error types after the deployment of r2 at 1000."""
    observed = NewErrorsObserved(deployed=1000, release="r2", types=types)
    return rule(dataclasses.replace(observed, **more), environment="production")


@pytest.mark.parametrize(
    ("events", "users", "strict", "confirmed"),
    [(3, 2, "FAIL", "FAIL"), (2, 2, "FAIL", "PASS"), (3, 1, "FAIL", "PASS"), (1, 0, "FAIL", "PASS")],
)
def test_modes(events: int, users: int, strict: str, confirmed: str) -> None:
    each = dataclasses.replace(NEW, events=events, users=users)
    found = [ruled(each, mode=mode).ruling for mode in ("strict", "confirmed", "notify")]
    assert found == [strict, confirmed, "PASS"]


def test_what_is_older_or_of_another_release_is_not_new() -> None:
    old = dataclasses.replace(NEW, first_seen=999.9)
    other = dataclasses.replace(NEW, release="r1")
    found = ruled(old, other, mode="strict")
    assert found.ruling is Outcome.PASS
    assert found.reason == "no new error type among 2 error types, strict"


def test_each_bad_one_is_named_with_its_numbers() -> None:
    found = ruled(NEW, dataclasses.replace(NEW, title="two\nlines", events=9))
    assert found.reason == (
        "2 new error types, confirmed (from 3 events and 2 users): "
        '"TypeError: total is undefined" (3 events, 2 users); "two lines" (9 events, 2 users)'
    )


def test_what_is_not_confirmed_is_told() -> None:
    found = ruled(dataclasses.replace(NEW, events=1))
    assert (found.ruling, found.values["notify"]) == (Outcome.PASS, True)
    assert "1 new error type to look at" in found.reason


def test_blind_is_not_bad() -> None:
    assert ruled(failures=3, error="503").ruling is Outcome.INCONCLUSIVE
    assert ruled(failures=4, error="503").ruling is Outcome.ERROR
    assert ruled(types=None, failures=3).ruling is Outcome.NODATA
    assert ruled(types=None).ruling is Outcome.NODATA
    assert ruled(NEW, failures=4).ruling is Outcome.FAIL
