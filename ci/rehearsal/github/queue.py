"""Merges in the background: noted at once, done a while later, by the merge queue where the base's rules want it.

They are done when the next request comes, whatever it is for, so that a kill leaves none of them half done.
"""

from __future__ import annotations

import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.github.answers import RefusalError, missing
from ci.rehearsal.github.merges import MOVED, QUEUED, against_merge, perform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked
    from ci.rehearsal.github.state import State

PENDING, ENQUEUED, MERGED, FAILED = "pending", "enqueued", "merged", "failed"
OPEN = frozenset({PENDING, ENQUEUED})
ACTIONS = ("default", "direct_merge", "merge_queue")


async def request(asked: Asked) -> Response:
    """Note a merge, or tell of the one that is under way."""
    asked.may_write()
    state = asked.state
    number, pull = asked.pull()
    if pull["merged_at"] is not None:
        return _told(MERGED, HTTPStatus.OK, message="Pull Request successfully merged", sha=pull["merge_sha"])
    for key, known in state.merges.items():
        if known["number"] == number and known["stage"] in OPEN:
            if known["stage"] == ENQUEUED:
                return _told(ENQUEUED, HTTPStatus.OK, message="The pull request is in the merge queue")
            return JSONResponse(_written(key, known), status_code=HTTPStatus.CONFLICT)
    action = asked.body.get("merge_action", "default")
    wrong = (
        (state.issues[number]["state"] != "open", "Pull Request is closed"),
        (pull["draft"], "Pull Request is still a draft"),
        (action not in ACTIONS, "merge_action is unknown"),
        (action == "merge_queue" and not _queued(state, pull), "The base branch has no merge queue"),
        (asked.body.get("sha") not in {None, pull["head_sha"]}, MOVED),
    )
    for is_so, why in wrong:
        if is_so:
            return _told(FAILED, HTTPStatus.BAD_REQUEST, message=why)
    names = ("merge_method", "commit_title", "commit_message")
    key = str(uuid.uuid4())
    state.merges[key] = known = {
        "number": number,
        "sha": pull["head_sha"],
        "action": action,
        "asked": {name: asked.body[name] for name in names if name in asked.body},
        "login": asked.person.login,
        "stage": PENDING,
        "message": "The merge was requested",
        "merged": None,
        "due": time.time() + state.merged_after,
    }
    return JSONResponse(_written(key, known), status_code=HTTPStatus.ACCEPTED)


async def result(asked: Asked) -> Response:
    """Tell what became of a merge."""
    key = str(asked.words["uuid"])
    known = asked.state.merges.get(key)
    if known is None or known["number"] != str(asked.words["number"]):
        raise missing()
    return JSONResponse(_written(key, known))


async def advance(state: State) -> None:
    """Do what is due."""
    due = [key for key, known in state.merges.items() if known["stage"] in OPEN and known["due"] <= time.time()]
    if not due:
        return
    async with state.lock:
        for key in due:
            known = state.merges[key]
            if known["stage"] in OPEN:  # else somebody else has done it meanwhile
                state.merges[key] = {**known, **await _step(state, known)}


async def _step(state: State, known: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what becomes of a merge that is due."""
    number, pull = known["number"], state.pulls[known["number"]]
    person = state.gate.known(known["login"]) or state.gate.people[0]
    if pull["merged_at"] is not None:
        return {"stage": MERGED, "merged": pull["merge_sha"]}
    if pull["head_sha"] != known["sha"]:
        return {"stage": FAILED, "message": MOVED}
    if reasons := await against_merge(state, number, person):
        return {"stage": FAILED, "message": reasons[0]}
    if _queued(state, pull) and known["stage"] == PENDING:
        if known["action"] == "direct_merge":
            return {"stage": FAILED, "message": QUEUED}
        return {"stage": ENQUEUED, "message": "It is in the queue", "due": time.time() + state.queued_for}
    try:
        return {"stage": MERGED, "merged": await perform(state, number, person, known["asked"])}
    except RefusalError as error:
        return {"stage": FAILED, "message": error.message}


def _queued(state: State, pull: Mapping[str, Any]) -> bool:
    return any(rules.queued for rules in state.rules(pull["base"]))


def _written(key: str, known: Mapping[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = {"message": known["message"]}
    if known["stage"] == PENDING:
        action = {"uuid": key, "merge_action": known["action"], "expected_head_sha": known["sha"]}
        details |= {**action, "merge_method": known["asked"].get("merge_method", "default")}
    if known["stage"] == MERGED:
        details["sha"] = known["merged"]
    return {"status": known["stage"], "details": details}


def _told(stage: str, status: int, **details: Any) -> Response:
    return JSONResponse({"status": stage, "details": details}, status_code=status)


ROUTES = (
    ("PUT", "/pulls/{number:int}/merge-async", request),
    ("GET", "/pulls/{number:int}/merge-async/{uuid}", result),
)
