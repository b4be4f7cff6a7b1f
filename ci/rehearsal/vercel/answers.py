"""The shapes of the stand-in's answers: what Vercel's own have, as far as anybody looks, and what its SDK requires."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.vercel.account import protection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ci.rehearsal.vercel.account import Account, Document

CREATOR = {"uid": "usr_rehearsal", "username": "rehearsal", "email": "rehearsal@example.test"}
REGION = "dev1"
MOST = 100  # of a page
NUMBER = re.compile(r"-?\d{1,18}")
Table = list[tuple[str, str, "Callable[[Request], Awaitable[Response]]"]]  # method, path, who answers


def refused(status: int, code: str, message: str, **more: Any) -> Response:
    """Say no, in the shape of all of Vercel's errors."""
    return JSONResponse({"error": {"code": code, "message": message, **more}}, status_code=status)


class RefusedError(Exception):
    """A request that is refused, with the answer to it."""

    def __init__(self, answer: Response) -> None:
        """Carry the answer to where answers are given."""
        super().__init__()
        self.answer = answer


def missing(what: str) -> Response:
    """Say that something is not there."""
    return refused(404, "not_found", f"{what} not found.")


def required(found: Document | None, what: str) -> Document:
    """Return what was found. Raises RefusedError where nothing was."""
    if found is None:
        raise RefusedError(missing(what))
    return found


def number_of(request: Request, name: str, default: int) -> int:
    """Return a number that is asked with. Raises RefusedError where it is none."""
    asked = request.query_params.get(name, str(default))
    if not NUMBER.fullmatch(asked):
        raise RefusedError(refused(400, "bad_request", f"Invalid request: `{name}` should be a number."))
    return int(asked)


def limit_of(request: Request) -> int:
    """Return how many a page may hold. Raises RefusedError."""
    return min(max(number_of(request, "limit", 20), 1), MOST)


def user() -> Document:
    """Return whom the token stands for."""
    return {
        "user": {
            "id": CREATOR["uid"],
            "email": CREATOR["email"],
            "username": CREATOR["username"],
            "name": "Rehearsal",
            "avatar": None,
            "defaultTeamId": None,
            "limited": True,
        }
    }


def listed(account: Account, found: Document) -> Document:
    """Return a deployment as it stands in a list."""
    return {
        "uid": found["id"],
        "name": found["name"],
        "projectId": found["project"],
        "url": found["url"],
        "created": found["created"],
        "createdAt": found["created"],
        "creator": CREATOR,
        "inspectorUrl": None,
        "readyState": found["state"],
        "state": found["state"],
        **({"readySubstate": found["substate"]} if found["substate"] else {}),
        "type": "LAMBDAS",
        **({"target": found["target"]} if found["target"] else {}),
        "source": found["source"],
        "meta": found["meta"],
        "aliasAssigned": bool(_names(account, found)),
        "isRollbackCandidate": account.is_candidate(found),
        **({"softDeletedByRetention": True} if found["removed"] else {}),
        **({"errorMessage": found["error"]} if found["error"] else {}),
        **_alias_error(found),
        **({"ready": found["ready"]} if found["ready"] else {}),
    }


def deployment(account: Account, found: Document, team: str) -> Document:
    """Return a deployment as it stands alone."""
    return {
        "id": found["id"],
        "name": found["name"],
        "projectId": found["project"],
        "ownerId": team,
        "url": found["url"],
        "alias": _names(account, found),
        "aliasAssigned": bool(_names(account, found)),
        "readyState": found["state"],
        "status": found["state"],
        **({"readySubstate": found["substate"]} if found["substate"] else {}),
        **({"target": found["target"]} if found["target"] else {}),
        "source": found["source"],
        "meta": found["meta"],
        "gitSource": _source(account, found),
        "env": sorted(found["variables"]),
        "build": {"env": sorted(found["variables"])},
        "createdAt": found["created"],
        "buildingAt": found["created"],
        "bootedAt": found["created"],
        **({"ready": found["ready"]} if found["ready"] else {}),
        **({"errorMessage": found["error"], "errorCode": "BUILD_FAILED"} if found["error"] else {}),
        **_alias_error(found),
        "buildSkipped": False,
        "createdIn": REGION,
        "creator": CREATOR,
        "inspectorUrl": None,
        "isInConcurrentBuildsQueue": found["state"] == "QUEUED",
        "isInSystemBuildsQueue": False,
        "plan": account.plan,
        "projectSettings": {},
        "public": False,
        "regions": [REGION],
        "routes": None,
        "type": "LAMBDAS",
        "version": 2,
    }


def _source(account: Account, found: Document) -> Document:
    repository = account.projects[found["project"]]["repo_id"]
    return {"type": "github", "repoId": repository, "ref": found["branch"], "sha": found["commit"]}


def project(account: Account, found: Document, team: str) -> Document:
    """Return a project."""
    serving = account.deployment(found["production"] or "")
    resources: Mapping[str, Sequence[str]] = {"functionDefaultRegions": [REGION]}
    protected = protection(found)
    automation = {"createdAt": found["created"], "createdBy": CREATOR["uid"], "scope": "automation-bypass"}
    return {
        "accountId": team,
        "alias": [],
        "autoAssignCustomDomains": found["auto_assign"],
        "autoExposeSystemEnvs": found["exposing"],
        "commandForIgnoringBuildStep": found["ignoring"],
        "createdAt": found["created"],
        "defaultResourceConfig": resources,
        "deploymentExpiration": {},
        "directoryListing": False,
        "gitProviderOptions": {"createDeployments": found["creating"]},
        "id": found["id"],
        "lastAliasRequest": found["request"] if account.now() >= found["shown"] else found["earlier"],
        "link": {
            "type": "github",
            "org": "rehearsal",
            "repo": found["name"],
            "repoId": found["repo_id"],
            "productionBranch": found["branch"],
            "gitCredentialId": "",
            "deployHooks": [],
        },
        "live": False,
        "name": found["name"],
        "nodeVersion": "24.x",
        "passwordProtection": None,
        "protectionBypass": {found["password"]: automation} if found["password"] else {},
        "resourceConfig": resources,
        "rootDirectory": found["root"],
        "ssoProtection": {"deploymentType": protected} if protected else None,
        "rollingRelease": {"target": "production"} if found["rolling"] else None,
        "targets": {"production": _target(account, found, serving)} if serving else {},
    }


def _target(account: Account, project: Document, serving: Document) -> Document:
    return {
        "id": serving["id"],
        "name": serving["name"],
        "url": serving["url"],
        "deploymentHostname": serving["url"],
        "alias": project["domains"],
        "aliasAssigned": True,
        "createdAt": serving["created"],
        "createdIn": REGION,
        "creator": CREATOR,
        "meta": serving["meta"],
        "plan": account.plan,
        "private": False,
        "readyState": serving["state"],
        "target": "production",
        "type": "LAMBDAS",
    }


def domain(found: Document, name: str) -> Document:
    """Return a production domain of a project."""
    return {
        "name": name,
        "apexName": name,
        "projectId": found["id"],
        "verified": True,
        "redirect": None,
        "gitBranch": None,
        "createdAt": found["created"],
    }


def alias(found: Document, name: str, *, alone: bool = True) -> Document:
    """Return a name; where a deployment's are told, it is left out which deployment and project that is."""
    moment = datetime.datetime.fromtimestamp(found["created"] / 1000, tz=datetime.UTC)
    named = {"uid": found["uid"], "alias": name, "created": moment.isoformat().replace("+00:00", "Z")}
    return {**named, "deploymentId": found["deployment"], "projectId": found["project"]} if alone else named


def event(found: Document, line: Document, number: int) -> Document:
    """Return a line of a build's log."""
    return {
        "id": f"{found['id']}-{number}",
        "serial": f"{number:012}",
        "type": line["type"],
        "created": line["created"],
        "date": line["created"],
        "deploymentId": found["id"],
        "info": {"type": "build", "name": "bld_rehearsal", "entrypoint": "."},
        "text": line["text"],
    }


def spoken(found: Document, level: str, text: str, number: int, moment: int) -> Document:
    """Return a line that a deployment said while it ran; which request it belongs to is not known here."""
    return {
        "rowId": f"{found['id']}-{number}",
        "timestampInMs": moment,
        "level": level,
        "message": text,
        "messageTruncated": False,
        "source": "serverless",
        "domain": found["url"],
        "requestMethod": "",
        "requestPath": "",
        "responseStatusCode": 0,
    }


def page(name: str, items: Sequence[Document], moments: Sequence[int], limit: int) -> Document:
    """Return a page; `moments` are those of all that could follow, the newest first."""
    here = items[:limit]
    more = len(items) > limit
    pagination = {
        "count": len(here),
        "next": moments[limit - 1] if more else None,
        "prev": moments[0] if here else None,
    }
    return {name: here, "pagination": pagination}


def _alias_error(found: Document) -> Document:
    told = found.get("alias_error")
    return {"aliasError": {"code": "alias_failed", "message": told}} if told else {}


def _names(account: Account, found: Document) -> list[str]:
    return [name for name, each in account.aliases.items() if each["deployment"] == found["id"]]
