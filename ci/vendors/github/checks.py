"""Commit statuses and check runs: two systems that GitHub shows as one, so both are read.

A context's newest status counts: to set one again is harmless, up to 1000 of a context for a commit. Check runs are for
apps alone; other tokens are denied.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ci.vendors.github.area import Area, once, path_of
from ci.vendors.github.talk import CheckRun, Mark, Standing, Status
from ci.vendors.github.texts import LONGEST_BODY, LONGEST_DESCRIPTION, cut, short

WORST = (Mark.FAILURE, Mark.PENDING, Mark.SUCCESS)


class Checks(Area):
    """What is known of a commit by the names of its checks."""

    async def statuses(self, name: str) -> tuple[Status, ...]:
        """Return the newest status of each context of a commit or a branch. Raises VendorError.

        The combined state that comes with them is "pending" where there are none; it is not used.
        """
        path = f"/commits/{path_of(name)}/status"
        return await self.every(path, Status, what="statuses", inside="statuses")

    async def history(self, name: str) -> tuple[Status, ...]:
        """Return all statuses of a commit or a branch, the newest first. Raises VendorError."""
        return await self.every(f"/commits/{path_of(name)}/statuses", Status, what="statuses")

    async def runs(self, name: str, *, check: str | None = None, newest: bool = True) -> tuple[CheckRun, ...]:
        """Return the newest check run of each name of a commit or a branch, or all of them; of one check where named.

        Raises VendorError.
        """
        query = {"filter": "latest" if newest else "all"} | ({} if check is None else {"check_name": check})
        path = f"/commits/{path_of(name)}/check-runs"
        return await self.every(path, CheckRun, what="check runs", query=query, inside="check_runs")

    async def standing(self, name: str) -> Standing:
        """Return how a commit or a branch stands in both systems. Raises VendorError."""
        marks: dict[str, Mark] = {}
        found = [(status.context, status.mark) for status in await self.statuses(name)]
        found += [(run.name, run.mark) for run in await self.runs(name)]
        for check, mark in found:
            marks[check] = min(mark, marks.get(check, mark), key=WORST.index)
        return Standing(marks=tuple(sorted(marks.items())))

    async def set(
        self, sha: str, context: str, state: str, *, description: str = "", target: str | None = None
    ) -> Status:
        """Say how a commit stands in a context: error, failure, pending, success. Raises VendorError."""
        words = {"context": context, "state": state, "description": short(description, LONGEST_DESCRIPTION)}
        if target is not None:
            words["target_url"] = target
        answer = await self.ask(
            "POST", f"/statuses/{path_of(sha)}", body=words, accept=(HTTPStatus.CREATED,), repeatable=True
        )
        return self.exchange.read(answer, Status, what="a status")

    async def run(self, number: int) -> CheckRun | None:
        """Return a check run. Raises VendorError."""
        return await self.find(f"/check-runs/{number}", CheckRun, what="a check run")

    async def begin(self, key: str, *, name: str, sha: str, target: str | None = None) -> CheckRun:
        """Return the check run of a commit with our key, or begin it. An app's token alone may. Raises VendorError."""

        async def look() -> CheckRun | None:
            found = await self.runs(sha, check=name, newest=False)  # another key's may be newer
            return next((run for run in found if run.external_id == key), None)

        async def write() -> CheckRun:
            words = {"name": name, "head_sha": sha, "external_id": key, "status": "in_progress"}
            words |= {} if target is None else {"details_url": target}
            answer = await self.ask("POST", "/check-runs", body=words, accept=(HTTPStatus.CREATED,))
            return self.exchange.read(answer, CheckRun, what="a check run")

        return await once(look, write)

    async def finish(self, number: int, conclusion: str, *, title: str, summary: str) -> CheckRun:
        """End a check run: success, failure, neutral, cancelled, skipped, timed_out, action_required.

        Raises VendorError.
        """
        output: Mapping[str, Any] = {"title": title, "summary": cut(summary, LONGEST_BODY - 1)}
        words = {"status": "completed", "conclusion": conclusion, "output": output}
        answer = await self.ask("PATCH", f"/check-runs/{number}", body=words, repeatable=True)
        return self.exchange.read(answer, CheckRun, what="a check run")
