"""Builds that go wrong when they are told to: those of one project, or the next ones of any.

    POST   /_stand-in/builds    {"project": "web", "kind": "fail", "times": 1, "seconds": 5, "reason": "out of memory"}
    DELETE /_stand-in/builds    go wrong no more

fail      building for `seconds`, then ERROR with that reason
slow      building for `seconds` longer than it takes
blocked   BLOCKED, as where Vercel waits for a person
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.rehearsal.standin import OWN, body_of

if TYPE_CHECKING:
    from starlette.requests import Request

KINDS = ("fail", "slow", "blocked")
LONGEST = 86_400.0  # seconds


@dataclass(frozen=True, kw_only=True)
class BuildFault:
    """What becomes of the next `times` builds of a project, by its name; of any, where none is named."""

    kind: str
    project: str = ""
    times: int = 1
    seconds: float = 0.0
    reason: str = 'Command "pnpm build" exited with 1'

    def __post_init__(self) -> None:
        """Refuse what could never happen. Raises ValueError."""
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind}: there is {', '.join(KINDS)}")
        if type(self.times) is not int or self.times < 1:
            raise ValueError("`times` is a number from 1")
        if type(self.seconds) not in {int, float} or not 0 <= self.seconds <= LONGEST:
            raise ValueError(f"`seconds` is a number up to {LONGEST:.0f}")


class BuildFaults:
    """Those that are still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        """Let all builds be."""
        self.waiting: list[BuildFault] = []

    def add(self, **words: Any) -> None:
        """Have builds go wrong as told. Raises ValueError, TypeError."""
        if not all(isinstance(words.get(name, ""), str) for name in ("project", "reason")):
            raise TypeError("`project` and `reason` are texts")
        self.waiting.append(BuildFault(**words))

    def next(self, project: str) -> BuildFault | None:
        """Return what becomes of the build that a project begins now."""
        for place, fault in enumerate(self.waiting):
            if fault.project in {"", project}:
                left = dataclasses.replace(fault, times=fault.times - 1) if fault.times > 1 else None
                self.waiting[place : place + 1] = [left] if left else []
                return fault
        return None

    def routes(self) -> list[Route]:
        """Return where they are told over HTTP."""
        path = f"{OWN}builds"
        return [Route(path, self._told, methods=["POST"]), Route(path, self._ended, methods=["DELETE"])]

    async def _told(self, request: Request) -> Response:
        body = await body_of(request)
        try:
            self.add(**body if isinstance(body, dict) else {})
        except (ValueError, TypeError) as error:
            return JSONResponse({"message": str(error)}, status_code=HTTPStatus.BAD_REQUEST)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _ended(self, _request: Request) -> Response:
        self.waiting.clear()
        return Response(status_code=HTTPStatus.NO_CONTENT)
