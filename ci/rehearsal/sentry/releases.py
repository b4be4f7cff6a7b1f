"""Releases, with their commits and deploys: https://docs.sentry.io/api/releases/."""

from __future__ import annotations

import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.sentry import shapes
from ci.rehearsal.sentry.asking import PAGED, SCOPE, RefusalError, Where, missing, only, paged, where
from ci.rehearsal.sentry.issues import issues_of
from ci.rehearsal.sentry.store import moment_of, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from ci.rehearsal.sentry.store import Store

LONGEST_VERSION, LONGEST_REF, LONGEST_NAME = 200, 200, 64
FIELDS = frozenset({"ref", "url", "dateReleased", "commits", "refs", "status"})
OF_DEPLOYS = frozenset({"environment", "name", "url", "dateStarted", "dateFinished", "projects"})


def listed(store: Store, request: Request) -> Response:
    """Answer with the releases, the newest first."""
    only(request, *SCOPE, *PAGED, "query")
    place = where(store, request)
    start = request.query_params.get("query", "")
    found = [
        each
        for each in store.releases.values()
        if place.projects & set(each["projects"]) and start.lower() in each["version"].lower()
    ]
    found.sort(key=lambda each: (each["created"], each["id"]), reverse=True)
    return paged(request, [_shaped(store, each) for each in found])


def _shaped(store: Store, known: Mapping[str, Any]) -> dict[str, Any]:
    place = Where(since=0, until=float("inf"), projects=frozenset(known["projects"]), environments=frozenset())
    new = sum(issue.first["release"] == known["version"] for issue in issues_of(store, place))
    return shapes.release(store, known, new_groups=new)


def created(store: Store, body: Any) -> Response:
    """Make a release: 201, or 208 where these projects have one of this version already. Raises RefusalError."""
    given = _object(body)
    _known(given, FIELDS | {"version", "projects"})
    version, projects = given.get("version"), given.get("projects")
    wrong: dict[str, list[str]] = {}
    if not isinstance(version, str) or not version.strip():
        wrong["version"] = ["This field is required."]
    elif len(version) > LONGEST_VERSION or re.search(r"[\n\t\f\r/\\]", version) or version in {".", "..", "latest"}:
        wrong["version"] = ["Release with name is not valid"]
    if not isinstance(projects, list) or not projects:
        wrong["projects"] = ["This field is required."]
    if wrong:
        raise RefusalError(HTTPStatus.BAD_REQUEST, wrong)
    found = [store.project(str(each)) for each in projects or ()]
    slugs = [each["slug"] for each in found if each is not None]
    if len(slugs) < len(found):
        raise RefusalError(HTTPStatus.BAD_REQUEST, {"projects": ["Invalid project ids or slugs"]})
    known = store.releases.get(str(version))
    fresh = known is None or bool(set(slugs) - set(known["projects"]))
    base = known or store.blank(str(version), slugs)
    merged = {**base, "projects": list(dict.fromkeys([*base["projects"], *slugs]))}
    store.releases[str(version)] = _with(merged, given, only_new=known is not None)
    status = HTTPStatus.CREATED if fresh else HTTPStatus.ALREADY_REPORTED
    return JSONResponse(_shaped(store, store.releases[str(version)]), status_code=status)


def _known(given: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := sorted(set(given) - known):
        raise RefusalError(HTTPStatus.BAD_REQUEST, {name: ["This stand-in does not know it."] for name in unknown})


def _with(known: Mapping[str, Any], given: Mapping[str, Any], *, only_new: bool = False) -> dict[str, Any]:
    """Return the release with what is given. What a release has already, its second making does not change."""
    found = dict(known)
    if not only_new:
        for name, own in (("ref", "ref"), ("url", "url")):
            if name in given:
                found[own] = given[name]
        if given.get("dateReleased"):
            found["released"] = moment_of(given["dateReleased"])
    commits = given.get("commits")
    if commits is not None:
        if not isinstance(commits, list) or not all(isinstance(each, dict) and each.get("id") for each in commits):
            raise RefusalError(HTTPStatus.BAD_REQUEST, {"commits": [{"id": ["This field is required."]}]})
        found["commits"] = commits
    if given.get("refs"):
        raise RefusalError(HTTPStatus.BAD_REQUEST, {"refs": ["Invalid repository names: none is connected here"]})
    return found


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise RefusalError(HTTPStatus.BAD_REQUEST, "JSON parse error")
    return body


def find(store: Store, request: Request) -> dict[str, Any]:
    """Return the release that the path names. Raises RefusalError."""
    known: dict[str, Any] | None = store.releases.get(request.path_params["version"])
    if known is None:
        raise missing()
    return known


def shown(store: Store, request: Request) -> Response:
    """Answer with a release."""
    only(request, "project", "project_id")
    return JSONResponse(_shaped(store, find(store, request)))


def changed(store: Store, request: Request, body: Any) -> Response:
    """Change a release."""
    given = _object(body)
    _known(given, FIELDS)
    store.releases[request.path_params["version"]] = _with(find(store, request), given)
    return shown(store, request)


def removed(store: Store, request: Request) -> Response:
    """Forget a release; one that issues were first seen in stays, as with the real one."""
    known = find(store, request)
    if any(row["release"] == known["version"] for row in store.events.values()):
        raise RefusalError(HTTPStatus.BAD_REQUEST, "This release is referenced by active issues and cannot be removed.")
    del store.releases[known["version"]]
    return JSONResponse(None, status_code=HTTPStatus.NO_CONTENT)


def commits(store: Store, request: Request) -> Response:
    """Answer with the commits of a release."""
    only(request, *PAGED)
    known = find(store, request)
    rows = [
        {
            "id": each["id"],
            "message": each.get("message"),
            "dateCreated": written(moment_of(each.get("timestamp")) or known["created"]),
            "pullRequest": None,
            "suspectCommitType": "",
            "author": {"name": each.get("author_name"), "email": each.get("author_email") or "unknown@localhost"},
            "releases": [],
        }
        for each in known["commits"]
    ]
    return paged(request, rows)


def deploys(store: Store, request: Request) -> Response:
    """Answer with the deploys of a release, the newest first."""
    only(request, *PAGED)
    version = find(store, request)["version"]
    found = [each for each in store.deploys.values() if each["release"] == version]
    return paged(request, [shapes.deploy(each) for each in sorted(found, key=lambda each: -each["finished"])])


def deployed(store: Store, request: Request, body: Any) -> Response:
    """Record a deploy: each time another one."""
    known, given = find(store, request), _object(body)
    _known(given, OF_DEPLOYS)
    wrong: dict[str, list[str]] = {}
    if not isinstance(given.get("environment"), str) or not given["environment"]:
        wrong["environment"] = ["This field is required."]
    for name in ("environment", "name"):
        if len(given.get(name) or "") > LONGEST_NAME:
            wrong[name] = [f"Ensure this field has no more than {LONGEST_NAME} characters."]
    if wrong:
        raise RefusalError(HTTPStatus.BAD_REQUEST, wrong)
    store.note(known["projects"][0], None, given["environment"])
    deploy = {
        "id": str(store.memory.number("deploy")),
        "release": known["version"],
        "environment": given["environment"],
        "name": given.get("name"),
        "url": given.get("url"),
        "started": moment_of(given.get("dateStarted")),
        "finished": moment_of(given.get("dateFinished")) or time.time(),
    }
    store.deploys[deploy["id"]] = deploy
    return JSONResponse(shapes.deploy(deploy), status_code=HTTPStatus.CREATED)
