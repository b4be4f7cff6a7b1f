"""Merges, as git itself makes them, in a work tree that is thrown away."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from typing import TYPE_CHECKING

import anyio

from ci.errors import ToolError
from ci.rehearsal.github.bare import signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from ci.processes import Completed
    from ci.rehearsal.github.bare import Bare


class Bench:
    """Where merges of a repository are made."""

    def __init__(self, bare: Bare, directory: Path) -> None:
        """Clear what a kill left there."""
        self.bare = bare
        self.directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(bare.path / "worktrees", ignore_errors=True)

    @contextlib.asynccontextmanager
    async def _tree(self, sha: str, who: Mapping[str, str]) -> AsyncIterator[_Tree]:
        place = self.directory / uuid.uuid4().hex
        self.directory.mkdir(parents=True, exist_ok=True)
        await self.bare.done("worktree", "add", "--quiet", "--detach", str(place), sha)
        try:
            yield _Tree(self.bare, place, signed(who, who))
        finally:
            with anyio.CancelScope(shield=True):
                await self.bare.git("worktree", "remove", "--force", str(place))

    async def merges(self, base: str, head: str, who: Mapping[str, str]) -> bool:
        """Whether a head merges into a base without a conflict."""
        return await self.merge(base, head, "a try", who) is not None

    async def merge(self, base: str, head: str, message: str, who: Mapping[str, str]) -> str | None:
        """Return a merge commit of both, also where the base could be moved forward; None for a conflict."""
        async with self._tree(base, who) as tree:
            done = await tree.git("merge", "--no-ff", "--quiet", "-m", message, head)
            return await tree.head() if done.code == 0 else None

    async def squash(self, base: str, head: str, message: str, who: Mapping[str, str]) -> str | None:
        """Return one commit on the base with all of the head's changes; None for a conflict."""
        async with self._tree(base, who) as tree:
            done = await tree.git("merge", "--squash", "--quiet", head)
            if done.code == 0:
                done = await tree.git("commit", "--quiet", "--allow-empty", "-m", message)
            return await tree.head() if done.code == 0 else None

    async def rebase(self, base: str, head: str, who: Mapping[str, str]) -> str | None:
        """Return the last of the head's commits made anew on the base; None for a conflict."""
        async with self._tree(head, who) as tree:
            done = await tree.git("rebase", "--quiet", "--force-rebase", base)
            return await tree.head() if done.code == 0 else None


class _Tree:
    """A work tree, and who makes commits in it."""

    def __init__(self, bare: Bare, place: Path, who: Mapping[str, str]) -> None:
        self.bare = bare
        self.place = place
        self.who = who

    async def git(self, *arguments: str) -> Completed:
        apart = ("-c", "core.hooksPath=/dev/null", "-c", "rerere.enabled=false", "-c", "commit.gpgSign=false")
        return await self.bare.git(*apart, *arguments, within=self.place, environment=self.who)

    async def head(self) -> str:
        done = await self.git("rev-parse", "HEAD")
        if done.code != 0:
            raise ToolError(f"git rev-parse failed: {done.complaint}")
        return done.text.strip()
