"""The fault of a drill. It is planted beside the release, never in it: what users get is what they had before.

A probe that nothing meets is added to staging's own. Errors and slow requests are sent to staging's own Sentry, in the
name of users that there are none of, under the name of the drill's release, and are tagged as a drill's.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from ci.errors import ExitCode, ShipwayError, VendorError
from ci.promotion import overseeing, releasing
from ci.promotion.connected import dsn_place
from ci.promotion.drills.scenario import PROBE, SCENARIOS, Fault, Scenario, made
from ci.promotion.flow import SKIPPED, BlockedError
from ci.promotion.promoting import RULINGS, plain
from ci.settings.smoke import Smoke
from ci.vendors.sentry_event import pretend_error, pretend_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion
    from ci.settings import Settings

UNMET = 299  # a status that nobody answers with
USERS = 8  # who are pretended to be there
REQUESTS = 24  # of theirs at a time: 20 are the least that the SLO counts
SLOWER = 3.0  # so many times the target
DEATH = "crash"


def scenario_of(doing: Doing) -> Scenario:
    """Return what the drill plays."""
    return SCENARIOS[doing.flow.asked["scenario"]]


async def plant(promotion: Promotion, doing: Doing) -> Facts:
    """Plant the fault; from now on it is to be found. Raises BlockedError."""
    scenario = scenario_of(doing)
    if scenario.fault is not Fault.PROBE:
        try:
            await _pretend(promotion, doing, scenario)
        except (VendorError, ValueError) as error:  # staging must be put back whatever its Sentry does
            raise BlockedError(f"Sentry does not take what is pretended: {error}", code=ExitCode.VENDOR) from None
    return {"fault": scenario.fault.value}


async def die(promotion: Promotion, doing: Doing) -> Facts:  # noqa: ARG001 - a step's form
    """Kill this process, as a power cut would, where the drill is about that."""
    if not scenario_of(doing).kills:
        return {SKIPPED: "this drill goes on undisturbed"}
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody outlives that")


async def find_dead(promotion: Promotion, doing: Doing) -> Facts | None:
    """Return that a process died of this step before, by what it had written down; None where none did."""
    entries = await anyio.to_thread.run_sync(promotion.journal.flows.entries, doing.flow.id)
    died = any(each.step == DEATH for each in entries)
    return {"killed": True} if died and scenario_of(doing).kills else None


async def smoke(promotion: Promotion, doing: Doing) -> Facts:
    """Make staging's smoke, with the probe that nothing meets where the drill is about that. Raises BlockedError."""
    if not made(promotion.settings):
        return {SKIPPED: "shipway.toml has no [[smoke]] that is made in staging"}
    if scenario_of(doing).fault is Fault.PROBE:
        promotion = replace(promotion, settings=failing(promotion.settings))
    return await releasing.smoke_served(promotion, doing)


async def smoke_staged(promotion: Promotion, doing: Doing) -> Facts:
    """Make staging's smoke at the release's own addresses: what fails there is no drill. Raises BlockedError."""
    if not made(promotion.settings):
        return {SKIPPED: "shipway.toml has no [[smoke]] that is made in staging"}
    return await releasing.smoke_staged(promotion, doing)


async def watch(promotion: Promotion, doing: Doing) -> Facts:
    """Watch, while users who are pretended go on to have trouble. Raises BlockedError where that is found."""
    watched = promotion.settings.watch.model_copy(update={"routes": (), "before": ()})  # no requests of our own beside
    promotion = replace(promotion, settings=promotion.settings.model_copy(update={"watch": watched}))
    async with _pretending(promotion, doing):
        seen = await overseeing.see_window(promotion, doing)
    return {RULINGS: plain(*seen.rulings), "notices": list(seen.notices)}


def failing(settings: Settings) -> Settings:
    """Return settings with a probe that nothing meets, as patient as the most patient of the others."""
    probes = made(settings)
    probe = Smoke.model_validate(
        {
            "name": PROBE,
            "point": "health",
            "app": probes[0].app,
            "requests": ({"path": "/", "status": UNMET},),
            "within": max(each.within for each in probes),
        }
    )
    return settings.model_copy(update={"smoke": (*settings.smoke, probe)})


@contextlib.asynccontextmanager
async def _pretending(promotion: Promotion, doing: Doing) -> AsyncIterator[None]:
    """Have them go on for as long as the block lasts. Raises what the block raises, as it is."""
    scenario, pause = scenario_of(doing), promotion.settings.watch.window / promotion.settings.watch.looks

    async def go_on() -> None:
        while True:
            await anyio.sleep(pause)
            try:
                await _pretend(promotion, doing, scenario)
            except (VendorError, ValueError) as error:  # what was sent before is there to be found still
                doing.note(f"Sentry does not take what is pretended: {error}")

    raised: ShipwayError | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(go_on)
        try:
            yield
        except ShipwayError as error:
            raised = error
        finally:
            group.cancel_scope.cancel()
    if raised is not None:
        raise raised


async def _pretend(promotion: Promotion, doing: Doing, scenario: Scenario) -> None:
    """Send what so many users met just now. Raises VendorError, ValueError."""
    own = promotion.own.sentry
    dsn = promotion.made.secrets.get(dsn_place(promotion.environment))
    if own is None or dsn is None:
        raise VendorError("there is no Sentry to send it to")
    place = own.environment or promotion.environment
    if scenario.fault is Fault.ERRORS:
        for number in range(USERS):
            await pretend_error(dsn, doing.flow.id, f"drill-{number}", release=promotion.commit, environment=place)
        return
    seconds = SLOWER * promotion.settings.watch.target
    for number in range(REQUESTS):
        user = f"drill-{number % USERS}"
        await pretend_request(dsn, doing.flow.id, user, seconds=seconds, release=promotion.commit, environment=place)
