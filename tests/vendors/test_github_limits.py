from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from ci.errors import Trouble, UsageError, VendorError
from ci.rehearsal.github import AUTHOR, SLUG
from ci.rehearsal.serving import serving
from ci.vendors import github
from ci.vendors.exchange import Patience
from ci.vendors.github.texts import LONGEST_BODY, bears, cut, mark, marked, short
from tests.vendors.github_world import QUICK, play, refused
from tests.vendors.subjects.github import Both, both, seeded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ci.rehearsal.github import GitHub as StandIn

LONG = "You have exceeded a secondary rate limit and have been temporarily blocked from content creation."


def asked(answer: Callable[[httpx.Request], httpx.Response]) -> tuple[VendorError | None, list[httpx.Request]]:
    """Ask for the issues of a label where everything is answered like this."""
    requests: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return answer(request)

    async def run() -> VendorError | None:
        patience = Patience(request=5, whole=5, first=0.01, tries=3)
        client = github.connect(AUTHOR.token, SLUG, patience=patience, transport=httpx.MockTransport(note))
        async with client:
            try:
                await client.issues.labelled("shipway")
            except VendorError as error:
                return error
        return None

    return anyio.run(run), requests


def limit(status: int, message: str, headers: dict[str, str]) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, json={"message": message}, headers=headers)


@pytest.mark.parametrize("status", [403, 429])
def test_the_end_of_the_hour_is_waited_for_where_it_is_near(status: int) -> None:
    reset, moments = int(time.time()) + 2, list[float]()

    def answer(_request: httpx.Request) -> httpx.Response:
        moments.append(time.time())
        if len(moments) > 1:
            return httpx.Response(200, json=[])
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
        return httpx.Response(status, json={"message": "API rate limit exceeded for user ID 1."}, headers=headers)

    error, _ = asked(answer)
    assert error is None
    assert len(moments) == 2
    assert moments[1] >= reset


@pytest.mark.parametrize("status", [403, 429])
def test_an_hour_that_ends_too_late_to_wait_for_is_told_at_once(status: int) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 3600)}
        return httpx.Response(status, json={"message": "API rate limit exceeded for user ID 1."}, headers=reset)

    error, requests = asked(answer)
    assert error is not None
    assert (error.trouble, len(requests)) == (Trouble.LIMITING, 1)
    assert "it asks to wait 36" in str(error) or "it asks to wait 3599" in str(error)


def test_a_reset_that_is_past_is_no_time_to_wait() -> None:
    error, requests = asked(
        limit(403, "API rate limit exceeded", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"})
    )
    assert error is not None
    assert (error.trouble, len(requests)) == (Trouble.LIMITING, 3)


def test_a_secondary_limit_that_names_no_time_is_a_minute() -> None:
    error, requests = asked(limit(403, LONG, {}))
    assert error is not None
    assert (error.trouble, len(requests)) == (Trouble.LIMITING, 1)
    assert "it asks to wait 60 s" in str(error)


def test_a_denial_with_the_same_status_is_no_limit() -> None:
    error, requests = asked(limit(403, "Resource not accessible by integration", {"x-ratelimit-remaining": "4999"}))
    assert error is not None
    assert (error.trouble, len(requests)) == (Trouble.DENYING, 1)


def test_a_repository_that_was_renamed_is_named_as_such() -> None:
    error, requests = asked(lambda _request: httpx.Response(301, json={"message": "Moved Permanently"}))
    assert error is not None
    assert "name it as it is called now" in str(error)
    assert {request.url.host for request in requests} == {"api.github.com"}


def test_the_way_to_the_next_page_leads_nowhere_else() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        link = {} if "after" in request.url.params else {"link": '<https://evil.test/x?after=abc&page=2>; rel="next"'}
        return httpx.Response(200, json=[], headers=link)

    error, requests = asked(answer)
    assert error is None
    assert [(request.url.host, request.url.path) for request in requests] == [
        ("api.github.com", f"/repos/{SLUG}/issues"),
        ("api.github.com", f"/repos/{SLUG}/issues"),
    ]
    assert requests[1].url.params["after"] == "abc"


def test_pages_without_an_end_are_told() -> None:
    link = {"link": f'<https://api.github.com/repos/{SLUG}/issues?page=2>; rel="next"'}
    error, requests = asked(lambda _request: httpx.Response(200, json=[], headers=link))
    assert error is not None
    assert (error.trouble, len(requests)) == (Trouble.UNREADABLE, 100)


def test_budgets_are_counted_apart_and_to_ask_for_them_is_free(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        stand_in.state.gate.limits = {"core": 3, "search": 1}
        await it.author.issues.search("ill")
        error = await refused(it.author.issues.search("ill"), "API rate limit exceeded for user ID 101", 403)
        assert error.trouble is Trouble.LIMITING
        for _ in range(3):
            await it.author.repository()
        await refused(it.author.repository(), "API rate limit exceeded", 403)
        rates = await it.author.rates()
        assert (rates.core.remaining, rates.search.remaining, rates.core.used) == (0, 0, 3)
        assert (await it.reviewer.rates()).core.remaining == 3

    play(tmp_path, scene)


def test_who_does_not_say_who_they_are_is_turned_away(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(seeded(tmp_path)) as address:
            async with github.connect("another-token", SLUG, address=address) as client:
                error = await refused(client.repository(), "Bad credentials", 401)
                assert error.trouble is Trouble.DENYING
            async with both(address, QUICK) as it:
                error = await refused(it.app.account(), "not accessible by integration", 403)
                assert (await it.app.repository()) is not None
            async with github.connect(AUTHOR.token, "acme/none", address=address) as client:
                assert await client.repository() is None
            async with httpx.AsyncClient(base_url=address) as plain:
                assert (await plain.get("/user")).status_code == 401
                assert (await plain.get(f"/repos/{SLUG}")).status_code == 404
                token = {"authorization": f"token {AUTHOR.token}"}
                assert (await plain.get("/user", headers={**token, "user-agent": ""})).status_code == 403
                old = {**token, "x-github-api-version": "2020-01-01"}
                assert (await plain.get("/user", headers=old)).status_code == 400
                assert (await plain.post(f"/repos/{SLUG}/issues", headers=token, content=b"{")).status_code == 400

    anyio.run(run)


@pytest.mark.parametrize("name", ["receipts", "acme/", "acme/re ceipts", "acme/..", "a/b/c", "https://github.com/a/b"])
def test_what_is_no_repository_is_told_before_anything_is_asked(name: str) -> None:
    with pytest.raises(UsageError, match="owner/name"):
        github.connect(AUTHOR.token, name)


@pytest.mark.parametrize("name", ["", "../../user", "a//b", "a/./b", "/a"])
def test_a_name_does_not_lead_out_of_its_place(name: str, tmp_path: Path) -> None:
    async def scene(_: StandIn, it: Both) -> None:
        for awaitable in (
            it.author.refs.sha(name),
            it.author.commits.get(name),
            it.author.objects.file(name, ref="main"),
        ):
            with pytest.raises(UsageError, match="is no name on GitHub"):
                await awaitable

    play(tmp_path, scene)


def test_texts_are_as_long_as_github_takes_them_and_keep_their_mark() -> None:
    assert short("a\n b " + "c" * 300, 140) == "a b " + "c" * 135 + "\u2026"
    assert short("whole", 140) == "whole"
    long = marked("x" * 70_000, "incident:1")
    assert len(long) == LONGEST_BODY
    assert bears(long, "incident:1")
    assert "cut: GitHub takes no more" in long
    assert cut("whole") == "whole"
    assert marked("text", "a-b") == "text\n\n<!-- shipway a-b -->"


def test_a_mark_counts_as_a_line_of_its_own_and_whole() -> None:
    line = mark("incident:1")
    assert bears(f"text\n{line}  \r\nmore", "incident:1")
    assert not bears(f"> {line}", "incident:1")
    assert not bears(f"see {line}", "incident:1")
    assert not bears(mark("incident:12"), "incident:1")
    assert not bears(None, "incident:1")


@pytest.mark.parametrize("key", ["", "a b", "a--b", "a-->", "-a", "a\nb"])
def test_a_key_that_would_break_its_mark_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="cannot mark"):
        mark(key)
