from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from ci.gates.isolation import Answer, Footprint, IsolationObserved, Named, rule
from ci.model import Outcome, Ruling

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("development", "staging", "production")


def footprint(name: str) -> Footprint:
    """Return the footprint of an environment that shares only a test-mode account."""
    live = name == "production"
    return Footprint(
        environment=name,
        key="k",
        database=f"db {name}",
        auth=f"auth {name}",
        webhooks=(Named(name="stripe", fingerprint=f"hook {name}"),),
        stripe="live account" if live else "test account",
        livemode=live,
        ai=f"ai {'prod' if live else 'dev'}",
    )


def ruled(
    changes: Mapping[str, dict[str, Any]] | None = None, *, rehearsal: bool = False, leave_out: tuple[str, ...] = ()
) -> Ruling:
    """Return the ruling on the three environments, some of them changed."""
    prints = tuple(
        dataclasses.replace(footprint(name), **(changes or {}).get(name, {})) for name in NAMES if name not in leave_out
    )
    observed = IsolationObserved(environments=NAMES, footprints=prints, rehearsal=rehearsal)
    return rule(observed, environment="production")


def test_development_and_staging_may_share_a_test_account_and_an_ai_key() -> None:
    found = ruled()
    assert found.ruling is Outcome.PASS
    assert found.reason.endswith("declared only")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"staging": {"database": "db development"}}, "development and staging have the same database"),
        ({"production": {"auth": "auth staging"}}, "staging and production have the same auth issuer"),
        (
            {"staging": {"webhooks": (Named(name="github", fingerprint="hook production"),)}},
            "staging and production have the same webhook secret (github, stripe)",
        ),
        (
            {"staging": {"stripe": "live account", "livemode": True}},
            "staging and production have the same Stripe account",
        ),
        ({"development": {"ai": "ai prod"}}, "development and production have the same AI key"),
        ({"staging": {"livemode": True}}, "staging is connected to Stripe in live mode"),
        ({"production": {"livemode": False}}, "production is connected to Stripe in test mode"),
        ({"production": {"stand_ins": ("stripe", "sentry")}}, "production points at a stand-in of stripe, sentry"),
    ],
)
def test_what_is_shared_and_may_not_be_is_named(changes: dict[str, dict[str, Any]], words: str) -> None:
    found = ruled(changes)
    assert found.ruling is Outcome.FAIL
    assert words in found.reason


def test_one_account_in_two_modes_is_not_shared() -> None:
    assert ruled({"staging": {"stripe": "live account"}}).ruling is Outcome.PASS


def test_every_violation_is_named_at_once() -> None:
    changes = {"database": "db production", "auth": "auth production", "livemode": True, "ai": "ai prod"}
    found = ruled({"staging": changes}, leave_out=("development",))
    assert found.ruling is Outcome.FAIL
    assert len(found.values["violations"]) == 4  # type: ignore[arg-type]
    assert "no fingerprints of development are recorded" in found.reason


def test_stand_ins_are_at_home_in_a_rehearsal() -> None:
    everywhere: dict[str, dict[str, Any]] = {name: {"stand_ins": ("stripe",)} for name in NAMES}
    assert ruled(everywhere, rehearsal=True).ruling is Outcome.PASS
    assert ruled(everywhere).ruling is Outcome.FAIL


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"staging": {"database": None}}, "no database of staging"),
        ({"staging": {"auth": None}}, "no auth issuer of staging"),
        ({"staging": {"livemode": None}}, "the mode of Stripe in staging was not read"),
        ({"staging": {"key": "another"}}, "different keys"),
    ],
)
def test_what_was_not_recorded_is_no_data_and_never_a_pass(changes: dict[str, dict[str, Any]], words: str) -> None:
    found = ruled(changes)
    assert found.ruling is Outcome.NODATA
    assert words in found.reason


def test_an_environment_without_fingerprints_is_named() -> None:
    found = ruled(leave_out=("staging",))
    assert (found.ruling, found.reason) == (Outcome.NODATA, "no fingerprints of staging are recorded")


def test_a_vendor_that_is_not_connected_is_told() -> None:
    assert "staging has no Stripe" in ruled({"staging": {"stripe": None, "livemode": None}}).reason


def test_what_an_app_answers_is_held_against_what_is_declared() -> None:
    right = Answer(app="api", of="database", answered="1", declared="1")
    other = dataclasses.replace(right, answered="2")
    found = ruled({"production": {"apps": ("api", "web"), "answers": (right,)}})
    assert found.ruling is Outcome.PASS
    assert "answered by api in production" in found.reason
    assert "declared only: development, staging, web in production" in found.reason
    wrong = ruled({"production": {"apps": ("api",), "answers": (other,)}})
    assert wrong.ruling is Outcome.FAIL
    assert "api in production answers that it uses another database than is declared" in wrong.reason
