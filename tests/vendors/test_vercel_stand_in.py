"""What the stand-in answers where the real one is particular, and nobody's client asks."""

from __future__ import annotations

import contextlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from ci.rehearsal.serving import serving
from ci.rehearsal.vercel import Project
from ci.vendors.pace import until
from tests.conftest import IDENTITY
from tests.vendors.contract import Holding
from tests.vendors.subjects.vercel import COMMIT, NAME, NEWER, OLDER, QUICK, SLOW, TEAM, TOKEN, Quick, stand_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SOURCE = {"type": "github", "repoId": 1, "ref": "main"}


@contextlib.asynccontextmanager
async def asking(directory: Path, *, held: bool = False) -> AsyncIterator[tuple[Quick, httpx.AsyncClient]]:
    """Give the stand-in with its two deployments, and a client whose traffic is, if `held`, held to the contract."""
    it = stand_in(directory)
    async with serving(it) as address:
        holding = Holding("vercel", address) if held else None
        headers, query = {"authorization": f"Bearer {TOKEN}"}, {"teamId": TEAM}
        async with httpx.AsyncClient(base_url=address, headers=headers, params=query, transport=holding) as client:
            yield it, client


def project(it: Quick) -> dict[str, Any]:
    found = it.account.project(NAME)
    assert found is not None
    return found


def of(it: Quick, commit: str) -> dict[str, Any]:
    """Return the newest deployment of a commit."""
    return next(each for each in it.account.of(project(it)) if each["commit"] == commit)


async def settled(it: Quick, commit: str) -> dict[str, Any]:
    """Return the newest deployment of a commit when it is built."""

    async def look() -> dict[str, Any] | None:
        found = of(it, commit)
        return found if found["state"] == "READY" else None

    found = await until(look, QUICK)
    assert found is not None
    return found


def test_a_push_that_is_ready_in_the_middle_of_a_rollback_takes_no_domain(tmp_path: Path) -> None:
    async def calls() -> None:
        async with asking(tmp_path) as (it, client):
            await it.add(Project(name="two", repository="nowhere", ports=(0, 0)))
            two = it.account.project("two") or {}
            for commit in (OLDER, NEWER):
                it.pushed("main", commit)
                await settled(it, commit)
            older = next(each for each in it.account.of(two) if each["commit"] == OLDER)

            async def leads(domains: int) -> bool | None:
                names = [each for each in it.account.aliases.values() if each["project"] == two["id"]]
                return [each["deployment"] for each in names].count(older["id"]) == domains or None

            it._moving._delay = 1.0  # noqa: SLF001 - the pace of a move: long enough for a busy machine to come in between
            assert (await client.post(f"/v1/projects/two/rollback/{older['id']}")).status_code == 201
            assert await until(lambda: leads(1), QUICK)
            it.pushed("main", COMMIT)
            await settled(it, COMMIT)
            assert await until(lambda: leads(2), QUICK)

            async def over() -> bool | None:
                found = it.account.projects[two["id"]]
                return found["request"]["jobStatus"] == "succeeded" or None

            assert await until(over, QUICK)
            now = it.account.projects[two["id"]]
            assert (now["production"], now["auto_assign"]) == (older["id"], False)
            assert await leads(2)

    anyio.run(calls)


def test_retention_counts_previews_apart_and_leaves_the_way_back_and_the_target_of_a_move(tmp_path: Path) -> None:
    async def calls() -> None:
        async with asking(tmp_path) as (it, client):
            it._retention.keep = 1  # noqa: SLF001 - of production's
            for number in range(15):
                it.pushed("fix", f"{number:040}")
                await settled(it, f"{number:040}")
            assert not of(it, OLDER)["removed"]
            assert [each["removed"] for each in it.account.of(project(it)) if each["branch"] == "fix"].count(
                False
            ) == 12
            it._moving._delay = 0.3  # noqa: SLF001 - so that a build comes in between
            for commit in ("1" * 40, "2" * 40):
                it.pushed("main", commit)
                await settled(it, commit)
            assert (of(it, OLDER)["removed"], of(it, NEWER)["removed"], of(it, "1" * 40)["removed"]) == (
                True,
                True,
                False,
            )
            back = of(it, "1" * 40)["id"]
            assert (await client.post(f"/v1/projects/{NAME}/rollback/{back}")).status_code == 201
            for commit in ("3" * 40, "4" * 40):
                it.pushed("main", commit)
                await settled(it, commit)
            assert not it.account.deployments[back]["removed"]

            async def serves() -> bool | None:
                return project(it)["production"] == back or None

            assert await until(serves, QUICK)

    anyio.run(calls)


def test_a_deployment_of_the_same_is_given_again_unless_a_new_one_is_forced(tmp_path: Path) -> None:
    async def calls() -> None:
        async with asking(tmp_path) as (_, client):
            order = {"name": NAME, "target": "production", "gitSource": {**SOURCE, "sha": COMMIT}}
            ids = [(await client.post("/v13/deployments", json=order)).json()["id"] for _ in range(2)]
            forced = (await client.post("/v13/deployments", params={"forceNew": "1"}, json=order)).json()["id"]
            other = (await client.post("/v13/deployments", json={**order, "target": None})).json()["id"]
            assert (ids[0] == ids[1], len({*ids, forced, other})) == (True, 3)

    anyio.run(calls)


def test_an_order_by_its_branch_is_of_the_newest_commit_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for words in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *IDENTITY, *words], cwd=source, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=source, check=True, capture_output=True, text=True).stdout

    async def calls() -> None:
        async with asking(tmp_path / "vercel") as (it, client):
            await it.add(Project(name=NAME, repository=str(source)))

            async def ordered(**body: Any) -> httpx.Response:
                return await client.post("/v13/deployments", json={"name": NAME, **body})

            assert (await ordered(gitSource=SOURCE)).json()["gitSource"]["sha"] == head.strip()
            for wrong in (
                {"gitSource": {**SOURCE, "ref": "none"}},
                {"gitSource": {"type": "github", "repoId": 1, "sha": COMMIT}},
                {"gitSource": {**SOURCE, "sha": COMMIT}, "target": "nonsense"},
                {"gitSource": {**SOURCE, "sha": COMMIT}, "env": ["A=b"]},
                {"gitSource": "main"},
                {"deploymentId": ["x"]},
            ):
                assert (await ordered(**wrong)).status_code == 400, wrong

    anyio.run(calls)


def test_what_is_no_number_is_refused_and_a_list_without_a_project_is_of_all(tmp_path: Path) -> None:
    async def calls() -> None:
        async with asking(tmp_path) as (it, client):
            await it.add(Project(name="another", repository="nowhere"))
            it.pushed("main", COMMIT)
            found = (await client.get("/v7/deployments")).json()["deployments"]
            assert sorted(each["name"] for each in found) == ["another", NAME, NAME, NAME]
            assert (await client.get("/v7/deployments", params={"projectId": "none"})).json()["deployments"] == []
            for query in ({"limit": "x"}, {"until": "x"}, {"since": ""}):
                assert (await client.get("/v7/deployments", params=query)).status_code == 400
            assert (await client.get("/v4/aliases", params={"until": "x"})).status_code == 400
            events = f"/v3/deployments/{of(it, OLDER)['id']}/events"
            assert (await client.get(events, params={"limit": "x"})).status_code == 400

    anyio.run(calls)


def test_the_command_that_says_whether_to_build_is_kept(tmp_path: Path) -> None:
    async def calls() -> None:
        async with asking(tmp_path) as (_, client):
            for command in ("git diff --quiet HEAD^ HEAD ./", None):
                body = {"commandForIgnoringBuildStep": command}
                assert (await client.patch(f"/v9/projects/{NAME}", json=body)).status_code == 200
                told = (await client.get(f"/v9/projects/{NAME}")).json()
                assert (told["commandForIgnoringBuildStep"], told["autoAssignCustomDomains"]) == (command, True)

    anyio.run(calls)


def test_a_domain_can_be_given_to_a_deployment(tmp_path: Path) -> None:
    async def calls() -> None:
        async with asking(tmp_path, held=True) as (it, client):
            older, (domain,) = of(it, OLDER), project(it)["domains"]
            aliases = f"/v2/deployments/{older['id']}/aliases"
            given = [(await client.post(aliases, json={"alias": domain})).status_code for _ in range(2)]
            assert given == [200, 409]
            assert (await client.post(aliases, json={"alias": "of-another.test"})).status_code == 404
            assert it.account.aliases[domain]["deployment"] == older["id"]

    anyio.run(calls)


def test_a_log_can_be_followed_to_the_end_of_the_build(tmp_path: Path) -> None:
    async def calls() -> None:
        async with asking(tmp_path) as (it, client):
            it.pushed("main", SLOW)
            slow = of(it, SLOW)["id"]
            events = f"/v3/deployments/{slow}/events"
            async with client.stream("GET", events, params={"follow": 1}, timeout=30) as answer:
                lines = answer.aiter_lines()
                assert json.loads(await anext(lines))["text"] == f"building {SLOW}"
                await client.patch(f"/v12/deployments/{slow}/cancel")
                assert [line async for line in lines if line] == []

    anyio.run(calls)


def test_a_protected_deployment_lets_in_who_knows_the_password(tmp_path: Path) -> None:
    async def calls() -> None:
        async with asking(tmp_path) as (it, _):
            it.set_project(NAME, password="let-me-in")  # noqa: S106 - of a stand-in
            it.pushed("main", COMMIT)
            address = f"http://{(await settled(it, COMMIT))['url']}"
            async with httpx.AsyncClient() as visitor:
                assert (await visitor.get(address)).status_code == 401
                answer = await visitor.get(address, headers={"x-vercel-protection-bypass": "let-me-in"})
                assert answer.status_code == 502  # nothing runs here, but it was let in

    anyio.run(calls)
