from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import VendorError
from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.serving import serving
from ci.vendors import pagerduty
from ci.vendors.answers import Answer
from tests.vendors.contract import Holding
from tests.vendors.subjects.pagerduty import ALERT, KEY

if TYPE_CHECKING:
    from pathlib import Path

    import httpx


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


def test_where_it_does_not_say_how_long_half_a_minute_is_waited() -> None:
    asked = {None: pagerduty.PAUSE, "2": 2.0}
    for header, seconds in asked.items():
        headers = {} if header is None else {"retry-after": header}
        assert pagerduty.DIALECT.pause(Answer(status=429, headers=headers, content=b"{}")) == seconds
    assert pagerduty.DIALECT.pause(Answer(status=500, headers={}, content=b"{}")) is None
    assert pagerduty.PATIENCE.whole > 3 * pagerduty.PAUSE


def test_whatever_an_alert_holds_it_is_taken_and_long_keys_stay_apart(tmp_path: Path) -> None:
    sizes: list[int] = []

    async def note(request: httpx.Request) -> None:
        sizes.append(len(request.content))

    async def calls() -> None:
        stand_in = PagerDuty(tmp_path)
        async with serving(stand_in) as address, pagerduty.connect(KEY, address=f"{address}/v2") as client:
            client.exchange.client.event_hooks = {"request": [note]}
            keys = ["incident " + "x" * 300 + end for end in "ab"]
            log = '\U0001f525\x1b[31m\0\ud800"\n' * 100_000
            for key in keys:
                long = dataclasses.replace(ALERT, key=key, summary="s" * 3000, source="o" * 3000)
                await client.trigger(dataclasses.replace(long, details={"log": log, "trace": log, "commit": "abc"}))
            assert len(stand_in.alerts) == 2
            details = [alert["custom_details"] for alert in stand_in.alerts.values()]
            assert [each["commit"] for each in details] == ["abc", "abc"]
            assert max(sizes) < 512 * 1024
            await client.change("c" * 3000, source="Shipway", moment="2026-01-01T00:00:00Z")
            await client.resolve(keys[0])
            assert sorted(alert["status"] for alert in stand_in.alerts.values()) == ["resolved", "triggered"]

    anyio.run(calls)


@pytest.mark.parametrize(("kind", "changes"), [("reset", 0), ("lose", 1)])
def test_a_change_whose_answer_is_lost_is_not_told_again(tmp_path: Path, kind: str, changes: int) -> None:
    async def calls() -> None:
        stand_in = PagerDuty(tmp_path)
        async with serving(stand_in) as address, pagerduty.connect(KEY, address=f"{address}/v2") as client:
            stand_in.faults.add(kind=kind, times=1)
            with pytest.raises(VendorError) as raised:
                await client.change("a deployment", source="Shipway", moment="2026-01-01T00:00:00Z")
            assert raised.value.unsettled
            assert len(stand_in.changes) == changes

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
