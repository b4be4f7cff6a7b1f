"""What GitHub says of a repository: branches and their rules, commits, files, deployments.

Texts are as people wrote them, strangers too: whoever shows one cleans it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AliasChoices, AliasPath, BeforeValidator, Field


def picked(name: str) -> BeforeValidator:
    """Take one field of each object in a list; what is no object stays, for the type to refuse or take."""

    def pick(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [part.get(name) if isinstance(part, Mapping) else part for part in value]

    return BeforeValidator(pick)


def at(*path: str) -> Any:
    """Read a field from deeper inside."""
    return Field(validation_alias=AliasPath(*path))


def either(*paths: tuple[str, ...]) -> Any:
    """Read a field from the first of some places."""
    return Field(validation_alias=AliasChoices(*(AliasPath(*path) for path in paths)))


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The repository and what the token may do in it; what it may not see is None."""

    full_name: str
    default_branch: str
    private: bool
    archived: bool
    has_issues: bool
    allow_merge_commit: bool | None = None
    allow_squash_merge: bool | None = None
    allow_rebase_merge: bool | None = None
    may_push: Annotated[bool | None, at("permissions", "push")] = None
    may_triage: Annotated[bool | None, at("permissions", "triage")] = None
    may_administer: Annotated[bool | None, at("permissions", "admin")] = None


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A branch. `contexts` are the required checks of its protection, which all who may read it can see.

    `protected` is so by rulesets, too; `classic` says whether there is a classic protection, None where that is unsaid.
    """

    name: str
    sha: Annotated[str, at("commit", "sha")]
    protected: bool
    classic: Annotated[bool | None, at("protection", "enabled")] = None
    contexts: Annotated[tuple[str, ...], at("protection", "required_status_checks", "contexts")] = ()


@dataclass(frozen=True, kw_only=True)
class Reviewing:
    """What a protection asks of reviews."""

    approvals: Annotated[int, at("required_approving_review_count")] = 0
    dismisses_stale: Annotated[bool, at("dismiss_stale_reviews")] = False
    code_owners: Annotated[bool, at("require_code_owner_reviews")] = False


@dataclass(frozen=True, kw_only=True)
class Protection:
    """A branch's classic protection. `reviewing` None: a pull request is not required."""

    contexts: Annotated[tuple[str, ...], at("required_status_checks", "contexts")] = ()
    strict: Annotated[bool, at("required_status_checks", "strict")] = False
    reviewing: Annotated[Reviewing | None, at("required_pull_request_reviews")] = None
    linear: Annotated[bool, at("required_linear_history", "enabled")] = False
    administrators: Annotated[bool, at("enforce_admins", "enabled")] = False
    force_pushes: Annotated[bool, at("allow_force_pushes", "enabled")] = False
    deletions: Annotated[bool, at("allow_deletions", "enabled")] = False
    locked: Annotated[bool, at("lock_branch", "enabled")] = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule that a ruleset has for a branch."""

    type: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    ruleset_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Demands:
    """What a branch demands by its protection and its rulesets together.

    `approvals` None: no pull request is needed. `hidden`: it may have a classic protection that the token
    may not see.
    """

    contexts: tuple[str, ...] = ()
    approvals: int | None = None
    strict: bool = False
    linear: bool = False
    queued: bool = False
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A reference and what it points at."""

    name: Annotated[str, at("ref")]
    sha: Annotated[str, at("object", "sha")]
    type: Annotated[str, at("object", "type")] = "commit"


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit. `author` is the account that GitHub knows by the address, None where it knows none."""

    sha: str
    tree: Annotated[str, either(("commit", "tree", "sha"), ("tree", "sha"))]
    message: Annotated[str, either(("commit", "message"), ("message",))]
    parents: Annotated[tuple[str, ...], picked("sha")]
    moment: Annotated[datetime.datetime | None, either(("commit", "committer", "date"), ("committer", "date"))] = None
    name: Annotated[str | None, either(("commit", "author", "name"), ("author", "name"))] = None
    email: Annotated[str | None, either(("commit", "author", "email"), ("author", "email"))] = None
    author: Annotated[str | None, at("author", "login")] = None


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that differs between two commits."""

    name: Annotated[str, at("filename")]
    status: str
    additions: int
    deletions: int
    before: Annotated[str | None, at("previous_filename")] = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How a head stands to a base. `commits` are those of the head alone, the oldest first; `files` 300 at most."""

    status: str
    ahead: Annotated[int, at("ahead_by")]
    behind: Annotated[int, at("behind_by")]
    merge_base: Annotated[str, at("merge_base_commit", "sha")]
    total: Annotated[int, at("total_commits")]
    commits: tuple[Commit, ...] = ()
    files: tuple[File, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of a tree."""

    path: str
    mode: str
    type: str
    sha: str
    size: int | None = None


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A tree. `truncated`: GitHub left some of it out."""

    sha: str
    entries: Annotated[tuple[Entry, ...], at("tree")]
    truncated: bool


@dataclass(frozen=True, kw_only=True)
class Content:
    """A file of a branch with its bytes."""

    path: str
    sha: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A deployment that GitHub was told of."""

    id: int
    sha: str
    ref: str
    task: str
    environment: str
    created_at: datetime.datetime
    payload: Mapping[str, Any] | str = field(default_factory=dict)
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeploymentStatus:
    """How a deployment stood at a moment."""

    id: int
    state: str
    description: str
    created_at: datetime.datetime
    environment_url: str = ""
    log_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """What is left of a budget of requests; `reset` is in seconds of the epoch."""

    limit: int
    remaining: int
    reset: int
    used: int


@dataclass(frozen=True, kw_only=True)
class Rates:
    """The budgets that Shipway draws on."""

    core: Annotated[Rate, at("resources", "core")]
    search: Annotated[Rate, at("resources", "search")]


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who a token speaks for."""

    login: str
    id: int
    type: str


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label of an issue."""

    name: str
