"""The CI hosts: what each tells of a run in its variables, and what it takes of a report. One table.

The values are data from outside: a branch has the name that somebody gave it, and nothing is taken to be of its form.
"""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.text import disarmed, first_line, web_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NUMBER = re.compile(r"(?:refs/pull/|https?://\S*/)?([0-9]{1,18})(?:/(?:merge|head))?")


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """A line for the host to show beside the code: one that failed, or a flaky one."""

    kind: str  # error, warning
    title: str
    message: str
    file: str  # from the top of the repository
    line: int
    column: int | None = None


@dataclass(frozen=True, kw_only=True)
class CiHost:
    """A CI host. Each group of variables is tried in its order; the first that holds something counts."""

    title: str
    mark: tuple[str, str | None]  # the variable that tells it, and its value where others set it too
    wrapper: str  # where its configuration lies in a repository
    commit: str
    branch: tuple[str, ...]
    source: tuple[str, ...]  # the branch that a pull request would merge
    number: tuple[str, ...]  # of the pull request
    tag: str | None  # where it is set, `branch` is no branch
    link: str
    summary: str | None = None  # the file that its summary page is made of
    annotate: Callable[[Annotation], str] | None = None
    upload: Callable[[str], str] | None = None  # the line that puts a Markdown file on its summary page
    attach: tuple[str, ...] = ()  # the command that does so from its standard input
    actor: str | None = None  # the variable with whoever started the run, where the host says so itself


@dataclass(frozen=True, kw_only=True)
class CiRun:
    """A run of a CI host, as far as its variables tell."""

    host: CiHost
    commit: str | None
    branch: str | None
    pull_request: str | None
    link: str | None
    summary: str | None

    def branch_of(self, commit: str | None, branch: str | None) -> str | None:
        """Return the branch of what was checked out, where git says `commit` and `branch`.

        For a pull request the host knows better: some check it out on a local branch of the name of its target. It is
        not believed about another commit than its own.
        """
        if self.commit not in (None, commit):
            return branch
        return self.branch if self.pull_request or not branch else branch


def recognise(environment: Mapping[str, str]) -> CiRun | None:
    """Return the run of the CI host that set these variables, None elsewhere."""
    for host in HOSTS.values():
        name, value = host.mark
        if environment.get(name) and value in (None, environment[name].lower()):
            return _read(host, environment)
    return None


def actor(environment: Mapping[str, str]) -> str | None:
    """Return who started the run, where these variables are a CI host's and it tells."""
    found = recognise(environment)
    named = environment.get(found.host.actor) if found is not None and found.host.actor else None
    return first_line(named, 100) or None if named else None


def _read(host: CiHost, environment: Mapping[str, str]) -> CiRun:
    def first(*names: str | None) -> str | None:
        return next((environment[name] for name in names if name and environment.get(name)), None)

    number = next((found for name in host.number if (found := _NUMBER.fullmatch(environment.get(name, "")))), None)
    commit = environment.get(host.commit, "").lower()
    branch = first(*host.source) if number else None if first(host.tag) else first(*host.branch)
    return CiRun(
        host=host,
        commit=commit if _COMMIT.fullmatch(commit) else None,
        branch=_short(branch),
        pull_request=number[1] if number else None,
        link=_link(host.link, environment),
        summary=first(host.summary),
    )


def _short(ref: str | None) -> str | None:
    """Return a branch without `refs/heads/`; another ref is none."""
    if ref is None or (ref.startswith("refs/") and not ref.startswith("refs/heads/")):
        return None
    return ref.removeprefix("refs/heads/") or None


def _link(form: str, environment: Mapping[str, str]) -> str | None:
    names = re.findall(r"{(\w+)}", form)
    if not all(environment.get(name) for name in names):
        return None
    return web_address(
        form.format_map({name: urllib.parse.quote(environment[name], safe="%:/?&=+~@") for name in names})
    )


def _escaped(text: str, table: Mapping[int, str]) -> str:
    return disarmed(text).translate(table)


# As actions/toolkit escapes data and properties of a command, in packages/core/src/command.ts
_GITHUB_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_GITHUB_PROPERTY = _GITHUB_DATA | str.maketrans({":": "%3A", ",": "%2C"})
# As the agent reads it: docs/design/percentEncoding.md of microsoft/azure-pipelines-agent
_AZURE = str.maketrans({"%": "%AZP25", ";": "%3B", "\r": "%0D", "\n": "%0A", "]": "%5D"})


def _annotate_on_github(note: Annotation) -> str:
    where = {"file": note.file, "line": str(note.line), "col": str(note.column or ""), "title": note.title}
    told = ",".join(f"{name}={_escaped(value, _GITHUB_PROPERTY)}" for name, value in where.items() if value)
    return f"::{note.kind} {told}::{_escaped(note.message, _GITHUB_DATA)}"


def _annotate_on_azure(note: Annotation) -> str:
    where = {"type": note.kind, "sourcepath": note.file, "linenumber": str(note.line), "columnnumber": note.column}
    told = "".join(f"{name}={_escaped(str(value), _AZURE)};" for name, value in where.items() if value)
    return f"##vso[task.logissue {told}]{_escaped(f'{note.title}: {note.message}', _AZURE)}"


def _upload_on_azure(path: str) -> str:
    return f"##vso[task.uploadsummary]{_escaped(path, _AZURE)}"


HOSTS: Mapping[str, CiHost] = {
    # https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    "github": CiHost(
        title="GitHub Actions",
        mark=("GITHUB_ACTIONS", "true"),
        wrapper=".github/workflows/shipway.yml",
        commit="GITHUB_SHA",  # of a pull request: the merge that is checked out
        branch=("GITHUB_REF",),
        source=("GITHUB_HEAD_REF",),
        number=("GITHUB_REF",),  # refs/pull/12/merge
        tag=None,  # refs/tags/v1 is no branch by its form
        link="{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
        summary="GITHUB_STEP_SUMMARY",
        actor="GITHUB_TRIGGERING_ACTOR",  # of a job that is run again, whoever did that
        annotate=_annotate_on_github,
    ),
    # https://docs.gitlab.com/ci/variables/predefined_variables/
    "gitlab": CiHost(
        title="GitLab CI",
        mark=("GITLAB_CI", "true"),
        wrapper=".gitlab-ci.yml",
        commit="CI_COMMIT_SHA",
        branch=("CI_COMMIT_BRANCH",),
        source=("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME"),
        number=("CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"),
        tag="CI_COMMIT_TAG",
        link="{CI_JOB_URL}",
        actor="GITLAB_USER_LOGIN",
    ),
    # https://circleci.com/docs/reference/variables/
    "circleci": CiHost(
        title="CircleCI",
        mark=("CIRCLECI", "true"),
        wrapper=".circleci/config.yml",
        commit="CIRCLE_SHA1",
        branch=("CIRCLE_BRANCH",),
        source=("CIRCLE_BRANCH",),  # of a fork: pull/12
        number=("CIRCLE_PR_NUMBER", "CIRCLE_PULL_REQUEST"),  # a number of forks only, an address of every one
        tag="CIRCLE_TAG",
        link="{CIRCLE_BUILD_URL}",
        actor="CIRCLE_USERNAME",
    ),
    # https://buildkite.com/docs/pipelines/configure/environment-variables
    "buildkite": CiHost(
        title="Buildkite",
        mark=("BUILDKITE", "true"),
        wrapper=".buildkite/pipeline.yml",
        commit="BUILDKITE_COMMIT",  # may be `HEAD`
        branch=("BUILDKITE_BRANCH",),
        source=("BUILDKITE_BRANCH",),
        number=("BUILDKITE_PULL_REQUEST",),  # `false` where there is none
        tag="BUILDKITE_TAG",
        link="{BUILDKITE_BUILD_URL}",
        actor="BUILDKITE_BUILD_CREATOR",
        attach=("buildkite-agent", "annotate", "--context", "shipway"),
    ),
    # https://www.jenkins.io/doc/book/pipeline/jenkinsfile/; a server lists those of its plugins at /env-vars.html
    "jenkins": CiHost(
        title="Jenkins",
        mark=("JENKINS_URL", None),
        wrapper="Jenkinsfile",
        commit="GIT_COMMIT",
        branch=("BRANCH_NAME", "GIT_LOCAL_BRANCH"),
        source=("CHANGE_BRANCH",),  # BRANCH_NAME is PR-12
        number=("CHANGE_ID",),
        tag="TAG_NAME",
        link="{BUILD_URL}",
        actor="BUILD_USER_ID",  # with the plugin "build user vars" alone
    ),
    # https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
    "azure": CiHost(
        title="Azure Pipelines",
        mark=("TF_BUILD", "true"),  # `True`
        wrapper="azure-pipelines.yml",
        commit="BUILD_SOURCEVERSION",
        branch=("BUILD_SOURCEBRANCH",),
        source=("SYSTEM_PULLREQUEST_SOURCEBRANCH",),
        number=("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"),  # the first on GitHub only
        tag=None,
        link="{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
        annotate=_annotate_on_azure,
        actor="BUILD_REQUESTEDFOR",
        upload=_upload_on_azure,
    ),
    # https://woodpecker-ci.org/docs/usage/environment
    "woodpecker": CiHost(
        title="Woodpecker",
        mark=("CI", "woodpecker"),
        wrapper=".woodpecker.yml",
        commit="CI_COMMIT_SHA",
        branch=("CI_COMMIT_BRANCH",),  # of a pull request: its target
        source=("CI_COMMIT_SOURCE_BRANCH",),
        number=("CI_COMMIT_PULL_REQUEST",),
        tag="CI_COMMIT_TAG",
        link="{CI_PIPELINE_URL}",
    ),
}
MARKS = frozenset(host.mark[0] for host in HOSTS.values())
