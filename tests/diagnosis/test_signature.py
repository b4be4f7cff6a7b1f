from __future__ import annotations

import pytest

from ci.diagnosis.signature import settled, signature


def of(message: str, *, stage: str = "unit", what: str = "a.test.ts > adds") -> str:
    return signature(stage=stage, what=what, message=message)


SAME = {
    "paths": ("ENOENT: no such file, open '/home/ann/w/a.json'", "ENOENT: no such file, open '/tmp/x9/w/a.json'"),
    "paths without quotes": ("cannot read /home/ann/shop/src/a.ts:3:14", "cannot read /builds/17/shop/src/a.ts:9:1"),
    "a path of a route": ("in apps/[slug]/page.tsx(3,4)", "in apps/[name]/page.tsx(30,1)"),
    "numbers": ("expected 12 to be 13", "expected 1,204.50 to be -7"),
    "shares": ("12.5 % are slower", "90% are slower"),
    "durations": ("Test timed out in 5000ms.", "Test timed out in 20 s."),
    "times": ("it was 2026-11-28T13:27:09Z", "it was 2025-01-02 03:04:05.678+02:00"),
    "days": ("bought on 2026-02-28", "bought on 1999-12-31"),
    "clocks": ("at 13:27:09 it stopped", "at 01:00:00.5 it stopped"),
    "uuids": ("no row 0b2d1c5e-7a36-4a3e-9f34-3d7f6f2c1a10", "no row ffffffff-0000-4000-8000-000000000000"),
    "hashes": ("commit 37ba4dd91c is bad", "commit 0011223344556677889900aabbccddeeff001122 is bad"),
    "ids": ("charge ch3kQ9zLmX41vB failed", "charge re7pR2aNcY88wE failed"),
    "ports": ("connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED 127.0.0.1:41873"),
    "addresses": ("GET http://127.0.0.1:3000/health failed", "GET https://shop.example/health?x=1 failed"),
    "values in quotes": ('Property "a" does not exist', 'Property "merchant" does not exist'),
    "values in single quotes": ("Property 'a' does not exist on type 'B'", "Property 'c' does not exist on type 'D'"),
    "white space": ("expected  a\nto be  b", "expected a to be b"),
    "colours": ("\x1b[31mexpected\x1b[39m a", "expected a"),
    "where a long one was cut": ("x is wrong: " + "word " * 80, "x is wrong: " + "word " * 60),
}
OTHER = {
    "words": ("expected 12 to be 13", "expected 12 to equal 13"),
    "kinds of errors": ("TypeError: x is not a function", "ReferenceError: x is not defined"),
    "what was refused": ("connect ECONNREFUSED 127.0.0.1:1", "connect ETIMEDOUT 127.0.0.1:1"),
    "an apostrophe is no quote": ("it doesn't start, and can't stop", "it doesn't end, and can't stop"),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_what_differs_from_run_to_run_makes_no_other_failure(pair: tuple[str, str]) -> None:
    one, other = pair
    assert of(one) == of(other), (settled(one), settled(other))


@pytest.mark.parametrize("pair", OTHER.values(), ids=OTHER)
def test_another_message_is_another_failure(pair: tuple[str, str]) -> None:
    one, other = pair
    assert of(one) != of(other), settled(one)


def test_another_stage_and_another_test_are_other_failures() -> None:
    assert of("no") != of("no", stage="integration")
    assert of("no") != of("no", what="a.test.ts > adds (2)")
