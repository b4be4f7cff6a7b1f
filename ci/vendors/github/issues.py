"""Issues, comments, labels, search."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from ci.errors import UsageError
from ci.vendors.exchange import Exchange, Query
from ci.vendors.github.area import Area, once
from ci.vendors.github.talk import Comment, Found, Issue
from ci.vendors.github.texts import LONGEST_TITLE, bears, marked, short
from ci.vendors.github.values import Label, Repository
from ci.vendors.github.voice import Voice


class Issues(Area):
    """The issues of one repository."""

    def __init__(self, exchange: Exchange, repository: str, voice: Voice) -> None:
        """Take the way there, the repository, and who speaks."""
        super().__init__(exchange, repository)
        self._voice = voice

    async def get(self, number: int) -> Issue | None:
        """Return an issue, or a pull request as one. Raises VendorError."""
        absent = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
        return await self.find(f"/issues/{number}", Issue, what="an issue", absent=absent)

    async def labelled(self, *labels: str, state: str = "open") -> tuple[Issue, ...]:
        """Return the issues that have all of these labels, the newest first; pull requests are not among them.

        A label is the same in any case, and comes back as it was written first. Raises VendorError, with status 410
        where the repository has no issues.
        """
        wanted = {label.casefold() for label in labels}
        query = {"labels": ",".join(labels), "state": state}
        found = await self.every("/issues", Issue, what="issues", query=query)
        return tuple(issue for issue in found if not issue.is_pull and wanted <= _folded(issue.labels))

    async def marked(self, key: str, *, label: str) -> Issue | None:
        """Return the issue of a label whose text bears a mark, open or closed. Raises VendorError."""
        found = await self.labelled(label, state="all")
        return min((issue for issue in found if bears(issue.body, key)), key=lambda issue: issue.number, default=None)

    async def ensure(self, key: str, *, title: str, body: str, label: str, labels: Sequence[str] = ()) -> Issue:
        """Return the issue that bears a mark, or open it, with `label` and further `labels`.

        Raises VendorError, UsageError where the token may not label: without its label it would not be found again.
        """

        async def write() -> Issue:
            await self._may_label()
            words = {"title": short(title, LONGEST_TITLE), "body": marked(body, key), "labels": [label, *labels]}
            answer = await self.ask("POST", "/issues", body=words, accept=(HTTPStatus.CREATED,))
            issue = self.exchange.read(answer, Issue, what="an issue")
            if label.casefold() not in _folded(issue.labels):
                raise _unlabelled(f"GitHub opened #{issue.number} without the label {label}")
            return issue

        return await once(lambda: self.marked(key, label=label), write)

    async def _may_label(self) -> None:
        """Raise UsageError where GitHub would drop the labels of a new issue, which it does without a word."""
        found = await self.find("", Repository, what="a repository")
        if found is not None and found.may_push is False and found.may_triage is not True:
            raise _unlabelled(f"on GitHub the token may not label issues of {self.repository}")

    async def change(self, number: int, *, state: str, reason: str | None = None) -> Issue:
        """Close or open an issue (`state`: closed, open; `reason`: completed, not_planned, reopened).

        Raises VendorError.
        """
        return await self._change(number, {"state": state} | ({} if reason is None else {"state_reason": reason}))

    async def rewrite(self, number: int, key: str, body: str) -> Issue:
        """Give an issue of ours another text, with the mark that it had: it stays ours to find. Raises VendorError."""
        return await self._change(number, {"body": marked(body, key)})

    async def _change(self, number: int, words: dict[str, Any]) -> Issue:
        answer = await self.ask("PATCH", f"/issues/{number}", body=words, repeatable=True)
        return self.exchange.read(answer, Issue, what="an issue")

    async def label(self, number: int, *labels: str) -> tuple[str, ...]:
        """Add labels to an issue or a pull request, and return all that it has. Raises VendorError."""
        answer = await self.ask("POST", f"/issues/{number}/labels", body={"labels": list(labels)}, repeatable=True)
        return tuple(label.name for label in self.exchange.read(answer, tuple[Label, ...], what="labels"))

    async def comments(self, number: int) -> tuple[Comment, ...]:
        """Return the comments of an issue or a pull request, the oldest first. Raises VendorError."""
        return await self.every(f"/issues/{number}/comments", Comment, what="comments")

    async def comment(self, number: int, key: str, body: str) -> Comment:
        """Return our comment that bears a mark, or write it. One of somebody else with the mark is not ours.

        Raises VendorError, UsageError where the login is not the token's.
        """

        async def look() -> Comment | None:
            await self._voice.login()  # whoever cannot tell reads nothing
            for comment in await self.comments(number):
                if bears(comment.body, key) and await self._voice.said(comment.author):
                    return comment
            return None

        async def write() -> Comment:
            words = {"body": marked(body, key)}
            answer = await self.ask("POST", f"/issues/{number}/comments", body=words, accept=(HTTPStatus.CREATED,))
            comment = self.exchange.read(answer, Comment, what="a comment")
            await self._voice.hear(comment.author)
            return comment

        return await once(look, write)

    async def search(self, words: str) -> Found:
        """Return the best 100 issues for some words, in GitHub's syntax, of this repository.

        Its index is late by seconds or minutes, and its budget is small: it is for people, and no lock. Raises
        VendorError.
        """
        query: Query = {"q": f"repo:{self.repository} is:issue {words}", "per_page": 100}
        answer = await self.exchange.ask("GET", "/search/issues", query=query)
        return self.exchange.read(answer, Found, what="what a search found")


def _folded(labels: Sequence[str]) -> set[str]:
    return {label.casefold() for label in labels}


def _unlabelled(told: str) -> UsageError:
    return UsageError(told, hint="give the token's account write access to the repository")
