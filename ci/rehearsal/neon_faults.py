"""Operations of Neon's that fail when they are told to.

    POST   /_stand-in/operations    {"action": "create_branch", "times": 1, "error": "no capacity"}
    DELETE /_stand-in/operations    fail no more

Nothing of such an operation is done, and what was to follow it for the same branch is cancelled.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.errors import ToolError
from ci.rehearsal.standin import OWN, body_of

if TYPE_CHECKING:
    from starlette.requests import Request

ACTIONS = ("create_branch", "create_timeline", "start_compute", "suspend_compute", "delete_timeline")


@dataclass(frozen=True, kw_only=True)
class OperationFault:
    """What becomes of the next `times` operations of a kind; of any, where none is named."""

    action: str = ""
    times: int = 1
    error: str = "compute node is not available"

    def __post_init__(self) -> None:
        """Refuse what could never happen. Raises ValueError."""
        if self.action not in {"", *ACTIONS}:
            raise ValueError(f"{self.action}: there is {', '.join(ACTIONS)}")
        if type(self.times) is not int or self.times < 1:
            raise ValueError("`times` is a number from 1")


class OperationFaults:
    """Those that are still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        """Let all operations be."""
        self.waiting: list[OperationFault] = []

    def add(self, **words: Any) -> None:
        """Have operations fail as told. Raises ValueError, TypeError."""
        if not all(isinstance(words.get(name, ""), str) for name in ("action", "error")):
            raise TypeError("`action` and `error` are texts")
        self.waiting.append(OperationFault(**words))

    def meet(self, action: str) -> None:
        """Raise ToolError where an operation that begins now is to fail."""
        for place, fault in enumerate(self.waiting):
            if fault.action in {"", action}:
                left = [dataclasses.replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                self.waiting[place : place + 1] = left
                raise ToolError(fault.error)

    def routes(self) -> list[Route]:
        """Return where they are told over HTTP."""
        path = f"{OWN}operations"
        return [Route(path, self._told, methods=["POST"]), Route(path, self._ended, methods=["DELETE"])]

    async def _told(self, request: Request) -> Response:
        body = await body_of(request)
        if not isinstance(body, dict):
            return JSONResponse({"message": "an object is wanted"}, status_code=HTTPStatus.BAD_REQUEST)
        try:
            self.add(**body)
        except (ValueError, TypeError) as error:
            return JSONResponse({"message": str(error)}, status_code=HTTPStatus.BAD_REQUEST)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _ended(self, _request: Request) -> Response:
        self.waiting.clear()
        return Response(status_code=HTTPStatus.NO_CONTENT)
