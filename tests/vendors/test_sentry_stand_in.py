from __future__ import annotations

import gzip
import importlib.util
import json
import time
import zlib
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.rehearsal.sentry import TOKEN, Sentry
from ci.rehearsal.sentry.search import QueryError, matches, parse
from ci.rehearsal.serving import serving
from tests.vendors.envelopes import deliver, error, packed, send, session, transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

ASKING = {"authorization": f"Bearer {TOKEN}"}
HOME = "/api/0/organizations/acme"


def look(directory: Path, calls: Callable[[Sentry, str, httpx.AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        stand_in = Sentry(directory)
        async with (
            serving(stand_in) as address,
            httpx.AsyncClient(base_url=address, headers=ASKING, trust_env=False) as client,
        ):
            await calls(stand_in, address, client)

    anyio.run(run)


async def titles(client: httpx.AsyncClient, query: str, **more: str) -> list[str]:
    answer = await client.get(f"{HOME}/issues/", params={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return [row["title"] for row in answer.json()]


async def table(client: httpx.AsyncClient, dataset: str, fields: list[str], query: str = "", **more: str) -> Any:
    asked = {"dataset": dataset, "field": fields, "query": query, **more}
    answer = await client.get(f"{HOME}/events/", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("", lambda body: body),
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
    ],
)
def test_an_envelope_is_taken_in_the_encodings_of_the_sdks(
    tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    async def calls(stand_in: Sentry, address: str, client: httpx.AsyncClient) -> None:
        event = error()
        body = packed(("event", event), ("attachment", {"a": "b\nc"}))
        answer = await deliver(client, stand_in.dsn(address, "api"), pack(body), encoding=encoding)
        assert (answer.status_code, answer.json()) == (200, {"id": event["event_id"]})
        assert len(stand_in.store.events) == 1
        assert [each["event"] for each in stand_in.store.attachments.values()] == [event["event_id"]]

    look(tmp_path, calls)


def test_brotli_is_taken_where_its_package_is_and_refused_with_the_reason_where_not(tmp_path: Path) -> None:
    async def calls(stand_in: Sentry, address: str, client: httpx.AsyncClient) -> None:
        # A text of one byte, as brotli packs it.
        answer = await deliver(client, stand_in.dsn(address, "api"), b"\x0b\x00\x80a\x03", encoding="br")
        known = importlib.util.find_spec("brotli") is not None
        assert answer.status_code == (400 if known else 415)
        assert ("invalid event envelope" if known else "needs the Python package brotli") in answer.json()["detail"]

    look(tmp_path, calls)


def test_what_is_no_envelope_is_refused(tmp_path: Path) -> None:
    async def calls(stand_in: Sentry, address: str, client: httpx.AsyncClient) -> None:
        dsn = stand_in.dsn(address, "api")
        good = packed(("event", error()))
        for body, encoding, status in (
            (b"", "", 400),
            (b"no json\n", "", 400),
            (b'[]\n{"type":"event"}\n{}', "", 400),
            (b'{}\n{"type":"event","length":99}\n{}', "", 400),
            (b'{}\n{"type":"event"}\n[]', "", 400),
            (gzip.compress(good)[:40], "gzip", 400),
            (good, "gzip", 400),
            (good, "zstd", 415),
        ):
            answer = await deliver(client, dsn, body, encoding=encoding)
            assert answer.status_code == status, (body, answer.text)
            assert answer.json()["detail"]
        assert len(stand_in.store.events) == 0

    look(tmp_path, calls)


@pytest.mark.parametrize(
    "odd",
    [
        {"exception": {"values": [{"type": "E", "value": "x", "stacktrace": "none"}]}},
        {"exception": [{"type": "E", "stacktrace": {"frames": [{"in_app": True, "filename": 5}]}}]},
        {"exception": {"values": [{"type": "E", "mechanism": "x"}]}},
        {"user": {"id": {"a": 1}}},
        {"tags": [["a", "b", "c"]]},
        {"tags": [1, 2]},
        {"tags": "x"},
        {"release": 5},
        {"release": ["x"]},
        {"environment": {"a": 1}},
        {"transaction": 7},
        {"level": ["x"]},
        {"contexts": [1]},
        {"contexts": {"trace": 5}},
        {"sdk": "x"},
        {"logentry": {"message": 5}},
    ],
)
def test_what_has_another_type_than_it_should_is_dropped_and_the_event_taken(
    tmp_path: Path, odd: dict[str, Any]
) -> None:
    async def calls(stand_in: Sentry, _address: str, client: httpx.AsyncClient) -> None:
        key = stand_in.store.projects["api"]
        event = {"event_id": "a" * 32, "level": "error", "timestamp": time.time(), **odd}
        lines = [{"event_id": event["event_id"]}, {"type": "event"}, event]
        body = "\n".join(map(json.dumps, lines))
        sent = await client.post(f"/api/{key['id']}/envelope/?sentry_key={key['key']}", content=body)
        assert sent.status_code == 200
        for path in ("issues/?query=", "releases/", "events/?dataset=errors&field=title&field=release"):
            assert (await client.get(f"{HOME}/{path}")).status_code == 200
        assert (await client.get("/")).status_code == 200
        assert len(stand_in.store.events) == 1

    look(tmp_path, calls)


def test_who_does_not_show_the_key_of_the_project_sends_nothing(tmp_path: Path) -> None:
    async def calls(stand_in: Sentry, address: str, client: httpx.AsyncClient) -> None:
        dsn = stand_in.dsn(address, "api")
        body = packed(("event", error()))
        assert (await deliver(client, dsn, body, key="f" * 32)).status_code == 403
        assert (await deliver(client, stand_in.dsn(address, "web"), body, key=dsn[7:39])).status_code == 403
        nobody = await client.post("/api/1/envelope/", content=body)
        assert (nobody.status_code, nobody.json()) == (401, {"detail": "missing authorization information"})
        assert (await client.post(f"/api/1/envelope/?sentry_key={dsn[7:39]}", content=body)).status_code == 200
        inside = packed(("event", error()), headers={"dsn": dsn})
        assert (await client.post("/api/1/envelope/", content=inside)).status_code == 200
        assert len(stand_in.store.events) == 2

    look(tmp_path, calls)


def test_a_page_of_another_origin_may_send(tmp_path: Path) -> None:
    async def calls(_stand_in: Sentry, _address: str, client: httpx.AsyncClient) -> None:
        asked = await client.options("/api/1/envelope/", headers={"origin": "https://receipts.test"})
        assert asked.headers["access-control-allow-origin"] == "*"

    look(tmp_path, calls)


def test_events_are_one_issue_by_fingerprint_or_by_type_and_place(tmp_path: Path) -> None:
    async def calls(stand_in: Sentry, address: str, client: httpx.AsyncClient) -> None:
        same = error(said="another message")
        await send(
            stand_in,
            address,
            ("event", error()),
            ("event", same),
            ("event", same),  # sent twice: one event
            ("event", error(place="elsewhere")),
            ("event", error("A", fingerprint=["mine"])),
            ("event", error("B", fingerprint=["mine"])),
            ("event", error(fingerprint=["{{ default }}", "more"])),
            ("event", {"message": {"message": "%s failed", "params": ["a"], "formatted": "a failed"}, "level": "info"}),
            ("event", {"logentry": {"message": "%s failed", "formatted": "b failed"}, "level": "info"}),
        )
        answer = await client.get(f"{HOME}/issues/", params={"query": ""})
        found = sorted((row["title"], row["count"], row["level"]) for row in answer.json())
        assert found == [
            ("B: x is undefined", "2", "error"),
            ("TypeError: x is undefined", "1", "error"),
            ("TypeError: x is undefined", "1", "error"),
            ("TypeError: x is undefined", "2", "error"),
            ("b failed", "2", "info"),
        ]

    look(tmp_path, calls)


def test_a_query_finds_what_it_says(tmp_path: Path) -> None:
    async def calls(stand_in: Sentry, address: str, client: httpx.AsyncClient) -> None:
        old = time.time() - 7200
        await send(
            stand_in,
            address,
            ("event", error("A", place="a", transaction="GET /a", tags={"plan": "free"}, user={"email": "a@b.test"})),
            ("event", error("B", place="b", release="api@2", environment="staging", timestamp=old, level="fatal")),
            ("event", error("C", place="c", release="web 3", contexts={"response": {"status_code": 503}})),
            ("event", {"message": "a note", "level": "info"}),
        )
        a, b, c, note = "A: x is undefined", "B: x is undefined", "C: x is undefined", "a note"
        for query, found in (
            ("", {a, b, c, note}),
            ("is:unresolved", {a, b, c, note}),
            ("is:resolved", set()),
            ("!is:resolved", {a, b, c, note}),
            ("release:api@1", {a}),
            ("!release:api@1", {b, c, note}),
            ("release:[api@1, api@2]", {a, b}),
            ('release:[api@1, "web 3"]', {a, c}),
            ('firstRelease:"web 3"', {c}),
            ("firstRelease:api@*", {a, b}),
            ("release:latest", {c}),
            ("environment:staging", {b}),
            ("level:[fatal, info]", {b, note}),
            ("event.type:error", {a, b, c}),
            ('transaction:"GET /a"', {a}),
            ("transaction:GET*", {a}),
            ("http.status_code:503", {c}),
            ("http.status_code:>=500", {c}),
            ("http.status_code:<500", set()),
            ("plan:free", {a}),
            ("tags[plan]:free", {a}),
            ("has:plan", {a}),
            ("!has:plan", {b, c, note}),
            ("user.email:a@b.test", {a}),
            ("firstSeen:-1h", {a, c, note}),
            ("firstSeen:+1h", {b}),
            ("age:-1h", {a, c, note}),
            ("lastSeen:<2020-01-01T00:00:00Z", set()),
            ("times_seen:>1", set()),
            ("error.type:B", {b}),
            ("error.unhandled:true", {a, b, c}),
            ("note", {note}),
            ('"x is" B', {b}),
            ("release:api@1 plan:paid", set()),
        ):
            assert set(await titles(client, query)) == found, query
        assert set(await titles(client, "", environment="staging")) == {b}
        default = await client.get(f"{HOME}/issues/")
        assert len(default.json()) == 4

    look(tmp_path, calls)


def test_what_it_does_not_know_it_refuses_and_never_leaves_out(tmp_path: Path) -> None:
    async def calls(stand_in: Sentry, address: str, client: httpx.AsyncClient) -> None:
        await send(stand_in, address, ("event", error()), ("transaction", transaction()))
        issues, events, series = f"{HOME}/issues/", f"{HOME}/events/", f"{HOME}/events-timeseries/"
        one = {"dataset": "errors", "field": "count()"}
        for path, asked in (
            (issues, {"query": "is:lost"}),
            (issues, {"query": "release:"}),
            (issues, {"query": 'release:"a'}),
            (issues, {"query": "release:[a"}),
            (issues, {"query": "(level:error)"}),
            (issues, {"query": "a AND b"}),
            (issues, {"query": "firstSeen:1h"}),
            (issues, {"query": "times_seen:many"}),
            (issues, {"query": "assigned:me"}),
            (issues, {"query": "error.main_thread:true"}),
            (issues, {"query": "release:>1"}),
            (issues, {"query": "", "sort": "trends"}),
            (issues, {"query": "", "limit": "101"}),
            (issues, {"query": "", "statsPeriod": "soon"}),
            (issues, {"query": "", "start": "2026-01-01T00:00:00Z"}),
            (issues, {"query": "", "start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}),
            (issues, {"query": "", "cursor": "x"}),
            (issues, {"query": "", "viewId": "1"}),
            (events, {**one, "dataset": "logs"}),
            (events, {"dataset": "errors"}),
            (events, {**one, "field": ["f"] * 21}),
            (events, {**one, "field": "median(id)"}),
            (events, {**one, "field": "p95(title)"}),
            (events, {**one, "field": "equation|count() * 2"}),
            (events, {**one, "sort": "-count_unique(user)"}),
            (events, {**one, "per_page": "0"}),
            (events, {**one, "query": "count():>3"}),
            (events, {**one, "query": "(level:error"}),
            (events, {**one, "query": "error.unhandled:perhaps"}),
            (series, {"dataset": "errors", "groupBy": "release"}),
            (series, {"dataset": "errors", "topEvents": "11", "groupBy": "release"}),
            (series, {"dataset": "errors", "yAxis": "level"}),
            (series, {"dataset": "errors", "statsPeriod": "90d", "interval": "1s"}),
            (f"{HOME}/sessions/", {"field": "sum(session)", "interval": "1m"}),
            (f"{HOME}/sessions/", {"field": "avg(session)"}),
            (f"{HOME}/sessions/", {"field": "sum(session)", "groupBy": "os"}),
            (f"{HOME}/sessions/", {"field": "sum(session)", "query": "level:error"}),
        ):
            answer = await client.get(path, params=asked)
            assert answer.status_code == 400, (path, asked, answer.text)
            assert isinstance(answer.json()["detail"], str)
        assert (await client.get(issues, params={"query": "", "project": "9"})).status_code == 403
        assert (await client.get(issues, params={"query": "", "environment": "no"})).status_code == 404
        assert (await client.get(f"{HOME}/nothing/")).json() == {"detail": "The requested resource does not exist"}

    look(tmp_path, calls)


def test_tables_count_by_release_and_series_by_the_minute(tmp_path: Path) -> None:
    async def calls(stand_in: Sentry, address: str, client: httpx.AsyncClient) -> None:
        now = time.time()
        ago = now - 300
        await send(
            stand_in,
            address,
            *[("event", error(user={"id": str(n % 3)}, release="api@1", timestamp=ago)) for n in range(5)],
            *[("event", error(user={"id": "7"}, release="api@2")) for _ in range(2)],
            *[("transaction", transaction(milliseconds=100 * n, release="api@2")) for n in range(1, 11)],
        )
        fields = ["release", "count()", "count_unique(user)"]
        rows = await table(client, "errors", fields, "release:[api@1, api@2]", sort="-count()")
        assert rows == [
            {"release": "api@1", "count()": 5, "count_unique(user)": 3},
            {"release": "api@2", "count()": 2, "count_unique(user)": 1},
        ]
        assert await table(client, "errors", ["count()"], "release:nothing") == [{"count()": 0}]
        either = await table(client, "errors", ["count()"], '(release:api@1 AND user:"id:0") OR release:api@2')
        assert either == [{"count()": 4}]
        spans = ["count()", "p50(span.duration)", "count_if(span.duration,greater,850)", "failure_rate()"]
        [row] = await table(client, "spans", spans, "is_transaction:true")
        assert (row["count()"], round(row["p50(span.duration)"]), row["failure_rate()"]) == (10, 500, 0)
        assert row["count_if(span.duration,greater,850)"] == 2
        assert await table(client, "spans", ["count()"], "span.duration:>0.85s is_transaction:1") == [{"count()": 2}]
        assert await table(client, "spans", ["count()"], "span.op:db") == [{"count()": 10}]
        asked = {"dataset": "errors", "statsPeriod": "10m", "interval": "60", "groupBy": "release", "topEvents": "1"}
        answer = (await client.get(f"{HOME}/events-timeseries/", params=asked)).json()
        first, rest = answer["timeSeries"]
        assert first["groupBy"] == [{"key": "release", "value": "api@1"}]
        assert (first["meta"]["isOther"], rest["meta"]["isOther"]) == (False, True)
        assert [point["value"] for point in first["values"] if point["value"]] == [5]
        assert [point["value"] for point in rest["values"] if point["value"]] == [2]
        [hit] = [point["timestamp"] / 1000 for point in first["values"] if point["value"]]
        assert hit <= ago < hit + 60
        assert first["values"][-1]["incomplete"]
        assert not first["values"][0]["incomplete"]

    look(tmp_path, calls)


def test_sessions_that_are_told_twice_count_once_and_added_up_ones_as_many_as_they_are(tmp_path: Path) -> None:
    async def calls(stand_in: Sentry, address: str, client: httpx.AsyncClient) -> None:
        begun = session("web@1", status="ok")
        started = "2026-01-01T10:05:00Z"
        many = {
            "aggregates": [{"started": started, "exited": 7, "errored": 2, "crashed": 1}],
            "attrs": {"release": "api@1"},
        }
        await send(
            stand_in,
            address,
            ("session", {**begun, "started": started}),
            ("session", {**begun, "started": started, "status": "crashed", "init": False}),
            ("sessions", many),
        )
        asked: dict[str, Any] = {
            "field": ["sum(session)", "crash_free_rate(session)"],
            "groupBy": "release",
            "start": "2026-01-01T10:10:00Z",
            "end": "2026-01-01T10:20:00Z",
        }
        answer = (await client.get(f"{HOME}/sessions/", params=asked)).json()
        assert answer["intervals"] == ["2026-01-01T10:00:00Z"]
        found = {group["by"]["release"]: group["totals"] for group in answer["groups"]}
        assert found["web@1"] == {"sum(session)": 1, "crash_free_rate(session)": 0}
        assert found["api@1"] == {"sum(session)": 10, "crash_free_rate(session)": 0.9}

    look(tmp_path, calls)


def test_what_a_client_did_not_send_is_counted(tmp_path: Path) -> None:
    async def calls(stand_in: Sentry, address: str, _client: httpx.AsyncClient) -> None:
        report = {"discarded_events": [{"reason": "ratelimit_backoff", "category": "error", "quantity": 3}]}
        await send(stand_in, address, ("client_report", report), ("client_report", report), ("profile", {"a": 1}))
        assert dict(stand_in.store.reports) == {"api error ratelimit_backoff": 6}

    look(tmp_path, calls)


def test_a_person_sees_the_issues_where_a_permalink_leads_and_no_text_of_theirs_becomes_markup(tmp_path: Path) -> None:
    async def calls(stand_in: Sentry, address: str, client: httpx.AsyncClient) -> None:
        assert "None so far" in (await client.get("/")).text
        nasty = "<script>alert(1)</script>\u202e"
        await send(stand_in, address, ("event", error("E", nasty, tags={"<b>": nasty}, release=nasty)))
        [row] = (await client.get(f"{HOME}/issues/", params={"query": ""})).json()
        for text in ((await client.get("/")).text, (await client.get(row["permalink"])).text):
            assert "E: &lt;script&gt;" in text
            assert "<script>" not in text
            assert "<b>" not in text
            assert "\u202e" not in text
        assert (await client.get("/organizations/acme/issues/5/")).status_code == 404
        assert (await client.get("/organizations/other/issues/1001/")).status_code == 404

    look(tmp_path, calls)


def test_a_query_is_read_as_it_is_written() -> None:
    for text in ("a)", "AND a", 'x:"', "f(x):1", "(a"):
        with pytest.raises(QueryError):
            parse(text)
    assert json.dumps(str(parse(""))).count("Both") == 1
    assert matches("a*c", "abbc")
    assert matches("A*", "abc")
    assert not matches("A", "a")
    assert matches("a\\*c", "a*c")
    assert not matches("a\\*c", "abc")
    assert not matches("a.c*", "abc")
