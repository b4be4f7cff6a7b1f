from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from ci.rehearsal.github import AUTHOR, REVIEWER, RULESET, Rules
from ci.vendors.github.merging import Stage
from ci.vendors.github.objects import BLOB
from ci.vendors.github.talk import Mark, Opinion
from tests.vendors.github_world import held
from tests.vendors.subjects.github import SHA, WHO, Both, a_deployment, an_issue, opened

if TYPE_CHECKING:
    from pathlib import Path

    from ci.vendors.github import GitHub

REPO = "/repos/{owner}/{repo}"


async def _references(it: GitHub) -> None:
    refs = it.refs
    branch = await refs.branch("shipway/staging/0123456789ab")
    assert branch is not None
    assert (branch.sha, branch.protected) == (SHA["shipway/staging/0123456789ab"], False)
    assert await refs.branch("none") is None
    assert await refs.protection("main") is None
    assert await refs.rules("main") == ()
    assert await refs.sha("none") is None
    assert await refs.create("shipway/x/1", SHA["main"]) == SHA["main"]
    assert await refs.move("shipway/x/1", SHA["feature"]) == SHA["feature"]
    assert [each.name for each in await refs.beginning("shipway/x/")] == ["refs/heads/shipway/x/1"]
    await refs.delete("shipway/x/1")
    await refs.delete("shipway/x/1")
    assert await refs.sha("shipway/x/1") is None


async def _contents(it: GitHub) -> None:
    objects = it.objects
    commit = await objects.commit(SHA["main"])
    assert commit is not None
    assert (commit.message, commit.parents) == ("commit 4", (SHA["first"],))
    blob = await objects.make_blob(b"\x00\xffnew")
    tree = await objects.make_tree(commit.tree, {"a/new.bin": (BLOB, blob), "README.md": None})
    found = await objects.tree(tree, recursive=True)
    assert found is not None
    assert {entry.path for entry in found.entries if entry.type == "blob"} == {
        "a/new.bin",
        "apps/web/index.ts",
        "packages/core/a.ts",
    }
    made = await objects.make_commit("a commit", tree, (SHA["main"],), WHO)
    assert await objects.make_commit("a commit", tree, (SHA["main"],), WHO) == made
    assert await objects.blob(blob) == b"\x00\xffnew"
    file = await objects.file("README.md", ref="main")
    assert file is not None
    assert file.content == b"two\n"
    assert await objects.file("apps", ref="main") is None
    assert await objects.file("none", ref="main") is None
    await objects.put("b/c.txt", b"1", branch="feature", message="A file", over=None)
    first = await objects.put("b/c.txt", b"1", branch="feature", message="A file", over=None)
    second = await objects.put("b/c.txt", b"2", branch="feature", message="Again", over=first)
    await objects.remove("b/c.txt", branch="feature", message="None", over=second)
    await objects.remove("b/c.txt", branch="feature", message="None", over=second)
    assert await objects.file("b/c.txt", ref="feature") is None


async def _comparisons(it: GitHub) -> None:
    commits = it.commits
    found = await commits.get("behind")
    assert found is not None
    assert (found.sha, found.author, found.name) == (SHA["behind"], AUTHOR.login, "Ada")
    assert await commits.get("none") is None
    ahead = await commits.compare("behind", "shipway/staging/0123456789ab")
    assert ahead is not None
    assert (ahead.status, ahead.ahead, ahead.behind, ahead.merge_base) == ("diverged", 3, 1, SHA["first"])
    assert [commit.message for commit in ahead.commits] == ["commit 4", "commit 5", "commit 6"]
    assert {(file.name, file.status) for file in ahead.files} == {
        ("README.md", "modified"),
        ("apps/web/new.ts", "added"),
    }
    merged = await commits.merge("feature", "behind", message="Merge it")
    assert merged is not None
    assert await commits.merge("feature", "behind", message="Merge it") is None
    done = await commits.get(merged.sha)
    assert done is not None
    assert len(done.parents) == 2


async def _requests(it: Both) -> None:
    number = await opened(it, "shipway/staging/0123456789ab")
    assert await opened(it, "shipway/staging/0123456789ab") == number
    pulls = it.author.pulls
    pull = await pulls.computed(number, every=0.05)
    assert pull is not None
    assert (pull.mergeable, pull.mergeable_state, pull.author, pull.is_open) == (True, "clean", AUTHOR.login, True)
    assert [each.name for each in await pulls.files(number)] == ["apps/web/new.ts"]
    assert (await pulls.change(number, title="Another", body="text")).title == "Another"
    assert (await pulls.request_reviews(number, (REVIEWER.login,))).reviewers == (REVIEWER.login,)
    sha = SHA["shipway/staging/0123456789ab"]
    await it.reviewer.pulls.review(number, Opinion.APPROVE, "Good.", sha=sha)
    await it.reviewer.pulls.review(number, Opinion.APPROVE, "Good.", sha=sha)
    assert [review.state for review in await pulls.reviews(number)] == ["APPROVED"]
    assert set(await pulls.standing(number, sha=sha)) == {REVIEWER.login}
    assert not await pulls.is_merged(number)
    merged = await pulls.merge(number, sha=sha, title="The title", message="The text")
    assert await pulls.merge(number, sha=sha) == merged
    assert await pulls.is_merged(number)
    assert await it.author.refs.sha("main") == merged.sha
    assert [each.number for each in await it.author.commits.pulls(sha)] == [number]
    assert (await pulls.ensure(head=pull.head, base="main", title="", body="", sha=sha)).number == number
    await it.author.refs.create("queued", merged.sha)
    await it.author.objects.put("q.txt", b"q", branch="queued", message="A file", over=None)
    queued, head = await opened(it, "queued"), await it.author.refs.sha("queued") or ""
    for _ in range(2):
        assert (await it.author.merging.request(queued, sha=head)).stage is Stage.MERGED
    assert await it.author.merging.result(queued, "none") is None
    behind = await opened(it, "behind")
    updated = await pulls.update_branch(behind, sha=SHA["behind"], every=0.05)
    assert updated.head_sha == await it.author.refs.sha("behind") != SHA["behind"]
    assert {each.head for each in await pulls.every_one()} == {"behind"}


async def _talk(it: Both) -> None:
    number = await an_issue(it)
    assert await an_issue(it) == number
    issues = it.author.issues
    issue = await issues.get(number)
    assert issue is not None
    assert (issue.labels, issue.is_pull, issue.is_open) == (("shipway",), False, True)
    assert await issues.label(number, "web") == ("shipway", "web")
    comment = await issues.comment(number, "note:1", "Look.")
    assert await issues.comment(number, "note:1", "Look again.") == comment
    assert [each.author for each in await issues.comments(number)] == [AUTHOR.login]
    assert (await issues.change(number, state="closed", reason="not_planned")).reason == "not_planned"
    assert await issues.get(99) is None
    assert (await issues.search("ill")).total == 0  # the index is late


async def _checks(it: Both) -> None:
    checks = it.author.checks
    await checks.set(SHA["main"], "ci", "pending", description="x" * 200, target="https://example.test/run")
    await checks.set(SHA["main"], "ci", "success")
    run = await it.app.checks.begin("run:1", name="shipway", sha=SHA["main"], target="https://example.test/run")
    assert await it.app.checks.begin("run:1", name="shipway", sha=SHA["main"]) == run
    assert (await checks.standing(SHA["main"])).marks == (("ci", Mark.SUCCESS), ("shipway", Mark.PENDING))
    await it.app.checks.finish(run.id, "failure", title="Red", summary="All of it.")
    assert (await checks.standing(SHA["main"])).of(("ci", "shipway")) is Mark.FAILURE
    assert (await checks.standing(SHA["main"])).of(("ci", "other")) is Mark.PENDING
    assert [status.state for status in await checks.statuses(SHA["main"])] == ["success"]
    assert [status.state for status in await checks.history(SHA["main"])] == ["success", "pending"]
    found = await checks.run(run.id)
    assert found is not None
    assert (found.mark, found.app) == (Mark.FAILURE, "shipway")


async def _told(it: Both) -> None:
    number = await a_deployment(it)
    assert await a_deployment(it) == number
    deployments = it.author.deployments
    found = await deployments.get(number)
    assert found is not None
    assert (found.sha, found.environment) == (SHA["main"], "staging")
    assert await deployments.get(1) is None
    await deployments.set(number, "in_progress", description="It begins")
    done = await deployments.set(number, "success", description="It is there", address="https://example.test")
    assert await deployments.set(number, "success", description="It is there") == done
    assert [status.state for status in await deployments.statuses(number)] == ["success", "in_progress"]
    await deployments.dispatch("shipway", {"key": "run:1"})


def test_all_that_it_sends_and_all_that_is_answered_is_in_the_contract(tmp_path: Path) -> None:
    async def calls() -> None:
        async with held(tmp_path) as (stand_in, it, holding):
            repository = await it.author.repository()
            assert repository is not None
            assert (repository.default_branch, repository.may_push, repository.may_administer) == ("main", True, True)
            assert (await it.reviewer.account()).login == REVIEWER.login
            assert (await it.author.rates()).search.limit == 30
            await _references(it.author)
            await _contents(it.author)
            await _comparisons(it.author)
            await _requests(it)
            await _talk(it)
            await _checks(it)
            await _told(it)
            stand_in.state.protect("main", Rules(approvals=1, contexts=("ci",)), Rules(source=RULESET, linear=True))
            assert await it.author.refs.protection("main") is not None
            assert await it.author.refs.rules("main") != ()
            assert len(stand_in.state.dispatches) == 1
            assert {name.rpartition(" ")[0] for name in holding.seen} == USED

    anyio.run(calls)


USED = {
    "GET /rate_limit",
    "GET /user",
    "GET /search/issues",
    *(
        f"{method} {REPO}{path}"
        for methods, path in (
            ("GET", ""),
            ("GET", "/branches/{branch}"),
            ("GET", "/branches/{branch}/protection"),
            ("GET", "/rules/branches/{branch}"),
            ("GET", "/git/ref/{ref}"),
            ("GET", "/git/matching-refs/{ref}"),
            ("POST", "/git/refs"),
            ("PATCH DELETE", "/git/refs/{ref}"),
            ("POST", "/git/commits"),
            ("GET", "/git/commits/{commit_sha}"),
            ("POST", "/git/trees"),
            ("GET", "/git/trees/{tree_sha}"),
            ("POST", "/git/blobs"),
            ("GET", "/git/blobs/{file_sha}"),
            ("GET PUT DELETE", "/contents/{path}"),
            ("GET", "/commits/{ref}"),
            ("GET", "/commits/{commit_sha}/pulls"),
            ("GET", "/compare/{basehead}"),
            ("POST", "/merges"),
            ("GET POST", "/pulls"),
            ("GET PATCH", "/pulls/{pull_number}"),
            ("GET", "/pulls/{pull_number}/files"),
            ("GET PUT", "/pulls/{pull_number}/merge"),
            ("PUT", "/pulls/{pull_number}/merge-async"),
            ("GET", "/pulls/{pull_number}/merge-async/{uuid}"),
            ("PUT", "/pulls/{pull_number}/update-branch"),
            ("GET POST", "/pulls/{pull_number}/reviews"),
            ("POST", "/pulls/{pull_number}/requested_reviewers"),
            ("GET POST", "/issues"),
            ("GET PATCH", "/issues/{issue_number}"),
            ("GET POST", "/issues/{issue_number}/comments"),
            ("POST", "/issues/{issue_number}/labels"),
            ("POST", "/statuses/{sha}"),
            ("GET", "/commits/{ref}/status"),
            ("GET", "/commits/{ref}/statuses"),
            ("GET", "/commits/{ref}/check-runs"),
            ("POST", "/check-runs"),
            ("GET PATCH", "/check-runs/{check_run_id}"),
            ("GET POST", "/deployments"),
            ("GET", "/deployments/{deployment_id}"),
            ("GET POST", "/deployments/{deployment_id}/statuses"),
            ("POST", "/dispatches"),
        )
        for method in methods.split()
    ),
}
