from __future__ import annotations

import dataclasses
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from graphql import build_schema, parse

from ci.errors import Trouble, VendorError
from ci.rehearsal.linear import Linear
from ci.rehearsal.linear_cost import MOST, cost
from ci.rehearsal.linear_schema import published
from ci.rehearsal.linear_world import TEAM, attach, create_issue
from ci.rehearsal.serving import serving
from ci.vendors import linear, linear_words
from ci.vendors.exchange import Patience
from ci.vendors.linear import derived
from tests.vendors.graphql_contract import HoldingGraph, beyond
from tests.vendors.graphql_contract import linear as contract
from tests.vendors.subjects.linear import DRAFT, KEY, STATES_BY_NAME, URL

if TYPE_CHECKING:
    from pathlib import Path

QUICK = Patience(request=2.0, whole=6.0, first=0.01, tries=3)


def test_all_that_it_asks_and_all_that_is_answered_is_in_the_contract(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Linear(tmp_path)) as address:
            holding = HoldingGraph()
            async with linear.connect(KEY, address=address, transport=holding) as client:
                assert (await client.workspace()).key == "receipts"
                team = await client.team("REC")
                assert team is not None
                states = {state.name: state for state in await client.states(team.id)}
                assert states["Todo"].type == "unstarted"
                label = await client.ensure_label("shipway:stop", team=team.id)
                assert await client.ensure_label("shipway:stop", team=team.id) == label
                assert await client.label("shipway:stop", team=team.id) == label
                assert await client.open_with("shipway:stop", team=team.id) == ()
                issue = await client.create(dataclasses.replace(DRAFT, labels=(label.id,)), key="incident-1")
                assert (issue.identifier, issue.is_open, issue.state) == ("REC-1", True, states["Todo"])
                assert await client.create(DRAFT, key="incident-1") == issue
                assert await client.issue(issue.id) == issue
                assert await client.issue("REC-1") == issue
                assert await client.open_with("shipway:stop", team=team.id) == (issue,)
                assert await client.linked(URL) == ()
                await client.link(issue.id, url=URL, title="Sentry")
                await client.link(issue.id, url=URL, title="Sentry")
                assert await client.linked(URL) == (issue,)
                comment = await client.comment(issue.id, "It is back.", key="incident-1/back")
                assert await client.comment(issue.id, "It is back.", key="incident-1/back") == comment
                moved = await client.move(issue.id, state=states["Done"].id)
                assert not moved.is_open
                assert await client.open_with("shipway:stop", team=team.id) == ()
            assert set(holding.seen) == {
                "organization",
                "viewer",
                "teams",
                "workflowStates",
                "issueLabels",
                "issueLabelCreate",
                "issues",
                "issue",
                "issueCreate",
                "issueUpdate",
                "attachmentsForURL",
                "attachmentLinkURL",
                "comment",
                "commentCreate",
            }

    anyio.run(calls)


def test_what_the_stand_in_knows_is_a_part_of_the_contract() -> None:
    assert list(beyond(build_schema(published()), contract())) == []


def test_a_part_that_is_beyond_the_contract_is_found() -> None:
    whole = build_schema("type Query { a(b: Int): String c: E } enum E { X }")
    part = build_schema("type Query { a(b: String): String c: E d: F } enum E { X Y } type F { g: Int }")
    assert sorted(beyond(part, whole)) == ["E.Y", "F", "Query.a(b)", "Query.d"]


def test_every_query_says_how_many_it_wants_and_costs_a_part_of_what_is_allowed() -> None:
    queries = {name: text for name, text in vars(linear_words).items() if isinstance(text, str) and "(" in text}
    for name, text in queries.items():
        if name.isupper() and text.lstrip().startswith(("query", "mutation")):
            assert cost(parse(text), {}) < MOST / 3, name
            for connection in ("labels(", "issues(", "teams(", "attachmentsForURL(", "issueLabels(", "workflowStates("):
                assert text.count(connection) == text.count(f"{connection}first:"), name


def test_an_id_of_ours_is_a_uuid_of_version_4_and_the_same_each_time() -> None:
    assert uuid.UUID(derived("incident-1")).version == 4
    assert derived("incident-1") == derived("incident-1") != derived("incident-2")


def test_two_who_make_the_same_issue_at_once_make_one(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Linear(tmp_path)
        async with serving(stand_in) as address:
            found: list[str] = []

            async def make() -> None:
                async with linear.connect(KEY, address=address) as client:
                    found.append((await client.create(DRAFT, key="incident-1")).identifier)

            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(make)
            assert found == ["REC-1"] * 5
            assert len(stand_in.world.shelf("issues")) == 1

    anyio.run(calls)


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Linear(tmp_path)) as address, linear.connect(KEY, address=address) as client:
            assert await client.team("NONE") is None
            assert await client.issue("REC-99") is None
            assert await client.label("none", team=TEAM["id"]) is None
            assert await client.states("none") == ()

    anyio.run(calls)


def test_the_teams_own_label_goes_before_the_workspaces(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Linear(tmp_path)
        labels = stand_in.world.shelf("labels")
        async with serving(stand_in) as address, linear.connect(KEY, address=address) as client:
            labels["w"] = {"id": "w", "name": "bug", "team": None, "color": "#000000"}
            found = await client.ensure_label("bug", team=TEAM["id"])
            assert (found.id, found.team) == ("w", None)
            labels["t"] = {"id": "t", "name": "bug", "team": TEAM["id"], "color": "#000000"}
            found = await client.ensure_label("bug", team=TEAM["id"])
            assert (found.id, found.team) == ("t", TEAM["id"])

    anyio.run(calls)


def test_lists_are_read_to_their_end(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Linear(tmp_path)
        async with serving(stand_in) as address, linear.connect(KEY, address=address) as client:
            label = await client.ensure_label("shipway:stop", team=TEAM["id"])
            given = {"teamId": TEAM["id"], "title": DRAFT.title, "labelIds": [label.id]}
            for _ in range(55):
                issue = create_issue(stand_in.world, given, address)
                attach(stand_in.world, {"issueId": issue["id"], "url": URL})
            stand_in.calls.clear()
            assert len({issue.id for issue in await client.open_with("shipway:stop", team=TEAM["id"])}) == 55
            assert len(await client.linked(URL)) == 55
            assert len(stand_in.calls) == 4

    anyio.run(calls)


def test_what_it_refuses_with_200_is_told_in_its_own_words(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Linear(tmp_path)) as address, linear.connect(KEY, address=address) as client:
            with pytest.raises(
                VendorError, match=r"Could not find referenced Team\.: Entity not found: Team"
            ) as raised:
                await client.create(dataclasses.replace(DRAFT, team="none"), key="incident-1")
            error = raised.value
            assert (error.trouble, error.status, error.code) == (Trouble.REFUSING, 200, "INPUT_ERROR")
            with pytest.raises(VendorError, match="title must be longer"):
                await client.create(dataclasses.replace(DRAFT, title=""), key="incident-1")

    anyio.run(calls)


def test_a_key_with_bearer_or_none_is_denied(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Linear(tmp_path)) as address:
            for key, words in ((f"Bearer {KEY}", "Remove the Bearer prefix"), ("lin_api_none", "not authenticated")):
                async with linear.connect(key, address=address) as client:
                    with pytest.raises(VendorError, match=words) as raised:
                        await client.workspace()
                    assert raised.value.trouble is Trouble.DENYING
                    assert KEY not in str(raised.value)

    anyio.run(calls)


def test_who_asks_too_often_waits_until_the_reset_in_milliseconds(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Linear(tmp_path, requests=2, window=1.5)
        async with serving(stand_in) as address, linear.connect(KEY, address=address, patience=QUICK) as client:
            began = time.monotonic()
            for _ in range(3):
                await client.workspace()
            assert 0.5 < time.monotonic() - began < 6
            assert [call.status for call in stand_in.calls] == [200, 200, 400, 200]

    anyio.run(calls)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "slowly", "extensions": {"code": "RATELIMITED"}},
        {"message": "slowly", "extensions": {"type": "ratelimited"}},
    ],
)
def test_a_limit_is_known_by_its_code_or_by_its_type(tmp_path: Path, error: dict[str, Any]) -> None:
    async def calls() -> None:
        stand_in = Linear(tmp_path)
        body = httpx.Response(400, json={"errors": [error]}).text
        async with serving(stand_in) as address, linear.connect(KEY, address=address, patience=QUICK) as client:
            stand_in.faults.add(kind="status", status=400, body=body, times=2)
            assert (await client.workspace()).key == "receipts"
            far = {
                "x-ratelimit-requests-remaining": "0",
                "x-ratelimit-requests-reset": f"{(time.time() + 900) * 1e3:.0f}",
            }
            stand_in.faults.add(kind="status", status=400, body=body, headers=far, times=9)
            with pytest.raises(VendorError, match=r"it asks to wait (89.|900) s") as raised:
                await client.workspace()
            assert raised.value.trouble is Trouble.LIMITING
            assert stand_in.faults.waiting[0].times == 8  # too long to wait for: told at once

    anyio.run(calls)


@pytest.mark.parametrize("body", ['{"errors": "no"}', '{"errors": [1], "data": {}}', '{"data": null}', "[]", "null"])
def test_an_answer_of_any_shape_is_an_error_and_no_crash(tmp_path: Path, body: str) -> None:
    async def calls() -> None:
        stand_in = Linear(tmp_path)
        async with serving(stand_in) as address, linear.connect(KEY, address=address, patience=QUICK) as client:
            stand_in.faults.add(kind="status", status=200, body=body, times=9)
            with pytest.raises(VendorError):
                await client.team("REC")

    anyio.run(calls)


def test_a_query_that_costs_too_much_or_is_none_is_refused(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Linear(tmp_path)) as address, httpx.AsyncClient(headers={"authorization": KEY}) as http:

            async def ask(query: str) -> httpx.Response:
                return await http.post(f"{address}/graphql", json={"query": query})

            deep = await ask("{ issues { nodes { labels(first: 200) { nodes { id name color team { id name } } } } } }")
            assert (deep.status_code, "too complex" in deep.text) == (400, True)
            assert (await ask("{ issues(first: 5) { nodes { id } } }")).status_code == 200
            assert (await ask("{ nothing }")).status_code == 400
            assert (await ask("{")).status_code == 400
            assert (await http.post(f"{address}/graphql", content=b"?")).status_code == 400

    anyio.run(calls)


def test_issues_are_searched_by_words_and_compared_without_case(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Linear(tmp_path)
        for title, text in (("A payment failed", "by a Marker"), ("Marker of a failure", "none"), ("Calm", "quiet")):
            create_issue(stand_in.world, {"teamId": TEAM["id"], "title": title, "description": text}, "http://x.test")
        async with serving(stand_in) as address, httpx.AsyncClient(headers={"authorization": KEY}) as http:

            async def found(query: str, variables: object = None) -> Any:
                body = {"query": query, "variables": variables}
                return (await http.post(f"{address}/graphql", json=body)).json()

            search = '{searchIssues(term: "marker FAIL", first: 5) {totalCount nodes {title team {key}}}}'
            told = (await found(search))["data"]["searchIssues"]
            assert told["totalCount"] == 2
            assert [each["title"] for each in told["nodes"]] == ["Marker of a failure", "A payment failed"]
            issues = "{issues(first: 5, filter: {title: {%s}}) {nodes {title}}}"
            for words, count in (('containsIgnoreCase: "CALM"', 1), ('notContainsIgnoreCase: "CALM"', 2)):
                assert len((await found(issues % words))["data"]["issues"]["nodes"]) == count
            assert (await found("{viewer {id}}", [1]))["errors"]

    anyio.run(calls)


def test_what_it_knows_is_there_after_a_restart(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Linear(tmp_path)) as address, linear.connect(KEY, address=address) as client:
            issue = await client.create(DRAFT, key="incident-1")
            await client.move(issue.id, state=STATES_BY_NAME["In Progress"])
        async with serving(Linear(tmp_path)) as address, linear.connect(KEY, address=address) as client:
            found = await client.create(DRAFT, key="incident-1")
            assert (found.identifier, found.state.name) == ("REC-1", "In Progress")

    anyio.run(calls)


def test_a_person_sees_an_issue_and_nothing_of_it_runs(tmp_path: Path) -> None:
    async def calls() -> None:
        evil = "<script>alert(1)</script>"
        async with serving(Linear(tmp_path)) as address, linear.connect(KEY, address=address) as client:
            draft = dataclasses.replace(DRAFT, title=evil, description=evil)
            issue = await client.create(draft, key="incident-1")
            await client.comment(issue.id, evil, key="c")
            await client.link(issue.id, url="javascript:alert(1)", title=evil)
            async with httpx.AsyncClient() as person:
                page = await person.get(issue.url)
                assert (await person.get(f"{address}/receipts/issue/REC-9")).status_code == 404
        assert evil not in page.text
        assert "javascript:" not in page.text
        assert page.text.count("&lt;script&gt;") >= 4

    anyio.run(calls)


def test_an_issue_that_is_a_duplicate_is_not_open(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Linear(tmp_path)
        done = next(each for each in stand_in.world.shelf("states").values() if each["type"] == "completed")
        stand_in.world.shelf("states")["duplicate"] = {**done, "id": "duplicate", "type": "duplicate"}
        async with serving(stand_in) as address, linear.connect(KEY, address=address, patience=QUICK) as client:
            label = await client.ensure_label("shipway:stop", team=TEAM["id"])
            issue = await client.create(dataclasses.replace(DRAFT, labels=(label.id,)), key="incident-1")
            assert await client.open_with("shipway:stop", team=TEAM["id"]) == (issue,)
            assert not (await client.move(issue.id, state="duplicate")).is_open
            assert await client.open_with("shipway:stop", team=TEAM["id"]) == ()

    anyio.run(calls)


def test_pages_without_an_end_are_told(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Linear(tmp_path)
        page = {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "the same"}}
        body = json.dumps({"data": {"workflowStates": page}})
        async with serving(stand_in) as address, linear.connect(KEY, address=address, patience=QUICK) as client:
            stand_in.faults.add(kind="status", status=200, body=body, times=1000)
            with pytest.raises(VendorError, match="its pages have no end"):
                await client.states(TEAM["id"])
            assert stand_in.faults.waiting[0].times == 1000 - 2  # the second one says the same as the first

    anyio.run(calls)
