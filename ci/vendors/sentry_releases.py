"""Releases of Sentry, which errors are told apart by, and their deploys."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any

from ci.vendors.adapter import ensure
from ci.vendors.exchange import segment
from ci.vendors.sentry_calls import Calls, written
from ci.vendors.sentry_values import Commit, Deploy, Release

LONGEST_NAME = 64
LONGEST_VERSION = 200
# https://docs.sentry.io/cli/releases/#creating-releases
_NO_VERSION = re.compile(r"[\n\t\f\r/\\]|^(\.|\.\.| |latest)$")


class Releases(Calls):
    """What can be asked and said about releases."""

    async def release(self, version: str) -> Release | None:
        """Return a release. Raises VendorError."""
        return await self.look(self._release(version), Release, "a release")

    async def ensure_release(
        self, version: str, projects: Sequence[str], *, url: str | None = None, commits: Sequence[Commit] = ()
    ) -> Release:
        """Make a release of these projects, or find it. Raises VendorError, ValueError for what can be no version."""
        if len(version) > LONGEST_VERSION or not version or _NO_VERSION.search(version):
            raise ValueError(f"{version!r} cannot be the version of a release")
        body: dict[str, Any] = {"version": version, "projects": list(projects)}
        if url is not None:
            body["url"] = url
        if commits:
            body["commits"] = [_commit(each) for each in commits]
        path = f"{self.home}releases/"  # idempotent by the version: 208 says that it was there
        answer = await self.exchange.ask("POST", path, body=body, accept=(201, 208), repeatable=True)
        return self.exchange.read(answer, Release, what="a release")

    async def mark_released(self, version: str, moment: datetime.datetime) -> Release:
        """Write down when a release went live. Raises VendorError."""
        answer = await self.exchange.ask("PUT", self._release(version), body={"dateReleased": written(moment)})
        return self.exchange.read(answer, Release, what="a release")

    async def commits(self, version: str) -> tuple[Commit, ...]:
        """Return the commits of a release. Raises VendorError."""
        return await self.pages(f"releases/{segment(version)}/commits/", {}, Commit, most=1000)

    async def deploys(self, version: str) -> tuple[Deploy, ...]:
        """Return the deploys of a release, the newest first. Raises VendorError."""
        return await self.pages(f"releases/{segment(version)}/deploys/", {}, Deploy, most=1000)

    async def ensure_deploy(
        self,
        version: str,
        environment: str,
        *,
        name: str,
        url: str | None = None,
        finished: datetime.datetime | None = None,
    ) -> Deploy:
        """Record that a release went to an environment, once by `name` (64 characters at most). Raises VendorError."""
        body = {"environment": environment, "name": name[:LONGEST_NAME]}
        body |= {"url": url} if url else {}
        body |= {"dateFinished": written(finished)} if finished else {}

        async def look() -> Deploy | None:
            known = await self.deploys(version)
            return next((each for each in known if (each.environment, each.name) == (environment, body["name"])), None)

        async def write() -> Deploy:
            answer = await self.exchange.ask("POST", f"{self._release(version)}deploys/", body=body, accept=(201,))
            return self.exchange.read(answer, Deploy, what="a deploy")

        return await ensure(look, write)

    def _release(self, version: str) -> str:
        return f"{self.home}releases/{segment(version)}/"


def _commit(commit: Commit) -> dict[str, str]:
    known = {"id": commit.id, "message": commit.message, "author_name": commit.author}
    return {name: value for name, value in known.items() if value is not None}
