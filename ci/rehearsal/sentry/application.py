"""The routes of Sentry's web API and of its ingestion, who may call them, and the errors that they answer with."""

from __future__ import annotations

import math
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ci.rehearsal.sentry import issues, page, releases, series, sessions, shapes, tables
from ci.rehearsal.sentry.asking import PAGED, PERIOD, RefusalError, bad, missing, only, paged, where
from ci.rehearsal.sentry.envelopes import EnvelopeError, parse, unpack
from ci.rehearsal.sentry.filters import wanted
from ci.rehearsal.sentry.intake import take
from ci.rehearsal.sentry.store import Store
from ci.rehearsal.standin import StandIn, body_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from starlette.requests import Request

TOKEN = "sntrys_of_the_stand_in"  # noqa: S105 - it opens nothing but this
API = "/api/0/organizations/{organization}/"
SCOPES = frozenset({"org:read", "project:read", "event:read", "event:write", "project:releases"})
DENIED = "You do not have permission to perform this action."
LIMIT, CONCURRENT = 40, 25
OPEN = {"access-control-allow-origin": "*", "access-control-allow-headers": "*"}


class Sentry(StandIn):
    """One organization with its projects. What comes in shows after `lag` seconds; `tokens` are scopes by token."""

    def __init__(
        self,
        directory: Path,
        *,
        organization: str = "acme",
        projects: Sequence[str] = ("api", "web"),
        tokens: Mapping[str, frozenset[str]] | None = None,
        lag: float = 0.0,
    ) -> None:
        """Know what it knew before."""
        self.tokens = tokens or {TOKEN: SCOPES}
        super().__init__("sentry", directory, self._addresses(), unknown=_unknown)
        self._starlette.router.redirect_slashes = False
        self.store = Store(self.memory, organization, projects, lag)

    def dsn(self, address: str, project: str) -> str:
        """Return what an SDK is told to send a project's events to this stand-in at `address`."""
        known = self.store.projects[project]
        scheme, _, host = address.partition("://")
        return f"{scheme}://{known['key']}@{host}/{known['id']}"

    def _addresses(self) -> list[Route]:
        def get(path: str, scope: str, answer: Callable[[Store, Request], Response]) -> Route:
            return Route(f"{API}{path}", self._asked(scope, answer), methods=["GET"])

        def write(method: str, path: str, scope: str, answer: Callable[[Store, Request, Any], Response]) -> Route:
            return Route(f"{API}{path}", self._written(scope, answer), methods=[method])

        return [
            Route("/api/{project}/envelope/", self._intake, methods=["POST", "OPTIONS"]),
            Route("/", self._looked_at(page.listing), methods=["GET"]),
            Route("/organizations/{organization}/issues/{issue}/", self._looked_at(page.showing), methods=["GET"]),
            Route("/api/0/organizations/", self._asked("org:read", _organizations), methods=["GET"]),
            get("", "org:read", _organization),
            get("projects/", "project:read", _projects),
            get("environments/", "org:read", _environments),
            get("issues/", "event:read", issues.listed),
            get("issues/{issue}/", "event:read", issues.shown),
            write("PUT", "issues/{issue}/", "event:write", issues.changed),
            get("issues/{issue}/events/", "event:read", _issue_events),
            get("issues/{issue}/events/{event}/", "event:read", _issue_event),
            get("events/", "org:read", tables.table),
            get("events-timeseries/", "org:read", series.series),
            get("sessions/", "org:read", sessions.health),
            get("releases/", "project:read", releases.listed),
            write("POST", "releases/", "project:releases", lambda store, _request, body: releases.created(store, body)),
            get("releases/{version}/", "project:read", releases.shown),
            write("PUT", "releases/{version}/", "project:releases", releases.changed),
            write(
                "DELETE",
                "releases/{version}/",
                "project:releases",
                lambda store, request, _: releases.removed(store, request),
            ),
            get("releases/{version}/commits/", "project:read", releases.commits),
            get("releases/{version}/deploys/", "project:read", releases.deploys),
            write("POST", "releases/{version}/deploys/", "project:releases", releases.deployed),
        ]

    def _asked(self, scope: str, answer: Callable[[Store, Request], Response]) -> Callable[[Request], Any]:
        async def respond(request: Request) -> Response:
            return self._guarded(scope, request, lambda: answer(self.store, request))

        return respond

    def _written(self, scope: str, answer: Callable[[Store, Request, Any], Response]) -> Callable[[Request], Any]:
        async def respond(request: Request) -> Response:
            body = await body_of(request)
            return self._guarded(scope, request, lambda: answer(self.store, request, body))

        return respond

    def _looked_at(self, answer: Callable[[Store, Request], Response]) -> Callable[[Request], Any]:
        async def respond(request: Request) -> Response:
            try:
                return answer(self.store, request)
            except RefusalError as error:
                return Response(str(error), status_code=error.status, media_type="text/plain")

        return respond

    def _guarded(self, scope: str, request: Request, answer: Callable[[], Response]) -> Response:
        try:
            self._admit(scope, request)
            found = answer()
        except RefusalError as error:
            found = JSONResponse(error.body, status_code=error.status)
        found.headers["x-sentry-rate-limit-limit"] = str(LIMIT)
        found.headers["x-sentry-rate-limit-remaining"] = str(LIMIT - 1)
        found.headers["x-sentry-rate-limit-reset"] = str(math.ceil(time.time()) + 1)
        found.headers["x-sentry-rate-limit-concurrentlimit"] = str(CONCURRENT)
        found.headers["x-sentry-rate-limit-concurrentremaining"] = str(CONCURRENT - 1)
        return found

    def _admit(self, scope: str, request: Request) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer":
            raise RefusalError(HTTPStatus.UNAUTHORIZED, "Authentication credentials were not provided.")
        if token not in self.tokens:
            raise RefusalError(HTTPStatus.UNAUTHORIZED, "Invalid token")
        if request.path_params.get("organization", self.store.organization) not in {self.store.organization, "1"}:
            raise missing()
        if scope not in self.tokens[token]:
            raise RefusalError(HTTPStatus.FORBIDDEN, DENIED)

    async def _intake(self, request: Request) -> Response:
        """Take an envelope. Browsers send it from another origin, so they are let in."""
        if request.method == "OPTIONS":
            return Response(headers=OPEN)
        try:
            envelope = parse(unpack(await request.body(), request.headers.get("content-encoding", "")))
            known = self._project(request, envelope.headers)
            found = take(self.store, known, envelope)
        except EnvelopeError as error:
            return JSONResponse({"detail": str(error)}, status_code=error.status, headers=OPEN)
        return JSONResponse({"id": found} if found else {}, headers=OPEN)

    def _project(self, request: Request, headers: Mapping[str, Any]) -> dict[str, Any]:
        """Return the project that the path names, to who shows its public key. Raises EnvelopeError."""
        shown = re.search(r"sentry_key=([^,\s]+)", request.headers.get("x-sentry-auth", ""))
        inside = re.match(r"https?://([^:@/]+)[:@]", str(headers.get("dsn", "")))
        key = shown[1] if shown else request.query_params.get("sentry_key") or (inside[1] if inside else None)
        if key is None:
            raise EnvelopeError("missing authorization information", HTTPStatus.UNAUTHORIZED)
        known = self.store.project(request.path_params["project"])
        if known is None or known["id"] != request.path_params["project"] or known["key"] != key:
            raise EnvelopeError("event submission rejected with_reason: ProjectId", HTTPStatus.FORBIDDEN)
        return known


def _unknown(request: Request) -> Response:
    if not request.url.path.endswith("/"):  # a POST loses its body on this way, as with the real one
        return RedirectResponse(str(request.url.replace(path=f"{request.url.path}/")), status_code=301)
    return JSONResponse({"detail": "The requested resource does not exist"}, status_code=HTTPStatus.NOT_FOUND)


def _organizations(store: Store, request: Request) -> Response:
    only(request, *PAGED)
    return paged(request, [shapes.organization(store, _address(request))])


def _organization(store: Store, request: Request) -> Response:
    only(request, "detailed")
    return JSONResponse(shapes.organization(store, _address(request)))


def _address(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _projects(store: Store, request: Request) -> Response:
    only(request, *PAGED)
    return paged(request, [shapes.project(store, known) for known in store.projects.values()])


def _environments(store: Store, request: Request) -> Response:
    only(request, "visibility")
    return JSONResponse([{"id": known["id"], "name": name} for name, known in store.environments.items()])


def _issue_events(store: Store, request: Request) -> Response:
    only(request, *PERIOD, *PAGED, "environment", "query")
    place = where(store, request)
    issue = issues.find(store, request.path_params["issue"], place)
    judge = wanted(store, "errors", request.query_params.get("query", ""), place)
    return paged(request, [shapes.event(store, row) for row in reversed(issue.within) if judge(row)])


def _issue_event(store: Store, request: Request) -> Response:
    only(request, "environment")
    rows = issues.find(store, request.path_params["issue"], where(store, request)).rows
    name = request.path_params["event"]
    if name == "recommended":
        raise bad("This stand-in recommends no event")
    at = {"latest": len(rows) - 1, "oldest": 0}.get(name)
    if at is None:
        at = next((number for number, row in enumerate(rows) if row["id"] == name), None)
    if at is None:
        raise missing()
    before = rows[at - 1]["id"] if at else None
    after = rows[at + 1]["id"] if at + 1 < len(rows) else None
    return JSONResponse(shapes.whole_event(store, rows[at], before, after))
