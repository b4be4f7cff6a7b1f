"""What the stand-in does where the real one is particular, and nobody's client sees it."""

from __future__ import annotations

import contextlib
import datetime
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import psycopg
import pytest

from ci.errors import VendorError
from ci.rehearsal.neon import Neon, standing
from ci.rehearsal.serving import serving
from ci.vendors import neon
from ci.vendors.pace import Pace, until
from tests.vendors.contract import Holding
from tests.vendors.subjects.neon import DATABASE, ENDPOINT, KEY, MAIN, PROJECT, QUICK, ROLE, names, on_paper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LOOK = Pace(first=0.02, most=0.1, whole=60.0)
WHERE = {"database_name": DATABASE, "role_name": ROLE}
SESSION = (
    "listen told",
    " PREPARE one as select 1",
    "set search_path = private",
    "select pg_advisory_lock(1)",
    "create temp table scratch (id int)",
)


@contextlib.asynccontextmanager
async def asking(stand_in: Neon, *, held: bool = False) -> AsyncIterator[httpx.AsyncClient]:
    """Serve one, and give a client of its project whose traffic is, if `held`, held to the contract."""
    async with serving(stand_in) as address:
        holding = Holding("neon", f"{address}/api/v2") if held else None
        headers = {"authorization": f"Bearer {KEY}"}
        root = f"{address}/api/v2/projects/{PROJECT}"
        async with httpx.AsyncClient(base_url=root, headers=headers, transport=holding, timeout=60) as client:
            yield client


async def statuses(client: httpx.AsyncClient) -> list[str]:
    """Return how the operations ended, the oldest first, when all of them have."""

    async def look() -> list[str] | None:
        found = [each["status"] for each in (await client.get("/operations")).json()["operations"]]
        return None if {"scheduling", "running"} & set(found) else found[::-1]

    return await until(look, LOOK) or []


async def uri(client: httpx.AsyncClient, **more: str) -> str:
    answer = await client.get("/connection_uri", params={**WHERE, **more})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["uri"])


async def said(address: str, statement: str) -> list[Any]:
    """Connect, have a statement done, and return the rows; no session is needed for it."""
    connecting = psycopg.AsyncConnection.connect(address, autocommit=True, prepare_threshold=None, connect_timeout=30)
    async with await connecting as connection:
        cursor = await connection.execute(statement)
        return await cursor.fetchall() if cursor.description else []


def test_an_address_is_told_at_once_and_nobody_listens_there_before_the_branch_is_made(tmp_path: Path) -> None:
    async def calls() -> None:
        async with standing(tmp_path, moment=1.0) as stand_in:
            stand_in.account.open_project(PROJECT, database=DATABASE, role=ROLE)
            async with asking(stand_in) as client:
                main = await uri(client)
                assert await said(main, "select 1") == [(1,)]  # an idle compute is woken
                made = await client.post("/branches", json={"endpoints": [{"type": "read_write"}]})
                branch = await uri(client, branch_id=made.json()["branch"]["id"])
                with pytest.raises(psycopg.OperationalError, match="refused"):
                    await said(branch, "select 1")
                assert await statuses(client) == ["finished", "finished"]
                assert await said(branch, "select 1") == [(1,)]

                pooled = await uri(client, pooled="true")
                assert pooled != main
                assert await said(pooled, "select 2") == [(2,)]
                assert await said(pooled, "begin; set local search_path = x; commit") == []
                for statement in SESSION:
                    with pytest.raises(psycopg.errors.FeatureNotSupported):
                        await said(pooled, statement)
                    await said(main, statement)

    anyio.run(calls)


def test_a_branch_that_expires_while_it_is_made_locks_nothing(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = on_paper(tmp_path)
        stand_in.account.moment = 0.3
        async with asking(stand_in) as client:
            soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.1)
            body = {"branch": {"name": "short", "expires_at": soon.isoformat()}}
            assert (await client.post("/branches", json=body)).status_code == 201
            await anyio.sleep(0.15)
            assert names(stand_in) == ["main", "short"]
            assert (await client.get("/branches")).status_code == 200

            async def gone() -> bool | None:
                await client.get("/branches")
                return (names(stand_in) == ["main"] and not stand_in.account.waiting(PROJECT)) or None

            assert await until(gone, LOOK)
            assert (await client.post("/branches", json={"branch": {"name": "next"}})).status_code == 201

    anyio.run(calls)


def test_a_branch_with_children_does_not_expire_and_what_is_left_for_one_that_is_gone_is_skipped(
    tmp_path: Path,
) -> None:
    async def calls() -> None:
        stand_in = on_paper(tmp_path)
        account = stand_in.account
        async with asking(stand_in) as client, neon.connect(KEY, address=_api(client), pace=QUICK) as vendor:
            soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
            parent = await vendor.make_branch(PROJECT, "parent", expires=soon)
            await vendor.make_branch(PROJECT, "child", parent=parent.id)
            whole = account.branches[parent.id]
            account.branches[parent.id] = {**whole, "told": {**whole["told"], "expires_at": "2020-01-01T00:00:00Z"}}
            await client.get("/branches")
            assert names(stand_in) == ["main", "parent", "child"]
            account.begin(PROJECT, "br-gone", "create_branch")
            assert (await statuses(client))[-1] == "skipped"

    anyio.run(calls)


def test_an_operation_fails_when_it_is_told_to_and_what_was_to_follow_is_cancelled(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = on_paper(tmp_path)
        async with asking(stand_in) as client, neon.connect(KEY, address=_api(client), pace=QUICK) as vendor:
            own = f"{str(client.base_url).partition('/api/')[0]}/_stand-in/operations"
            assert (await client.post(own, json={"action": "create_branch", "error": "no capacity"})).status_code == 204
            for wrong in ({"action": "x"}, {"times": 0}, {"error": 5}, {"sad": True}, [1]):
                assert (await client.post(own, json=wrong)).status_code == 400
            with pytest.raises(VendorError, match="create_branch failed: no capacity"):
                await vendor.make_branch(PROJECT, "one")
            assert await statuses(client) == ["failed", "cancelled"]
            await vendor.make_branch(PROJECT, "two")
            assert (await client.post(own, json={"times": 5})).status_code == 204
            assert (await client.delete(own)).status_code == 204
            await vendor.start(PROJECT, ENDPOINT)

    anyio.run(calls)


def test_there_are_no_more_branches_than_the_plan_has_and_a_compute_can_be_deleted(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = on_paper(tmp_path)
        stand_in.account.moment = 0.0
        async with asking(stand_in, held=True) as client:
            for _ in range(9):
                assert (await client.post("/branches", json={"branch": {"name": "x"}})).status_code == 201
                await statuses(client)
            refused = await client.post("/branches", json={"branch": {"name": "x"}})
            assert (refused.status_code, refused.json()["code"]) == (422, "BRANCHES_LIMIT_EXCEEDED")
            assert [(await client.delete(f"/endpoints/{ENDPOINT}")).status_code for _ in range(2)] == [200, 204]
            await statuses(client)
            assert (await client.get(f"/branches/{MAIN}/endpoints")).json() == {"endpoints": []}
            assert (await client.get("/connection_uri", params=WHERE)).status_code == 404

    anyio.run(calls)


@pytest.mark.parametrize("body", [{"branch": "x"}, [1], {"endpoints": "x"}, {"branch": {"init_source": []}}, 5])
def test_a_body_that_is_no_order_for_a_branch_is_refused(tmp_path: Path, body: object) -> None:
    async def calls() -> None:
        async with asking(on_paper(tmp_path)) as client:
            assert (await client.post("/branches", json=body)).status_code == 400

    anyio.run(calls)


def _api(client: httpx.AsyncClient) -> str:
    return f"{str(client.base_url).partition('/api/')[0]}/api/v2"
