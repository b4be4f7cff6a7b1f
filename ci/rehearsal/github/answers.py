"""How GitHub says no, and how it gives a list in pages."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

DOCUMENTATION = "https://docs.github.com/rest"
PAGE, LARGEST_PAGE = 30, 100


class RefusalError(Exception):
    """An answer that says no, in GitHub's shape. `errors` are what a validation found wrong."""

    def __init__(
        self, status: int, message: str, *, errors: Sequence[Any] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        """Keep what is to be said."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = headers or {}

    def answer(self) -> Response:
        """Return it as an answer."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors:
            body["errors"] = list(self.errors)
        body |= {"documentation_url": DOCUMENTATION, "status": str(int(self.status))}
        return JSONResponse(body, status_code=self.status, headers=dict(self.headers))


def missing() -> RefusalError:
    """Return what is said of what is not there, or may not be seen."""
    return RefusalError(HTTPStatus.NOT_FOUND, "Not Found")


def invalid(resource: str, field: str, code: str = "invalid", message: str | None = None) -> RefusalError:
    """Return what a validation says of one field."""
    error = {"resource": resource, "field": field, "code": code} | ({"message": message} if message else {})
    return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", errors=[error])


def wrong(resource: str, message: str) -> RefusalError:
    """Return what a validation says where the reason stands in words alone."""
    error = {"resource": resource, "code": "custom", "message": message}
    return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", errors=[error])


def unprocessable(message: str) -> RefusalError:
    """Return a refusal that is only words."""
    return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, message)


def conflict(message: str) -> RefusalError:
    """Return what is said where something stands in the way."""
    return RefusalError(HTTPStatus.CONFLICT, message)


def cut_out(entries: Sequence[Any], query: Mapping[str, str]) -> tuple[Sequence[Any], int, bool]:
    """Return a page's entries, its number, and whether more come."""
    size = min(_number(query.get("per_page"), PAGE), LARGEST_PAGE)
    page = _number(query.get("page"), 1)
    return entries[(page - 1) * size : page * size], page, page * size < len(entries)


def following(address: str, query: Mapping[str, str], page: int, *, more: bool) -> dict[str, str]:
    """Return the header that leads on from a page."""
    links = []
    if more:
        links.append(f'<{address}?{urlencode({**query, "page": page + 1})}>; rel="next"')
    if page > 1:
        links.append(f'<{address}?{urlencode({**query, "page": page - 1})}>; rel="prev"')
    return {"link": ", ".join(links)} if links else {}


def _number(text: str | None, usual: int) -> int:
    return int(text) if text and text.isdigit() and int(text) > 0 else usual
