from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import psycopg
import pytest

from ci.errors import Trouble, VendorError
from ci.rehearsal.neon import Neon, standing
from ci.rehearsal.serving import serving
from ci.toolchains.programs import postgres
from ci.vendors import neon
from ci.vendors.exchange import Patience
from ci.vendors.neon import Pace
from ci.vendors.neon_restoring import restore, restore_point
from ci.vendors.neon_values import Source
from tests.vendors.contract import Holding
from tests.vendors.subjects.neon import DATABASE, ENDPOINT, KEY, MAIN, PROJECT, QUICK, ROLE, names, on_paper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

API = "/api/v2"
KEEP = "preserve_under_name"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
SOON = Patience(request=15.0, whole=20.0, first=0.02)


@contextlib.asynccontextmanager
async def paper(directory: Path, *, held: bool = False, **more: Any) -> AsyncIterator[tuple[Neon, neon.Neon]]:
    """Give a stand-in with one project and no computes, and a client of it; `held` is all of it to the contract."""
    stand_in = on_paper(directory)
    async with serving(stand_in) as address:
        more |= {"transport": Holding("neon", f"{address}{API}")} if held else {}
        settings = {"address": f"{address}{API}", "pace": QUICK, "patience": SOON, **more}
        async with neon.connect(KEY, **settings) as client:
            yield stand_in, client


@contextlib.asynccontextmanager
async def real(directory: Path, *, held: bool = False) -> AsyncIterator[tuple[Neon, neon.Neon, list[str]]]:
    """Give a stand-in with one project and real computes, a client, and what its traffic, if `held`, was."""
    async with standing(directory, moment=0.1) as stand_in, serving(stand_in) as address:
        stand_in.account.open_project(PROJECT, database=DATABASE, role=ROLE)
        holding = Holding("neon", f"{address}{API}") if held else None
        async with neon.connect(
            KEY, address=f"{address}{API}", pace=Pace(look=0.05, whole=60), patience=SOON, transport=holding
        ) as client:
            yield stand_in, client, holding.seen if holding else []


async def said(uri: str, statement: str) -> list[Any]:
    """Connect, have a statement done, and return the rows."""
    async with await psycopg.AsyncConnection.connect(uri, autocommit=True) as connection:
        cursor = await connection.execute(statement)
        return await cursor.fetchall() if cursor.description else []


async def uri_of(client: neon.Neon, branch: str) -> str:
    return await client.connection_uri(PROJECT, branch, database=DATABASE, role=ROLE)


def test_an_ordinary_round_is_in_the_contract_and_its_branches_are_databases(tmp_path: Path) -> None:
    async def calls() -> None:
        async with real(tmp_path, held=True) as (stand_in, client, seen):
            assert (await client.user()).email == "founder@example.test"
            project = await client.project(PROJECT)
            assert project is not None
            assert project.name == PROJECT
            await client.start(PROJECT, ENDPOINT)
            main = await uri_of(client, MAIN)
            await said(main, "create table notes (id serial primary key, words text)")
            await said(main, "insert into notes (words) values ('of main')")
            # somebody stays connected to the parent all the while
            async with await psycopg.AsyncConnection.connect(main):
                made = await client.make_branch(PROJECT, "shipway-run-1", expires=NOW + DAY)
                bare = await client.make_branch(PROJECT, "bare", parent=MAIN, source=Source.SCHEMA)
            assert (made.parent, bare.parent, made.is_default) == (MAIN, None, False)
            assert made.expires == (NOW + DAY).replace(microsecond=0)
            assert [each.name for each in await client.branches(PROJECT)] == ["main", "shipway-run-1", "bare"]
            assert (await client.branch(PROJECT, made.id) or made).state == "ready"
            assert [(each.name, each.owner) for each in await client.databases(PROJECT, made.id)] == [(DATABASE, ROLE)]
            assert await client.roles(PROJECT, made.id) == (ROLE,)

            branch, schema = await uri_of(client, made.id), await uri_of(client, bare.id)
            assert await said(branch, "select words from notes") == [("of main",)]
            assert await said(schema, "select words from notes") == []
            await said(branch, "insert into notes (words) values ('of the branch')")
            assert await said(main, "select count(*) from notes") == [(1,)]

            (endpoint,) = await client.endpoints(PROJECT, made.id)
            assert (endpoint.kind, endpoint.state) == ("read_write", "active")
            async with await psycopg.AsyncConnection.connect(branch) as connection:
                await client.suspend(PROJECT, endpoint.id)
                with pytest.raises(psycopg.OperationalError):
                    await connection.execute("select 1")
            assert [each.state for each in await client.endpoints(PROJECT, made.id)] == ["idle"]
            assert await said(branch, "select count(*) from notes") == [(2,)]
            assert [each.state for each in await client.endpoints(PROJECT, made.id)] == ["active"]
            await client.start(PROJECT, endpoint.id)
            assert await uri_of(client, made.id) == branch

            await client.delete_branch(PROJECT, made.id)
            await client.delete_branch(PROJECT, made.id)
            assert await client.branch(PROJECT, made.id) is None
            assert await client.sweep(PROJECT, "bar", now=NOW + 2 * DAY, age=DAY) == ("bare",)
            assert names(stand_in) == ["main"]
            assert sorted(each.name for each in (tmp_path / "neon").iterdir() if each.is_dir()) == [MAIN]
            base = "/projects/{project_id}"
            assert set(seen) == {
                "GET /users/me 200",
                f"GET {base} 200",
                f"GET {base}/branches 200",
                f"POST {base}/branches 201",
                f"GET {base}/branches/{{branch_id}} 200",
                f"GET {base}/branches/{{branch_id}} 404",
                f"DELETE {base}/branches/{{branch_id}} 200",
                f"DELETE {base}/branches/{{branch_id}} 204",
                f"GET {base}/branches/{{branch_id}}/endpoints 200",
                f"GET {base}/branches/{{branch_id}}/databases 200",
                f"GET {base}/branches/{{branch_id}}/roles 200",
                f"POST {base}/endpoints/{{endpoint_id}}/start 200",
                f"POST {base}/endpoints/{{endpoint_id}}/suspend 200",
                f"GET {base}/connection_uri 200",
                f"GET {base}/operations/{{operation_id}} 200",
            }

    anyio.run(calls)


def test_its_owner_is_above_policies_and_no_superuser_and_a_role_that_it_makes_is_bound(tmp_path: Path) -> None:
    async def calls() -> None:
        async with real(tmp_path) as (_, client, _):
            main = await uri_of(client, MAIN)
            assert await said(
                main, "select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user"
            ) == [(False, True, True)]
            await said(main, "create role web login password 'hush'")
            assert await said(
                main.replace(main[main.index("//") + 2 : main.index("@")], "web:hush"),
                "select rolsuper, rolbypassrls from pg_roles where rolname = current_user",
            ) == [(False, False)]

    anyio.run(calls)


def test_what_it_knows_and_what_its_databases_hold_is_there_after_a_restart(tmp_path: Path) -> None:
    async def calls() -> None:
        async with real(tmp_path) as (_, client, _):
            made = await client.make_branch(PROJECT, "kept")
            uri = await uri_of(client, made.id)
            await said(uri, "create table notes as select 'kept'::text as words")
        async with real(tmp_path) as (_, client, _):
            found = await client.find_branch(PROJECT, "kept")
            assert found is not None
            (endpoint,) = await client.endpoints(PROJECT, found.id)
            assert endpoint.state == "idle"
            assert await said(uri, "select words from notes") == [("kept",)]  # at the address of before
            assert await uri_of(client, found.id) == uri

    anyio.run(calls)


@pytest.mark.long
def test_a_database_holds_again_what_a_restore_point_kept_and_what_it_held_since_is_kept_too(tmp_path: Path) -> None:
    async def calls() -> None:
        async with real(tmp_path) as (stand_in, client, _):
            await client.start(PROJECT, ENDPOINT)
            main = await uri_of(client, MAIN)
            await said(main, "create table notes as select 'before'::text as words")
            moment = datetime.datetime.now(datetime.UTC)
            point = await restore_point(client, PROJECT, "shipway-point", parent=MAIN, at=moment)
            await said(main, "insert into notes values ('after')")
            with pytest.raises(VendorError, match="the branch changed since"):
                await restore_point(client, PROJECT, "too-late", parent=MAIN, at=moment)
            for _ in range(2):
                await restore(client, PROJECT, MAIN, source=point.id, keep="shipway-kept")
                assert await said(await uri_of(client, MAIN), "select words from notes") == [("before",)]
            kept = await client.make_branch(PROJECT, "shipway-kept")
            rows = await said(await uri_of(client, kept.id), "select words from notes order by words")
            assert rows == [("after",), ("before",)]
            await said(await uri_of(client, MAIN), "insert into notes values ('again')")
            await client.suspend(PROJECT, ENDPOINT)
            with pytest.raises(VendorError, match="the branch changed since"):
                await restore(client, PROJECT, MAIN, source=MAIN, keep="itself", at=moment)
            await restore(client, PROJECT, MAIN, source=MAIN, keep="itself", at=datetime.datetime.now(datetime.UTC))
            assert await said(await uri_of(client, MAIN), "select count(*) from notes") == [(2,)]
            assert names(stand_in) == ["main", "shipway-point", "shipway-kept", "itself"]

    anyio.run(calls)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by Postgres")
def test_it_stands_and_keeps_what_it_has_as_root_where_user_namespaces_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = tmp_path / "bin" / "unshare"
    refusing.parent.mkdir()
    refusing.write_text("#!/bin/sh\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{refusing.parent}:{os.environ['PATH']}")
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    place = postgres.staying(private / "neon")

    async def calls() -> None:
        async with real(private) as (_, client, _):
            await client.start(PROJECT, ENDPOINT)
            await said(await uri_of(client, MAIN), "create table notes as select 'kept'::text as words")
        async with real(private) as (_, client, _):
            made = await client.make_branch(PROJECT, "copied")
            assert await said(await uri_of(client, made.id), "select words from notes") == [("kept",)]

    try:
        anyio.run(calls)
    finally:
        shutil.rmtree(place)


def test_what_was_not_done_when_it_ended_is_done_after_a_restart(tmp_path: Path) -> None:
    stand_in = on_paper(tmp_path)
    stand_in.account.begin(PROJECT, MAIN, "start_compute", ENDPOINT)

    async def calls() -> None:
        async with paper(tmp_path) as (_, client):
            await client.suspend(PROJECT, ENDPOINT)
            (endpoint,) = await client.endpoints(PROJECT, MAIN)
            assert endpoint.state == "idle"

    anyio.run(calls)


def test_all_pages_of_branches_are_read(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path, page=2) as (_, client):
            for number in range(4):
                await client.make_branch(PROJECT, f"branch-{number}")
            found = [each.name for each in await client.branches(PROJECT)]
            assert found == ["main", *(f"branch-{number}" for number in range(4))]
            assert [each.name for each in await client.branches(PROJECT, search="ANCH-2")] == ["branch-2"]

    anyio.run(calls)


def test_a_page_that_is_its_own_next_one_ends_the_reading(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path, page=1) as (stand_in, client):
            await client.make_branch(PROJECT, "second")
            async with httpx.AsyncClient(headers={"authorization": f"Bearer {KEY}"}) as asking:
                page = (await asking.get(f"{client.exchange.address}/projects/{PROJECT}/branches?limit=1")).text
            stand_in.faults.add(kind="status", status=200, path="/branches$", times=5, body=page)
            with pytest.raises(VendorError, match="is its own next one") as raised:
                await client.branches(PROJECT)
            assert raised.value.trouble is Trouble.UNREADABLE

    anyio.run(calls)


def test_a_name_that_only_contains_another_is_not_taken_for_it(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (_, client):
            await client.make_branch(PROJECT, "shipway-run-10")
            assert await client.find_branch(PROJECT, "shipway-run-1") is None
            await client.make_branch(PROJECT, "shipway-run-1")
            found = await client.find_branch(PROJECT, "shipway-run-1")
            assert found is not None
            assert found.name == "shipway-run-1"

    anyio.run(calls)


@pytest.mark.parametrize("kind", ["lose", "cut", "garbage", "html"])
def test_a_branch_whose_answer_was_lost_is_found_and_not_made_again(tmp_path: Path, kind: str) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (stand_in, client):
            stand_in.faults.add(kind=kind, method="POST", path="/branches$")
            made = await client.make_branch(PROJECT, "once")
            assert names(stand_in) == ["main", "once"]
            (endpoint,) = await client.endpoints(PROJECT, made.id)
            assert endpoint.state == "active"  # it was waited for all the same

    anyio.run(calls)


def test_a_branch_is_ready_when_it_is_returned_whether_it_was_made_or_found_in_the_making(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (stand_in, client):
            stand_in.account.moment = 0.2

            async def states(branch: str) -> tuple[str, str]:
                (endpoint,) = await client.endpoints(PROJECT, branch)
                found = await client.branch(PROJECT, branch)
                return (found.state if found else "", endpoint.state)

            made = await client.make_branch(PROJECT, "made")
            assert await states(made.id) == ("ready", "active")
            body = {"branch": {"name": "begun"}, "endpoints": [{"type": "read_write"}]}
            await client.exchange.ask("POST", f"/projects/{PROJECT}/branches", body=body, accept=(201,))
            found = await client.make_branch(PROJECT, "begun")
            assert await states(found.id) == ("ready", "active")
            assert names(stand_in) == ["main", "made", "begun"]

    anyio.run(calls)


def test_a_branch_that_is_found_without_a_compute_gets_one(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (stand_in, client):
            made = await client.make_branch(PROJECT, "once")
            stand_in.account.endpoints.clear()
            again = await client.make_branch(PROJECT, "once")
            assert again.id == made.id
            assert [each.kind for each in await client.endpoints(PROJECT, made.id)] == ["read_write"]

    anyio.run(calls)


def test_a_restore_point_has_nothing_that_runs_and_a_branch_that_is_restored_keeps_its_compute(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path, held=True) as (stand_in, client):
            moment = datetime.datetime.now(datetime.UTC)
            point = await restore_point(client, PROJECT, "point", parent=MAIN, at=moment, expires=NOW + DAY)
            assert (point.state, point.parent) == ("ready", MAIN)
            assert await client.endpoints(PROJECT, point.id) == ()
            assert await restore_point(client, PROJECT, "point", parent=MAIN) == point
            for _ in range(2):
                back = await restore(client, PROJECT, MAIN, source=point.id, keep="kept")
                assert (back.id, back.state, back.is_default, back.parent) == (MAIN, "ready", True, point.id)
            assert [each.id for each in await client.endpoints(PROJECT, MAIN)] == [ENDPOINT]
            kept = await client.find_branch(PROJECT, "kept")
            assert kept is not None
            assert (
                await client.branch(PROJECT, point.id) or point
            ).parent == kept.id  # children go with what they are of
            assert names(stand_in) == ["main", "point", "kept"]
            assert [call.path.endswith("/restore") for call in stand_in.calls].count(True) == 1
            itself = await restore(
                client, PROJECT, MAIN, source=MAIN, keep="itself", at=datetime.datetime.now(datetime.UTC)
            )
            assert itself.state == "ready"

    anyio.run(calls)


@pytest.mark.parametrize("kind", ["lose", "cut", "garbage", "html"])
def test_a_restoring_whose_answer_was_lost_is_done_once_and_waited_for(tmp_path: Path, kind: str) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (stand_in, client):
            point = await restore_point(client, PROJECT, "point", parent=MAIN)
            stand_in.account.moment = 0.2
            stand_in.faults.add(kind=kind, method="POST", path="/restore$")
            assert (await restore(client, PROJECT, MAIN, source=point.id, keep="kept")).state == "ready"
            assert names(stand_in) == ["main", "point", "kept"]

    anyio.run(calls)


def test_a_branch_whose_making_failed_is_never_taken_for_one_that_is_ready(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (stand_in, client):
            making = await client.make_branch(PROJECT, "ill")
            whole = stand_in.account.branches[making.id]
            stand_in.account.branches[making.id] = {**whole, "told": {**whole["told"], "current_state": "init"}}
            operations = stand_in.account.operations
            for key, operation in operations.items():
                operations[key] = {**operation, "status": "failed"}
            for _ in range(2):
                with pytest.raises(VendorError, match=f"the branch {making.id} is init, and no operation goes on"):
                    await client.make_branch(PROJECT, "ill")
            await client.delete_named(PROJECT, "ill")
            assert (await client.make_branch(PROJECT, "ill")).state == "ready"

    anyio.run(calls)


def test_all_branches_of_a_name_are_deleted_for_good_and_no_other(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (stand_in, client):
            for name in ("twice", "other", "twice and more"):
                await client.make_branch(PROJECT, name)
            other = next(key for key, each in stand_in.account.branches.items() if each["told"]["name"] == "other")
            whole = stand_in.account.branches[other]
            stand_in.account.branches[other] = {**whole, "told": {**whole["told"], "name": "twice"}}
            await client.delete_named(PROJECT, "twice")
            assert names(stand_in) == ["main", "twice and more"]
            # What is not deleted for good comes back, with the rows of users in it, for a week.
            deleting = [call.query for call in stand_in.calls if call.method == "DELETE"]
            assert deleting == ["hard_delete=true"] * 2

    anyio.run(calls)


def test_the_lock_of_another_change_is_waited_out(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path, patience=Patience(first=0.01, tries=1)) as (stand_in, client):
            stand_in.account.moment = 0.2

            async def make(name: str) -> None:
                await client.make_branch(PROJECT, name)

            async with anyio.create_task_group() as group:
                for name in ("one", "two", "three"):
                    group.start_soon(make, name)
            assert sorted(names(stand_in)) == ["main", "one", "three", "two"]
            assert 423 in {call.status for call in stand_in.calls}

    anyio.run(calls)


def test_a_lock_that_lasts_is_told(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path, pace=Pace(look=0.01, whole=0.3)) as (stand_in, client):
            stand_in.account.moment = 60.0
            stand_in.account.begin(PROJECT, MAIN, "start_compute", ENDPOINT)
            with pytest.raises(VendorError, match="423: project already has running operations") as raised:
                await client.make_branch(PROJECT, "one")
            assert raised.value.trouble is Trouble.LIMITING
            assert names(stand_in) == ["main"]

    anyio.run(calls)


@pytest.mark.parametrize("status", ["failed", "error", "cancelled"])
def test_an_operation_that_does_not_succeed_is_told_in_neons_words(tmp_path: Path, status: str) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (stand_in, client):
            operation = {**stand_in.account.begin(PROJECT, MAIN, "start_compute", ENDPOINT), "status": status}
            stand_in.account.operations.clear()
            body = json.dumps({"operation": {**operation, "error": f"no capacity for {KEY}\x1b[2J"}})
            stand_in.faults.add(kind="status", status=200, path="/operations/", body=body)
            with pytest.raises(VendorError, match=f"Neon is broken: start_compute {status}: no capacity") as raised:
                await client.start(PROJECT, ENDPOINT)
            assert KEY not in str(raised.value)
            assert "\x1b" not in str(raised.value)

    anyio.run(calls)


def test_an_operation_that_is_skipped_is_fine_and_one_that_never_ends_is_told(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path, pace=Pace(look=0.01, whole=0.3)) as (stand_in, client):
            operation = stand_in.account.begin(PROJECT, MAIN, "start_compute", ENDPOINT)
            stand_in.account.operations.clear()
            body = json.dumps({"operation": {**operation, "status": "skipped"}})
            stand_in.faults.add(kind="status", status=200, path="/operations/", body=body)
            await client.start(PROJECT, ENDPOINT)
            await anyio.sleep(0.2)
            stand_in.account.moment = 60.0
            with pytest.raises(VendorError, match=r"suspend_compute is running after 0 s"):
                await client.suspend(PROJECT, ENDPOINT)

    anyio.run(calls)


def test_only_what_is_ours_and_past_its_time_is_swept(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (stand_in, client):
            for name, expires in (
                ("shipway-run-over", NOW + DAY / 24),
                ("shipway-run-young", NOW + 3 * DAY),
                ("shipway-run-timeless", None),
                ("feature/shipway-run-of-a-person", NOW + DAY / 24),
            ):
                await client.make_branch(PROJECT, name, expires=expires)
            assert await client.sweep(PROJECT, "shipway-run-", now=NOW, age=DAY) == ()
            swept = await client.sweep(PROJECT, "shipway-run-", now=NOW + DAY / 12, age=DAY)
            assert swept == ("shipway-run-over",)
            swept = await client.sweep(PROJECT, "shipway-run-", now=NOW + 2 * DAY, age=DAY)
            assert swept == ("shipway-run-timeless",)
            assert names(stand_in) == ["main", "shipway-run-young", "feature/shipway-run-of-a-person"]

    anyio.run(calls)


def test_a_branch_goes_by_itself_when_it_expires(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (_, client):
            made = await client.make_branch(
                PROJECT, "short", expires=datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2)
            )
            await anyio.sleep(2.1)
            assert await client.branch(PROJECT, made.id) is None

    anyio.run(calls)


def test_what_it_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (stand_in, client):
            child = await client.make_branch(PROJECT, "child")
            await client.make_branch(PROJECT, "grandchild", parent=child.id)
            path, source = f"/projects/{PROJECT}/branches/{MAIN}/restore", {"source_branch_id": child.id}
            for words, status, refused in (
                ("cannot delete the default branch", 422, lambda: client.delete_branch(PROJECT, MAIN)),
                ("cannot delete a branch that has children", 422, lambda: client.delete_branch(PROJECT, child.id)),
                ("project not found", 404, lambda: client.branches("no-project")),
                ("branch not found", 404, lambda: client.make_branch(PROJECT, "x", parent="br-none")),
                ("expires_at must be in the future", 400, lambda: client.make_branch(PROJECT, "x", expires=NOW - DAY)),
                ("database not found", 404, lambda: client.connection_uri(PROJECT, MAIN, database="x", role=ROLE)),
                ("role not found", 404, lambda: client.connection_uri(PROJECT, MAIN, database=DATABASE, role="x")),
                ("endpoint not found", 404, lambda: client.start(PROJECT, "ep-none")),
                ("not be in the future", 400, lambda: client.make_branch(PROJECT, "x", at=NOW + DAY)),
                ("before the branch was created", 400, lambda: client.make_branch(PROJECT, "x", at=NOW - DAY)),
                ("branch not found", 404, lambda: restore(client, PROJECT, MAIN, source="br-none", keep="x")),
                ("already exists", 409, lambda: client.exchange.ask("POST", path, body={**source, KEEP: "grandchild"})),
                ("is required: the branch has", 400, lambda: client.exchange.ask("POST", path, body=source)),
            ):
                with pytest.raises(VendorError, match=words) as raised:
                    await refused()
                assert (raised.value.trouble, raised.value.status) == (Trouble.REFUSING, status)
            assert await client.project("no-project") is None
            assert names(stand_in) == ["main", "child", "grandchild"]
            async with neon.connect("not-a-key", address=client.exchange.address) as stranger:
                with pytest.raises(VendorError, match="401: supplied credentials do not pass") as raised:
                    await stranger.user()
                assert raised.value.trouble is Trouble.DENYING

    anyio.run(calls)


def test_it_connects_past_the_pooler_which_has_no_sessions(tmp_path: Path) -> None:
    async def calls() -> None:
        async with paper(tmp_path) as (stand_in, client):
            assert "-pooler" not in await uri_of(client, MAIN)
            (call,) = [call for call in stand_in.calls if call.path.endswith("/connection_uri")]
            assert "pooled=false" in call.query

    anyio.run(calls)
