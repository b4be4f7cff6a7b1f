"""Issues, comments, labels."""

from __future__ import annotations

import datetime
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from ci.rehearsal.github.answers import RefusalError, invalid, missing
from ci.rehearsal.github.asked import made
from ci.rehearsal.github.pulls import LONGEST_BODY, LONGEST_TITLE, fresh
from ci.rehearsal.github.state import now
from ci.rehearsal.github.talk import Talk

if TYPE_CHECKING:
    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked

RESOURCE = "Issue"
REASONS = (None, "completed", "not_planned", "reopened", "duplicate")


async def listed(asked: Asked) -> Response:
    """Return issues, pull requests among them, the newest first."""
    _open_for_issues(asked)
    query, state = asked.query, asked.state
    wanted = query.get("state", "open")
    labels = {label.casefold() for label in query.get("labels", "").split(",") if label}
    since = _since(asked)
    found = [
        number
        for number, issue in state.issues.items()
        if wanted in {"all", issue["state"]}
        and labels <= {label.casefold() for label in issue["labels"]}
        and issue["updated_at"] >= since
        and query.get("creator") in {None, issue["author"]}
    ]
    found.sort(key=int, reverse=query.get("direction", "desc") == "desc")
    return asked.page(found, Talk(asked).issue)


async def create(asked: Asked) -> Response:
    """Open an issue; labels are for those who may write."""
    _open_for_issues(asked)
    title = asked.text("title", resource=RESOURCE, longest=LONGEST_TITLE)
    body = asked.perhaps("body", resource=RESOURCE, longest=LONGEST_BODY)
    labels = _labels(asked, asked.body.get("labels") or ()) if asked.person.may_write else ()
    number = str(asked.state.memory.number("issue"))
    asked.state.issues[number] = fresh(asked, title, body, labels, is_pull=False)
    return made(Talk(asked).issue(number))


async def get(asked: Asked) -> Response:
    """Return an issue, or a pull request as one."""
    number, issue = asked.issue()
    if not issue["is_pull"]:
        _open_for_issues(asked)
    return JSONResponse(Talk(asked).issue(number))


async def change(asked: Asked) -> Response:
    """Give an issue another title, text, state or other labels."""
    asked.may_write()
    number, issue = asked.issue()
    wanted = asked.body.get("state") or issue["state"]
    reason = asked.body.get("state_reason")
    if wanted not in {"open", "closed"}:
        raise invalid(RESOURCE, "state")
    if reason not in REASONS:
        raise invalid(RESOURCE, "state_reason")
    if wanted != issue["state"]:
        usual = "completed" if wanted == "closed" else "reopened"
        issue |= {"state": wanted, "state_reason": reason or usual, "closed_at": now() if wanted == "closed" else None}
    elif reason is not None:
        issue["state_reason"] = reason
    issue["title"] = asked.perhaps("title", resource=RESOURCE, longest=LONGEST_TITLE) or issue["title"]
    issue["body"] = asked.body["body"] if "body" in asked.body else issue["body"]
    if "labels" in asked.body:
        issue["labels"] = list(_labels(asked, asked.body["labels"]))
    asked.state.issues[number] = {**issue, "updated_at": now(), "moment": time.time()}
    return JSONResponse(Talk(asked).issue(number))


async def label(asked: Asked) -> Response:
    """Add labels; those that are not known are made."""
    asked.may_write()
    number, issue = asked.issue()
    labels = list(dict.fromkeys([*issue["labels"], *_labels(asked, asked.body.get("labels") or ())]))
    asked.state.issues[number] = {**issue, "labels": labels, "updated_at": now(), "moment": time.time()}
    return JSONResponse([Talk(asked).label(name) for name in labels])


async def comments(asked: Asked) -> Response:
    """Return the comments of an issue or a pull request, the oldest first."""
    number, _ = asked.issue()
    found = [key for key, comment in asked.state.comments.items() if comment["number"] == int(number)]
    return asked.page(found, Talk(asked).comment)


async def comment(asked: Asked) -> Response:
    """Write a comment."""
    number, _ = asked.issue()
    body = asked.text("body", resource="IssueComment", longest=LONGEST_BODY)
    key = str(asked.state.memory.number("comment", first=9001))
    words = {"number": int(number), "author": asked.person.login, "body": body, "created_at": now()}
    asked.state.comments[key] = words
    asked.state.touch(number)
    return made(Talk(asked).comment(key))


async def change_comment(asked: Asked) -> Response:
    """Give a comment another text; its author may, and who may write."""
    key = str(asked.words["comment"])
    known = asked.state.comments.get(key)
    if known is None:
        raise missing()
    if known["author"] != asked.person.login:
        asked.may_write()
    body = asked.text("body", resource="IssueComment", longest=LONGEST_BODY)
    asked.state.comments[key] = {**known, "body": body, "updated_at": now()}
    return JSONResponse(Talk(asked).comment(key))


def _since(asked: Asked) -> str:
    """Return the moment since which issues are wanted, as GitHub writes it."""
    given = asked.query.get("since", "1970-01-01T00:00:00Z")
    try:
        return datetime.datetime.fromisoformat(given).astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise invalid(RESOURCE, "since") from None


def _labels(asked: Asked, given: object) -> tuple[str, ...]:
    if not isinstance(given, list | tuple):
        raise invalid("Label", "labels")
    found = []
    for each in given:
        name = each.get("name") if isinstance(each, dict) else each
        if not isinstance(name, str) or not name:
            raise invalid("Label", "name")
        known = next((label for label in asked.state.labels if label.casefold() == name.casefold()), None)
        if known is None:
            number = asked.state.memory.number("label", first=301)
            asked.state.labels[name] = {"id": number, "color": "ededed"}
        found.append(known or name)  # as it was written first
    return tuple(found)


def _open_for_issues(asked: Asked) -> None:
    if not asked.state.has_issues:
        raise RefusalError(HTTPStatus.GONE, "Issues are disabled for this repo")


ROUTES = (
    ("GET", "/issues", listed),
    ("POST", "/issues", create),
    ("GET", "/issues/{number:int}", get),
    ("PATCH", "/issues/{number:int}", change),
    ("POST", "/issues/{number:int}/labels", label),
    ("PATCH", "/issues/comments/{comment:int}", change_comment),
    ("GET", "/issues/{number:int}/comments", comments),
    ("POST", "/issues/{number:int}/comments", comment),
)
