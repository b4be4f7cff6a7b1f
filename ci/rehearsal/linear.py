"""Linear, standing in: a workspace with a team, by GraphQL, and a page for each issue.

As with the real one, what it refuses has status 200 and errors in the body, who asks too often gets 400, a query that
costs too much is refused, and a personal key goes without the word Bearer.
"""

from __future__ import annotations

import functools
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLSyntaxError, execute_sync, parse, validate
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.rehearsal.linear_cost import MOST, cost
from ci.rehearsal.linear_schema import Asked, resolve, schema
from ci.rehearsal.linear_world import World
from ci.rehearsal.pages import page
from ci.rehearsal.standin import StandIn, body_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from graphql import DocumentNode
    from starlette.requests import Request

KEYS = (f"lin_api_{'s' * 40}",)
REQUESTS, POINTS = 2_500, 3_000_000
HOUR = 3600.0  # seconds


class Linear(StandIn):
    """One workspace. `keys` open it; `requests` and `points` are what each `window` of seconds allows."""

    def __init__(
        self,
        directory: Path,
        *,
        keys: Collection[str] = KEYS,
        requests: int = REQUESTS,
        points: float = POINTS,
        window: float = HOUR,
    ) -> None:
        """Know what it knew before."""
        routes = [
            Route("/graphql", self._graphql, methods=["POST"]),
            Route("/{workspace}/issue/{identifier}", self._page, methods=["GET"]),
        ]
        super().__init__("linear", directory, routes)
        self.world = World(self.memory)
        self.keys = keys
        self.allowed = {"requests": float(requests), "complexity": float(points)}
        self.window = window
        self._left = dict(self.allowed)
        self._until = 0.0

    async def _graphql(self, request: Request) -> Response:
        if (stranger := self._stranger(request)) is not None:
            return stranger
        body = await body_of(request)
        query = body.get("query") if isinstance(body, dict) else None
        if not isinstance(query, str):
            return _wrong(["POST body missing, invalid Content-Type, or JSON object has no keys."])
        variables = body.get("variables") or {}
        if not isinstance(variables, dict):
            return _wrong(["Variables must be an object."], code="BAD_REQUEST")
        document, wrong = _read(query)
        if document is None:
            return _wrong(wrong)
        points = cost(document, variables)
        if points > MOST:
            return _wrong([f"Query too complex: {points:.0f} points of {MOST} at most"], code="INPUT_ERROR")
        headers = self._spend(points)
        if min(self._left.values()) < 0:
            limited = _error("Rate limit exceeded", "ratelimited", "RATELIMITED", 400)
            return JSONResponse({"errors": [limited]}, HTTPStatus.BAD_REQUEST, headers)
        asked = Asked(world=self.world, base=f"{request.url.scheme}://{request.url.netloc}")
        done = execute_sync(schema(), document, variable_values=variables, context_value=asked, field_resolver=resolve)
        answer: dict[str, Any] = {"data": done.data}
        if done.errors:
            answer["errors"] = [_told(error) for error in done.errors]
        return JSONResponse(answer, headers={**headers, "x-complexity": f"{points:.1f}"})

    def _stranger(self, request: Request) -> Response | None:
        """Return what is said to a caller without a key."""
        given = request.headers.get("authorization", "")
        if given in self.keys:
            return None
        message = "Authentication required, not authenticated"
        if given.lower().startswith("bearer ") and given[7:] in self.keys:
            message = "It looks like you're trying to use an API key as a Bearer token. Remove the Bearer prefix."
        error = _error(message, "authentication error", "AUTHENTICATION_ERROR", 401)
        return JSONResponse({"errors": [error]}, HTTPStatus.UNAUTHORIZED)

    def _spend(self, points: float) -> dict[str, str]:
        """Take a query off what is allowed, and return the headers that tell of it; resets are in milliseconds."""
        if time.time() >= self._until:
            self._left, self._until = dict(self.allowed), time.time() + self.window
        for name, spent in (("requests", 1.0), ("complexity", points)):
            self._left[name] -= spent
        headers = {}
        for name, allowed in self.allowed.items():
            headers[f"x-ratelimit-{name}-limit"] = f"{allowed:.0f}"
            headers[f"x-ratelimit-{name}-remaining"] = f"{max(0.0, self._left[name]):.0f}"
            headers[f"x-ratelimit-{name}-reset"] = f"{self._until * 1000:.0f}"
        return headers

    async def _page(self, request: Request) -> Response:
        """Show an issue to a person."""
        try:
            issue = self.world.issue(request.path_params["identifier"])
        except GraphQLError:
            return Response("There is no such issue.", HTTPStatus.NOT_FOUND, media_type="text/plain")
        follow = self.world.follow
        return page(
            "issue.html",
            issue=issue,
            state=follow(issue, "state")["name"],
            labels=[each["name"] for each in follow(issue, "labels")],
            comments=[each["body"] for each in follow(issue, "comments")],
            attachments=[(each["title"], each["url"]) for each in follow(issue, "attachments")],
        )


@functools.lru_cache(maxsize=200)
def _read(query: str) -> tuple[DocumentNode | None, tuple[str, ...]]:
    """Return a query as a document, or what is wrong with it."""
    try:
        document = parse(query)
    except GraphQLSyntaxError as error:
        return None, (error.message,)
    errors = validate(schema(), document)
    return (None, tuple(error.message for error in errors)) if errors else (document, ())


def _error(message: str, kind: str, code: str, status: int) -> dict[str, Any]:
    extensions = {"type": kind, "code": code, "statusCode": status, "userError": True}
    return {"message": message, "extensions": {**extensions, "userPresentableMessage": message}}


def _wrong(messages: Sequence[str], *, code: str = "GRAPHQL_VALIDATION_FAILED") -> Response:
    """Answer a query that is none."""
    kind = "graphql error" if code.startswith("GRAPHQL") else "invalid input"
    errors = [_error(message, kind, code, 400) for message in messages]
    return JSONResponse({"errors": errors}, HTTPStatus.BAD_REQUEST)


def _told(error: GraphQLError) -> dict[str, Any]:
    told: dict[str, Any] = dict(error.formatted)
    if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
        raise error.original_error  # a mistake of the stand-in's own
    return told
