"""Issues, comments, labels, and a search whose index is late."""

from __future__ import annotations

import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from ci.rehearsal.github.answers import RefusalError, cut_out, following, invalid, unprocessable
from ci.rehearsal.github.asked import made
from ci.rehearsal.github.pulls import LONGEST_BODY, LONGEST_TITLE, fresh
from ci.rehearsal.github.state import now
from ci.rehearsal.github.talk import Talk

if TYPE_CHECKING:
    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked

RESOURCE = "Issue"
MOST_FOUND = 1000
REASONS = (None, "completed", "not_planned", "reopened", "duplicate")
_TERM = re.compile(r'(?:([a-z]+):)?(?:"([^"]*)"|(\S+))')


async def listed(asked: Asked) -> Response:
    """Return issues, pull requests among them, the newest first."""
    _open_for_issues(asked)
    query, state = asked.query, asked.state
    wanted = query.get("state", "open")
    labels = {label for label in query.get("labels", "").split(",") if label}
    found = [
        number
        for number, issue in state.issues.items()
        if wanted in {"all", issue["state"]}
        and labels <= set(issue["labels"])
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


async def search(asked: Asked) -> Response:
    """Find issues by words: the index knows of a change a while after it."""
    query, state = asked.query, asked.state
    if not query.get("q"):
        raise RefusalError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "Validation Failed",
            errors=[{"resource": "Search", "field": "q", "code": "missing"}],
        )
    terms = [(name, quoted or word) for name, quoted, word in _TERM.findall(query["q"])]
    named = {value.lower() for name, value in terms if name == "repo"}
    found = []
    for number, issue in state.issues.items():
        text = f"{issue['title']} {issue['body'] or ''}".lower()
        known = time.time() - issue["moment"] >= state.index_after
        here = not named or state.slug.lower() in named
        if known and here and all(_meets(issue, text, name, value) for name, value in terms):
            found.append(number)
    part, page, more = cut_out(found, query)
    if (page - 1) * max(len(part), 1) >= MOST_FOUND:
        raise unprocessable("Only the first 1000 search results are available")
    talk = Talk(asked)
    body = {
        "total_count": len(found),
        "incomplete_results": False,
        "search_type": "lexical",
        "items": [{**talk.issue(number), "score": 1.0} for number in part],
    }
    return JSONResponse(body, headers=following(asked.address, query, page, more=more))


def _meets(issue: dict[str, object], text: str, name: str, value: str) -> bool:
    labels = issue["labels"]
    if name == "is":
        kinds = {"issue": not issue["is_pull"], "pr": issue["is_pull"], "pull-request": issue["is_pull"]}
        return bool(kinds.get(value, issue["state"] == value))
    if name == "label":
        return isinstance(labels, list) and value in labels
    return name == "repo" or value.lower() in text


def _labels(asked: Asked, given: object) -> tuple[str, ...]:
    if not isinstance(given, list | tuple):
        raise invalid("Label", "labels")
    found = []
    for each in given:
        name = each.get("name") if isinstance(each, dict) else each
        if not isinstance(name, str) or not name:
            raise invalid("Label", "name")
        if name not in asked.state.labels:
            number = asked.state.memory.number("label", first=301)
            asked.state.labels[name] = {"id": number, "color": "ededed"}
        found.append(name)
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
    ("GET", "/issues/{number:int}/comments", comments),
    ("POST", "/issues/{number:int}/comments", comment),
)
