from __future__ import annotations

import contextlib
import datetime
import time
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from ci.errors import Trouble, VendorError
from ci.rehearsal.sentry import TOKEN, Sentry
from ci.rehearsal.serving import serving
from ci.vendors import sentry
from ci.vendors.exchange import Patience
from ci.vendors.sentry_calls import UNMET, written
from ci.vendors.sentry_query import every, term
from ci.vendors.sentry_values import Commit, ErrorCount, Place, Tally, Window
from tests.vendors.contract import Holding
from tests.vendors.envelopes import error, send, session, transaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

NOW = datetime.datetime.now(datetime.UTC)
HOUR = Window(since=NOW - datetime.timedelta(hours=1), until=NOW + datetime.timedelta(hours=1))
PRODUCTION = Place(projects=("api",), environment="production")
HOME = "/api/0/organizations/{organization_id_or_slug}"
# All operations that the product uses, with the answers that they have when all is well.
OPERATIONS = {
    f"GET {HOME}/ 200",
    f"GET {HOME}/projects/ 200",
    f"GET {HOME}/environments/ 200",
    f"GET {HOME}/issues/ 200",
    f"GET {HOME}/issues/{{issue_id}}/ 200",
    f"GET {HOME}/issues/{{issue_id}}/ 404",
    f"PUT {HOME}/issues/{{issue_id}}/ 200",
    f"GET {HOME}/issues/{{issue_id}}/events/ 200",
    f"GET {HOME}/issues/{{issue_id}}/events/{{event_id}}/ 200",
    f"GET {HOME}/events/ 200",
    f"GET {HOME}/events-timeseries/ 200",
    f"GET {HOME}/sessions/ 200",
    f"POST {HOME}/releases/ 201",
    f"POST {HOME}/releases/ 208",
    f"GET {HOME}/releases/{{version}}/ 200",
    f"GET {HOME}/releases/{{version}}/ 404",
    f"PUT {HOME}/releases/{{version}}/ 200",
    f"GET {HOME}/releases/{{version}}/commits/ 200",
    f"GET {HOME}/releases/{{version}}/deploys/ 200",
    f"POST {HOME}/releases/{{version}}/deploys/ 201",
}


@contextlib.asynccontextmanager
async def world(
    directory: Path, transport: httpx.AsyncBaseTransport | None = None, lag: float = 0, *, held: bool = False
) -> AsyncIterator[tuple[Sentry, str, sentry.Sentry]]:
    """Give the stand-in, its address, and a client of it; `held` is what goes to and fro to the contract."""
    stand_in = Sentry(directory, lag=lag)
    quick = Patience(request=3, whole=6, first=0.01, tries=3)
    async with serving(stand_in) as address:
        given = Holding("sentry", address) if held else transport
        async with sentry.connect(TOKEN, "acme", address=address, transport=given, patience=quick) as client:
            yield stand_in, address, client


def run(calls: Callable[[], Awaitable[None]]) -> None:
    anyio.run(calls)


def test_all_that_it_asks_and_all_that_is_answered_is_in_the_contract(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path, held=True) as (stand_in, address, client):
            holding = client.exchange.client._transport  # noqa: SLF001 - the transport that was handed in
            assert isinstance(holding, Holding)
            await send(
                stand_in,
                address,
                ("event", error(user={"id": "1"})),
                ("event", error(user={"id": "2"})),
                ("event", error("RangeError", "too far", place="walk")),
                ("transaction", transaction(milliseconds=20)),
                ("transaction", transaction(milliseconds=900, status=500)),
                ("session", session("api@1")),
                ("session", session("api@1", crashed=True)),
            )
            organization = await client.organization()
            assert organization is not None
            assert (organization.slug, organization.region) == ("acme", address)
            assert [(each.slug, each.sessions) for each in await client.projects()] == [("api", True), ("web", False)]
            assert await client.environments() == ("production",)
            found = await client.new_issues("api@1", place=PRODUCTION, since=HOUR.since)
            assert {(each.title, each.count, each.users) for each in found} == {
                ("TypeError: x is undefined", 2, 2),
                ("RangeError: too far", 1, 0),
            }
            worst = next(each for each in found if each.count == 2)
            assert await client.issue("9999999") is None
            assert (await client.resolve(worst.id, release="api@1")).status == "resolved"
            assert (await client.reopen(worst.id)).status == "unresolved"
            known = await client.issue(worst.id)
            assert known is not None
            assert (known.status, known.project, known.culprit) == ("unresolved", "api", "src/pay.ts in pay")
            events = await client.events(worst.id, place=PRODUCTION)
            assert len(events) == 2
            failures = await client.failures(worst.id)
            assert failures is not None
            assert (failures[0].type, failures[0].frames[1].file, failures[0].frames[1].line) == (
                "TypeError",
                "src/pay.ts",
                7,
            )
            assert await client.arrived(events[0].id)
            assert not await client.arrived("0" * 32)
            assert await client.error_counts(["api@0", "api@1"], HOUR, place=PRODUCTION) == (
                ErrorCount(release="api@0", errors=0, users=0),
                ErrorCount(release="api@1", errors=3, users=2),
            )
            assert (
                await client.tally(["api@0", "api@1"], HOUR, place=PRODUCTION),
                await client.tallies([worst.id, "9", "1] OR a:[b"], ["api@1"], HOUR, place=PRODUCTION),
                await client.users(["api@1"], HOUR, place=PRODUCTION),
            ) == (Tally(errors=3, users=2), {worst.id: Tally(errors=2, users=2)}, 0)
            points = await client.series("errors", term("release", "api@1"), HOUR, place=PRODUCTION)
            assert (len(points), sum(point.value for point in points)) in {(120, 3), (121, 3)}
            assert await client.requests("api@1", HOUR, place=PRODUCTION) == 2
            assert await client.requests("api@1", HOUR, place=PRODUCTION, slower=300) == 1
            health = await client.health(HOUR, place=PRODUCTION)
            assert [(each.release, each.sessions, each.crash_free) for each in health] == [("api@1", 2, 0.5)]
            assert await client.release("api@2") is None
            commits = (Commit(id="c" * 40, message="a fix", author="Ada"),)
            made = await client.ensure_release("api@2", ["api"], url="https://example.test/c", commits=commits)
            assert made == await client.ensure_release("api@2", ["api"])
            released = await client.mark_released("api@2", NOW)
            assert released.released == NOW
            assert await client.commits("api@2") == commits
            first = await client.ensure_deploy(
                "api@2", "production", name="d1", url="https://example.test", finished=NOW
            )
            assert first == await client.ensure_deploy("api@2", "production", name="d1")
            assert [each.name for each in await client.deploys("api@2")] == ["d1"]
            again = await client.release("api@2")
            assert again is not None
            assert (again.deploys, again.url) == (1, "https://example.test/c")
            assert set(holding.seen) == OPERATIONS
            assert all(call.path.endswith("/") for call in stand_in.calls)

    run(calls)


def test_all_pages_are_read_by_what_sentry_says_of_the_next_one(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, address, client):
            await send(stand_in, address, *[("event", error("E", f"{n}", place=f"f{n}")) for n in range(205)])
            found = await client.issues("", place=PRODUCTION)
            assert len({each.id for each in found}) == 205
            pages = [call for call in stand_in.calls if call.path.endswith("/issues/")]
            assert len(pages) == 3
            assert all("query=" in call.query for call in pages)
            assert len(await client.issues("", most=7)) == 7

    run(calls)


def test_pages_without_an_end_are_told_and_not_followed_for_ever(tmp_path: Path) -> None:
    class Endless(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
            link = '<https://x/?cursor=0:1:0>; rel="next"; results="true"; cursor="0:1:0"'
            return httpx.Response(200, json=[], headers={"link": link})

    async def calls() -> None:
        async with world(tmp_path, Endless()) as (_, _, client):
            with pytest.raises(VendorError, match="its pages have no end") as raised:
                await client.projects()
            assert raised.value.trouble is Trouble.UNREADABLE

    run(calls)


def test_an_issue_is_new_in_the_release_that_had_it_first_and_ours_is_none(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, address, client):
            await send(
                stand_in,
                address,
                ("event", error(release="api@1")),
                ("event", error(release="api@2")),
                ("event", error("RangeError", place="walk", release="api@2")),
                ("event", error("Probe", place="ask", release="api@2", tags={"shipway": "probe"})),
                ("event", error("Other", place="b", release="api@2", environment="staging")),
            )
            titles = [each.title for each in await client.new_issues("api@2", place=PRODUCTION)]
            assert titles == ["RangeError: x is undefined"]
            counts = await client.error_counts(["api@1", "api@2"], HOUR, place=PRODUCTION)
            assert [each.errors for each in counts] == [1, 2]

    run(calls)


def test_resolved_in_a_release_comes_back_with_that_release_and_not_with_an_older_one(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, address, client):
            await send(stand_in, address, ("event", error(release="api@1")))
            await client.ensure_release("api@2", ["api"])
            [issue] = await client.issues("is:unresolved")
            await client.resolve(issue.id, release="api@2")
            await send(stand_in, address, ("event", error(release="api@1")))
            assert await client.issues("is:unresolved") == ()
            await send(stand_in, address, ("event", error(release="api@2")))
            [back] = await client.issues("is:unresolved")
            assert (back.id, back.substatus) == (issue.id, "regressed")

    run(calls)


def test_an_event_that_is_sent_twice_is_one_and_brings_no_issue_back(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, address, client):
            event = error()
            await send(stand_in, address, ("event", event))
            [issue] = await client.issues("is:unresolved")
            await client.resolve(issue.id)
            await send(stand_in, address, ("event", event))
            assert await client.issues("is:unresolved") == ()
            [same] = await client.issues("")
            assert same.count == 1

    run(calls)


def test_an_environment_that_sentry_never_met_is_told_apart_from_one_without_errors(tmp_path: Path) -> None:
    async def calls() -> None:
        nowhere = Place(environment="nowhere")
        async with world(tmp_path) as (stand_in, address, client):
            await send(stand_in, address, ("event", error()))
            for asking in (
                client.new_issues("api@1", place=nowhere),
                client.error_counts(["api@1"], HOUR, place=nowhere),
                client.requests("api@1", HOUR, place=nowhere),
                client.health(HOUR, place=nowhere),
            ):
                with pytest.raises(
                    VendorError, match="nothing was ever sent to it from the environment nowhere"
                ) as told:
                    await asking
                assert (told.value.trouble, told.value.code) == (Trouble.REFUSING, UNMET)
            assert not await client.arrived("0" * 32, place=nowhere)  # it may be the first one from there
            await send(stand_in, address, ("transaction", transaction(environment="nowhere")))
            assert (await client.error_counts(["api@1"], HOUR, place=nowhere))[0].errors == 0
            async with sentry.connect(TOKEN, "other", address=address) as stranger:
                assert await stranger.organization() is None
                with pytest.raises(VendorError, match="does not exist"):
                    await stranger.new_issues("api@1", place=nowhere)

    run(calls)


def test_requests_of_our_own_and_what_is_no_error_are_not_counted_and_nothing_is_extrapolated(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, address, client):
            await send(
                stand_in,
                address,
                ("event", error()),
                ("event", error(level="warning")),
                ("event", error(level="fatal")),
                ("event", error(tags={"synthetic": "true"})),
                ("transaction", transaction()),
                ("transaction", transaction(tags={"synthetic": "true"})),
                ("transaction", transaction(tags={"shipway": "probe"})),
            )
            [count] = await client.error_counts(["api@1"], HOUR, place=PRODUCTION)
            assert count.errors == 2
            assert await client.requests("api@1", HOUR, place=PRODUCTION) == 1
            assert "disableAggregateExtrapolation=1" in stand_in.calls[-1].query

    run(calls)


def test_an_issue_that_was_there_before_is_not_new_and_events_of_another_environment_are_not_its_own(
    tmp_path: Path,
) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, address, client):
            await send(
                stand_in,
                address,
                ("event", error("Old", place="a", timestamp=time.time() - 1200)),
                ("event", error("Fresh", place="b")),
                ("event", error("Fresh", place="b", environment="staging")),
            )
            since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=10)  # NOW is when all tests began
            [fresh] = await client.new_issues("api@1", place=PRODUCTION, since=since)
            assert fresh.title == "Fresh: x is undefined"
            assert len(await client.new_issues("api@1", place=PRODUCTION)) == 2
            assert len(await client.events(fresh.id, place=PRODUCTION)) == 1
            assert len(await client.events(fresh.id)) == 2

    run(calls)


def test_what_it_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, address, client):
            for query, said in (
                ("is:lost", 'Invalid value for "is" search'),
                ("release:", "Empty string after 'release:'"),
                ("a OR b", 'Boolean statements containing "OR" or "AND" are not supported'),
                ("assigned:me", "assigned is not known here"),
                ("firstSeen:yesterday", "Invalid date"),
            ):
                with pytest.raises(VendorError) as raised:
                    await client.issues(query)
                assert said in str(raised.value)
                assert (raised.value.status, raised.value.trouble) == (400, Trouble.REFUSING)
            with pytest.raises(VendorError, match=r"projects: .*Invalid project ids or slugs"):
                await client.ensure_release("api@2", ["nothing"])
            async with sentry.connect("wrong", "acme", address=address) as stranger:
                with pytest.raises(VendorError, match="Invalid token") as raised:
                    await stranger.projects()
                assert raised.value.trouble is Trouble.DENYING
            stand_in.tokens = {"reader": frozenset({"project:read", "event:read"})}
            async with sentry.connect("reader", "acme", address=address) as reader:
                with pytest.raises(VendorError, match="You do not have permission") as raised:
                    await reader.ensure_release("api@2", ["api"])
                assert raised.value.status == 403

    run(calls)


def test_a_limit_is_waited_out_until_the_reset_that_sentry_names(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, _, client):
            reset = {"x-sentry-rate-limit-reset": str(int(time.time()) + 2), "x-sentry-rate-limit-remaining": "0"}
            stand_in.faults.add(kind="status", status=429, headers=reset)
            began = time.time()
            await client.projects()
            assert time.time() >= int(reset["x-sentry-rate-limit-reset"])
            assert time.time() - began < 4
            crowd = {**reset, "x-sentry-rate-limit-concurrentremaining": "0"}
            crowd["x-sentry-rate-limit-reset"] = str(int(time.time()) + 60)
            stand_in.faults.add(kind="status", status=429, headers=crowd)
            await client.projects()  # too many at once: a moment is enough

    run(calls)


def test_no_version_goes_out_that_can_be_none(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, _, client):
            for version in ("a/b", "a\\b", "a\nb", "..", "latest", "", "v" * 201):
                with pytest.raises(ValueError, match="cannot be the version"):
                    await client.ensure_release(version, ["api"])
            await client.ensure_release("web@1.0+build 7%", ["web"])
            assert (await client.release("web@1.0+build 7%")) is not None
            assert [call.path for call in stand_in.calls][-1].endswith("/releases/web@1.0+build 7%/")

    run(calls)


def test_a_value_means_itself_whatever_is_in_it(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, address, client):
            odd = 'a" OR is:resolved * [b]'
            await send(stand_in, address, ("event", error(release=odd)), ("event", error("B", place="b", release="a")))
            assert [each.title for each in await client.new_issues(odd)] == ["TypeError: x is undefined"]
            assert await client.new_issues('a" OR is:resolved x [b]') == ()
            [count] = await client.error_counts([odd], HOUR)
            assert count.errors == 1

    run(calls)
    assert every(term("release", "a", "b*", negated=True), "", "x") == '!release:["a", "b\\*"] x'
    with pytest.raises(ValueError, match="without a value"):
        term("release")
    with pytest.raises(ValueError, match="backslash"):
        term("release", "a\\")
    with pytest.raises(ValueError, match="without a time zone"):
        written(datetime.datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_an_event_shows_after_the_lag_and_not_before(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path, lag=1.0) as (stand_in, address, client):
            event = error()
            await send(stand_in, address, ("event", event))
            assert not await client.arrived(event["event_id"])
            assert await client.issues("") == ()
            await anyio.sleep(1.1)
            assert await client.arrived(event["event_id"])
            assert len(await client.issues("")) == 1

    run(calls)


def test_what_it_knows_is_there_after_a_restart(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, address, client):
            await send(stand_in, address, ("event", error()))
            [issue] = await client.issues("")
            await client.resolve(issue.id)
            await client.ensure_deploy("api@1", "production", name="d1")
            before = stand_in.dsn("http://h", "api")
        async with world(tmp_path) as (stand_in, address, client):
            [again] = await client.issues("is:resolved")
            assert (again.id, again.first_seen) == (issue.id, issue.first_seen)
            assert [each.name for each in await client.deploys("api@1")] == ["d1"]
            assert stand_in.dsn("http://h", "api") == before

    run(calls)


def test_a_path_without_its_last_slash_leads_elsewhere_and_does_nothing(tmp_path: Path) -> None:
    async def calls() -> None:
        async with world(tmp_path) as (stand_in, address, _), httpx.AsyncClient(trust_env=False) as client:
            path = f"{address}/api/0/organizations/acme/releases"
            answer = await client.post(path, json={"version": "a", "projects": ["api"]})
            assert (answer.status_code, answer.headers["location"]) == (301, f"{path}/")
            assert len(stand_in.store.releases) == 0

    run(calls)
