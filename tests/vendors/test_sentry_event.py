from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
import sentry_sdk

from ci.errors import Trouble, VendorError
from ci.rehearsal.sentry import TOKEN, Sentry
from ci.rehearsal.serving import serving
from ci.vendors import sentry
from ci.vendors.sentry_event import pretend_error, pretend_request, send_probe
from ci.vendors.sentry_values import Place, Window

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.datetime.now(datetime.UTC)
HOUR = Window(since=NOW - datetime.timedelta(hours=1), until=NOW + datetime.timedelta(hours=1))


def test_a_test_event_comes_back_through_the_api_and_counts_as_no_error(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Sentry(tmp_path)
        async with serving(stand_in) as address, sentry.connect(TOKEN, "acme", address=address) as client:
            dsn = stand_in.dsn(address, "api")
            event = await send_probe(dsn, "try-1", release="api@1", environment="production")
            other = await send_probe(dsn, "try-2", release="api@2", environment="production")
            assert await client.arrived(event)
            assert event != other
            [issue] = await client.issues("shipway.token:try-1")
            assert (issue.count, issue.level) == (2, "info")
            assert len(await client.issues("shipway:probe")) == 1
            assert await client.new_issues("api@1") == ()
            assert [count.errors for count in await client.error_counts(["api@1", "api@2"], HOUR)] == [0, 0]
        assert not sentry_sdk.get_client().is_active()

    anyio.run(calls)


def test_nothing_of_this_process_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_RELEASE", "of the process")
    monkeypatch.setenv("SENTRY_ENVIRONMENT", "of the process")
    monkeypatch.setenv("SENTRY_DSN", "https://b@example.test/9")

    async def calls() -> None:
        stand_in = Sentry(tmp_path)
        async with serving(stand_in) as address:
            await send_probe(stand_in.dsn(address, "api"), "t", release="api@1", environment="staging")
        [payload] = stand_in.store.payloads.values()
        assert (payload["release"], payload["environment"], payload["server_name"]) == ("api@1", "staging", "shipway")
        assert set(payload) & {"modules", "extra", "request", "user", "exception", "threads", "breadcrumbs"} <= {
            "breadcrumbs",
            "extra",
        }
        assert not payload.get("extra")
        assert not (payload.get("breadcrumbs") or {}).get("values")

    anyio.run(calls)


def test_a_key_that_is_refused_is_told_which_an_sdk_would_keep_to_itself(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Sentry(tmp_path)) as address:
            key = "f" * 32
            dsn = address.replace("://", f"://{key}@") + "/1"
            with pytest.raises(VendorError, match="403: event submission rejected") as raised:
                await send_probe(dsn, "t", release="api@1", environment="production")
            assert raised.value.trouble is Trouble.DENYING
            assert key not in f"{raised.value!r} {raised.value}"

    anyio.run(calls)


def test_an_answer_that_does_not_take_the_event_is_told() -> None:
    class Shrugging(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={})

    async def calls() -> None:
        with pytest.raises(VendorError, match="does not say that it took the test event"):
            await send_probe("https://k@example.test/1", "t", release="a", environment="b", transport=Shrugging())

    anyio.run(calls)


def test_what_is_no_dsn_is_told_without_what_it_is() -> None:
    with pytest.raises(ValueError, match="is not of the form") as raised:
        anyio.run(lambda: send_probe("hunter2", "t", release="a", environment="b"))
    assert "hunter2" not in f"{raised.value!r} {raised.value.__cause__!r}"


def test_what_a_drill_pretends_is_counted_as_what_users_met_and_is_one_issue_of_its_release(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Sentry(tmp_path)
        async with serving(stand_in) as address, sentry.connect(TOKEN, "acme", address=address) as client:
            dsn, place = stand_in.dsn(address, "api"), Place(projects=("api",), environment="staging")
            of = {"release": "api@2", "environment": "staging"}
            for number in range(3):
                await pretend_error(dsn, "drill-1", f"user-{number}", **of)
                await pretend_request(dsn, "drill-1", f"user-{number}", seconds=2.0, **of)
            tally = await client.tally(["api@2"], HOUR, place=place)
            assert (tally.errors, tally.users) == (3, 3)
            [issue] = await client.new_issues("api@2", place=place)
            assert (issue.count, issue.level) == (3, "error")
            assert await client.issues("shipway.drill:drill-1") == (issue,)
            await pretend_error(dsn, "drill-2", "user-0", release="api@3", environment="staging")
            assert len(await client.new_issues("api@3", place=place)) == 1  # each drill is a type of its own
            counts = [await client.requests("api@2", HOUR, place=place, slower=each) for each in (None, 1500, 2500)]
            assert counts == [3, 3, 0]

    anyio.run(calls)
