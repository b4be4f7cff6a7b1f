"""What is to go wrong with the next ones of a kind: asked for in an order, over HTTP too, and used up one by one."""

from __future__ import annotations

import dataclasses
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

OWN = "/_stand-in/"


class Plan(Protocol):
    """A frozen value, for the next `times` that it meets; with a field `after`, once so many were let through."""

    @property
    def times(self) -> int:
        """How many it is for."""
        ...


P = TypeVar("P", bound=Plan)


class Planned(Generic[P]):
    """Those that are still to come, in the order in which they were asked for; told at `/_stand-in/NAME`."""

    def __init__(self, kind: Callable[..., P], name: str) -> None:
        """Let everything be. `kind` makes a plan of its words."""
        self._kind = kind
        self._name = name
        self.waiting: list[P] = []

    def add(self, **words: Any) -> None:
        """Plan as told. Raises ValueError, TypeError."""
        self.waiting.append(self._kind(**words))

    def clear(self) -> None:
        """Plan nothing more."""
        self.waiting.clear()

    def next(self, meets: Callable[[P], bool]) -> P | None:
        """Return what becomes of this one, and count it."""
        for place, plan in enumerate(self.waiting):
            if not meets(plan):
                continue
            if after := getattr(plan, "after", 0):
                self.waiting[place] = self._less(plan, after=after - 1)
                continue
            self.waiting[place : place + 1] = [self._less(plan, times=plan.times - 1)] if plan.times > 1 else []
            return plan
        return None

    def routes(self) -> list[Route]:
        """Return where it is told over HTTP: POST with the words in JSON, DELETE to plan nothing more."""
        return told(self._name, self.add, self.clear)

    @staticmethod
    def _less(plan: P, **fields: int) -> P:
        changed: P = dataclasses.replace(plan, **fields)  # type: ignore[type-var] # they are dataclasses
        return changed


def told(name: str, add: Callable[..., None], clear: Callable[[], None]) -> list[Route]:
    """Return the routes at `/_stand-in/NAME` by which something is added, its mistakes told, or all is cleared."""

    async def post(request: Request) -> Response:
        try:
            add(**await request.json())
        except (ValueError, TypeError) as error:
            return JSONResponse({"message": str(error)}, status_code=HTTPStatus.BAD_REQUEST)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def delete(_request: Request) -> Response:
        clear()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return [Route(f"{OWN}{name}", post, methods=["POST"]), Route(f"{OWN}{name}", delete, methods=["DELETE"])]
