from __future__ import annotations

import os
from typing import TYPE_CHECKING

import anyio

from ci import processes
from ci.rehearsal.github import AUTHOR, REVIEWER, RULESET, SLUG, Person, Rules
from ci.rehearsal.github import GitHub as StandIn
from ci.rehearsal.serving import serving
from tests.vendors.subjects.github import SHA, both, opened, seeded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

READER = Person(login="eve", id=104, token="token-of-eve-in-a-rehearsal", role="read")  # noqa: S106 - opens a stand-in only


class Clone:
    """A clone of somebody's, which is a directory and git's own program."""

    def __init__(self, directory: Path, address: str, token: str) -> None:
        """Nothing is cloned yet."""
        self.directory = directory
        self.url = f"{address.replace('://', f'://x-access-token:{token}@')}/{SLUG}.git"

    async def git(self, *arguments: str) -> tuple[int, str]:
        """Run git there; return its exit code and what it said."""
        who = {
            f"GIT_{role}_{what}": f"{what}@example.test"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        apart = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        environment = {**processes.inherited(), **apart, **who, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        cwd = self.directory if self.directory.exists() else self.directory.parent
        done = await processes.run(("git", *arguments), cwd=cwd, environment=environment, timeout=60)
        return done.code, (done.stdout + done.stderr).decode()

    async def done(self, *arguments: str) -> str:
        """The same for what must work."""
        code, said = await self.git(*arguments)
        assert code == 0, said
        return said.strip()

    async def clone(self, *flags: str) -> None:
        """Clone."""
        await self.done("clone", "--quiet", *flags, self.url, str(self.directory))

    async def commit(self, name: str, text: str) -> str:
        """Commit a file on the branch that is checked out."""
        (self.directory / name).write_text(text)
        await self.done("add", name)
        await self.done("commit", "--quiet", "-m", f"write {name}")
        return await self.done("rev-parse", "HEAD")


def play(directory: Path, scene: Callable[[StandIn, Clone, str], Awaitable[None]], token: str = AUTHOR.token) -> None:
    """Play a scene with a clone that is not made yet."""

    async def run() -> None:
        stand_in = seeded(directory / "world")
        async with serving(stand_in) as address:
            await scene(stand_in, Clone(directory / "clone", address, token), address)

    (directory / "world").mkdir()
    anyio.run(run)


def test_it_is_cloned_and_pushed_to_and_the_push_is_heard_of(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, clone: Clone, _: str) -> None:
        heard: list[tuple[str, str | None, str | None]] = []
        stand_in.on_push.append(lambda branch, before, after: heard.append((branch, before, after)))
        await clone.clone()
        assert await clone.done("rev-parse", "origin/main") == SHA["main"]
        sha = await clone.commit("new.txt", "new\n" * 50_000)
        await clone.done("push", "--quiet", "origin", "main", "main:refs/heads/other")
        assert sorted(heard) == [("main", SHA["main"], sha), ("other", None, sha)]
        await clone.done("push", "--quiet", "origin", "--delete", "other")
        assert heard[-1] == ("other", sha, None)
        assert stand_in.state.bare.head("main") == sha
        assert {push["pusher"] for push in stand_in.state.pushes.values()} == {AUTHOR.login}

    play(tmp_path, scene)


def test_an_empty_repository_takes_its_first_push(tmp_path: Path) -> None:
    async def run() -> None:
        stand_in = StandIn(tmp_path)
        async with serving(stand_in) as address, both(address) as it:
            clone = Clone(tmp_path / "clone", address, AUTHOR.token)
            await clone.clone()
            await clone.done("switch", "--quiet", "--create", "main")
            sha = await clone.commit("README.md", "one")
            await clone.done("push", "--quiet", "origin", "main")
            assert await it.author.refs.sha("main") == sha
            assert [push["before"] for push in stand_in.state.pushes.values()] == [None]

    anyio.run(run)


def test_a_shallow_clone_and_a_commit_by_its_name_are_given(tmp_path: Path) -> None:
    async def scene(_: StandIn, clone: Clone, _address: str) -> None:
        await clone.clone("--depth", "1")
        await clone.done("fetch", "--quiet", "origin", SHA["behind"])
        assert await clone.done("rev-parse", "FETCH_HEAD") == SHA["behind"]

    play(tmp_path, scene)


def test_a_push_that_goes_back_is_refused_by_git_and_by_the_rules(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, clone: Clone, _: str) -> None:
        await clone.clone()
        await clone.done("reset", "--quiet", "--hard", SHA["first"])
        sha = await clone.commit("other.txt", "other")
        code, said = await clone.git("push", "origin", "main")
        assert code != 0
        assert "non-fast-forward" in said
        stand_in.state.protect("main", Rules(linear=True))
        code, said = await clone.git("push", "--force", "origin", "main")
        assert code != 0
        assert "GH006: Protected branch update failed for refs/heads/main" in said
        assert "Cannot force-push to this branch" in said
        code, said = await clone.git("push", "origin", "--delete", "main")
        assert "deleting the current branch is denied" in said
        stand_in.state.protect("feature", Rules())
        code, said = await clone.git("push", "origin", "--delete", "feature")
        assert "Cannot delete this branch" in said
        assert stand_in.state.bare.head("main") == SHA["main"]
        assert len(stand_in.state.pushes) == 0
        stand_in.state.protect("main", Rules(force_pushes=True))
        await clone.done("push", "--force", "--quiet", "origin", "main")
        assert stand_in.state.bare.head("main") == sha

    play(tmp_path, scene)


def test_the_rules_of_a_branch_hold_for_a_push_too(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, clone: Clone, address: str) -> None:
        await clone.clone()
        sha = await clone.commit("new.txt", "new")
        stand_in.state.protect("main", Rules(approvals=0))
        code, said = await clone.git("push", "origin", "main", "main:refs/heads/side")
        assert code != 0
        assert "Changes must be made through a pull request" in said
        assert stand_in.state.bare.head("side") == sha  # the other one is none of those rules' business
        stand_in.state.protect("main", Rules(contexts=("ci",)))
        code, said = await clone.git("push", "origin", "main")
        assert 'Required status check "ci" is expected' in said
        async with both(address) as it:
            await it.author.checks.set(sha, "ci", "success")
        await clone.done("push", "--quiet", "origin", "main")
        stand_in.state.protect("main", Rules(source=RULESET, linear=True))
        stand_in.state.protect("main", Rules())
        await clone.done("merge", "--quiet", "-m", "Merge", "origin/behind")
        code, said = await clone.git("push", "origin", "main")
        assert "must not contain merge commits" in said
        assert stand_in.state.bare.head("main") == sha

    play(tmp_path, scene)


def test_administrators_pass_where_the_rules_are_not_for_them(tmp_path: Path) -> None:
    async def scene(stand_in: StandIn, clone: Clone, address: str) -> None:
        stand_in.state.protect("main", Rules(approvals=1, everybody=False))
        await clone.clone()
        sha = await clone.commit("new.txt", "new")
        other = Clone(tmp_path / "other", address, REVIEWER.token)
        await other.clone()
        await other.commit("new.txt", "another")
        _, said = await other.git("push", "origin", "main")
        assert "through a pull request" in said
        await clone.done("push", "--quiet", "origin", "main")
        assert stand_in.state.bare.head("main") == sha

    play(tmp_path, scene)


def test_a_push_moves_the_pull_request_and_one_to_the_base_ends_it(tmp_path: Path) -> None:
    async def scene(_: StandIn, clone: Clone, address: str) -> None:
        await clone.clone()
        await clone.done("switch", "--quiet", "feature")
        async with both(address) as it:
            number = await opened(it)
            sha = await clone.commit("more.txt", "more")
            await clone.done("push", "--quiet", "origin", "feature")
            pull = await it.author.pulls.get(number)
            assert pull is not None
            assert (pull.head_sha, pull.is_open) == (sha, True)
            await clone.done("push", "--quiet", "origin", "feature:main")
            pull = await it.author.pulls.get(number)
            assert pull is not None
            assert (pull.is_merged, pull.merge_sha) == (True, sha)

    play(tmp_path, scene)


def test_strangers_get_nothing_and_readers_push_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        seeded(tmp_path / "world")
        async with serving(StandIn(tmp_path / "world", people=(AUTHOR, READER))) as address:
            stranger = Clone(tmp_path / "stranger", address, "no-such-token")
            code, said = await stranger.git("clone", stranger.url, str(stranger.directory))
            assert code != 0
            assert "Authentication failed" in said
            nobody = Clone(tmp_path / "nobody", address, "x")
            code, said = await nobody.git("clone", f"{address}/{SLUG}.git", str(nobody.directory))
            assert code != 0
            reader = Clone(tmp_path / "reader", address, READER.token)
            await reader.clone()
            await reader.commit("new.txt", "new")
            code, said = await reader.git("push", "origin", "main")
            assert code != 0
            assert "403" in said

    (tmp_path / "world").mkdir()
    anyio.run(run)
