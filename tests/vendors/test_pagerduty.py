from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import VendorError
from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.serving import serving
from ci.vendors import pagerduty
from tests.vendors.contract import Holding
from tests.vendors.subjects.pagerduty import ALERT, KEY

if TYPE_CHECKING:
    from pathlib import Path


def test_all_that_it_sends_and_all_that_is_answered_is_in_the_contract(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = PagerDuty(tmp_path)
        async with serving(stand_in) as address:
            base = f"{address}/v2"
            holding = Holding("pagerduty", base)
            async with pagerduty.connect(KEY, address=base, transport=holding) as client:
                await client.trigger(ALERT)
                await client.trigger(ALERT)
                await client.acknowledge(ALERT.key)
                assert stand_in.alerts[f"{KEY} {ALERT.key}"]["status"] == "acknowledged"
                await client.resolve(ALERT.key)
                await client.change("a deployment", source="Shipway", moment="2026-01-01T00:00:00Z")
            alert = stand_in.alerts[f"{KEY} {ALERT.key}"]
            assert (alert["status"], alert["events"], alert["severity"]) == ("resolved", 2, "critical")
            assert len(stand_in.changes) == 1
            assert set(holding.seen) == {"POST /enqueue 202", "POST /change/enqueue 202"}

    anyio.run(calls)


def test_what_it_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    async def calls() -> None:
        async with (
            serving(PagerDuty(tmp_path)) as address,
            pagerduty.connect("short", address=f"{address}/v2") as client,
        ):
            with pytest.raises(VendorError, match="'routing_key' must be 32 characters long") as raised:
                await client.resolve("incident-1")
            assert raised.value.status == 400

    anyio.run(calls)


def test_what_it_knows_is_there_after_a_restart(tmp_path: Path) -> None:
    async def calls() -> None:
        async with (
            serving(PagerDuty(tmp_path)) as address,
            pagerduty.connect(KEY, address=f"{address}/v2") as client,
        ):
            await client.trigger(ALERT)
        assert [alert["status"] for alert in PagerDuty(tmp_path).alerts.values()] == ["triggered"]

    anyio.run(calls)
