"""One repository on GitHub, seen with one token."""

from __future__ import annotations

import re

import httpx

from ci.errors import UsageError
from ci.vendors.adapter import Adapter
from ci.vendors.exchange import Exchange, Patience
from ci.vendors.github.area import Area
from ci.vendors.github.checks import Checks
from ci.vendors.github.commits import Commits
from ci.vendors.github.deployments import Deployments
from ci.vendors.github.dialect import DIALECT
from ci.vendors.github.issues import Issues
from ci.vendors.github.merging import Merging
from ci.vendors.github.objects import Objects
from ci.vendors.github.pulls import Pulls
from ci.vendors.github.refs import Refs
from ci.vendors.github.values import Account, Rates, Repository
from ci.vendors.github.voice import Voice

ADDRESS = "https://api.github.com"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.{1,2}$)[A-Za-z0-9._-]+")


class GitHub(Adapter):
    """One repository: `refs`, `objects`, `commits`, `pulls`, `merging`, `issues`, `checks`, `deployments`."""

    def __init__(self, exchange: Exchange, repository: str, *, login: str | None = None) -> None:
        """Take the way there and the repository as owner/name. Raises UsageError where it is no such name."""
        if not _NAME.fullmatch(repository):
            raise UsageError(f"{repository!r} is no repository on GitHub", hint="name it as owner/name")
        super().__init__(exchange)
        self.voice = Voice(exchange, login)
        self._whole = Area(exchange, repository)
        self.refs = Refs(exchange, repository)
        self.objects = Objects(exchange, repository)
        self.commits = Commits(exchange, repository)
        self.pulls = Pulls(exchange, repository, self.voice)
        self.merging = Merging(exchange, repository)
        self.issues = Issues(exchange, repository, self.voice)
        self.checks = Checks(exchange, repository)
        self.deployments = Deployments(exchange, repository)

    async def repository(self) -> Repository | None:
        """Return the repository; None where there is none, or the token may not see it. Raises VendorError."""
        return await self._whole.find("", Repository, what="a repository")

    async def account(self) -> Account:
        """Return who the token speaks for. Raises VendorError, with status 403 for an app's token."""
        return await self.voice.account()

    async def rates(self) -> Rates:
        """Return what is left of the budgets; to ask costs nothing. Raises VendorError."""
        return self.exchange.read(await self.exchange.ask("GET", "/rate_limit"), Rates, what="the rate limits")


def connect(
    token: str,
    repository: str,
    *,
    login: str | None = None,
    address: str = ADDRESS,
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> GitHub:
    """Return the client of a repository, named as owner/name. An enterprise's own server is at https://HOST/api/v3.

    `token` is a person's or an app's; an app's cannot ask who it is, and wants its `login` for reviews and comments:
    "name[bot]", in GitHub Actions "github-actions[bot]". What is pushed with the token of GitHub Actions starts no
    workflow there; a dispatch does. Raises UsageError.
    """
    authorization = {"authorization": f"Bearer {token}"}
    exchange = Exchange(DIALECT, address, authorization=authorization, patience=patience, transport=transport)
    return GitHub(exchange, repository, login=login)
