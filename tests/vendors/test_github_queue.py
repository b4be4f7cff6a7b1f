from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import Trouble, VendorError
from ci.rehearsal.github import RULESET, Rules
from ci.rehearsal.serving import serving
from ci.vendors.github.merging import Action, Stage
from ci.vendors.github.talk import Method
from ci.vendors.pace import Pace, until
from tests.vendors.github_world import QUICK, held, play, refused
from tests.vendors.subjects.github import QUICK as SOON
from tests.vendors.subjects.github import SHA, Both, both, opened, seeded

if TYPE_CHECKING:
    from pathlib import Path

    from ci.rehearsal.github import GitHub as StandIn

QUEUE = Rules(source=RULESET, queued=True, contexts=("ci",))


def test_a_branch_with_a_queue_takes_merges_through_it_alone_and_they_are_done_in_its_own_time(tmp_path: Path) -> None:
    async def run() -> None:
        async with held(tmp_path) as (stand_in, it, _):
            stand_in.state.protect("main", QUEUE)
            number, sha = await opened(it), SHA["feature"]
            demands = await it.author.refs.demands("main")
            assert demands is not None
            assert (demands.queued, demands.contexts) == (True, ("ci",))
            await it.author.checks.set(sha, "ci", "success")
            await refused(it.author.pulls.merge(number, sha=sha), "through the merge queue", 405)
            with pytest.raises(VendorError, match="#1 was not merged: Changes must be made through the merge queue"):
                await it.author.merging.request(number, sha=sha, action=Action.DIRECT, pace=SOON)
            stand_in.state.queued_for = 3600
            for _ in range(2):
                there = await it.author.merging.request(number, sha=sha, method=Method.SQUASH, pace=SOON)
                assert there.stage is Stage.ENQUEUED
            assert not await it.author.pulls.is_merged(number)
            for key, known in stand_in.state.merges.items():
                stand_in.state.merges[key] = {**known, "due": 0}
            done = await it.author.merging.request(number, sha=sha, pace=SOON)
            assert (done.stage, done.sha) == (Stage.MERGED, await it.author.refs.sha("main"))
            commit = await it.author.commits.get(str(done.sha))
            assert commit is not None
            assert len(commit.parents) == 1  # as the first one asked for it

    anyio.run(run)


def test_what_the_rules_have_against_it_is_told_and_it_may_be_asked_for_again_when_that_is_over(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        stand_in.state.protect("main", Rules(source=RULESET, contexts=("ci",)))
        number, sha = await opened(it), SHA["feature"]
        request = it.author.merging.request
        with pytest.raises(VendorError, match=r'was not merged: .*Required status check "ci" is expected') as raised:
            await request(number, sha=sha, pace=SOON)
        assert (raised.value.trouble, raised.value.unsettled) == (Trouble.REFUSING, False)
        await it.author.checks.set(sha, "ci", "success")
        done = await request(number, sha=sha, pace=SOON)
        assert (done.stage, done.sha) == (Stage.MERGED, await it.author.refs.sha("main"))
        assert await it.author.pulls.merge(number, sha=sha) is not None

    play(tmp_path, scene)


def test_what_cannot_be_merged_is_told_at_once_and_another_commits_merge_is_not_taken_for_ours(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, it: Both) -> None:
        number, sha = await opened(it), SHA["feature"]
        request = it.author.merging.request
        with pytest.raises(VendorError, match="Head branch was modified"):
            await request(number, sha=SHA["main"], pace=SOON)
        with pytest.raises(VendorError, match="has no merge queue"):
            await request(number, sha=sha, action=Action.QUEUE, pace=SOON)
        stand_in.state.merged_after = 3600
        with pytest.raises(VendorError, match=r"still pending after 0\.1 s") as raised:
            await request(number, sha=sha, pace=Pace(first=0.01, most=0.05, whole=0.1))
        assert raised.value.unsettled
        with pytest.raises(VendorError, match=f"#1 is being merged already, at {sha[:12]} by merge"):
            await request(number, sha=sha, method=Method.SQUASH, pace=SOON)
        assert len(stand_in.state.merges) == 1

    play(tmp_path, scene)


def test_a_merge_that_was_begun_before_a_kill_is_done_after_it(tmp_path: Path) -> None:
    async def run() -> None:
        first = seeded(tmp_path)
        first.state.protect("main", Rules(source=RULESET, queued=True))
        async with serving(first) as address, both(address, QUICK) as it:
            number = await opened(it)
            assert (await it.author.merging.request(number, sha=SHA["feature"], pace=SOON)).stage is Stage.ENQUEUED
        async with serving(type(first)(tmp_path)) as address, both(address, QUICK) as it:

            async def look() -> str | None:
                pull = await it.author.pulls.get(number)
                return pull.merge_sha if pull is not None and pull.is_merged else None

            assert await until(look, SOON) == await it.author.refs.sha("main")

    anyio.run(run)
