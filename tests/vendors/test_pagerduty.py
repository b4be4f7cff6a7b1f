from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.errors import VendorError
from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.serving import serving
from ci.vendors import pagerduty
from ci.vendors.answers import Answer
from tests.vendors.contract import Holding
from tests.vendors.subjects.pagerduty import ALERT, KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
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


PAYLOAD: dict[str, Any] = {"summary": "s", "source": "x", "severity": "critical"}
GOOD: dict[str, Any] = {"routing_key": KEY, "event_action": "trigger", "dedup_key": "d", "payload": PAYLOAD}


def ask(directory: Path, scene: Callable[[PagerDuty, httpx.AsyncClient], Awaitable[None]], **words: Any) -> None:
    async def run() -> None:
        it = PagerDuty(directory, **words)
        async with serving(it) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
            await scene(it, client)

    anyio.run(run)


@pytest.mark.parametrize(
    "change",
    [
        {"payload": ["x"]},
        {"payload": "text"},
        {"payload": {**PAYLOAD, "timestamp": "yesterday"}},
        {"payload": {**PAYLOAD, "source": 5}},
        {"payload": {**PAYLOAD, "severity": ["critical"]}},
        {"payload": {**PAYLOAD, "custom_details": "y" * 600_000}},
        {"dedup_key": 5},
        {"event_action": ["trigger"]},
        {"links": "x"},
        {"routing_key": "k" * 31},
        {"routing_key": "k" * 32},
    ],
)
def test_what_the_real_one_does_not_take_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    async def calls(it: PagerDuty, client: httpx.AsyncClient) -> None:
        answer = await client.post("/v2/enqueue", json={**GOOD, **change})
        assert (answer.status_code, bool(answer.json()["errors"]), len(it.alerts)) == (400, True, 0)

    ask(tmp_path, calls, keys=(KEY,))


def test_a_ruleset_takes_no_changes(tmp_path: Path) -> None:
    async def calls(_it: PagerDuty, client: httpx.AsyncClient) -> None:
        change = {"routing_key": "R" * 32, "payload": {"summary": "s"}}
        assert (await client.post("/v2/change/enqueue", json=change)).status_code == 400

    ask(tmp_path, calls)


def test_each_incident_is_one_page_and_one_that_is_looked_at_stays_so(tmp_path: Path) -> None:
    async def calls(it: PagerDuty, client: httpx.AsyncClient) -> None:
        stood = []
        for action in ("trigger", "acknowledge", "trigger", "resolve", "trigger"):
            await client.post("/v2/enqueue", json={**GOOD, "event_action": action})
            stood.append(it.alerts[f"{KEY} d"]["status"])
        assert stood == ["triggered", "acknowledged", "acknowledged", "resolved", "triggered"]
        found = [(each["status"], each["events"]) for each in it.incidents.values()]
        assert found == [("resolved", 2), ("triggered", 1)]
        shown = await client.get("/")
        assert (shown.status_code, KEY in shown.text, shown.text.count("critical")) == (200, False, 2)

    ask(tmp_path, calls)


def test_more_calls_than_a_key_may_make_are_refused_and_another_key_may_go_on(tmp_path: Path) -> None:
    async def scene(_it: PagerDuty, client: httpx.AsyncClient) -> None:
        statuses = [(await client.post("/v2/enqueue", json=GOOD)).status_code for _ in range(4)]
        assert statuses == [202, 202, 202, 429]
        assert (await client.post("/v2/enqueue", json={**GOOD, "routing_key": "k" * 32})).status_code == 202

    ask(tmp_path, scene, calls=3)
