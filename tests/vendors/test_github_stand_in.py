"""What the stand-in does that its client never asks for, or asks for in the end only."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from ci.rehearsal.github import AUTHOR, GitHub, Rules
from ci.rehearsal.serving import serving
from tests.vendors.subjects.github import SHA, seeded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

WHO = {"authorization": f"Bearer {AUTHOR.token}", "user-agent": "a test"}
FILE = {"message": "m", "content": base64.b64encode(b"x").decode()}


def ask(directory: Path, scene: Callable[[GitHub, httpx.AsyncClient], Awaitable[None]]) -> None:
    """Let the stand-in be asked about its repository."""

    async def run() -> None:
        it = seeded(directory)
        it.state.index_after = it.state.mergeable_after = 0.0
        async with serving(it) as address, httpx.AsyncClient(headers=WHO, trust_env=False) as client:
            client.base_url = httpx.URL(f"{address}/repos/{it.state.slug}")
            await scene(it, client)

    anyio.run(run)


def test_a_pull_request_that_is_opened_again_stands_where_its_branches_do(tmp_path: Path) -> None:
    async def scene(it: GitHub, client: httpx.AsyncClient) -> None:
        made = await client.post("/pulls", json={"title": "t", "head": "feature", "base": "main"})
        pull = f"/pulls/{made.json()['number']}"
        await client.patch(pull, json={"state": "closed"})
        for branch in ("feature", "main"):
            assert (await client.put(f"/contents/{branch}.txt", json={**FILE, "branch": branch})).status_code == 201
        assert (await client.patch(pull, json={"state": "open"})).status_code == 200
        found = (await client.get(pull)).json()
        heads = [it.state.bare.head(branch) for branch in ("feature", "main")]
        assert [found[end]["sha"] for end in ("head", "base")] == heads
        assert (await client.put(f"{pull}/merge", json={"sha": heads[0]})).status_code == 200

    ask(tmp_path, scene)


def test_a_pull_request_is_not_opened_again_where_its_head_was_made_anew_or_has_nothing_new(tmp_path: Path) -> None:
    async def scene(_it: GitHub, client: httpx.AsyncClient) -> None:
        made = await client.post("/pulls", json={"title": "t", "head": "feature", "base": "main"})
        pull = f"/pulls/{made.json()['number']}"
        await client.patch(pull, json={"state": "closed"})
        for sha, words in ((SHA["main"], "force-pushed or recreated"), (SHA["feature"], "no new commits")):
            await client.patch("/git/refs/heads/feature", json={"sha": sha, "force": True})
            if sha == SHA["feature"]:
                await client.patch("/git/refs/heads/main", json={"sha": sha})
            refused = await client.patch(pull, json={"state": "open"})
            assert (refused.status_code, words in refused.text) == (422, True)

    ask(tmp_path, scene)


def test_a_listener_that_raises_stops_no_push_and_no_other_listener(tmp_path: Path) -> None:
    async def scene(it: GitHub, client: httpx.AsyncClient) -> None:
        heard: list[str] = []

        def fail(branch: str, *_: str | None) -> None:
            raise RuntimeError(f"no room for {branch}")

        it.on_push.extend([fail, lambda branch, *_: heard.append(branch)])
        made = await client.post("/git/refs", json={"ref": "refs/heads/new", "sha": SHA["main"]})
        assert (made.status_code, heard) == (201, ["new"])
        assert list(it.state.pushes.values())[-1]["unheard"] == "RuntimeError: no room for new"

    ask(tmp_path, scene)


def test_a_lock_that_a_killed_git_left_is_gone_after_a_restart(tmp_path: Path) -> None:
    async def run() -> None:
        bare = seeded(tmp_path).state.bare.path
        for name in ("refs/heads/behind.lock", "packed-refs.lock", "HEAD.lock"):
            (bare / name).touch()
        async with serving(GitHub(tmp_path)) as address, httpx.AsyncClient(headers=WHO, trust_env=False) as client:
            place = f"{address}/repos/acme/receipts/git/refs/heads/behind"
            assert (await client.patch(place, json={"sha": SHA["main"], "force": True})).status_code == 200
            assert (await client.delete(place)).status_code == 204

    anyio.run(run)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("repo:acme/receipts is:issue state:open marker", 1),
        ("type:issue in:body marker", 1),
        ("type:pr marker", 0),
        ("in:title marker", 0),
        ("in:comments remark", 1),
        ("is:issue -label:shipway marker", 0),
        ("label:shipway author:founder marker", 0),
        ("repo:acme/other marker", 0),
        ("is:nonsense marker", None),
        ("colour:red marker", None),
    ],
)
def test_a_search_heeds_the_qualifiers_that_it_knows_and_refuses_all_others(
    tmp_path: Path, query: str, found: int | None
) -> None:
    async def scene(_it: GitHub, client: httpx.AsyncClient) -> None:
        await client.post("/issues", json={"title": "It is ill", "body": "a Marker", "labels": ["shipway"]})
        await client.post("/issues/1/comments", json={"body": "A remark"})
        address = str(client.base_url).partition("/repos/")[0]
        answer = await client.get(f"{address}/search/issues", params={"q": query})
        assert answer.json().get("total_count") == found
        assert answer.status_code == (422 if found is None else 200)

    ask(tmp_path, scene)


def test_a_deployment_merges_nothing_into_a_branch_whose_rules_are_against_it(tmp_path: Path) -> None:
    async def scene(it: GitHub, client: httpx.AsyncClient) -> None:
        it.state.protect("behind", Rules(approvals=1))
        answer = await client.post("/deployments", json={"ref": "behind", "required_contexts": []})
        assert (answer.status_code, it.state.bare.head("behind")) == (409, SHA["behind"])

    ask(tmp_path, scene)


def test_the_default_branch_stays(tmp_path: Path) -> None:
    async def scene(it: GitHub, client: httpx.AsyncClient) -> None:
        answer = await client.delete("/git/refs/heads/main")
        assert (answer.status_code, it.state.bare.head("main")) == (422, SHA["main"])

    ask(tmp_path, scene)


@pytest.mark.parametrize("path", ["%2e%2e/evil.txt", ".git/config", "a/.GIT/x", "a//b", "a/%2e/b"])
def test_a_path_that_no_tree_can_have_is_refused(tmp_path: Path, path: str) -> None:
    async def scene(_it: GitHub, client: httpx.AsyncClient) -> None:
        assert (await client.put(f"/contents/{path}", json=FILE)).status_code == 422
        assert (await client.get(f"/contents/{path}")).status_code == 404
        entry = {"path": path.replace("%2e", "."), "mode": "100644", "content": "x"}
        assert (await client.post("/git/trees", json={"tree": [entry]})).status_code == 422

    ask(tmp_path, scene)


def test_issues_are_listed_since_a_moment_and_comments_get_another_text(tmp_path: Path) -> None:
    async def scene(_it: GitHub, client: httpx.AsyncClient) -> None:
        await client.post("/issues", json={"title": "It is ill"})
        counts = {}
        for since in ("2099-01-01T00:00:00Z", "2020-01-01T00:00:00+02:00"):
            counts[since[:4]] = len((await client.get("/issues", params={"since": since})).json())
        assert counts == {"2099": 0, "2020": 1}
        assert (await client.get("/issues?since=yesterday")).status_code == 422
        made = (await client.post("/issues/1/comments", json={"body": "one"})).json()["id"]
        assert (await client.patch(f"/issues/comments/{made}", json={"body": "two"})).json()["body"] == "two"
        assert [each["body"] for each in (await client.get("/issues/1/comments")).json()] == ["two"]
        assert (await client.patch("/issues/comments/1", json={"body": "two"})).status_code == 404

    ask(tmp_path, scene)


def test_branches_and_commits_are_listed(tmp_path: Path) -> None:
    async def scene(it: GitHub, client: httpx.AsyncClient) -> None:
        it.state.protect("main", Rules(approvals=1))
        found = {each["name"]: each["commit"]["sha"] for each in (await client.get("/branches")).json()}
        assert (found["main"], found["feature"]) == (SHA["main"], SHA["feature"])
        assert [each["name"] for each in (await client.get("/branches?protected=true")).json()] == ["main"]
        listed = await client.get("/commits?sha=feature&per_page=2")
        assert [each["sha"] for each in listed.json()] == [SHA["feature"], SHA["main"]]
        assert [each["sha"] for each in (await client.get(listed.links["next"]["url"])).json()] == [SHA["first"]]

    ask(tmp_path, scene)
