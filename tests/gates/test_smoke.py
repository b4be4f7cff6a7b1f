from __future__ import annotations

import dataclasses
from typing import Any

from ci.gates.smoke import POINTS, Point, Probe, SmokeObserved, rule
from ci.model import Outcome, Ruling

GREEN = {
    name: Point(name=name, probes=(Probe(name=f"GET /{name}", passed=True, expected=200, status=200),))
    for name in POINTS
}
GREEN["auth"] = Point(name="auth", probes=(Probe(name="GET /me", passed=True, expected=401, status=401),))


def ruled(**points: Point | None) -> Ruling:
    """Return the ruling on the seven points, some of them replaced or left out."""
    kept = tuple(point for point in {**GREEN, **points}.values() if point is not None)
    return rule(SmokeObserved(points=kept, where="https://receipts.example"), environment="production")


def probed(name: str, **changes: Any) -> Point:
    """Return a point whose probe was answered otherwise."""
    return Point(name=name, probes=(dataclasses.replace(GREEN[name].probes[0], **changes),))


def test_seven_points_pass() -> None:
    found = ruled()
    assert (found.ruling, len(POINTS)) == (Outcome.PASS, 7)
    assert found.values["points"] == dict.fromkeys(POINTS, "passed")


def test_each_failed_probe_is_named_with_what_it_answered() -> None:
    found = ruled(
        database=probed("database", passed=False, status=500, detail="no rows", seconds=0.2, tries=3),
        ai=probed("ai", passed=False, status=503),
    )
    assert found.ruling is Outcome.FAIL
    assert 'database: GET /database answered 500, expected 200 ("no rows") in 0.2 s, try 3' in found.reason
    assert "2 of 7 probes failed at https://receipts.example" in found.reason
    assert "ai: GET /ai answered 503" in found.reason


def test_how_the_first_try_ended_is_said_where_that_was_in_another_way() -> None:
    found = ruled(
        auth=probed("auth", passed=False, expected=401, status=429, tries=7, first="answered 403: Invalid\norigin")
    )
    assert 'answered 429, expected 401 in 0 s, try 7; at first it "answered 403: Invalid origin"' in found.reason


def test_a_probe_that_could_not_be_made_is_an_error_behind_a_failure() -> None:
    broken = probed("files", passed=False, error="no route to host")
    assert ruled(files=broken).ruling is Outcome.ERROR
    assert ruled(files=broken, ai=probed("ai", passed=False)).ruling is Outcome.FAIL


def test_a_point_that_nobody_asks_for_is_no_data_unless_the_product_has_no_such_thing() -> None:
    for nothing in (None, Point(name="payments")):
        found = ruled(payments=nothing)
        assert (found.ruling, found.reason) == (Outcome.NODATA, "nothing asks for payments")
    absent = ruled(payments=Point(name="payments", absent="it is free"))
    assert absent.ruling is Outcome.PASS
    assert '6 of 7 points passed at https://receipts.example; no payments: "it is free"' in absent.reason


def test_auth_needs_a_closed_door() -> None:
    found = ruled(auth=probed("auth", expected=200, status=200))
    assert found.ruling is Outcome.NODATA
    assert "without a session (401)" in found.reason


def test_the_same_failures_of_the_build_before_are_an_outside_cause_and_a_failure_all_the_same() -> None:
    def failing(*, before: bool | None) -> Ruling:
        return ruled(ai=probed("ai", passed=False, before=before), email=probed("email", passed=False, before=False))

    assert [failing(before=each).values["outside_cause"] for each in (False, True, None)] == [True, False, False]
    assert failing(before=False).ruling is Outcome.FAIL
