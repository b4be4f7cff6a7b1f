"""Orders for builds. Vercel has no key by which two orders are one: ours stands in `meta`, and is looked for first."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ci.errors import Trouble, UsageError, VendorError
from ci.vendors.adapter import ensure
from ci.vendors.vercel.client import PRODUCTION, Vercel
from ci.vendors.vercel.values import COMMIT, KEY, Deployment, Project

SETTINGS = "what differs from release to release cannot be given then; set what stays in the project's settings"


async def create(
    client: Vercel,
    project: Project,
    *,
    commit: str,
    branch: str,
    key: str,
    target: str | None = PRODUCTION,
    variables: Mapping[str, str] | None = None,
) -> Deployment:
    """Deploy a commit of the project's repository, or return what was made with this key already.

    `target` None makes a preview. `variables` are not in the published API, but in what Vercel's own client sends
    (@vercel/client 18.4.2, DeploymentOptions): where Vercel refuses them nothing is made, and a deployment that did not
    get them is cancelled; both are errors. Raises UsageError where the project has no repository, VendorError.
    """
    extra = {"env": dict(variables), "build": {"env": dict(variables)}} if variables else {}
    source = git_source(project, commit, branch)
    try:
        made = await _create(client, project, key, commit, {**_target(target), "gitSource": source, **extra})
    except VendorError as error:
        if variables and error.status == HTTPStatus.BAD_REQUEST:
            error.hint = f"it may take no variables with a deployment, as {', '.join(sorted(variables))}: {SETTINGS}"
        raise
    if variables:
        found = await client.deployment(made.id)  # a list does not tell them
        if missing := set(variables) - set(found.variables if found is not None else ()):
            await client.cancel(made.id)
            told = f"{made.id} was not given {', '.join(sorted(missing))}"
            raise VendorError(f"Vercel {Trouble.REFUSING.value}: {told}", trouble=Trouble.REFUSING, hint=SETTINGS)
    return made


async def rebuild(client: Vercel, project: Project, deployment: Deployment, *, key: str) -> Deployment:
    """Build a preview again, for production and with its variables, as nothing else promotes it. Raises VendorError.

    It is what Vercel's own command line does: https://github.com/vercel/vercel, packages/cli, `vercel promote`.
    """
    body = {"deploymentId": deployment.id, **_target(PRODUCTION)}
    return await _create(client, project, key, deployment.commit, body, action="promote")


async def _create(
    client: Vercel, project: Project, key: str, commit: str | None, body: Mapping[str, Any], **tags: str
) -> Deployment:
    async def look() -> Deployment | None:
        there = await client.deployments(project.id, commit=commit)
        return next((each for each in there if each.meta.get(KEY) == key), None)

    async def write() -> Deployment:
        meta = {KEY: key, **({COMMIT: commit} if commit else {}), **tags}
        return await client.create({"name": project.name, "project": project.id, "meta": meta, **body})

    return await ensure(look, write)


def _target(target: str | None) -> dict[str, str]:
    return {"target": target} if target else {}


def git_source(project: Project, commit: str, branch: str) -> dict[str, Any]:
    """Return how a project's repository is named in an order for a deployment. Raises UsageError where it has none."""
    link = project.link or {}
    kind = link.get("type")
    named: dict[str, Any]
    if kind in {"github", "github-limited"} and "repoId" in link:
        named = {"repoId": link["repoId"]}
    elif kind == "gitlab" and "projectId" in link:
        named = {"projectId": link["projectId"]}
    elif kind == "bitbucket" and "uuid" in link:
        named = {"repoUuid": link["uuid"], "workspaceUuid": link.get("workspaceUuid", "")}
    else:
        found = f"is linked to {kind}" if kind else "is linked to no repository"
        raise UsageError(f"the Vercel project {project.name} {found}", hint="connect it to GitHub, GitLab or Bitbucket")
    return {"type": kind, "ref": branch, "sha": commit, **named}
