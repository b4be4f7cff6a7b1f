from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.errors import Trouble, UsageError
from ci.rehearsal.github import APP, AUTHOR, RULESET, SLUG, Rules
from ci.rehearsal.github import GitHub as StandIn
from ci.rehearsal.serving import serving
from ci.vendors import github
from ci.vendors.github.talk import Mark
from ci.vendors.github.texts import marked
from ci.vendors.github.values import Demands
from tests.vendors.github_world import QUICK, READER, play, refused
from tests.vendors.subjects.github import SHA, Both, a_deployment, an_issue, both, opened, seeded

if TYPE_CHECKING:
    from pathlib import Path


def test_a_branch_moves_forward_only_and_not_past_its_rules(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        refs = it.author.refs
        await refused(refs.move("main", SHA["behind"]), "Update is not a fast forward", 422)
        await refused(refs.move("none", SHA["main"]), "Reference does not exist", 422)
        await refused(refs.create("new", "0" * 40), "Object does not exist", 422)
        with pytest.raises(Exception, match=r"is there already, at \w{12} and not at \w{12}"):
            await refs.create("feature", SHA["main"])
        stand_in.state.protect("main", Rules(approvals=0))
        await refused(refs.move("main", SHA["feature"]), "Changes must be made through a pull request", 422)
        await refused(refs.delete("main"), "Cannot delete this branch", 422)
        put = it.author.objects.put("a.txt", b"a", branch="main", message="a", over=None)
        await refused(put, "Changes must be made through a pull request", 409)
        stand_in.state.protect("main")
        stand_in.state.protect("main", Rules(source=RULESET, contexts=("ci",)))
        words = r'Repository rule violations found Required status check "ci" is expected'
        await refused(refs.move("main", SHA["feature"]), words, 422)
        await it.author.checks.set(SHA["feature"], "ci", "success")
        assert await refs.move("main", SHA["feature"]) == SHA["feature"]
        assert await refs.move("main", SHA["feature"]) == SHA["feature"]

    play(tmp_path, scene)


def test_what_a_branch_demands_is_read_from_protection_and_rulesets_and_what_is_hidden_is_said(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        refs = it.author.refs
        assert await refs.demands("main") == Demands()
        assert await refs.demands("none") is None
        stand_in.state.protect("main", Rules(approvals=2, contexts=("ci",), linear=True))
        whole = Demands(contexts=("ci",), approvals=2, linear=True)
        assert await refs.demands("main") == whole
        assert await it.reviewer.refs.protection("main") is None  # it takes an administrator
        assert await it.reviewer.refs.demands("main") == Demands(contexts=("ci",), hidden=True)
        stand_in.state.protect("main", Rules(source=RULESET, approvals=1, contexts=("shipway",), strict=True))
        assert await refs.demands("main") == Demands(contexts=("ci", "shipway"), approvals=2, strict=True, linear=True)
        seen = await it.reviewer.refs.demands("main")
        # The protection that is hidden asks for two approvals, and no ruleset says so.
        assert seen == Demands(contexts=("ci", "shipway"), approvals=1, strict=True, hidden=True)
        stand_in.state.protect("main")
        stand_in.state.protect("main", Rules(source=RULESET, approvals=1))
        assert await it.author.refs.demands("main") == Demands(approvals=1)
        assert await it.reviewer.refs.demands("main") == Demands(approvals=1)

    play(tmp_path, scene)


def test_without_a_word_on_the_classic_protection_only_who_would_see_one_knows_that_there_is_none() -> None:
    def answering(said: str) -> httpx.MockTransport:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/protection"):
                return httpx.Response(404, json={"message": said})
            if "/rules/" in request.url.path:
                return httpx.Response(200, json=[{"type": "deletion"}])
            return httpx.Response(200, json={"name": "main", "commit": {"sha": SHA["main"]}, "protected": True})

        return httpx.MockTransport(answer)

    async def run() -> None:
        for said, hidden in (("Not Found", True), ("Branch not protected", False)):
            async with github.connect(AUTHOR.token, SLUG, transport=answering(said)) as client:
                assert await client.refs.demands("main") == Demands(hidden=hidden)

    anyio.run(run)


def test_a_file_is_written_over_the_one_that_was_read(tmp_path: Path) -> None:
    async def scene(_: StandIn, it: Both) -> None:
        put = it.author.objects.put
        await refused(put("README.md", b"x", branch="main", message="x", over=None), "wasn't supplied", 422)
        await refused(put("README.md", b"x", branch="main", message="x", over="1" * 40), "does not match", 409)
        await refused(put("a.md", b"x", branch="none", message="x", over=None), "Branch none not found", 404)
        large = bytes(range(256)) * 5000
        await put("large.bin", large, branch="main", message="x", over=None)
        file = await it.author.objects.file("large.bin", ref="main")
        assert file is not None
        assert file.content == large

    play(tmp_path, scene)


def test_lists_are_read_to_their_end(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        await an_issue(it)
        state = stand_in.state
        for number in range(2, 232):
            state.issues[str(number)] = {**state.issues["1"], "title": f"issue {number}"}
        state.memory.number("issue", first=231)
        found = await it.author.issues.labelled("shipway")
        assert len({issue.number for issue in found}) == 231
        assert await it.author.issues.marked("incident:1", label="shipway") == found[-1]
        statuses = [
            {"id": n, "state": "success", "context": f"c{n}", "description": None, "target_url": None}
            | {"creator": AUTHOR.login, "moment": "2026-01-01T00:00:00Z"}
            for n in range(150)
        ]
        state.statuses[SHA["main"]] = statuses
        assert len(await it.author.checks.statuses("main")) == 150
        assert (await it.author.checks.standing("main")).of(("c0", "c149")) is Mark.SUCCESS
        sha = SHA["feature"]
        await it.author.refs.create("long", sha)
        tree = (await state.bare.commit(sha)).tree
        who = {"name": "a", "email": "a@b.test", "date": "@1767225600 +0000"}
        for number in range(120):
            sha = await state.bare.record(f"commit {number}", tree, [sha], who, who)
        await it.author.refs.move("long", sha)
        comparison = await it.author.commits.compare("main", "long")
        assert comparison is not None
        assert [commit.message for commit in comparison.commits] == ["commit 5", *(f"commit {n}" for n in range(120))]
        assert [file.name for file in comparison.files] == ["apps/web/new.ts"]

    play(tmp_path, scene)


def test_an_issue_is_ours_by_label_and_mark_and_a_comment_by_who_wrote_it(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        stranger = await it.reviewer.issues.ensure(
            "other:1", title="x", body=marked("Mine!", "incident:1"), label="bug"
        )
        number = await an_issue(it)
        assert number != stranger.number
        await it.reviewer.issues.comment(number, "note:1", "Mine, too.")
        await it.author.issues.comment(number, "note:1", "Look.")
        async with github.connect(AUTHOR.token, SLUG, login="Ada", address=it.author.exchange.address) as same:
            await same.issues.comment(number, "note:1", "Look.")  # a login is the same in any case
        assert [each.author for each in await it.author.issues.comments(number)] == ["grace", "ada"]
        await it.author.issues.change(number, state="closed")
        assert await an_issue(it) == number  # a closed one is the same incident's
        pull = await opened(it)
        await it.author.issues.label(pull, "shipway")
        assert [each.number for each in await it.author.issues.labelled("shipway", state="all")] == [number]
        assert len(stand_in.state.comments) == 2

    play(tmp_path, scene)


def test_a_label_is_the_same_in_any_case_and_an_issue_stays_one_under_it(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        stop = await it.reviewer.issues.ensure(
            "other:1", title="x", body="x", label="Shipway", labels=("Shipway:Stop",)
        )
        assert len({await an_issue(it) for _ in range(3)}) == 1
        assert [each["labels"] for each in stand_in.state.issues.values()] == [["Shipway", "Shipway:Stop"], ["Shipway"]]
        assert [each.number for each in await it.author.issues.labelled("shipway:stop")] == [stop.number]

    play(tmp_path, scene)


def test_without_the_right_to_label_no_issue_is_opened_that_would_not_be_found_again(tmp_path: Path) -> None:
    async def run() -> None:
        stand_in = StandIn(tmp_path, people=(AUTHOR, READER))
        async with (
            serving(stand_in) as address,
            github.connect(READER.token, SLUG, address=address, patience=QUICK) as client,
        ):
            with pytest.raises(UsageError, match="may not label issues"):
                await client.issues.ensure("incident:1", title="x", body="x", label="shipway")
            assert len(stand_in.state.issues) == 0
            # Where GitHub says that it may, and drops the label all the same.
            repository = {"full_name": SLUG, "default_branch": "main", "private": True, "archived": False}
            stand_in.faults.add(
                kind="status", status=200, path=f"/repos/{SLUG}$", body=json.dumps({**repository, "has_issues": True})
            )
            with pytest.raises(UsageError, match="opened #1 without the label shipway"):
                await client.issues.ensure("incident:1", title="x", body="x", label="shipway")

    anyio.run(run)


def test_an_issue_with_another_text_is_still_ours_to_find(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        number = await an_issue(it)
        changed = await it.author.issues.rewrite(number, "incident:1", "Now with a diagnosis.")
        assert (changed.body or "").startswith("Now with a diagnosis.")
        assert await an_issue(it) == number
        assert len(stand_in.state.issues) == 1

    play(tmp_path, scene)


def test_the_search_is_late_and_nothing_that_writes_asks_it(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        stand_in.state.index_after = 0.5
        assert await an_issue(it) == await an_issue(it)
        assert (await it.author.issues.search("ill")).total == 0
        await anyio.sleep(0.6)
        found = await it.author.issues.search('"is ill" label:shipway is:open')
        assert [issue.title for issue in found.issues] == ["It is ill"]
        assert not any(call.path == "/search/issues" and "ill" not in call.query for call in stand_in.calls)

    play(tmp_path, scene)


def test_a_repository_without_issues_is_told(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        stand_in.state.has_issues = False
        await refused(an_issue(it), "Issues are disabled", 410)
        assert await it.author.issues.get(1) is None
        repository = await it.author.repository()
        assert repository is not None
        assert not repository.has_issues

    play(tmp_path, scene)


def test_check_runs_are_for_apps(tmp_path: Path) -> None:
    async def scene(_: StandIn, it: Both) -> None:
        begin = it.author.checks.begin("run:1", name="shipway", sha=SHA["main"])
        error = await refused(begin, "must authenticate via a GitHub App", 403)
        assert error.trouble is Trouble.DENYING
        nameless = github.connect(APP.token, SLUG, address=it.app.exchange.address)
        number = await an_issue(it)
        error = await refused(nameless.issues.comment(number, "note:1", "Look."), "name its login", 403)
        await nameless.aclose()
        misnamed = github.connect(APP.token, SLUG, login="other[bot]", address=it.app.exchange.address)
        with pytest.raises(UsageError, match=r"speaks for shipway\[bot\], not for other\[bot\]"):
            await misnamed.issues.comment(number, "note:1", "Look.")
        await misnamed.aclose()
        assert await it.author.checks.run(1) is None

    play(tmp_path, scene)


def test_a_check_run_is_found_by_its_key_behind_a_newer_one_of_the_same_name(tmp_path: Path) -> None:
    async def scene(_: StandIn, it: Both) -> None:
        begin = it.app.checks.begin
        first, second, again = [
            (await begin(key, name="shipway", sha=SHA["main"])).id for key in ("run:1", "run:2", "run:1")
        ]
        assert (again, second) == (first, first + 1)
        assert [each.external_id for each in await it.app.checks.runs("main")] == ["run:2"]

    play(tmp_path, scene)


def test_a_deployment_is_told_of_and_nothing_merged(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        await it.author.checks.set(SHA["main"], "ci", "failure")
        first = await a_deployment(it)  # red, and told of all the same
        assert json.loads(stand_in.calls[-1].body)["auto_merge"] is False
        await it.author.deployments.set(first, "success", description="It is there")
        ask, place = it.author.exchange.ask, f"/repos/{SLUG}/deployments"
        await refused(ask("POST", place, body={"ref": "main"}), "Commit status checks failed for main", 409)
        answer = await ask("POST", place, body={"ref": "behind", "required_contexts": []}, accept=(202,))
        assert json.loads(answer.content) == {"message": "Auto-merged main into behind on deployment."}
        assert len(stand_in.state.deployments) == 1
        second = await it.author.deployments.ensure(
            "run:2", sha=SHA["feature"], environment="staging", description="Another", production=False
        )
        await it.author.deployments.set(second.id, "success", description="It is there")
        assert [each.state for each in await it.author.deployments.statuses(first)] == ["inactive", "success"]
        assert [each.id for each in await it.author.deployments.every_one(environment="staging", most=1)] == [second.id]

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("event", "payload"),
    [("e" * 101, {}), ("e", {str(n): n for n in range(11)}), ("e", {"x": "y" * 70_000})],
)
def test_a_dispatch_that_github_would_not_take_is_not_sent(event: str, payload: dict[str, Any], tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        with pytest.raises(UsageError, match="dispatch"):
            await it.author.deployments.dispatch(event, payload)
        assert stand_in.calls == []

    play(tmp_path, scene)


def test_a_status_has_its_limit(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        await it.author.checks.set(SHA["main"], "ci", "success", description="long " * 100)
        only = stand_in.state.statuses[SHA["main"]][0]
        assert len(only["description"]) == 140
        stand_in.state.statuses[SHA["main"]] = [only] * 1000
        again = it.author.checks.set(SHA["main"], "ci", "success")
        await refused(again, "reached the maximum number of statuses", 422)
        await refused(it.author.checks.set("0" * 40, "ci", "success"), "No commit found for SHA", 422)

    play(tmp_path, scene)


def test_an_empty_repository_has_nothing_and_says_so(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(StandIn(tmp_path)) as address, both(address, QUICK) as it:
            assert await it.author.refs.sha("main") is None
            assert await it.author.refs.beginning("shipway/") == ()
            assert await it.author.refs.branch("main") is None
            assert await it.author.commits.get("main") is None
            await refused(it.author.objects.make_blob(b"x"), "Git Repository is empty", HTTPStatus.CONFLICT)

    anyio.run(run)


def test_what_it_knows_is_there_after_a_restart(tmp_path: Path) -> None:
    async def run() -> None:
        first = seeded(tmp_path)
        async with serving(first) as address, both(address, QUICK) as it:
            first.state.protect("prod", Rules(approvals=1))
            pull, issue, deployment = await opened(it), await an_issue(it), await a_deployment(it)
            await it.author.checks.set(SHA["main"], "ci", "success")
            await it.author.refs.create("prod", SHA["main"])
            merged = await it.author.pulls.merge(pull, sha=SHA["feature"])
        second = StandIn(tmp_path)
        async with serving(second) as address, both(address, QUICK) as it:
            assert await it.author.refs.sha("main") == merged.sha
            assert await it.author.pulls.is_merged(pull)
            assert await an_issue(it) == issue
            assert await a_deployment(it) == deployment
            assert (await it.author.checks.standing(SHA["main"])).of(("ci",)) is Mark.SUCCESS
            await refused(it.author.refs.move("prod", SHA["feature"]), "through a pull request", 422)
            assert [push["branch"] for push in second.state.pushes.values()] == ["prod", "main"]

    anyio.run(run)


def test_every_branch_that_moves_is_heard_of(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        heard: list[tuple[str, str | None, str | None]] = []
        stand_in.on_push.append(lambda branch, before, after: heard.append((branch, before, after)))
        await it.author.refs.create("new", SHA["main"])
        await it.author.refs.move("new", SHA["feature"])
        await it.author.refs.move("new", SHA["feature"])
        await it.author.refs.delete("new")
        number = await opened(it)
        merged = await it.author.pulls.merge(number, sha=SHA["feature"])
        assert heard == [
            ("new", None, SHA["main"]),
            ("new", SHA["main"], SHA["feature"]),
            ("new", SHA["feature"], None),
            ("main", SHA["main"], merged.sha),
        ]
        assert len(stand_in.state.pushes) == 4

    play(tmp_path, scene)
