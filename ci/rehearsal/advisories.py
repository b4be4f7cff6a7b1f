"""A package registry's advisory service, standing in: what npm and pnpm ask when they audit.

It speaks the bulk endpoint (npm 7 and later, pnpm 11 and later) and the older `audits` and `audits/quick` (pnpm up to
10). What it knows is set when it is made, or while it runs:

    PUT /_stand-in/known {"mode": "vulnerable", "package": "left-pad", "severity": "high"}

clean        nothing is known against any package
vulnerable   one advisory against the package, or the first by name that is asked for
empty        200 and `{}`, which is no answer to a quick audit
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.rehearsal.planned import OWN
from ci.rehearsal.standin import StandIn, body_of

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

BULK = "/-/npm/v1/security/advisories/bulk"
QUICK = ("/-/npm/v1/security/audits/quick", "/-/npm/v1/security/audits")
MODES = ("clean", "vulnerable", "empty")
SEVERITIES = ("info", "low", "moderate", "high", "critical")
GHSA, CVE, TITLE = "GHSA-aaaa-bbbb-cccc", "CVE-2026-0001", "Prototype pollution in a stand-in"


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known, and against which package; without a name it is against the first that is asked for."""

    mode: str = "clean"
    package: str | None = None
    severity: str = "high"

    def __post_init__(self) -> None:
        """Refuse what it could not answer. Raises ValueError."""
        if self.mode not in MODES or self.severity not in SEVERITIES:
            raise ValueError(f"there are the modes {', '.join(MODES)} and the severities {', '.join(SEVERITIES)}")

    def target(self, names: list[str]) -> str | None:
        """Return the package of those asked for that has an advisory."""
        if self.mode != "vulnerable":
            return None
        if self.package is not None:
            return self.package if self.package in names else None
        return names[0] if names else None


class Advisories(StandIn):
    """One registry's service. Without `known` it knows what it knew before, at first nothing."""

    def __init__(self, directory: Path, *, known: Known | None = None) -> None:
        """Know what it knew before, or what it is told."""
        routes = [
            Route(f"{OWN}known", self._tell, methods=["PUT"]),
            Route(BULK, self._audit, methods=["POST"]),
            *(Route(path, self._audit, methods=["POST"]) for path in QUICK),
        ]
        super().__init__("advisories", directory, routes, unknown=_unknown)
        self._settings = self.memory.shelf("settings")
        if known is not None:
            self.known = known

    @property
    def known(self) -> Known:
        """What it answers by."""
        return Known(**self._settings.get("known", {}))

    @known.setter
    def known(self, known: Known) -> None:
        self._settings["known"] = asdict(known)

    async def _tell(self, request: Request) -> Response:
        body = await body_of(request)
        try:
            self.known = Known(**body)
        except (TypeError, ValueError) as error:
            return JSONResponse({"message": str(error)}, status_code=HTTPStatus.BAD_REQUEST)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _audit(self, request: Request) -> Response:
        body = await request.body()
        try:
            if request.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            asked = json.loads(body)
        except (ValueError, OSError, EOFError, zlib.error):
            asked = None
        if not isinstance(asked, dict):
            return JSONResponse({"error": "invalid payload"}, status_code=HTTPStatus.BAD_REQUEST)
        known = self.known
        if known.mode == "empty":
            return JSONResponse({})
        if request.url.path == BULK:
            return JSONResponse(_bulk(known.target(sorted(asked)), known.severity))
        names = sorted(_named(asked))
        return JSONResponse(_quick(known.target(names), known.severity, len(names)))


def _unknown(_request: Request) -> Response:
    return JSONResponse({"error": "not found"}, status_code=HTTPStatus.NOT_FOUND)


def _named(asked: dict[str, Any]) -> set[str]:
    """Collect the packages of a tree of dependencies, without the workspace's own at its top."""
    found: set[str] = set()
    waiting = [tree for top in (asked.get("dependencies") or {}).values() for tree in [top.get("dependencies") or {}]]
    while waiting:
        for name, value in waiting.pop().items():
            found.add(name)
            waiting.append(value.get("dependencies") or {})
    return found


def _bulk(target: str | None, severity: str) -> dict[str, Any]:
    if target is None:
        return {}
    advisory = {
        "id": 1,
        "url": f"https://github.com/advisories/{GHSA}",
        "title": TITLE,
        "severity": severity,
        "vulnerable_versions": "<99.0.0",
        "cwe": ["CWE-1321"],
        "cvss": {"score": 8.1, "vectorString": None},
    }
    return {target: [advisory]}


def _quick(target: str | None, severity: str, packages: int) -> dict[str, Any]:
    counted = dict.fromkeys(SEVERITIES, 0)
    advisories = {}
    if target is not None:
        counted[severity] = 1
        advisories["1"] = {
            "id": 1,
            "module_name": target,
            "title": TITLE,
            "severity": severity,
            "url": f"https://github.com/advisories/{GHSA}",
            "github_advisory_id": GHSA,
            "cves": [CVE],
            "cwe": "CWE-1321",
            "vulnerable_versions": "<99.0.0",
            "patched_versions": ">=99.0.0",
            "recommendation": "Upgrade to 99.0.0",
            "findings": [{"version": "1.0.0", "paths": [f".>{target}"], "dev": False, "optional": False}],
        }
    metadata = {"vulnerabilities": counted, "dependencies": packages, "totalDependencies": packages}
    return {"actions": [], "advisories": advisories, "muted": [], "metadata": metadata}
