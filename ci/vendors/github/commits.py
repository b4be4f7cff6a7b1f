"""Commits, how one stands to another, and merges of branches without a pull request."""

from __future__ import annotations

import dataclasses
from http import HTTPStatus

from ci.errors import Trouble
from ci.vendors.exchange import segment
from ci.vendors.github.area import MOST_PAGES, PAGE, Area, path_of, trouble
from ci.vendors.github.objects import MISSING
from ci.vendors.github.talk import Merged, Pull
from ci.vendors.github.values import Commit, Comparison


class Commits(Area):
    """Commits by any name: a branch, a tag, a commit's own."""

    async def get(self, name: str) -> Commit | None:
        """Return a commit. Raises VendorError."""
        return await self.find(f"/commits/{path_of(name)}", Commit, what="a commit", absent=MISSING)

    async def pulls(self, sha: str) -> tuple[Pull, ...]:
        """Return the pull requests that a commit came or comes with. Raises VendorError."""
        return await self.every(f"/commits/{path_of(sha)}/pulls", Pull, what="the pull requests of a commit")

    async def compare(self, base: str, head: str) -> Comparison | None:
        """Return how `head` stands to `base`, with all its commits; None where either is not there.

        The files stand on the first page alone, 300 at most. Raises VendorError.
        """
        path = f"/compare/{segment(base)}...{segment(head)}"
        found: Comparison | None = None
        for page in range(1, MOST_PAGES + 1):
            query = {"per_page": PAGE, "page": page}
            part = await self.find(path, Comparison, what="a comparison", query=query)
            if part is None:
                return None
            commits = (*(found.commits if found else ()), *part.commits)
            found = dataclasses.replace(found or part, commits=commits)
            if len(commits) >= part.total or not part.commits:
                return found
        raise trouble(Trouble.UNREADABLE, f"{base} and {head} are more than {MOST_PAGES} pages of commits apart")

    async def merge(self, base: str, head: str, *, message: str) -> Merged | None:
        """Merge `head` into the branch `base`, and return the commit; None where there was nothing to merge.

        Where GitHub's answer was lost a second try finds nothing to merge. Raises VendorError, with status 409 for a
        conflict.
        """
        body = {"base": base, "head": head, "commit_message": message}
        accept = (HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)
        answer = await self.ask("POST", "/merges", body=body, accept=accept, repeatable=True)
        if answer.status == HTTPStatus.NO_CONTENT:
            return None
        return self.exchange.read(answer, Merged, what="a merge")
