from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from ci.errors import Trouble
from ci.rehearsal.github import AUTHOR, PEOPLE, REVIEWER, RULESET, SLUG, Rules
from ci.rehearsal.serving import serving
from ci.vendors import github
from ci.vendors.github.talk import Method, Opinion
from tests.vendors.github_world import QUICK, READER, play, refused
from tests.vendors.subjects.github import SHA, Both, both, opened, seeded

if TYPE_CHECKING:
    from pathlib import Path

    from ci.rehearsal.github import GitHub as StandIn


def test_whether_one_merges_is_not_known_at_once_and_that_is_no_no(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        number = await opened(it)
        first = await it.author.pulls.get(number)
        assert first is not None
        assert (first.mergeable, first.mergeable_state) == (None, "unknown")
        later = await it.author.pulls.computed(number, every=0.05)
        assert later is not None
        assert later.mergeable is True
        stand_in.state.mergeable_after = 60.0
        other = await opened(it, "behind")
        still = await it.author.pulls.computed(other, within=0.3, every=0.05)
        assert still is not None
        assert still.mergeable is None
        assert await it.author.pulls.computed(99) is None

    play(tmp_path, scene)


def test_a_conflict_is_known_and_refused(tmp_path: Path) -> None:
    async def scene(_: StandIn, it: Both) -> None:
        number = await opened(it, "conflict")
        pull = await it.author.pulls.computed(number, every=0.05)
        assert pull is not None
        assert (pull.mergeable, pull.mergeable_state) == (False, "dirty")
        error = await refused(it.author.pulls.merge(number, sha=SHA["conflict"]), "Pull Request is not mergeable", 405)
        assert (error.trouble, error.unsettled) == (Trouble.REFUSING, False)
        updating = it.author.pulls.update_branch(number, sha=SHA["conflict"], every=0.05)
        await refused(updating, "merge conflict between base and head", 422)
        await refused(it.author.commits.merge("main", "conflict", message="Merge"), "Merge conflict", 409)
        assert await it.author.refs.sha("main") == SHA["main"]

    play(tmp_path, scene)


def test_a_head_that_moved_is_not_merged(tmp_path: Path) -> None:
    async def scene(_: StandIn, it: Both) -> None:
        number = await opened(it)
        await it.author.refs.move("feature", SHA["shipway/staging/0123456789ab"])
        await refused(it.author.pulls.merge(number, sha=SHA["feature"]), "Head branch was modified", 409)
        stale = it.author.pulls.update_branch(number, sha=SHA["main"])
        assert (await stale).head_sha == SHA["shipway/staging/0123456789ab"]  # it is another one already

    play(tmp_path, scene)


def test_a_review_by_somebody_else_is_asked_for_and_one_of_an_older_commit_goes(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        stand_in.state.protect("main", Rules(approvals=1, dismiss_stale=True))
        number = await opened(it)
        pulls, sha = it.author.pulls, SHA["feature"]
        pull = await pulls.computed(number, every=0.05)
        assert pull is not None
        assert (pull.mergeable, pull.mergeable_state) == (True, "blocked")
        await refused(pulls.merge(number, sha=sha), "At least 1 approving review is required", 405)
        own = pulls.review(number, Opinion.APPROVE, "Mine.", sha=sha)
        await refused(own, "Can not approve your own pull request", 422)
        await it.reviewer.pulls.review(number, Opinion.APPROVE, "Good.", sha=sha)
        assert set(await pulls.standing(number, sha=sha)) == {REVIEWER.login}
        moved = SHA["shipway/staging/0123456789ab"]
        await it.author.refs.move("feature", moved)
        assert await pulls.standing(number, sha=moved) == {}
        await refused(pulls.merge(number, sha=moved), "At least 1 approving review", 405)
        await it.reviewer.pulls.review(number, Opinion.REQUEST_CHANGES, "No.", sha=moved)
        await refused(pulls.merge(number, sha=moved), "Changes have been requested", 405)
        assert (await pulls.standing(number, sha=moved))[REVIEWER.login].state == "CHANGES_REQUESTED"
        await it.reviewer.pulls.review(number, Opinion.APPROVE, "Well.", sha=moved)
        assert (await pulls.merge(number, sha=moved)).sha == await it.author.refs.sha("main")
        await refused(pulls.request_reviews(number, ("nobody",)), "only be requested from collaborators", 422)

    play(tmp_path, scene)


def test_an_approval_counts_from_those_who_belong_and_for_the_commit_that_it_saw(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        number = await opened(it)
        sha = SHA["feature"]
        await it.reviewer.pulls.review(number, Opinion.APPROVE, "Good.", sha=SHA["main"])
        await it.app.pulls.review(number, Opinion.APPROVE, "Good.", sha=sha)
        await it.author.pulls.review(number, Opinion.COMMENT, "So it is.", sha=sha)
        assert len(stand_in.state.reviews) == 3
        assert await it.author.pulls.standing(number, sha=sha) == {}  # an app belongs to nobody

    play(tmp_path, scene)


def test_an_approval_of_one_who_only_reads_is_none(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        stand_in.state.gate.people = (*PEOPLE, READER)
        number = await opened(it)
        sha = SHA["feature"]
        async with github.connect(READER.token, SLUG, address=it.author.exchange.address) as client:
            await client.pulls.review(number, Opinion.APPROVE, "Good.", sha=sha)
        [review] = await it.author.pulls.reviews(number)
        assert (review.state, review.association) == ("APPROVED", "COLLABORATOR")
        assert await it.author.pulls.standing(number, sha=sha) == {}
        await it.reviewer.pulls.review(number, Opinion.APPROVE, "Good.", sha=sha)
        assert set(await it.author.pulls.standing(number, sha=sha)) == {REVIEWER.login}

    play(tmp_path, scene)


def test_a_branch_that_has_all_of_its_base_needs_no_update(tmp_path: Path) -> None:
    async def scene(_: StandIn, it: Both) -> None:
        number = await opened(it)
        pull = await it.author.pulls.update_branch(number, sha=SHA["feature"], every=0.05)
        assert pull.head_sha == SHA["feature"] == await it.author.refs.sha("feature")

    play(tmp_path, scene)


def test_an_opinion_of_the_author_on_their_own_is_none(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        number = await opened(it)
        sha = SHA["feature"]
        await it.reviewer.pulls.review(number, Opinion.APPROVE, "Good.", sha=sha)
        [key] = stand_in.state.reviews
        # As where somebody's pull request became another's, whose reviews of before are still there.
        stand_in.state.reviews[key] = {**stand_in.state.reviews[key], "author": AUTHOR.login}
        assert [review.state for review in await it.author.pulls.reviews(number)] == ["APPROVED"]
        assert await it.author.pulls.standing(number, sha=sha) == {}

    play(tmp_path, scene)


def test_checks_of_both_systems_are_asked_for(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        stand_in.state.protect("main", Rules(source=RULESET, contexts=("ci", "shipway"), strict=True))
        number, sha = await opened(it), SHA["feature"]
        merge = it.author.pulls.merge
        await refused(merge(number, sha=sha), "2 of 2 required status checks are expected", 405)
        await it.author.checks.set(sha, "ci", "success")
        run = await it.app.checks.begin("run:1", name="shipway", sha=sha)
        await refused(merge(number, sha=sha), 'Required status check "shipway" is in progress', 405)
        await it.app.checks.finish(run.id, "failure", title="Red", summary="No.")
        await refused(merge(number, sha=sha), 'Required status check "shipway" is failing', 405)
        await it.app.checks.finish(run.id, "skipped", title="Not needed", summary="Well.")
        other = await opened(it, "behind")
        await it.author.checks.set(SHA["behind"], "ci", "success")
        await it.author.checks.set(SHA["behind"], "shipway", "success")
        await refused(merge(other, sha=SHA["behind"]), "not up to date", 405)
        assert (await merge(number, sha=sha)).sha == await it.author.refs.sha("main")

    play(tmp_path, scene)


def test_drafts_and_methods_that_are_off_are_refused(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        pulls, sha = it.author.pulls, SHA["feature"]
        draft = await pulls.ensure(head="feature", base="main", title="A draft", body="", draft=True)
        await refused(pulls.merge(draft.number, sha=sha), "still a draft", 405)
        await pulls.change(draft.number, state="closed")
        number = await opened(it)
        assert number != draft.number
        stand_in.state.methods["rebase"] = False
        refusal = "Rebase merges are not allowed"
        await refused(pulls.merge(number, sha=sha, method=Method.REBASE), refusal, 405)
        stand_in.state.protect("main", Rules(linear=True))
        await refused(pulls.merge(number, sha=sha), "Merge commits are not allowed", 405)
        assert (await pulls.merge(number, sha=sha, method=Method.SQUASH)).sha == await it.author.refs.sha("main")

    play(tmp_path, scene)


def test_all_three_ways_bring_the_same_tree(tmp_path: Path) -> None:
    async def scene(_: StandIn, it: Both) -> None:
        trees = set()
        for method, parents in ((Method.MERGE, 2), (Method.SQUASH, 1), (Method.REBASE, 1)):
            base = f"into-{method.value}"
            await it.author.refs.create(base, SHA["main"])
            pull = await it.author.pulls.ensure(head="behind", base=base, title="The title", body="")
            merged = await it.author.pulls.merge(pull.number, sha=SHA["behind"], method=method)
            commit = await it.author.commits.get(merged.sha)
            assert commit is not None
            assert (await it.author.refs.sha(base), len(commit.parents)) == (merged.sha, parents)
            trees.add(commit.tree)
        assert len(trees) == 1

    play(tmp_path, scene)


def test_what_cannot_be_opened_is_told_in_githubs_words(tmp_path: Path) -> None:
    async def scene(_: StandIn, it: Both) -> None:
        ensure = it.author.pulls.ensure
        await refused(ensure(head="none", base="main", title="x", body=""), "PullRequest head invalid", 422)
        await refused(ensure(head="main", base="none", title="x", body=""), "PullRequest base invalid", 422)
        await it.author.refs.create("same", SHA["main"])
        await refused(ensure(head="same", base="main", title="x", body=""), "No commits between main and same", 422)

    play(tmp_path, scene)


def test_two_who_open_the_same_one_at_once_get_the_same_one(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        numbers: list[int] = []

        async def open_it() -> None:
            numbers.append(await opened(it))

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(open_it)
        assert set(numbers) == {1}
        assert len(stand_in.state.pulls) == 1

    play(tmp_path, scene)


def test_one_whose_head_goes_is_closed_and_one_whose_head_is_in_its_base_is_merged(tmp_path: Path) -> None:
    async def scene(_: StandIn, it: Both) -> None:
        gone, done = await opened(it, "behind"), await opened(it)
        await it.author.refs.delete("behind")
        await it.author.refs.move("main", SHA["feature"])
        found = [await it.author.pulls.get(number) for number in (gone, done)]
        assert [(pull.is_open, pull.is_merged) for pull in found if pull] == [(False, False), (False, True)]

    play(tmp_path, scene)


def test_a_merge_that_a_kill_left_half_done_is_finished(tmp_path: Path) -> None:
    async def run() -> None:
        stand_in = seeded(tmp_path)
        async with serving(stand_in) as address, both(address, QUICK) as it:
            number = await opened(it)
            made = await stand_in.state.bench.squash(
                SHA["main"], SHA["feature"], "a squash", {"name": "a", "email": "a@b.test", "date": "@1767225600 +0000"}
            )
            pull = stand_in.state.pulls[str(number)]
            stand_in.state.pulls[str(number)] = {**pull, "merging": made}
            assert await stand_in.state.bare.point("refs/heads/main", made, SHA["main"])
        async with serving(type(stand_in)(tmp_path)) as address, both(address, QUICK) as it:
            assert (await it.author.pulls.merge(number, sha=SHA["feature"])).sha == made
            assert await it.author.refs.sha("main") == made

    anyio.run(run)
