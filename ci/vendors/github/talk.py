"""What GitHub says of people's work: pull requests, reviews, issues, comments, checks.

Texts are as people wrote them, strangers too: whoever shows one cleans it.
"""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from ci.vendors.github.values import at, picked

# Who belongs to a repository in some way; only some of them may write to it.
BELONGING = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
WRITING = frozenset({"write", "admin"})  # `maintain` is told as write, `triage` as read


class Method(enum.StrEnum):
    """How a pull request becomes part of its base."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


class Opinion(enum.StrEnum):
    """What a review says, in the words of the request."""

    APPROVE = "APPROVE"
    REQUEST_CHANGES = "REQUEST_CHANGES"
    COMMENT = "COMMENT"


SAYS = {
    Opinion.APPROVE: "APPROVED",
    Opinion.REQUEST_CHANGES: "CHANGES_REQUESTED",
    Opinion.COMMENT: "COMMENTED",
}


class Mark(enum.StrEnum):
    """How a status, a check run or all of them stand."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"


def _is_there(value: Any) -> bool:
    return value is not None and value is not False


@dataclass(frozen=True, kw_only=True)
class Pull:
    """A pull request. `mergeable` is None while GitHub computes it, and in a list; `head_repository` is None when gone.

    `merge_sha` is the commit that it became, or, while it is open, one of GitHub's own that tries the merge.
    `auto_merge` is how it merges by itself when all that is asked of it is there, None where nobody has set that.
    """

    number: int
    state: str
    title: str
    url: Annotated[str, at("html_url")]
    head: Annotated[str, at("head", "ref")]
    head_sha: Annotated[str, at("head", "sha")]
    base: Annotated[str, at("base", "ref")]
    base_sha: Annotated[str, at("base", "sha")]
    head_repository: Annotated[str | None, at("head", "repo", "full_name")] = None
    body: str | None = None
    author: Annotated[str | None, at("user", "login")] = None
    association: Annotated[str, at("author_association")] = "NONE"
    draft: bool = False
    merged_at: datetime.datetime | None = None
    merge_sha: Annotated[str | None, at("merge_commit_sha")] = None
    mergeable: bool | None = None
    mergeable_state: str = "unknown"
    auto_merge: Annotated[str | None, at("auto_merge", "merge_method")] = None
    labels: Annotated[tuple[str, ...], picked("name")] = ()
    reviewers: Annotated[tuple[str, ...], at("requested_reviewers"), picked("login")] = ()

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return self.state == "open"

    @property
    def is_merged(self) -> bool:
        """Whether it became part of its base."""
        return self.merged_at is not None


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What a pull request became."""

    sha: str


@dataclass(frozen=True, kw_only=True)
class Review:
    """A review, and the commit that it saw."""

    id: int
    state: str
    body: str = ""
    author: Annotated[str | None, at("user", "login")] = None
    association: Annotated[str, at("author_association")] = "NONE"
    commit: Annotated[str | None, at("commit_id")] = None
    url: Annotated[str, at("html_url")] = ""


@dataclass(frozen=True, kw_only=True)
class Permission:
    """What somebody may do in the repository: none, read, write, admin."""

    permission: str


@dataclass(frozen=True, kw_only=True)
class Issue:
    """An issue; a pull request is one, too."""

    number: int
    title: str
    state: str
    url: Annotated[str, at("html_url")]
    created_at: datetime.datetime
    updated_at: datetime.datetime
    body: str | None = None
    reason: Annotated[str | None, at("state_reason")] = None
    author: Annotated[str | None, at("user", "login")] = None
    association: Annotated[str, at("author_association")] = "NONE"
    labels: Annotated[tuple[str, ...], picked("name")] = ()
    is_pull: Annotated[bool, at("pull_request"), BeforeValidator(_is_there)] = False

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return self.state == "open"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search found. `incomplete`: GitHub gave up early; there may be more."""

    total: Annotated[int, at("total_count")]
    incomplete: Annotated[bool, at("incomplete_results")]
    issues: Annotated[tuple[Issue, ...], at("items")]


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment on an issue or a pull request."""

    id: int
    url: Annotated[str, at("html_url")]
    created_at: datetime.datetime
    body: str = ""
    author: Annotated[str | None, at("user", "login")] = None
    author_type: Annotated[str | None, at("user", "type")] = None
    association: Annotated[str, at("author_association")] = "NONE"


@dataclass(frozen=True, kw_only=True)
class Status:
    """A commit's status in one context."""

    context: str
    state: str
    description: str | None = None
    target: Annotated[str | None, at("target_url")] = None

    @property
    def mark(self) -> Mark:
        """How it stands: `error` is a failure too."""
        return {"success": Mark.SUCCESS, "pending": Mark.PENDING}.get(self.state, Mark.FAILURE)


@dataclass(frozen=True, kw_only=True)
class CheckRun:
    """A commit's check run."""

    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None = None
    external_id: str | None = None
    target: Annotated[str | None, at("details_url")] = None
    app: Annotated[str | None, at("app", "slug")] = None

    @property
    def mark(self) -> Mark:
        """How it stands: a skipped or a neutral one is as good as a success, as for the rules of a branch."""
        if self.status != "completed":
            return Mark.PENDING
        return Mark.SUCCESS if self.conclusion in {"success", "neutral", "skipped"} else Mark.FAILURE


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A commit's statuses and check runs by name; where both systems have the name, the worse one counts."""

    marks: tuple[tuple[str, Mark], ...]

    def of(self, names: tuple[str, ...]) -> Mark:
        """Return how the named ones stand together; one that is missing is still to come."""
        known = dict(self.marks)
        found = [known.get(name, Mark.PENDING) for name in names]
        return next((mark for mark in (Mark.FAILURE, Mark.PENDING) if mark in found), Mark.SUCCESS)
