"""Merges that GitHub does in its own time: by its merge queue where a branch has one, directly where not.

A branch with a queue refuses `Pulls.merge`. What is asked for twice is done once: GitHub says that it is under way, and
which one. To have a pull request merged as soon as its checks are green, ask again when they are: GitHub's own setting
for it is in its GraphQL alone.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from ci.errors import Trouble
from ci.text import clean
from ci.vendors.exchange import segment
from ci.vendors.github.area import Area, trouble
from ci.vendors.github.talk import Method
from ci.vendors.github.texts import short
from ci.vendors.github.values import at
from ci.vendors.pace import Pace, until

LONGEST_REASON = 300  # characters; rules of a branch are told on lines of their own
WAITING = Pace(first=0.5, most=5.0, whole=60.0)


class Action(enum.StrEnum):
    """How it is merged: as the branch's rules have it, or one way alone."""

    DEFAULT = "default"
    DIRECT = "direct_merge"
    QUEUE = "merge_queue"


class Stage(enum.StrEnum):
    """How far a merge is. What is in the queue is merged when the queue's checks are green, or falls out of it."""

    PENDING = "pending"
    ENQUEUED = "enqueued"
    MERGED = "merged"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A merge that was asked for. `sha` is the commit that it became, `head` the one that is to be merged."""

    stage: Annotated[Stage, at("status")]
    message: Annotated[str, at("details", "message")] = ""
    uuid: Annotated[str | None, at("details", "uuid")] = None
    sha: Annotated[str | None, at("details", "sha")] = None
    head: Annotated[str | None, at("details", "expected_head_sha")] = None
    method: Annotated[str | None, at("details", "merge_method")] = None


class Merging(Area):
    """Merges of pull requests in the background."""

    async def result(self, number: int, uuid: str) -> Request | None:
        """Return what became of a merge; None where there was none, or it is a day old. Raises VendorError."""
        return await self.find(f"/pulls/{number}/merge-async/{segment(uuid)}", Request, what="a merge")

    async def request(
        self,
        number: int,
        *,
        sha: str,
        method: Method = Method.MERGE,
        action: Action = Action.DEFAULT,
        title: str | None = None,
        message: str | None = None,
        pace: Pace = WAITING,
    ) -> Request:
        """Have a pull request whose head is `sha` merged or queued; return it when it is either.

        To repeat it is harmless, and tells how it stands: what is in the queue is in it still, or was merged; what fell
        out of it is asked for anew.
        Raises VendorError where it is refused: by GitHub at once, or by the branch's rules a while later, or where
        another commit or another way is under way already.
        """
        path = f"/pulls/{number}/merge-async"
        words: dict[str, Any] = {"sha": sha, "merge_method": method.value, "merge_action": action.value}
        words |= {} if title is None else {"commit_title": title}
        words |= {} if message is None else {"commit_message": message}
        accept = (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT)
        # A second one finds the first, or what became of it.
        answer = await self.ask("PUT", path, body=words, accept=accept, repeatable=True)
        begun = self.exchange.read(answer, Request, what="a merge")
        if answer.status == HTTPStatus.CONFLICT and (begun.head, begun.method) != (sha, method.value):
            told = f"#{number} is being merged already, at {str(begun.head)[:12]} by {begun.method}"
            raise trouble(Trouble.REFUSING, told)
        done = begun if begun.stage is not Stage.PENDING else await self._followed(number, begun, pace)
        if done.stage is Stage.FAILED:
            why = short(self.exchange.redactor.text(clean(done.message)), LONGEST_REASON)  # no half of a token is left
            raise trouble(Trouble.REFUSING, f"#{number} was not merged: {why}")
        return done

    async def _followed(self, number: int, begun: Request, pace: Pace) -> Request:
        """Return a merge that was begun when it is no longer pending."""

        async def look() -> Request | None:
            found = await self.result(number, begun.uuid or "")
            return found if found is not None and found.stage is not Stage.PENDING else None

        found = await until(look, pace)
        if found is None:
            error = trouble(Trouble.BROKEN, f"the merge of #{number} is still pending after {pace.whole:g} s")
            error.unsettled = True
            raise error
        return found
