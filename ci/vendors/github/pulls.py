"""Pull requests, whether they merge, and reviews.

GitHub computes whether one merges when it is asked, and says null until it knows: that is no "no". It answers 405 for a
conflict, a missing review, a failing check and a protected branch alike, with the reason in its message; the branch's
rules and `mergeable_state` say it before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import anyio

from ci.errors import Trouble, VendorError
from ci.vendors.exchange import Exchange, segment
from ci.vendors.github.area import Area, once, trouble
from ci.vendors.github.talk import BELONGING, SAYS, WRITING, Merged, Method, Opinion, Permission, Pull, Review
from ci.vendors.github.texts import LONGEST_TITLE, cut, short
from ci.vendors.github.values import Comparison, File
from ci.vendors.github.voice import Voice

OPINIONS = frozenset({SAYS[Opinion.APPROVE], SAYS[Opinion.REQUEST_CHANGES], "DISMISSED"})


class Pulls(Area):
    """The pull requests within one repository."""

    def __init__(self, exchange: Exchange, repository: str, voice: Voice) -> None:
        """Take the way there, the repository, and who speaks."""
        super().__init__(exchange, repository)
        self._voice = voice

    async def get(self, number: int) -> Pull | None:
        """Return a pull request. Raises VendorError."""
        return await self.find(f"/pulls/{number}", Pull, what="a pull request")

    async def every_one(
        self, *, head: str | None = None, base: str | None = None, state: str = "open"
    ) -> tuple[Pull, ...]:
        """Return pull requests, the newest first: of a branch of this repository, into a branch. Raises VendorError.

        GitHub does not heed a `head` that it does not understand, and lists all: what comes is looked at again.
        """
        query: dict[str, str] = {"state": state}
        if head is not None:
            query["head"] = f"{self.repository.partition('/')[0]}:{head}"
        if base is not None:
            query["base"] = base
        found = await self.every("/pulls", Pull, what="pull requests", query=query)
        return tuple(
            pull
            for pull in found
            if base in {None, pull.base} and (head is None or (pull.head == head and self._is_own(pull)))
        )

    async def ensure(
        self, *, head: str, base: str, title: str, body: str, sha: str | None = None, draft: bool = False
    ) -> Pull:
        """Return the open pull request of a branch into another, or open it.

        With `sha` one that was merged with that commit as its head is returned, too. Raises VendorError.
        """

        async def look() -> Pull | None:
            pulls = await self.every_one(head=head, base=base, state="open" if sha is None else "all")
            merged = (pull for pull in pulls if pull.is_merged and pull.head_sha == sha)
            return next((pull for pull in pulls if pull.is_open), next(merged, None))

        async def write() -> Pull:
            words = {"head": head, "base": base, "title": short(title, LONGEST_TITLE), "body": cut(body)}
            answer = await self.ask("POST", "/pulls", body={**words, "draft": draft}, accept=(HTTPStatus.CREATED,))
            return self.exchange.read(answer, Pull, what="a pull request")

        return await once(look, write)

    async def change(
        self, number: int, *, title: str | None = None, body: str | None = None, state: str | None = None
    ) -> Pull:
        """Give a pull request another title, text or state (open, closed). Raises VendorError."""
        given = {
            "title": None if title is None else short(title, LONGEST_TITLE),
            "body": None if body is None else cut(body),
            "state": state,
        }
        words = {name: value for name, value in given.items() if value is not None}
        answer = await self.ask("PATCH", f"/pulls/{number}", body=words, repeatable=True)
        return self.exchange.read(answer, Pull, what="a pull request")

    async def files(self, number: int) -> tuple[File, ...]:
        """Return the files that a pull request changes; GitHub tells 3000 at most. Raises VendorError."""
        return await self.every(f"/pulls/{number}/files", File, what="the files of a pull request")

    async def computed(self, number: int, *, within: float = 30.0, every: float = 1.0) -> Pull | None:
        """Return a pull request once GitHub knows whether it merges.

        It is asked every `every` seconds; where it does not know `within` that many, `mergeable` is None still.
        Raises VendorError.
        """
        return await self._until(number, lambda pull: pull.mergeable is not None or not pull.is_open, within, every)

    async def is_merged(self, number: int) -> bool:
        """Whether a pull request was merged. Raises VendorError."""
        try:
            await self.ask("GET", f"/pulls/{number}/merge", accept=(HTTPStatus.NO_CONTENT,))
        except VendorError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    async def merge(
        self,
        number: int,
        *,
        sha: str,
        method: Method = Method.MERGE,
        title: str | None = None,
        message: str | None = None,
    ) -> Merged:
        """Merge a pull request whose head is `sha`, and return the commit; one that is merged so already is well.

        Raises VendorError: with status 405 where it must not be merged, 409 where its head moved.
        """

        async def look() -> Merged | None:
            pull = await self.get(number)
            if pull is None or not pull.is_merged or pull.head_sha != sha or pull.merge_sha is None:
                return None
            return Merged(sha=pull.merge_sha)

        async def write() -> Merged:
            words: dict[str, Any] = {"sha": sha, "merge_method": method.value}
            words |= {} if title is None else {"commit_title": title}
            words |= {} if message is None else {"commit_message": message}
            answer = await self.ask("PUT", f"/pulls/{number}/merge", body=words, repeatable=False)
            return self.exchange.read(answer, Merged, what="a merge")

        return await once(look, write)

    async def update_branch(self, number: int, *, sha: str, within: float = 30.0, every: float = 1.0) -> Pull:
        """Merge the base into the branch of a pull request whose head is `sha`; return it with its new head.

        One that has all of its base already stays as it is. GitHub does it after it has answered: it is asked every
        `every` seconds, `within` that many. Raises VendorError.
        """

        async def look() -> Pull | None:
            pull = await self.get(number)
            return pull if pull is not None and pull.head_sha != sha else None

        async def write() -> Pull:
            words = {"expected_head_sha": sha}
            accept = (HTTPStatus.ACCEPTED,)
            await self.ask("PUT", f"/pulls/{number}/update-branch", body=words, accept=accept, repeatable=False)
            pull = await self._until(number, lambda pull: pull.head_sha != sha, within, every)
            if pull is None or pull.head_sha == sha:
                raise trouble(Trouble.BROKEN, f"the branch of #{number} did not move within {within:g} s")
            return pull

        try:
            return await once(look, write)
        except VendorError as error:
            if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise
            pull = await self.get(number)
            if pull is None or not await self._has_base(pull):
                raise
            return pull

    async def _has_base(self, pull: Pull) -> bool:
        path = f"/compare/{segment(pull.base)}...{segment(pull.head_sha)}"
        found = await self.find(path, Comparison, what="a comparison", query={"per_page": 1})
        return found is not None and found.behind == 0

    async def reviews(self, number: int) -> tuple[Review, ...]:
        """Return the reviews of a pull request, the oldest first. Raises VendorError."""
        return await self.every(f"/pulls/{number}/reviews", Review, what="reviews")

    async def standing(self, number: int, *, sha: str) -> Mapping[str, Review]:
        """Return what each person says last, by login: approvals of the commit `sha`, and changes asked for at any.

        An approval counts from who may write to the repository, as GitHub itself has it, and not from the author;
        comments change no opinion. Raises VendorError.
        """
        pull = await self.get(number)
        author = pull.author if pull is not None else None
        last: dict[str, Review] = {}
        for review in await self.reviews(number):
            if review.author is not None and review.author != author and review.state in OPINIONS:
                last[review.author] = review
        return {login: review for login, review in last.items() if await self._counts(review, sha)}

    async def _counts(self, review: Review, sha: str) -> bool:
        if review.state == SAYS[Opinion.REQUEST_CHANGES]:
            return True
        approves = review.state == SAYS[Opinion.APPROVE] and review.commit == sha and review.association in BELONGING
        return approves and review.author is not None and await self.may_write(review.author)

    async def may_write(self, login: str) -> bool:
        """Whether somebody may write: a member or a collaborator may be one who only reads."""
        path = f"/collaborators/{segment(login)}/permission"
        found = await self.find(path, Permission, what="a permission")
        return found is not None and found.permission in WRITING

    async def review(self, number: int, opinion: Opinion, body: str, *, sha: str) -> Review:
        """Say something of the commit `sha`, or find that it was said. Nobody approves a pull request of their own.

        Raises VendorError, UsageError where the login is not the token's.
        """

        async def look() -> Review | None:
            await self._voice.login()  # whoever cannot tell reads nothing
            for review in await self.reviews(number):
                same = (review.commit, review.state, review.body) == (sha, SAYS[opinion], cut(body))
                if same and await self._voice.said(review.author):
                    return review
            return None

        async def write() -> Review:
            words = {"event": opinion.value, "body": cut(body), "commit_id": sha}
            answer = await self.ask("POST", f"/pulls/{number}/reviews", body=words)
            review = self.exchange.read(answer, Review, what="a review")
            await self._voice.hear(review.author)
            return review

        return await once(look, write)

    async def request_reviews(self, number: int, logins: tuple[str, ...]) -> Pull:
        """Ask people for a review; who was asked already is not asked twice. Raises VendorError."""
        path = f"/pulls/{number}/requested_reviewers"
        words = {"reviewers": list(logins)}
        answer = await self.ask("POST", path, body=words, accept=(HTTPStatus.CREATED,), repeatable=True)
        return self.exchange.read(answer, Pull, what="a pull request")

    def _is_own(self, pull: Pull) -> bool:
        """Whether its branch is one of this repository, not of a fork."""
        return (pull.head_repository or "").lower() == self.repository.lower()

    async def _until(self, number: int, done: Callable[[Pull], bool], within: float, every: float) -> Pull | None:
        pull = await self.get(number)
        with anyio.move_on_after(within):
            while pull is not None and not done(pull):
                await anyio.sleep(every)
                pull = await self.get(number)
        return pull
