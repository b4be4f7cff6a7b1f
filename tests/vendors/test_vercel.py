from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import anyio
import httpx
import pydantic
import pytest

from ci.errors import Trouble, UsageError, VendorError
from ci.rehearsal.serving import serving
from ci.vendors import vercel
from ci.vendors.exchange import Patience
from ci.vendors.pace import Pace
from ci.vendors.platform import Order, State
from ci.vendors.vercel import Vercel, VercelPlatform, building, moving
from ci.vendors.vercel import client as calls_of
from ci.vendors.vercel.values import Deployment, Ready
from tests.vendors.contract import Holding
from tests.vendors.subjects.vercel import (
    BAD,
    BRANCH,
    COMMIT,
    NAME,
    NEWER,
    OLDER,
    QUICK,
    SLOW,
    TEAM,
    TOKEN,
    Quick,
    platform,
    stand_in,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

PATIENCE = Patience(request=2.0, whole=8.0, first=0.01, tries=3)


@contextlib.asynccontextmanager
async def asking(directory: Path, **more: Any) -> AsyncIterator[tuple[Quick, Vercel]]:
    """Give the stand-in with its two deployments, and a client."""
    found = stand_in(directory)
    async with serving(found) as address:
        whole = {"team": TEAM, "patience": PATIENCE, **more}
        async with vercel.connect(TOKEN, address=address, **whole) as client:
            yield found, client


def run(directory: Path, calls: Callable[[Quick, Vercel], Awaitable[None]]) -> None:
    """Run calls against the stand-in."""

    async def whole() -> None:
        async with asking(directory) as (found, client):
            await calls(found, client)

    anyio.run(whole)


async def one(client: Vercel, commit: str) -> Deployment:
    """Return the only deployment of a commit."""
    (found,) = await client.deployments(NAME, commit=commit)
    return found


def test_all_that_it_sends_and_all_that_is_answered_is_in_the_contract(tmp_path: Path) -> None:
    async def calls() -> None:
        found = stand_in(tmp_path)
        async with serving(found) as address:
            holding = Holding("vercel", address)
            async with vercel.connect(TOKEN, team=TEAM, address=address, transport=holding) as client:
                assert (await client.user()).username == "rehearsal"
                project = await client.require_project(NAME)
                assert project.auto_assign
                assert project.deploys_on_push
                older, newer = await one(client, OLDER), await one(client, NEWER)
                assert project.production == newer.id

                serving_now = platform(client)
                order = Order(app="web", commit=COMMIT, branch=BRANCH, key="k")
                made = await serving_now.deploy(order)
                assert (await serving_now.deploy(order)).id == made.id
                ready = await serving_now.wait(made)
                assert (ready.state, ready.commit) == (State.READY, COMMIT)
                assert await serving_now.log(ready) == (f"building {COMMIT}",)
                assert len(await client.spoken(NAME, made.id, seconds=5)) == 2
                assert [each.id for each in await serving_now.serving("web")] == [newer.id]
                await serving_now.switch(ready)
                assert [each.id for each in await serving_now.serving("web")] == [made.id]
                assert [each.id for each in await serving_now.candidates("web")] == [newer.id, older.id]
                await serving_now.roll_back((await serving_now.candidates("web"))[0], why="slow")
                assert [each.id for each in await serving_now.serving("web")] == [newer.id]

                again = await building.rebuild(client, project, older, key="again")
                assert again.target == "production"
                preview = await building.create(client, project, commit=SLOW, branch="x", key="s", target=None)
                assert preview.target is None
                assert (await client.cancel(preview.id)).ready is Ready.CANCELED
                assert (await client.cancel(preview.id)).ready is Ready.CANCELED
                names = await client.aliases(project.id)
                assert [each.deployment for each in names] == [newer.id]
                assert await client.failed_aliases(project.id) == ()
                assert await client.rolling_release(project.id) is None
                found.set_project(NAME, rolling=ROLLING)
                rolling = await client.rolling_release(project.id)
                assert rolling is not None
                assert (rolling.state, rolling.canary) == ("COMPLETE", "dpl_canary")
            assert set(holding.seen) == {
                "GET /v2/user 200",
                "GET /v9/projects/{idOrName} 200",
                "PATCH /v9/projects/{idOrName} 200",
                "GET /v9/projects/{idOrName}/domains 200",
                "GET /v7/deployments 200",
                "GET /v13/deployments/{idOrUrl} 200",
                "POST /v13/deployments 200",
                "PATCH /v12/deployments/{id}/cancel 200",
                "GET /v3/deployments/{idOrUrl}/events 200",
                "GET /v1/projects/{projectId}/deployments/{deploymentId}/runtime-logs 200",
                "POST /v10/projects/{projectId}/promote/{deploymentId} 201",
                "POST /v1/projects/{projectId}/rollback/{deploymentId} 201",
                "GET /v1/projects/{projectId}/promote/aliases 200",
                "GET /v4/aliases 200",
                "GET /v4/aliases/{idOrAlias} 200",
                "GET /v1/projects/{idOrName}/rolling-release 200",
            }

    anyio.run(calls)


def canary(name: str) -> dict[str, Any]:
    return {"id": name, "name": NAME, "url": "x", "createdAt": 1, "readyState": "READY"}


STAGE = {"index": 0, "isFinalStage": True, "requireApproval": False, "targetPercentage": 100, "duration": None}
ROLLING = {
    "state": "COMPLETE",
    "activeStage": STAGE,
    "nextStage": None,
    "advancementType": "automatic",
    "canaryDeployment": canary("dpl_canary"),
    "currentDeployment": canary("dpl_current"),
    "queuedDeploymentId": None,
    "stages": [STAGE],
    "startedAt": 1,
    "updatedAt": 2,
    "substate": "PAUSED",
}


def test_lists_are_read_over_all_their_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_of, "PAGE", 2)

    async def calls(it: Quick, client: Vercel) -> None:
        for number in range(5):
            it.pushed("feature", f"{number}" * 40)
        it.calls.clear()
        found = await client.deployments(NAME)
        assert [each.commit for each in found] == [*(f"{number}" * 40 for number in (4, 3, 2, 1, 0)), NEWER, OLDER]
        assert [call.query.count("until=") for call in it.calls] == [0, 1, 1, 1]
        assert len(await client.deployments(NAME, most=3)) == 3
        assert [each.commit for each in await client.deployments(NAME, branch="feature")] == [
            f"{number}" * 40 for number in (4, 3, 2, 1, 0)
        ]

    run(tmp_path, calls)


def test_what_is_not_there_is_none_and_without_the_team_that_is_said(tmp_path: Path) -> None:
    async def calls() -> None:
        async with asking(tmp_path) as (_, client):
            assert await client.project("another") is None
            assert await client.deployment("dpl_another") is None
            assert await client.alias("another.example.test") is None
            with pytest.raises(VendorError, match="there is no project another"):
                await client.require_project("another")
        async with asking(tmp_path, team=None) as (_, client):
            assert (await client.user()).id == "usr_rehearsal"
            with pytest.raises(VendorError, match="403 forbidden: You don't have permission") as raised:
                await client.project(NAME)
            assert raised.value.trouble is Trouble.DENYING

    anyio.run(calls)


@pytest.mark.parametrize("kind", ["reset", "lose", "cut", "html", "garbage"])
def test_an_order_whose_answer_is_lost_makes_one_deployment(tmp_path: Path, kind: str) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        it.faults.add(kind=kind, method="POST", path="deployments", times=1)
        project = await client.require_project(NAME)
        made = await building.create(client, project, commit=COMMIT, branch=BRANCH, key="k")
        assert made.id == (await one(client, COMMIT)).id

    run(tmp_path, calls)


def test_a_move_whose_answer_is_lost_before_it_is_shown_is_not_done_twice(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        it._moving._delay = 0.2  # noqa: SLF001 - so long it is not shown
        older = await one(client, OLDER)
        it.faults.add(kind="lose", method="POST", path="rollback", times=1)
        it.calls.clear()
        await moving.roll_back(client, NAME, older.id, pace=QUICK)
        assert (await client.require_project(NAME)).production == older.id
        statuses = [call.status for call in it.calls if call.method == "POST"]
        assert statuses[0] == 201
        assert set(statuses[1:]) <= {409}

    run(tmp_path, calls)


@pytest.mark.parametrize("kind", ["reset", "lose", "cut", "html", "status"])
def test_a_move_whose_answer_is_lost_is_asked_for_once_and_seen_to_its_end(tmp_path: Path, kind: str) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        older = await one(client, OLDER)
        it.faults.add(kind=kind, status=503, method="POST", path="rollback", times=1)
        it.calls.clear()
        await moving.roll_back(client, NAME, older.id, pace=QUICK)
        assert (await client.require_project(NAME)).production == older.id
        assert [call.status for call in it.calls if call.method == "POST"].count(201) == 1

    run(tmp_path, calls)


def test_a_move_is_done_when_it_returns_and_repeating_it_asks_for_nothing(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        it._moving._delay = 0.1  # noqa: SLF001 - so that a look in between sees it pending and in progress
        older, newer = await one(client, OLDER), await one(client, NEWER)
        began = time.monotonic()
        await moving.roll_back(client, NAME, older.id, pace=QUICK)
        assert time.monotonic() - began >= 0.2
        assert (await client.require_project(NAME)).production == older.id
        it.calls.clear()
        await moving.roll_back(client, NAME, older.id, pace=QUICK)
        assert [call.method for call in it.calls] == ["GET"]
        await moving.promote(client, NAME, newer.id, pace=QUICK)
        assert (await client.require_project(NAME)).production == newer.id

    run(tmp_path, calls)


def test_after_a_rollback_pushes_go_nowhere_and_after_a_switch_neither(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        web = platform(client)
        older = next(iter(await web.candidates("web")))
        await web.roll_back(older, why="it is slow")
        assert not (await client.require_project(NAME)).auto_assign
        it.pushed(BRANCH, COMMIT)
        pushed = await web.wait(web.told("web", await one(client, COMMIT)))
        assert [each.id for each in await web.serving("web")] == [older.id]
        await web.switch(pushed)
        assert [each.id for each in await web.serving("web")] == [pushed.id]
        assert not (await client.require_project(NAME)).auto_assign
        await client.set_auto_assign(NAME, on=True)
        it.pushed(BRANCH, "f" * 40)
        last = await web.wait(web.told("web", await one(client, "f" * 40)))
        assert [each.id for each in await web.serving("web")] == [last.id]

    run(tmp_path, calls)


def test_a_move_that_is_under_way_already_is_followed_and_not_asked_for_again(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        it._moving._delay = 1.0  # noqa: SLF001 - the pace of another's move
        older = await one(client, OLDER)
        await client.ask_rollback(NAME, older.id)
        await anyio.sleep(1.2)  # it is shown
        it.calls.clear()
        await moving.roll_back(client, NAME, older.id, pace=QUICK)
        assert {call.method for call in it.calls} == {"GET"}
        assert (await client.require_project(NAME)).production == older.id

    run(tmp_path, calls)


def test_an_older_request_to_the_same_deployment_is_not_taken_for_ours(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        older = await one(client, OLDER)
        await moving.roll_back(client, NAME, older.id, pace=QUICK)
        await client.set_auto_assign(NAME, on=True)
        web = platform(client)
        it.pushed(BRANCH, COMMIT)
        pushed = await web.wait(web.told("web", await one(client, COMMIT)))
        assert await web.serving("web") == (pushed,)
        before = await client.require_project(NAME)
        assert before.request is not None
        assert (before.request.to, before.request.job.value) == (older.id, "succeeded")
        it._moving._delay = 0.1  # noqa: SLF001 - so that it is seen under way
        await moving.roll_back(client, NAME, older.id, pace=QUICK)
        assert [each.id for each in await web.serving("web")] == [older.id]

    run(tmp_path, calls)


def test_another_move_under_way_goes_first(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        it._moving._delay = 1.0  # noqa: SLF001 - the pace of another's move
        older, newer = await one(client, OLDER), await one(client, NEWER)
        await client.ask_rollback(NAME, older.id)
        await anyio.sleep(1.2)  # it is shown
        await moving.promote(client, NAME, newer.id, pace=QUICK)
        assert (await client.require_project(NAME)).production == newer.id
        statuses = [call.status for call in it.calls if call.method == "POST"]
        assert (statuses[0], set(statuses[1:-1]), statuses[-1]) == (201, {409}, 201)

    run(tmp_path, calls)


def test_domains_that_could_not_be_moved_are_named(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        (domain,) = await client.domains(NAME)
        it.set_project(NAME, failing=[domain.name])
        older = await one(client, OLDER)
        words = rf"failed: {domain.name} \(failed\): {domain.name} could not be assigned"
        with pytest.raises(VendorError, match=words) as raised:
            await moving.roll_back(client, NAME, older.id, pace=QUICK)
        it.set_project(NAME, failing=[])
        told = platform(client).told("web", await one(client, OLDER))
        assert (told.state, told.reason) == (State.READY, f"{domain.name} could not be assigned")
        assert (raised.value.trouble, raised.value.code) == (Trouble.BROKEN, "failed")
        assert [each.commit for each in await platform(client).serving("web")] == [NEWER]

    run(tmp_path, calls)


def test_a_move_that_does_not_end_is_told_in_time_as_unsettled(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        it._moving._delay = 60  # noqa: SLF001 - it takes for ever
        older = await one(client, OLDER)
        with pytest.raises(VendorError, match="does not lead to") as raised:
            await moving.roll_back(client, NAME, older.id, pace=Pace(first=0.01, most=0.05, whole=0.3))
        assert raised.value.unsettled

    run(tmp_path, calls)


def test_what_the_plan_or_the_deployment_does_not_allow_is_refused_in_vercels_words(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        project = await client.require_project(NAME)
        preview = await building.create(client, project, commit=COMMIT, branch="x", key="p", target=None)
        web = platform(client)
        ready = await web.wait(web.told("web", preview))
        with pytest.raises(VendorError, match="422 unprocessable_entity: The deployment is not eligible") as raised:
            await web.roll_back(ready, why="")
        assert raised.value.trouble is Trouble.REFUSING
        with pytest.raises(UsageError, match="was built as a preview"):
            await web.switch(ready)
        with pytest.raises(VendorError, match="422"):
            await moving.promote(client, NAME, ready.id, pace=QUICK)
        await web.switch(web.told("web", await one(client, OLDER)))
        it.account.plan = "hobby"
        third = await building.create(client, project, commit="f" * 40, branch=BRANCH, key="third")
        await web.switch(await web.wait(web.told("web", third)))
        oldest = (await web.candidates("web"))[-1]
        with pytest.raises(VendorError, match="402 payment_required") as limited:
            await web.roll_back(oldest, why="")
        assert limited.value.trouble is Trouble.REFUSING

    run(tmp_path, calls)


def test_rolling_releases_are_not_fought_with_and_a_rollback_ends_one(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        it.set_project(NAME, rolling={**ROLLING, "state": "ACTIVE"})
        older, newer = await one(client, OLDER), await one(client, NEWER)
        web = platform(client)
        with pytest.raises(UsageError, match="rolling releases are on"):
            await web.switch(web.told("web", older))
        short = Pace(first=0.01, most=0.05, whole=0.3)
        with pytest.raises(VendorError, match="does not lead to"):  # queued with 202
            await moving.promote(client, NAME, older.id, pace=short)
        it.set_project(NAME, request=None)
        await moving.roll_back(client, NAME, newer.id, pace=QUICK)
        found = await client.rolling_release(NAME)
        assert found is not None
        assert found.state == "ABORTED"

    run(tmp_path, calls)


def test_a_build_that_fails_is_a_value_with_its_reason_and_its_log(tmp_path: Path) -> None:
    async def calls(_it: Quick, client: Vercel) -> None:
        web = platform(client)
        made = await web.deploy(Order(app="web", commit=BAD, branch=BRANCH, key="bad"))
        found = await web.wait(made)
        assert (found.state, found.reason) == (State.FAILED, 'Command "pnpm build" exited with 2')
        assert (await web.log(found))[-1] == 'Command "pnpm build" exited with 2'
        assert await web.deploy(Order(app="web", commit=BAD, branch=BRANCH, key="bad")) == found
        with pytest.raises(VendorError, match="not ready"):
            await web.switch(found)

    run(tmp_path, calls)


def test_a_build_that_does_not_end_is_told_in_time(tmp_path: Path) -> None:
    async def calls(_it: Quick, client: Vercel) -> None:
        web = VercelPlatform(client, {"web": NAME}, build_pace=Pace(first=0.01, most=0.05, whole=0.3))
        made = await web.deploy(Order(app="web", commit=SLOW, branch=BRANCH, key="slow"))
        with pytest.raises(VendorError, match="is not built after"):
            await web.wait(made)

    run(tmp_path, calls)


def test_variables_of_one_deployment_are_given_or_it_is_cancelled(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        web = platform(client)
        order = Order(app="web", commit=SLOW, branch=BRANCH, key="v", variables={"API_URL": "http://127.0.0.1:1"})
        made = await web.deploy(order)
        assert it.account.deployments[made.id]["variables"] == {"API_URL": "http://127.0.0.1:1"}
        it.account.change(made.id, variables={}, state="BUILDING")  # as if Vercel did not know the field
        with pytest.raises(VendorError, match="was not given API_URL"):
            await web.deploy(order)
        assert it.account.deployments[made.id]["state"] == "CANCELED"

    run(tmp_path, calls)


def test_where_vercel_takes_no_variables_with_a_deployment_that_is_said_and_nothing_made(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        it.account.takes_variables = False
        web = platform(client)
        order = Order(app="web", commit=COMMIT, branch=BRANCH, key="v", variables={"API_URL": "http://127.0.0.1:1"})
        with pytest.raises(VendorError, match=r"400 bad_request: .*additional property `build`") as raised:
            await web.deploy(order)
        assert "no variables with a deployment, as API_URL" in (raised.value.hint or "")
        assert await client.deployments(NAME, commit=COMMIT) == ()
        plain = Order(app="web", commit=COMMIT, branch=BRANCH, key="v")
        assert (await web.wait(await web.deploy(plain))).state is State.READY
        with pytest.raises(VendorError, match="additional property `unheard_of`"):
            await client.create({"name": NAME, "unheard_of": 1})

    run(tmp_path, calls)


def test_a_setting_that_does_not_stick_is_told_before_anything_is_deployed(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        web = platform(client)
        order = Order(app="web", commit=COMMIT, branch=BRANCH, key="k")
        it.faults.add(kind="status", status=200, method="PATCH", body="{}")
        with pytest.raises(UsageError, match=f"autoAssignCustomDomains of {NAME} is True though it was set to False"):
            await web.deploy(order)
        assert await client.deployments(NAME, commit=COMMIT) == ()
        await web.wait(await web.deploy(order))
        assert not (await client.require_project(NAME)).auto_assign
        assert [each.commit for each in await web.serving("web")] == [NEWER]
        (order_sent,) = [call for call in it.calls if call.path == "/v13/deployments" and call.method == "POST"]
        assert "forceNew=1" in order_sent.query

    run(tmp_path, calls)


def test_domains_of_branches_and_those_that_only_redirect_are_not_what_users_get(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        (domain,) = it.account.open_switches()
        older = await one(client, OLDER)
        for name in ("www", "feature", "stage", "unverified"):
            it.account.aliases[f"{name}.test"] = {**it.account.aliases[domain], "deployment": older.id}
        usual: dict[str, Any] = {"verified": True, "redirect": None, "gitBranch": None}
        domains = [
            {**usual, "name": domain},
            {**usual, "name": "www.test", "redirect": domain},
            {**usual, "name": "feature.test", "gitBranch": "feature"},
            {**usual, "name": "stage.test", "customEnvironmentId": "env_1"},
            {**usual, "name": "unverified.test", "verified": False},
        ]
        body = json.dumps({"domains": domains, "pagination": {"count": 5, "next": None, "prev": None}})
        it.faults.add(kind="status", status=200, path="/domains$", body=body)
        assert [each.commit for each in await platform(client).serving("web")] == [NEWER]

    run(tmp_path, calls)


def test_what_vercel_would_not_roll_back_to_is_no_candidate_whatever_the_list_says(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}) as asking:
            place = f"{client.exchange.address}/v7/deployments"
            page = (await asking.get(place, params={"teamId": TEAM, "projectId": NAME})).json()
        row = page["deployments"][0]
        page["deployments"] = [
            {**row, "uid": "dpl_no", "isRollbackCandidate": False},
            {**row, "uid": "dpl_gone", "isRollbackCandidate": True, "softDeletedByRetention": True},
            {**row, "uid": "dpl_good", "isRollbackCandidate": True},
        ]
        it.faults.add(kind="status", status=200, path="/v7/deployments", body=json.dumps(page))
        assert [each.id for each in await platform(client).candidates("web")] == ["dpl_good"]

    run(tmp_path, calls)


def test_a_rollback_says_why(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        web = platform(client)
        await web.roll_back((await web.candidates("web"))[0], why="it is slow")
        (asked,) = [call for call in it.calls if "/rollback/" in call.path]
        assert parse_qs(asked.query)["description"] == ["it is slow"]

    run(tmp_path, calls)


def test_whether_staged_addresses_are_open_is_read_and_what_lets_one_in_is_kept_out_of_sight(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        web = platform(client)
        assert await web.passage("web") == {}
        for login, guarded in (("preview", False), ("prod_deployment_urls_and_all_previews", True), ("all", True)):
            it.set_project(NAME, login=login)
            assert (await client.require_project(NAME)).is_guarded is guarded
        with pytest.raises(UsageError, match="let in only who shows who they are"):
            await web.passage("web")
        it.set_project(NAME, password="s3cret-of-automation")  # noqa: S106 - of a stand-in
        assert await web.passage("web") == {"x-vercel-protection-bypass": "s3cret-of-automation"}
        assert "s3cret" not in repr(await client.require_project(NAME))

    run(tmp_path, calls)


@pytest.mark.parametrize(
    ("settings", "guarded"),
    [
        ({}, False),
        ({"passwordProtection": {}}, True),  # where it holds is not in the published API
        ({"passwordProtection": {"deploymentType": "preview"}}, False),
        ({"trustedIps": {"deploymentType": "production"}}, True),
        ({"ssoProtection": None, "passwordProtection": None, "trustedIps": None}, False),
    ],
)
def test_every_kind_of_protection_counts(settings: dict[str, Any], guarded: bool) -> None:  # noqa: FBT001 - a parameter
    found = pydantic.TypeAdapter(vercel.Project).validate_python({"id": "p", "name": "web", **settings})
    assert found.is_guarded is guarded
    others = {"protectionBypass": {"a": {"scope": "integration-automation-bypass"}, "b": 5, "c": None}}
    assert pydantic.TypeAdapter(vercel.Project).validate_python({"id": "p", "name": "web", **others}).bypass is None


def test_what_an_app_says_is_heard_while_it_is_listened_to(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        older = await one(client, OLDER)
        found = await client.spoken(NAME, older.id, seconds=5)
        assert [(each.level, each.message) for each in found] == [
            ("info", f"{older.id} listens"),
            ("error", "x is undefined"),
        ]
        line = json.dumps({"rowId": "1", "level": "info", "message": "m", "source": "request", "timestampInMs": 1})
        it.faults.add(kind="status", status=200, path="runtime-logs", body=f"{line}\n\n{line}")
        assert [each.id for each in await client.spoken(NAME, older.id)] == ["1", "1"]
        for body in ("<html>", f"{line}\n{line[:20]}"):
            it.faults.add(kind="status", status=200, path="runtime-logs", body=body)
            with pytest.raises(VendorError) as raised:
                await client.spoken(NAME, older.id)
            assert raised.value.trouble is Trouble.UNREADABLE

    run(tmp_path, calls)


def test_an_old_build_that_retention_removed_is_no_candidate(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        it._retention.keep = 2  # noqa: SLF001 - retention
        web = platform(client)
        for number in range(3):
            made = await web.deploy(Order(app="web", commit=f"{number}" * 40, branch=BRANCH, key=str(number)))
            await web.switch(await web.wait(made))
        # The older one was the only way back when the last one was built.
        assert [each.commit for each in await web.candidates("web")] == ["1" * 40, "0" * 40]

    run(tmp_path, calls)


def test_the_limit_is_waited_out_by_vercels_own_header(tmp_path: Path) -> None:
    async def calls(it: Quick, client: Vercel) -> None:
        headers = {"x-ratelimit-reset": str(int(time.time()) + 2)}  # beside it stands the date, by which it counts
        it.faults.add(kind="status", status=429, headers=headers, times=1)
        began = time.monotonic()
        await client.user()
        assert 0.9 <= time.monotonic() - began < 6

    run(tmp_path, calls)


def test_a_project_without_a_repository_or_an_app_without_a_project_is_said_at_once(tmp_path: Path) -> None:
    async def calls(_it: Quick, client: Vercel) -> None:
        with pytest.raises(UsageError, match="no Vercel project is named for the app api"):
            await platform(client).serving("api")

    run(tmp_path, calls)


@pytest.mark.parametrize(
    ("link", "source"),
    [
        ({"type": "github", "repoId": 7, "org": "o"}, {"repoId": 7}),
        ({"type": "gitlab", "projectId": "8"}, {"projectId": "8"}),
        ({"type": "bitbucket", "uuid": "{u}", "workspaceUuid": "{w}"}, {"repoUuid": "{u}", "workspaceUuid": "{w}"}),
    ],
)
def test_the_repository_is_named_as_its_host_names_it(link: dict[str, Any], source: dict[str, Any]) -> None:
    project = vercel.Project(id="p", name="web", link=link)
    found = building.git_source(project, "sha", "main")
    assert found == {"type": link["type"], "ref": "main", "sha": "sha", **source}
    with pytest.raises(UsageError, match="is linked to no repository"):
        building.git_source(vercel.Project(id="p", name="web"), "sha", "main")


def test_what_it_knows_is_there_after_a_restart_and_what_was_under_way_goes_on(tmp_path: Path) -> None:
    async def calls() -> None:
        async with asking(tmp_path) as (it, client):
            it._moving._delay = 60  # noqa: SLF001 - so that it is cut short
            older = await one(client, OLDER)
            (before,) = await client.domains(NAME)
            await client.ask_rollback(NAME, older.id)
            await building.create(client, await client.require_project(NAME), commit=SLOW, branch=BRANCH, key="slow")
        async with asking(tmp_path) as (_, client):
            await moving.roll_back(client, NAME, older.id, pace=QUICK)
            assert [each.id for each in await platform(client).serving("web")] == [older.id]
            assert await client.domains(NAME) == (before,)
            assert (await one(client, SLOW)).ready in {Ready.QUEUED, Ready.BUILDING}

    anyio.run(calls)
