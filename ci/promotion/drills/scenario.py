"""The scenarios of a drill as data: what is planted, which step must find it, and what a staging must have for it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.settings import Settings
    from ci.settings.environments import Environment
    from ci.settings.smoke import Smoke

KIND = "drill"
ENVIRONMENT = "staging"  # nothing else is ever drilled
SMOKE, WINDOW = "smoke", "window"  # the steps that find something
PROBE = "shipway-drill"  # what the probe is called that nothing meets


class Fault(enum.StrEnum):
    """What is planted."""

    PROBE = "a probe that nothing meets"
    ERRORS = "errors of pretended users"
    SLOW = "slow requests of pretended users"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is played. `found_by` is the step that must say no, in words that hold `says`.

    `kills`: the process kills itself once users were moved, and whoever comes next has to go on.
    """

    name: str
    about: str
    fault: Fault
    found_by: str
    says: str
    kills: bool = False


_EVERY = (
    Scenario(
        name="failing-smoke",
        about="the smoke finds a release that fails a probe",
        fault=Fault.PROBE,
        found_by=SMOKE,
        says=PROBE,
    ),
    Scenario(
        name="error-spike",
        about="the watch finds a release whose users have errors",
        fault=Fault.ERRORS,
        found_by=WINDOW,
        says="error",
    ),
    Scenario(
        name="slow",
        about="the watch finds a release that answers slowly",
        fault=Fault.SLOW,
        found_by=WINDOW,
        says="slo",
    ),
    Scenario(
        name="crash",
        about="Shipway is killed once users were moved, and what runs next ends it",
        fault=Fault.PROBE,
        found_by=SMOKE,
        says=PROBE,
        kills=True,
    ),
)
SCENARIOS: Mapping[str, Scenario] = {each.name: each for each in _EVERY}
DEFAULT = _EVERY[0].name


def lacking(scenario: Scenario, settings: Settings) -> str | None:
    """Return what staging lacks for a scenario, None where it can be played."""
    own: Environment = getattr(settings.environments, ENVIRONMENT)
    if scenario.fault is Fault.PROBE:
        return _no_smoke(settings, own)
    place = f"environments.{ENVIRONMENT}.sentry"
    if own.sentry is None:
        return f"[{place}] is not connected: nobody sees what users meet there"
    if own.sentry.dsn is None:
        return f"[{place}] has no `dsn`: nothing can be sent there"
    if scenario.fault is Fault.SLOW and settings.watch.counter is not None:
        return f"requests are counted by {settings.watch.counter.app} itself: none can be pretended"
    if scenario.fault is Fault.SLOW and not settings.watch.spans:
        return "requests are counted by nobody ([watch] spans is false): none can be pretended"
    return None


def made(settings: Settings) -> tuple[Smoke, ...]:
    """Return the probes that are made in staging."""
    own: Environment = getattr(settings.environments, ENVIRONMENT)
    without = own.smoke.without if own.smoke else {}
    return tuple(each for each in settings.smoke if each.requests and each.name not in without)


def _no_smoke(settings: Settings, own: Environment) -> str | None:
    probes = made(settings)
    if not probes:
        return f"shipway.toml has no [[smoke]] that is made in {ENVIRONMENT}"
    for lack in settings.lacking(ENVIRONMENT):
        return f"[environments.{ENVIRONMENT}.smoke] {lack}"
    for probe in probes:
        if probe.app not in own.addresses:
            return f"[environments.{ENVIRONMENT}] addresses lacks {probe.app}, which the probe {probe.name} asks"
    return None
