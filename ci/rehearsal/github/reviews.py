"""Reviews of pull requests, who is asked for one, and whose count."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from ci.rehearsal.github.answers import RefusalError, missing, unprocessable
from ci.rehearsal.github.asked import made
from ci.rehearsal.github.state import now
from ci.rehearsal.github.talk import Talk

if TYPE_CHECKING:
    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked

STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
OWN = {"APPROVE": "approve", "REQUEST_CHANGES": "request changes on"}


async def listed(asked: Asked) -> Response:
    """Return the reviews of a pull request, the oldest first."""
    number, _ = asked.pull()
    found = [key for key, review in asked.state.reviews.items() if review["number"] == int(number)]
    return asked.page(found, Talk(asked).review)


async def create(asked: Asked) -> Response:
    """Review a pull request; nobody approves one of their own."""
    number, pull = asked.pull()
    state = asked.state
    event, body = asked.body.get("event"), asked.body.get("body") or ""
    if event not in STATES:
        raise unprocessable("Variable $event of type PullRequestReviewEvent was provided invalid value")
    if event in OWN and asked.person.login == state.issues[number]["author"]:
        raise _own(f"Can not {OWN[event]} your own pull request")
    if event != "APPROVE" and not body:
        raise _own("Body can't be blank")
    commit = asked.body.get("commit_id") or pull["head_sha"]
    if await state.bare.kind(commit) != "commit":
        raise unprocessable("commit_id is not part of the pull request")
    key = str(state.memory.number("review", first=5001))
    state.reviews[key] = {
        "number": int(number),
        "author": asked.person.login,
        "state": STATES[event],
        "body": body,
        "commit": commit,
        "submitted_at": now(),
    }
    left = [login for login in pull["reviewers"] if login != asked.person.login]
    state.pulls[number] = {**state.pulls[number], "reviewers": left}
    state.touch(number)
    return JSONResponse(Talk(asked).review(key))


async def request(asked: Asked) -> Response:
    """Ask people for a review."""
    asked.may_write()
    number, pull = asked.pull()
    state = asked.state
    logins = [str(login) for login in asked.body.get("reviewers") or ()]
    if state.issues[number]["author"] in logins:
        raise unprocessable("Review cannot be requested from pull request author.")
    if any(state.gate.known(login) is None for login in logins):
        raise unprocessable(
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not "
            f"a collaborator of the {state.slug} repository."
        )
    state.pulls[number] = {**pull, "reviewers": list(dict.fromkeys([*pull["reviewers"], *logins]))}
    return made(Talk(asked).pull_in_a_list(number))


async def permission(asked: Asked) -> Response:
    """Say what somebody may do in the repository, to those who may write."""
    asked.may_write()
    person = asked.state.gate.known(asked.words["login"])
    if person is None:
        raise missing()
    user = asked.shapes.account(person.login)
    return JSONResponse({"permission": person.role, "role_name": person.role, "user": user})


def _own(message: str) -> RefusalError:
    return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "Unprocessable Entity", errors=[message])


ROUTES = (
    ("GET", "/pulls/{number:int}/reviews", listed),
    ("POST", "/pulls/{number:int}/reviews", create),
    ("POST", "/pulls/{number:int}/requested_reviewers", request),
    ("GET", "/collaborators/{login}/permission", permission),
)
