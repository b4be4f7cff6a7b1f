"""Pull requests become part of their base, where the rules of the base let them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.background import BackgroundTask
from starlette.responses import JSONResponse

from ci.rehearsal.github.answers import RefusalError, conflict, missing, unprocessable
from ci.rehearsal.github.asked import identity, nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked
    from ci.rehearsal.github.people import Person
    from ci.rehearsal.github.rules import Rules
    from ci.rehearsal.github.state import State

QUEUED = "Changes must be made through the merge queue"
MOVED = "Head branch was modified. Review and try the merge again."
NAMES = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}


async def is_merged(asked: Asked) -> Response:
    """Say by the status alone whether it was merged."""
    _, pull = asked.pull()
    if pull["merged_at"] is None:
        raise missing()
    return nothing()


async def merge(asked: Asked) -> Response:
    """Merge a pull request."""
    asked.may_write()
    number, pull = asked.pull()
    given = asked.body.get("sha")
    if given is not None and given != pull["head_sha"]:
        raise conflict(MOVED)
    if any(rules.queued for rules in asked.state.rules(pull["base"], person=asked.person)):
        raise _unmergeable(QUEUED)
    done = await perform(asked.state, number, asked.person, asked.body)
    return JSONResponse({"sha": done, "merged": True, "message": "Pull Request successfully merged"})


async def perform(state: State, number: str, person: Person, asked: Mapping[str, Any]) -> str:
    """Merge a pull request as somebody asked for it, and return the commit. Raises RefusalError."""
    pull = state.pulls[number]
    method = asked.get("merge_method", "merge")
    if method not in state.methods:
        raise unprocessable("merge_method is not one of merge, squash, rebase")
    if not state.methods[method]:
        raise _unmergeable(f"{NAMES[method]} are not allowed on this repository.")
    if state.issues[number]["state"] != "open":
        raise _unmergeable("Pull Request is not mergeable")
    if pull["draft"]:
        raise _unmergeable("Pull Request is still a draft")
    if reasons := await against_merge(state, number, person):
        raise _unmergeable(reasons[0])
    if method == "merge" and any(rules.linear for rules in state.rules(pull["base"], person=person)):
        raise _unmergeable("Merge commits are not allowed on this repository.")
    before = pull["base_sha"]
    done = await _made(state, number, person, asked)
    if done is None:
        raise _unmergeable("Pull Request is not mergeable")
    # Written down before the branch moves, so that after a kill between the two it can be finished.
    state.pulls[number] = {**pull, "merging": done}
    if not await state.bare.point(f"refs/heads/{pull['base']}", done, before):
        raise _unmergeable("Base branch was modified. Review and try the merge again.")
    state.merged(number, done, person)
    await state.moved(pull["base"], before, done, person)
    return done


async def _made(state: State, number: str, person: Person, asked: Mapping[str, Any]) -> str | None:
    pull, who, method = state.pulls[number], identity(person), asked.get("merge_method", "merge")
    title = asked.get("commit_title")
    text = asked.get("commit_message")
    issue = state.issues[number]
    base, head = pull["base_sha"], pull["head_sha"]
    if method == "rebase":
        return await state.bench.rebase(base, head, who)
    if method == "squash":
        title = title or f"{issue['title']} (#{number})"
    else:
        title = title or f"Merge pull request #{number} from {state.owner}/{pull['head']}"
        text = issue["title"] if text is None else text
    message = f"{title}\n\n{text}" if text else title
    make = state.bench.squash if method == "squash" else state.bench.merge
    return await make(base, head, message, who)


async def update_branch(asked: Asked) -> Response:
    """Merge the base into the branch of a pull request, after the answer."""
    asked.may_write()
    state = asked.state
    number, pull = asked.pull()
    given = asked.body.get("expected_head_sha")
    if given is not None and given != pull["head_sha"]:
        raise unprocessable("expected head sha didn't match current head ref.")
    if await state.bare.has(pull["head_sha"], pull["base_sha"]):
        raise unprocessable("There are no new commits on the base branch.")
    if not await state.bench.merges(pull["head_sha"], pull["base_sha"], asked.who()):
        raise unprocessable("merge conflict between base and head")
    body = {"message": "Updating pull request branch.", "url": f"{asked.shapes.page}/pull/{number}"}
    return JSONResponse(body, status_code=HTTPStatus.ACCEPTED, background=BackgroundTask(_update, asked, number))


async def _update(asked: Asked, number: str) -> None:
    state = asked.state
    async with state.lock:
        pull = state.pulls[number]
        message = f"Merge branch '{pull['base']}' into {pull['head']}"
        done = await state.bench.merge(pull["head_sha"], pull["base_sha"], message, asked.who())
        if done is not None and state.bare.head(pull["head"]) == pull["head_sha"]:
            await state.point(pull["head"], done, pull["head_sha"], asked.person)


async def against_merge(state: State, number: str, person: Person | None) -> list[str]:
    """Return what the rules of the base have against a merge, for a person or for everybody."""
    pull = state.pulls[number]
    found = []
    for rules in state.rules(pull["base"], person=person):
        reasons = [*_reviews(state, number, rules)]
        reasons += rules.against_checks(lambda context: state.standing(pull["head_sha"], context))
        if rules.strict and not await state.bare.has(pull["head_sha"], pull["base_sha"]):
            reasons.append("Head branch is not up to date with the base branch.")
        found += [rules.told(reason) for reason in reasons]
    return found


def _reviews(state: State, number: str, rules: Rules) -> list[str]:
    """Whose last opinion counts: people who may write, but the author."""
    if not rules.approvals:
        return []
    opinions = {}
    for review in state.reviews.values():
        person = state.gate.known(review["author"])
        counts = person is not None and person.may_write and review["author"] != state.issues[number]["author"]
        if review["number"] == int(number) and counts and review["state"] != "COMMENTED":
            opinions[review["author"]] = review["state"]
    if "CHANGES_REQUESTED" in opinions.values():
        return ["Changes have been requested by a reviewer with write access."]
    lacking = rules.approvals - sum(each == "APPROVED" for each in opinions.values())
    if lacking <= 0:
        return []
    noun = "review is" if rules.approvals == 1 else "reviews are"
    return [f"At least {rules.approvals} approving {noun} required by reviewers with write access."]


def _unmergeable(message: str) -> RefusalError:
    return RefusalError(HTTPStatus.METHOD_NOT_ALLOWED, message)


ROUTES = (
    ("GET", "/pulls/{number:int}/merge", is_merged),
    ("PUT", "/pulls/{number:int}/merge", merge),
    ("PUT", "/pulls/{number:int}/update-branch", update_branch),
)
