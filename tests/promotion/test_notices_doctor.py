"""The doctor looks at who tells of incidents, by reads alone: nobody is disturbed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import pytest

from ci import config
from ci.promotion.doctor import examine
from tests.promotion.notified import SECRETS, made, opened, vendors

if TYPE_CHECKING:
    from pathlib import Path

    from tests.promotion.notified import Vendors

NAMES = ("e-mail", "PagerDuty", "issues")
Said = dict[str, tuple[str, str]]
Change = Callable[["Vendors"], object]


def examined(
    directory: Path,
    environment: str,
    change: Change = lambda _place: None,
    replaced: tuple[str, str] = ("", ""),
) -> Said:
    """Have an environment examined; return what is found of who tells, by its name."""

    async def calls() -> Said:
        async with vendors(directory) as place:
            change(place)
            settings = directory / "work/shipway.toml"
            settings.write_text(settings.read_text().replace(*replaced))
            async with made(directory, environment) as services:
                found = await examine(config.load(directory / "work"), services, opened(directory))
            assert place.resend.mails == place.pagerduty.incidents == place.mailpit.mails == {}
            assert place.linear.world.shelf("issues") == {}
        return {each.what: (each.state.value, each.says) for each in found if each.what in NAMES}

    return anyio.run(calls)


def test_all_who_tell_are_reached_and_nobody_is_told_anything(tmp_path: Path) -> None:
    assert examined(tmp_path / "a", "production") == {
        "e-mail": ("fine", "Resend sends from receipts.test to Team <team@acme.test>, ada@acme.test"),
        "PagerDuty": ("fine", "the key looks like one of an integration, which only a page would prove"),
        "issues": ("fine", "GitHub: one for each incident"),
    }
    staging = examined(tmp_path / "b", "staging")
    assert staging["issues"] == ("fine", "Linear: team REC of Receipts, as Shipway")
    assert staging["e-mail"][0] == "fine"
    assert staging["e-mail"][1].endswith("lets us in, for mails to team@acme.test")


TROUBLES: dict[str, tuple[str, Change, tuple[str, str, str]]] = {
    "a domain that is not there": (
        "production",
        lambda it: setattr(it.resend, "domains", {}),
        ("e-mail", "wrong", "has no domain receipts.test"),
    ),
    "a key of nobody": (
        "production",
        lambda it: setattr(it.resend, "keys", {}),
        ("e-mail", "unknown", "Resend denies access"),
    ),
    "a key that may only send": (
        "production",
        lambda it: setattr(it.resend, "keys", {SECRETS["resend"]: "sending_access"}),
        ("e-mail", "fine", "cannot tell whether as receipts.test"),
    ),
    "a routing key that is cut": (
        "production",
        lambda it: (it.directory / "secrets/pagerduty").write_text("e0-too-short"),
        ("PagerDuty", "wrong", "none of an integration"),
    ),
    "the key of a ruleset": (
        "production",
        lambda it: (it.directory / "secrets/pagerduty").write_text("R" * 32),
        ("PagerDuty", "fine", "takes no changes"),
    ),
    "another password": (
        "staging",
        lambda it: (it.directory / "secrets/smtp").write_text("another one"),
        ("e-mail", "unknown", "535"),
    ),
    "a key of another workspace": (
        "staging",
        lambda it: setattr(it.linear, "keys", ()),
        ("issues", "unknown", "Linear denies access"),
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_keeps_somebody_from_being_told_is_named(tmp_path: Path, trouble: str) -> None:
    environment, change, (what, state, words) = TROUBLES[trouble]
    found = examined(tmp_path, environment, change)[what]
    assert (found[0], words in found[1]) == (state, True), found
    assert not [secret for secret in SECRETS.values() if secret in found[1]]


def test_a_team_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = examined(tmp_path, "staging", replaced=('team = "REC"', 'team = "NONE"'))
    assert found["issues"] == ("wrong", "there is no team NONE in Receipts at Linear")


def test_production_is_said_to_lack_what_nobody_is_told_by(tmp_path: Path) -> None:
    async def calls() -> dict[str, Said]:
        async with vendors(tmp_path):
            (tmp_path / "work/shipway.toml").write_text("")
            told = {}
            for environment in ("production", "staging", "development"):
                async with made(tmp_path, environment) as services:
                    found = await examine(config.load(tmp_path / "work"), services, opened(tmp_path))
                told[environment] = {each.what: (each.state.value, each.fix) for each in found if each.what in NAMES}
            return told

    assert anyio.run(calls) == {
        "production": {
            "e-mail": ("absent", "[environments.production.notify] email"),
            "PagerDuty": ("absent", "[environments.production.notify] pagerduty"),
            "issues": ("absent", "[environments.production.notify] issues"),
        },
        "staging": {"e-mail": ("absent", "[environments.staging.notify] email")},
        "development": {},
    }
