"""The stand-in: one repository over REST and over git, for the people who have a token."""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.rehearsal.github import (
    checks,
    commits,
    deployments,
    issues,
    merges,
    objects,
    pulls,
    queue,
    refs,
    reviews,
    searches,
)
from ci.rehearsal.github.answers import RefusalError, missing
from ci.rehearsal.github.asked import Asked
from ci.rehearsal.github.people import PEOPLE
from ci.rehearsal.github.smart import Smart
from ci.rehearsal.github.state import State
from ci.rehearsal.standin import StandIn, body_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.requests import Request

    from ci.rehearsal.github.asked import Answering
    from ci.rehearsal.github.people import Person

SLUG = "acme/receipts"
VERSIONS = ("2022-11-28", "2026-03-10")
AREAS = (refs, objects, checks, commits, pulls, merges, queue, reviews, issues, deployments)
BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class GitHub(StandIn):
    """GitHub with one repository, at `/repos/owner/name` for REST and at `/owner/name.git` for git.

    `state` is what it knows. `on_push` are called with each branch that moved: its name, the commit before and after.
    """

    def __init__(self, directory: Path, *, slug: str = SLUG, people: tuple[Person, ...] = PEOPLE) -> None:
        """Know what it knew before."""
        place, git = "/repos/{owner}/{repo}", f"/{slug}.git"
        known = (*(each for area in AREAS for each in area.ROUTES), *commits.LAST)
        routes = [
            *(self._route(method, f"{place}{path}", answering) for method, path, answering in known),
            self._route("GET", "/search/issues", searches.search, resource="search"),
            self._route("GET", "/user", _user),
            self._route("GET", "/rate_limit", _rates, resource=None),
            Route(f"{git}/info/refs", self._advertise, methods=["GET"]),
            Route(f"{git}/git-upload-pack", self._serve, methods=["POST"]),
            Route(f"{git}/git-receive-pack", self._serve, methods=["POST"]),
        ]
        super().__init__("github", directory, routes, unknown=lambda _request: missing().answer())
        self.state = State(self.memory, directory, slug, people)
        self.smart = Smart(self.state)
        self.on_push = self.state.on_push

    def _route(self, method: str, path: str, answering: Answering, *, resource: str | None = "core") -> Route:
        async def endpoint(request: Request) -> Response:
            headers: dict[str, str] = {}
            try:
                person = self._known(request)
                if resource is not None:
                    headers = self.state.gate.count(person, resource)
                answer = await self._answer(request, person, answering)
            except RefusalError as error:
                answer = error.answer()
            for name, value in headers.items():
                answer.headers.setdefault(name, value)
            return answer

        return Route(path, endpoint, methods=[method])

    async def _answer(self, request: Request, person: Person, answering: Answering) -> Response:
        words: Mapping[str, Any] = request.path_params
        if "owner" in words and f"{words['owner']}/{words['repo']}".lower() != self.state.slug.lower():
            raise missing()
        body = await body_of(request) if request.method in BODY else {}
        if not isinstance(body, dict):
            if body is not None or await request.body():
                raise RefusalError(HTTPStatus.BAD_REQUEST, "Problems parsing JSON")
            body = {}
        base = str(request.base_url).rstrip("/")
        asked = Asked(
            state=self.state,
            person=person,
            base=base,
            address=f"{base}{request.url.path}",
            words=words,
            query=dict(request.query_params),
            body=body,
        )
        await queue.advance(self.state)
        async with self.state.lock if request.method != "GET" else contextlib.nullcontext():
            await self.state.settle()
            return await answering(asked)

    def _known(self, request: Request) -> Person:
        if not request.headers.get("user-agent"):
            told = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
            raise RefusalError(HTTPStatus.FORBIDDEN, told)
        version = request.headers.get("x-github-api-version", VERSIONS[0])
        if version not in VERSIONS:
            told = f"'{version}' is not a supported version of the API: {', '.join(VERSIONS)}"
            raise RefusalError(HTTPStatus.BAD_REQUEST, told)
        person = self.state.gate.of_header(request.headers.get("authorization", ""))
        if person is None:  # the repository is a private one, of which strangers are told nothing
            if request.url.path == "/user":
                raise RefusalError(HTTPStatus.UNAUTHORIZED, "Requires authentication")
            raise missing()
        return person

    async def _advertise(self, request: Request) -> Response:
        try:
            return await self.smart.advertise(request)
        except RefusalError as error:
            return _plain(error)

    async def _serve(self, request: Request) -> Response:
        try:
            return await self.smart.serve(request)
        except RefusalError as error:
            return _plain(error)


def _plain(error: RefusalError) -> Response:
    """Refuse in words alone, as git shows them."""
    return Response(f"{error.message}\n", error.status, headers=dict(error.headers), media_type="text/plain")


async def _user(asked: Asked) -> Response:
    if asked.person.app:
        raise RefusalError(HTTPStatus.FORBIDDEN, "Resource not accessible by integration")
    return JSONResponse(asked.shapes.private_account(asked.person))


async def _rates(asked: Asked) -> Response:
    gate = asked.state.gate
    resources = {resource: gate.rate(asked.person, resource) for resource in gate.limits}
    return JSONResponse({"resources": resources, "rate": resources["core"]})
