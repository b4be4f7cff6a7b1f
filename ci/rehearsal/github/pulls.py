"""Pull requests: to open, to read, to change. Whether one merges is computed after it is asked, as at GitHub."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.github.answers import invalid, wrong
from ci.rehearsal.github.asked import made
from ci.rehearsal.github.merges import against_merge
from ci.rehearsal.github.state import now
from ci.rehearsal.github.talk import Talk

if TYPE_CHECKING:
    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked

RESOURCE = "PullRequest"
LONGEST_TITLE, LONGEST_BODY = 256, 65_536


async def listed(asked: Asked) -> Response:
    """Return pull requests, the newest first."""
    query, state = asked.query, asked.state
    wanted = query.get("state", "open")
    owner, colon, head = query.get("head", "").partition(":")
    found = []
    for number, pull in state.pulls.items():
        if wanted not in {"all", state.issues[number]["state"]}:
            continue
        if query.get("base") not in {None, pull["base"]}:
            continue
        # A head without its owner is not understood, and so not heeded.
        if colon and (owner.lower() != state.owner.lower() or pull["head"] != head):
            continue
        found.append(number)
    found.sort(key=int, reverse=query.get("direction", "desc") == "desc")
    return asked.page(found, Talk(asked).pull_in_a_list)


async def create(asked: Asked) -> Response:
    """Open a pull request."""
    asked.may_write()
    state = asked.state
    title = asked.text("title", resource=RESOURCE, longest=LONGEST_TITLE)
    body = asked.perhaps("body", resource=RESOURCE, longest=LONGEST_BODY)
    base, head = asked.text("base", resource=RESOURCE), asked.text("head", resource=RESOURCE)
    owner, colon, name = head.partition(":")
    if colon and owner.lower() == state.owner.lower():
        head = name
    into, sha = state.bare.head(base), state.bare.head(head)
    if sha is None:
        raise invalid(RESOURCE, "head")
    if into is None:
        raise invalid(RESOURCE, "base")
    if any((pull["head"], pull["base"]) == (head, base) for _, pull in state.open_pulls()):
        raise wrong(RESOURCE, f"A pull request already exists for {state.owner}:{head}.")
    if not await state.bare.between(into, sha):
        raise wrong(RESOURCE, f"No commits between {base} and {head}")
    number = str(state.memory.number("issue"))
    state.pulls[number] = {
        "head": head,
        "base": base,
        "head_sha": sha,
        "base_sha": into,
        "draft": asked.body.get("draft") is True,
        "merged_at": None,
        "merged_by": None,
        "merge_sha": None,
        "reviewers": [],
    }
    state.issues[number] = fresh(asked, title, body, (), is_pull=True)
    return made(await Talk(asked).pull(number, None, "unknown"))


async def get(asked: Asked) -> Response:
    """Return a pull request; whether it merges, once that is known."""
    number, _ = asked.pull()
    return JSONResponse(await Talk(asked).pull(number, *await _mergeable(asked, number)))


async def change(asked: Asked) -> Response:
    """Give a pull request another title, text or state."""
    asked.may_write()
    number, pull = asked.pull()
    state = asked.state
    title = asked.perhaps("title", resource=RESOURCE, longest=LONGEST_TITLE) or state.issues[number]["title"]
    wanted = asked.body.get("state", state.issues[number]["state"])
    if wanted not in {"open", "closed"}:
        raise invalid(RESOURCE, "state")
    if wanted == "open" and state.issues[number]["state"] == "closed":
        if pull["merged_at"] is not None:
            raise wrong(RESOURCE, "state cannot be changed. The pull request was merged.")
        if reason := await state.reopen(number):
            raise wrong(RESOURCE, f"state cannot be changed. {reason}")
    issue = state.issues[number]
    body = asked.body["body"] if "body" in asked.body else issue["body"]
    closed = None if wanted == "open" else issue["closed_at"] or now()
    words = {"title": title, "body": body, "state": wanted, "closed_at": closed, "updated_at": now()}
    state.issues[number] = {**issue, **words}
    return JSONResponse(await Talk(asked).pull(number, *await _mergeable(asked, number)))


async def files(asked: Asked) -> Response:
    """Return the files that a pull request changes since it left its base."""
    _, pull = asked.pull()
    bare = asked.state.bare
    common = await bare.merge_base(pull["base_sha"], pull["head_sha"])
    found = await bare.changes(common or pull["base_sha"], pull["head_sha"])
    return asked.page(found, lambda each: asked.shapes.change(each, pull["head_sha"]))


def fresh(asked: Asked, title: str, body: str | None, labels: tuple[str, ...], *, is_pull: bool) -> dict[str, Any]:
    """Return a new issue, or what a new pull request has of one."""
    return {
        "title": title,
        "body": body,
        "state": "open",
        "state_reason": None,
        "author": asked.person.login,
        "labels": list(labels),
        "created_at": now(),
        "updated_at": now(),
        "closed_at": None,
        "is_pull": is_pull,
        "moment": time.time(),
    }


async def _mergeable(asked: Asked, number: str) -> tuple[bool | None, str]:
    state = asked.state
    pull = state.pulls[number]
    if pull["merged_at"] is not None:
        return None, "unknown"
    key = f"{pull['base_sha']} {pull['head_sha']}"
    known = state.tries.get(key)
    if known is None:
        state.tries[key] = known = {"since": time.time(), "merges": None}
    if known["merges"] is None:
        if time.time() - known["since"] < state.mergeable_after:
            return None, "unknown"
        known["merges"] = await state.bench.merges(pull["base_sha"], pull["head_sha"], asked.who())
        state.tries[key] = known
    if not known["merges"]:
        return False, "dirty"
    if pull["draft"]:
        return True, "draft"
    if reasons := await against_merge(state, number, None):
        return True, "behind" if reasons[0].startswith("Head branch is not up to date") else "blocked"
    marks = [state.standing(pull["head_sha"], name) for name in _contexts(asked, pull["head_sha"])]
    return True, "clean" if all(mark == "success" for mark in marks) else "unstable"


def _contexts(asked: Asked, sha: str) -> set[str]:
    statuses = {each["context"] for each in asked.state.statuses.get(sha, ())}
    return statuses | {each["name"] for each in asked.state.runs.values() if each["head_sha"] == sha}


ROUTES = (
    ("GET", "/pulls", listed),
    ("POST", "/pulls", create),
    ("GET", "/pulls/{number:int}", get),
    ("PATCH", "/pulls/{number:int}", change),
    ("GET", "/pulls/{number:int}/files", files),
)
