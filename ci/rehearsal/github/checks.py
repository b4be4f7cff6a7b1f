"""Commit statuses, and check runs, which are for apps alone."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.github.accounts import BEGINNING, node
from ci.rehearsal.github.answers import RefusalError, invalid, missing, unprocessable
from ci.rehearsal.github.asked import made
from ci.rehearsal.github.state import now

if TYPE_CHECKING:
    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked

STATES = ("error", "failure", "pending", "success")
RUNNING = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
CONCLUSIONS = ("success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required")
MOST_STATUSES = 1000
LONGEST_DESCRIPTION = 140


async def set_status(asked: Asked) -> Response:
    """Say how a commit stands in a context."""
    asked.may_write()
    sha = asked.words["sha"]
    if await asked.state.bare.kind(sha) != "commit":
        raise unprocessable(f"No commit found for SHA: {sha}")
    if asked.body.get("state") not in STATES:
        raise invalid("Status", "state", "custom", "state is not included in the list")
    context = asked.body.get("context") or "default"
    found = asked.state.statuses.get(sha, [])
    if sum(each["context"] == context for each in found) >= MOST_STATUSES:
        told = "This SHA and context has reached the maximum number of statuses."
        raise RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", errors=[told])
    status = {
        "id": asked.state.memory.number("status", first=20_001),
        "state": asked.body["state"],
        "context": context,
        "description": asked.perhaps("description", resource="Status", longest=LONGEST_DESCRIPTION),
        "target_url": asked.body.get("target_url"),
        "creator": asked.person.login,
        "moment": now(),
    }
    asked.state.statuses[sha] = [*found, status]
    return made(_status(asked, sha, status))


async def combined(asked: Asked) -> Response:
    """Return the newest status of each context, and their state together: without any it is pending."""
    sha = await _commit(asked)
    newest = {each["context"]: each for each in asked.state.statuses.get(sha, ())}
    states = {each["state"] for each in newest.values()}
    bad = states & {"error", "failure"}
    state = "failure" if bad else "pending" if "pending" in states or not states else "success"
    shapes = asked.shapes
    page = asked.page(list(newest.values()), lambda each: _status(asked, sha, each), inside="statuses")
    body = {
        "state": state,
        "sha": sha,
        "repository": shapes.repository(),
        "commit_url": f"{shapes.repo}/commits/{sha}",
        "url": f"{shapes.repo}/commits/{sha}/status",
        **json.loads(bytes(page.body)),
    }
    return JSONResponse(body, headers={name: page.headers[name] for name in ("link",) if name in page.headers})


async def history(asked: Asked) -> Response:
    """Return all statuses, the newest first."""
    sha = await _commit(asked)
    return asked.page(asked.state.statuses.get(sha, [])[::-1], lambda each: _status(asked, sha, each))


async def runs_of(asked: Asked) -> Response:
    """Return the check runs of a commit, the newest of each name unless all are asked for."""
    sha = await _commit(asked)
    query = asked.query
    found = {key: run for key, run in asked.state.runs.items() if run["head_sha"] == sha}
    if query.get("filter", "latest") == "latest":
        newest = {run["name"]: key for key, run in found.items()}  # all are of one app
        found = {key: found[key] for key in newest.values()}
    wanted = [
        key
        for key, run in found.items()
        if query.get("check_name") in {None, run["name"]} and query.get("status") in {None, run["status"]}
    ]
    return asked.page(wanted, lambda key: _run(asked, key), inside="check_runs")


async def begin(asked: Asked) -> Response:
    """Begin a check run."""
    _app_alone(asked)
    name, sha = asked.text("name", resource="CheckRun"), asked.text("head_sha", resource="CheckRun")
    if await asked.state.bare.kind(sha) != "commit":
        raise unprocessable(f"No commit found for SHA: {sha}")
    key = str(asked.state.memory.number("check run", first=40_001))
    empty: dict[str, Any] = {
        "status": "queued",
        "conclusion": None,
        "completed_at": None,
        "details_url": None,
        "output": {},
    }
    start = {"name": name, "head_sha": sha, "external_id": asked.body.get("external_id") or "", "started_at": now()}
    asked.state.runs[key] = _changed(asked, {**empty, **start})
    return made(_run(asked, key))


async def get(asked: Asked) -> Response:
    """Return a check run."""
    return JSONResponse(_run(asked, _key(asked)))


async def change(asked: Asked) -> Response:
    """Change a check run, or end it."""
    _app_alone(asked)
    key = _key(asked)
    asked.state.runs[key] = _changed(asked, asked.state.runs[key])
    return JSONResponse(_run(asked, key))


def _changed(asked: Asked, run: dict[str, Any]) -> dict[str, Any]:
    given = {name: asked.body[name] for name in ("status", "conclusion", "details_url") if name in asked.body}
    if given.get("status", "queued") not in RUNNING:
        raise invalid("CheckRun", "status")
    if given.get("conclusion", "success") not in CONCLUSIONS:
        raise invalid("CheckRun", "conclusion")
    if "conclusion" in given:
        given["status"] = "completed"
    elif given.get("status") == "completed":
        raise invalid("CheckRun", "conclusion", "missing_field")
    done = {"completed_at": now()} if given.get("status") == "completed" else {}
    return {**run, **given, **done, "output": asked.body.get("output") or run["output"]}


def _key(asked: Asked) -> str:
    key = str(asked.words["run"])
    if key not in asked.state.runs:
        raise missing()
    return key


def _app_alone(asked: Asked) -> None:
    if not asked.person.app:
        raise RefusalError(HTTPStatus.FORBIDDEN, "You must authenticate via a GitHub App.")


async def _commit(asked: Asked) -> str:
    sha = await asked.state.bare.commit_of(asked.words["ref"])
    if sha is None:
        raise missing()
    return sha


def _status(asked: Asked, sha: str, status: dict[str, Any]) -> dict[str, Any]:
    creator = asked.shapes.account(status["creator"])
    return {
        "url": f"{asked.shapes.repo}/statuses/{sha}",
        "avatar_url": creator["avatar_url"],
        "id": status["id"],
        "node_id": node("StatusContext", status["id"]),
        "state": status["state"],
        "description": status["description"],
        "target_url": status["target_url"],
        "context": status["context"],
        "created_at": status["moment"],
        "updated_at": status["moment"],
        "creator": creator,
    }


def _run(asked: Asked, key: str) -> dict[str, Any]:
    run, shapes = asked.state.runs[key], asked.shapes
    here = f"{shapes.repo}/check-runs/{key}"
    app = {
        "id": 9,
        "slug": "shipway",
        "node_id": node("App", 9),
        "owner": shapes.account(asked.state.owner),
        "name": "Shipway",
        "description": None,
        "external_url": shapes.base,
        "html_url": f"{shapes.base}/apps/shipway",
        "created_at": BEGINNING,
        "updated_at": BEGINNING,
        "permissions": {"checks": "write"},
        "events": [],
    }
    output = {name: run["output"].get(name) for name in ("title", "summary", "text")}
    return {
        "id": int(key),
        "node_id": node("CheckRun", key),
        **{name: run[name] for name in ("name", "head_sha", "external_id", "status", "conclusion", "details_url")},
        "url": here,
        "html_url": f"{shapes.page}/runs/{key}",
        "started_at": run["started_at"],
        "completed_at": run["completed_at"],
        "output": {**output, "annotations_count": 0, "annotations_url": f"{here}/annotations"},
        "check_suite": {"id": 8},
        "app": app,
        "pull_requests": [],
    }


ROUTES = (
    ("POST", "/statuses/{sha}", set_status),
    ("GET", "/commits/{ref:path}/status", combined),
    ("GET", "/commits/{ref:path}/statuses", history),
    ("GET", "/commits/{ref:path}/check-runs", runs_of),
    ("POST", "/check-runs", begin),
    ("GET", "/check-runs/{run:int}", get),
    ("PATCH", "/check-runs/{run:int}", change),
)
