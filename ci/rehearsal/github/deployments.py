"""Deployments that are told of, how they stand, and dispatches, which are written down."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.github.accounts import node
from ci.rehearsal.github.answers import RefusalError, conflict, invalid, missing, unprocessable
from ci.rehearsal.github.asked import made, nothing
from ci.rehearsal.github.state import DEFAULT, now

if TYPE_CHECKING:
    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked

STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
LONGEST_DESCRIPTION, LONGEST_EVENT, MOST_PAYLOAD, LARGEST_PAYLOAD = 140, 100, 10, 65_536


async def listed(asked: Asked) -> Response:
    """Return deployments, the newest first."""
    names = [name for name in ("sha", "ref", "task", "environment") if name in asked.query]
    found = [
        key for key, each in asked.state.deployments.items() if all(each[name] == asked.query[name] for name in names)
    ]
    return asked.page(found[::-1], lambda key: _deployment(asked, key))


async def create(asked: Asked) -> Response:
    """Be told of a deployment, after the checks that GitHub makes by default."""
    asked.may_write()
    state, ref = asked.state, asked.text("ref", resource="Deployment")
    sha = await state.bare.commit_of(ref)
    if sha is None:
        raise unprocessable(f"No ref found for: {ref}")
    if (merged := await _auto_merge(asked, ref, sha)) is not None:
        return merged
    wanted = asked.body.get("required_contexts")
    names = wanted if isinstance(wanted, list) else [each["context"] for each in state.statuses.get(sha, ())]
    if any(state.standing(sha, name) != "success" for name in names):
        raise conflict(f"Conflict: Commit status checks failed for {ref}.")
    key = str(state.memory.number("deployment", first=60_001))
    environment = asked.body.get("environment") or "production"
    state.deployments[key] = {
        "sha": sha,
        "ref": ref,
        "task": asked.body.get("task") or "deploy",
        "environment": environment,
        "payload": asked.body.get("payload") or {},
        "description": asked.perhaps("description", resource="Deployment", longest=LONGEST_DESCRIPTION),
        "transient_environment": asked.body.get("transient_environment") is True,
        "production_environment": asked.body.get("production_environment", environment == "production"),
        "creator": asked.person.login,
        "moment": now(),
        "statuses": [],
    }
    return made(_deployment(asked, key))


async def _auto_merge(asked: Asked, ref: str, sha: str) -> Response | None:
    """By default the default branch is merged into the one deployed, and then nothing is deployed."""
    state = asked.state
    branch, default = state.bare.head(ref), state.bare.head(DEFAULT)
    behind = branch is not None and default is not None and not await state.bare.has(sha, default)
    if asked.body.get("auto_merge") is False or not behind or default is None:
        return None
    message = f"Auto-merged {DEFAULT} into {ref} on deployment."
    done = await state.bench.merge(sha, default, message, asked.who())
    if done is None:
        raise conflict(f"Conflict merging {DEFAULT} into {ref}.")
    if reasons := await state.against(asked.person, ref, sha, done):
        raise conflict(reasons[0])
    await state.point(ref, done, sha, asked.person)
    return JSONResponse({"message": message}, status_code=HTTPStatus.ACCEPTED)


async def get(asked: Asked) -> Response:
    """Return a deployment."""
    return JSONResponse(_deployment(asked, _key(asked)))


async def statuses(asked: Asked) -> Response:
    """Return how a deployment stood, the newest first."""
    key = _key(asked)
    found = asked.state.deployments[key]["statuses"][::-1]
    return asked.page(found, lambda status: _status(asked, key, status))


async def set_status(asked: Asked) -> Response:
    """Say how a deployment stands; a success makes earlier ones of its environment inactive."""
    asked.may_write()
    key = _key(asked)
    if asked.body.get("state") not in STATES:
        raise invalid("DeploymentStatus", "state")
    deployment = asked.state.deployments[key]
    words = {name: asked.body.get(name) or "" for name in ("description", "environment_url", "log_url", "target_url")}
    if len(words["description"]) > LONGEST_DESCRIPTION:
        raise invalid(
            "DeploymentStatus", "description", "custom", "description is too long (maximum is 140 characters)"
        )
    status = _new_status(asked, {"state": asked.body["state"], **words})
    if status["state"] == "success" and asked.body.get("auto_inactive") is not False:
        _retire(asked, key, deployment)
    asked.state.deployments[key] = {**deployment, "statuses": [*deployment["statuses"], status]}
    return made(_status(asked, key, status))


def _retire(asked: Asked, key: str, deployment: dict[str, Any]) -> None:
    for other, each in list(asked.state.deployments.items()):
        same = each["environment"] == deployment["environment"] and int(other) < int(key)
        if (
            same
            and each["statuses"]
            and each["statuses"][-1]["state"] == "success"
            and not each["transient_environment"]
        ):
            empty = dict.fromkeys(("description", "environment_url", "log_url", "target_url"), "")
            status = _new_status(asked, {"state": "inactive", **empty})
            asked.state.deployments[other] = {**each, "statuses": [*each["statuses"], status]}


def _new_status(asked: Asked, words: dict[str, Any]) -> dict[str, Any]:
    number = asked.state.memory.number("deployment status", first=70_001)
    return {"id": number, "creator": asked.person.login, "moment": now(), **words}


async def dispatch(asked: Asked) -> Response:
    """Write down an event, and say nothing of what it starts."""
    asked.may_write()
    event = asked.text("event_type", resource="RepositoryDispatch")
    payload = asked.body.get("client_payload") or {}
    if len(event) > LONGEST_EVENT or len(payload) > MOST_PAYLOAD or len(json.dumps(payload)) >= LARGEST_PAYLOAD:
        told = "Invalid request.\n\nNo more than 10 properties are allowed; 11 were supplied."
        raise RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, told)
    entry = {"event": event, "payload": payload, "sender": asked.person.login, "moment": now()}
    asked.state.dispatches[str(asked.state.memory.number("dispatch"))] = entry
    return nothing()


def _key(asked: Asked) -> str:
    key = str(asked.words["deployment"])
    if key not in asked.state.deployments:
        raise missing()
    return key


def _deployment(asked: Asked, key: str) -> dict[str, Any]:
    each, shapes = asked.state.deployments[key], asked.shapes
    here = f"{shapes.repo}/deployments/{key}"
    names = ("sha", "ref", "task", "environment", "payload", "description")
    return {
        "url": here,
        "id": int(key),
        "node_id": node("Deployment", key),
        **{name: each[name] for name in (*names, "transient_environment", "production_environment")},
        "original_environment": each["environment"],
        "creator": shapes.account(each["creator"]),
        "created_at": each["moment"],
        "updated_at": each["moment"],
        "statuses_url": f"{here}/statuses",
        "repository_url": shapes.repo,
    }


def _status(asked: Asked, key: str, status: dict[str, Any]) -> dict[str, Any]:
    deployment, shapes = asked.state.deployments[key], asked.shapes
    here = f"{shapes.repo}/deployments/{key}"
    found = {
        "url": f"{here}/statuses/{status['id']}",
        "id": status["id"],
        "node_id": node("DeploymentStatus", status["id"]),
        "state": status["state"],
        "creator": shapes.account(status["creator"]),
        "description": status["description"],
        "environment": deployment["environment"],
        "target_url": status["target_url"],
        "created_at": status["moment"],
        "updated_at": status["moment"],
        "deployment_url": here,
        "repository_url": shapes.repo,
    }
    return {**found, "environment_url": status["environment_url"], "log_url": status["log_url"]}


ROUTES = (
    ("GET", "/deployments", listed),
    ("POST", "/deployments", create),
    ("GET", "/deployments/{deployment:int}", get),
    ("GET", "/deployments/{deployment:int}/statuses", statuses),
    ("POST", "/deployments/{deployment:int}/statuses", set_status),
    ("POST", "/dispatches", dispatch),
)
