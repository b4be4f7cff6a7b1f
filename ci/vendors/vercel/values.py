"""What Vercel answers, as far as it is used. Moments are milliseconds since 1970, by Vercel's clock."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AliasChoices, AliasPath, BeforeValidator, Field

# How the sources of deployments name their commit: https://vercel.com/docs/environment-variables/system-environment-variables
COMMITS = ("githubCommitSha", "gitlabCommitSha", "bitbucketCommitSha", "gitCommitSha")
KEY, COMMIT = "shipwayKey", "shipwayCommit"  # in the `meta` of what we create
OPEN_STAGED = frozenset({"preview"})  # protections that leave production's deployments open; of others nothing is said


def _or(default: Any) -> BeforeValidator:
    """Take null for what is not there."""
    return BeforeValidator(lambda value: default if value is None else value)


class Ready(enum.StrEnum):
    """How far a deployment is, in Vercel's words. BLOCKED waits for a person at Vercel."""

    QUEUED = "QUEUED"
    INITIALIZING = "INITIALIZING"
    BUILDING = "BUILDING"
    READY = "READY"
    ERROR = "ERROR"
    CANCELED = "CANCELED"
    BLOCKED = "BLOCKED"
    DELETED = "DELETED"

    @property
    def ended(self) -> bool:
        """Whether it stays as it is."""
        return self not in {Ready.QUEUED, Ready.INITIALIZING, Ready.BUILDING}


def _automation(value: Any) -> Any:
    """Take the first secret that lets automation through: Vercel has them as the names of what it tells of them."""
    if not isinstance(value, Mapping):
        return None
    scopes = {name: each.get("scope") for name, each in value.items() if isinstance(each, Mapping)}
    return next((name for name, scope in scopes.items() if scope == "automation-bypass"), None)


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One build. `target` is None for a preview, `url` has no scheme.

    `alias_error` says why it did not get all of its names.

    `candidate` says whether it can be rolled back to; only a list tells it. `removed` was deleted by retention.
    `variables` are the names of those that it was given when it was created.
    """

    id: Annotated[str, Field(validation_alias=AliasChoices("uid", "id"))]
    name: str
    url: str
    created: Annotated[float, Field(validation_alias="createdAt")]
    ready: Annotated[Ready, Field(validation_alias="readyState")]
    substate: Annotated[str | None, Field(validation_alias="readySubstate")] = None
    project: Annotated[str | None, Field(validation_alias="projectId")] = None
    target: str | None = None
    meta: Annotated[Mapping[str, Any], _or({})] = field(default_factory=dict)
    source: Annotated[str | None, Field(validation_alias=AliasPath("gitSource", "sha"))] = None
    error: Annotated[str, Field(validation_alias="errorMessage"), _or("")] = ""
    alias_error: Annotated[str, Field(validation_alias=AliasPath("aliasError", "message")), _or("")] = ""
    candidate: Annotated[bool | None, Field(validation_alias="isRollbackCandidate")] = None
    removed: Annotated[bool, Field(validation_alias="softDeletedByRetention"), _or(default=False)] = False
    variables: Annotated[tuple[str, ...], Field(validation_alias="env"), _or(())] = ()

    @property
    def commit(self) -> str | None:
        """The commit that it was built from, where Vercel or we have noted it."""
        found = [self.source, *(self.meta.get(name) for name in (*COMMITS, COMMIT))]
        return next((each for each in found if isinstance(each, str) and each), None)


class Job(enum.StrEnum):
    """How far a promotion or a rollback is."""

    PENDING = "pending"
    RUNNING = "in-progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def ended(self) -> bool:
        """Whether it stays as it is."""
        return self not in {Job.PENDING, Job.RUNNING}


@dataclass(frozen=True, kw_only=True)
class AliasRequest:
    """A promotion or a rollback, which are requests to have the production domains lead elsewhere."""

    kind: Annotated[str, Field(validation_alias="type")]
    job: Annotated[Job, Field(validation_alias="jobStatus")]
    to: Annotated[str, Field(validation_alias="toDeploymentId")]
    requested: Annotated[float, Field(validation_alias="requestedAt")]


@dataclass(frozen=True, kw_only=True)
class Project:
    """One app at Vercel. `auto_assign`: a new production build gets the domains by itself, as it is unless turned off.

    `production` is the id of the deployment that serves. `link` is the repository, as Vercel has it.
    `creating`: whether a push makes deployments. `rolling` is the configuration of rolling releases. `login`,
    `password` and `addresses` say who must show who they are where; `bypass` is the secret of automation.
    """

    id: str
    name: str
    auto_assign: Annotated[bool, Field(validation_alias="autoAssignCustomDomains"), _or(default=True)] = True
    production: Annotated[str | None, Field(validation_alias=AliasPath("targets", "production", "id"))] = None
    request: Annotated[AliasRequest | None, Field(validation_alias="lastAliasRequest")] = None
    link: Mapping[str, Any] | None = None
    creating: Annotated[str, Field(validation_alias=AliasPath("gitProviderOptions", "createDeployments"))] = "enabled"
    rolling: Annotated[Mapping[str, Any] | None, Field(validation_alias="rollingRelease")] = None
    login: Annotated[Mapping[str, Any] | None, Field(validation_alias="ssoProtection")] = None
    password: Annotated[Mapping[str, Any] | None, Field(validation_alias="passwordProtection")] = None
    addresses: Annotated[Mapping[str, Any] | None, Field(validation_alias="trustedIps")] = None
    bypass: Annotated[str | None, Field(validation_alias="protectionBypass"), BeforeValidator(_automation)] = field(
        default=None, repr=False
    )

    @property
    def is_guarded(self) -> bool:
        """Whether the own address of a production deployment is not open to everybody; the domains may be."""
        found = (self.login, self.password, self.addresses)
        return any(each is not None and each.get("deploymentType") not in OPEN_STAGED for each in found)

    @property
    def deploys_on_push(self) -> bool:
        """Whether Vercel makes deployments of pushes by itself."""
        return self.link is not None and self.creating != "disabled"

    @property
    def moving(self) -> AliasRequest | None:
        """The promotion or rollback that is under way."""
        return None if self.request is None or self.request.job.ended else self.request


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A domain of a project. One of a branch, of an environment of its own or that redirects serves no production."""

    name: str
    verified: bool
    redirect: str | None = None
    branch: Annotated[str | None, Field(validation_alias="gitBranch")] = None
    environment: Annotated[str | None, Field(validation_alias="customEnvironmentId")] = None

    @property
    def serves_production(self) -> bool:
        """Whether users of production get here."""
        return self.verified and not (self.redirect or self.branch or self.environment)


@dataclass(frozen=True, kw_only=True)
class Alias:
    """A name and the deployment that it leads to."""

    name: Annotated[str, Field(validation_alias="alias")]
    deployment: Annotated[str | None, Field(validation_alias="deploymentId")] = None


@dataclass(frozen=True, kw_only=True)
class AliasStatus:
    """What became of one name in a promotion or a rollback."""

    name: Annotated[str, Field(validation_alias="alias")]
    status: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of a build's log, or a mark in it, which has no text. A line's `payload` is where it stood once."""

    kind: Annotated[str, Field(validation_alias="type")]
    created: float = 0.0
    text: Annotated[str, Field(validation_alias=AliasChoices("text", AliasPath("payload", "text"))), _or("")] = ""


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """What an app said while it ran, or that it was asked: text of strangers, in which secrets may stand."""

    id: Annotated[str, Field(validation_alias="rowId")]
    level: str
    message: str
    source: str
    moment: Annotated[float, Field(validation_alias="timestampInMs")]
    method: Annotated[str, Field(validation_alias="requestMethod")] = ""
    path: Annotated[str, Field(validation_alias="requestPath")] = ""
    status: Annotated[float, Field(validation_alias="responseStatusCode")] = 0
    cut: Annotated[bool, Field(validation_alias="messageTruncated")] = False


@dataclass(frozen=True, kw_only=True)
class RollingRelease:
    """A release that Vercel gives to a growing share of users; ACTIVE, COMPLETE or ABORTED."""

    state: str
    current: Annotated[str | None, Field(validation_alias=AliasPath("currentDeployment", "id"))] = None
    canary: Annotated[str | None, Field(validation_alias=AliasPath("canaryDeployment", "id"))] = None


@dataclass(frozen=True, kw_only=True)
class User:
    """Whom a token stands for."""

    id: str
    username: str
