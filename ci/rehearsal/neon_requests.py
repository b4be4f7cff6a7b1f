"""What is asked of the Neon stand-in: read, and refused where the real one refuses it."""

from __future__ import annotations

import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ci.rehearsal.neon_account import RefusedError
from ci.rehearsal.standin import body_of

if TYPE_CHECKING:
    from starlette.requests import Request

LONGEST_NAME = 256
COPIED, BARE = "parent-data", "schema-only"


def limit_of(request: Request, *, most: int) -> int:
    """Return how many a page may hold. Raises RefusedError."""
    asked = request.query_params.get("limit", "100")
    if not asked.isdigit() or not 1 <= int(asked) <= most:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"limit must be between 1 and {most}")
    return int(asked)


async def object_of(request: Request) -> dict[str, Any]:
    """Return the body of a request, which is an object where there is one. Raises RefusedError."""
    body = await body_of(request) if await request.body() else {}
    if not isinstance(body, dict):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "request body has an error: value must be an object")
    return body


def hold(wanted: Any, computes: Any) -> None:
    """Hold a branch that is wanted, and its computes, to what the real one allows. Raises RefusedError."""
    if not isinstance(wanted, dict) or not isinstance(computes, list):
        told = "request body has an error: doesn't match schema #/components/schemas/BranchCreateRequest"
        raise RefusedError(HTTPStatus.BAD_REQUEST, told)
    name, source, expires = wanted.get("name", "?"), wanted.get("init_source"), wanted.get("expires_at")
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"branch name must have 1 to {LONGEST_NAME} characters")
    if source not in (None, COPIED, BARE):
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"init_source must be one of {COPIED}, {BARE}")
    if wanted.get("parent_lsn"):
        raise RefusedError(HTTPStatus.NOT_IMPLEMENTED, "this stand-in knows moments, and no LSN")
    if len(computes) > 1:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "a branch can have only one read-write endpoint")
    if expires is not None:
        try:
            moment = datetime.datetime.fromisoformat(expires)
        except (TypeError, ValueError):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "expires_at is no date and time of RFC 3339") from None
        if moment.tzinfo is None or moment <= datetime.datetime.now(datetime.UTC):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "expires_at must be in the future")
