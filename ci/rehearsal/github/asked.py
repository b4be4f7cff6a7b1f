"""A request to the stand-in, read and let in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from ci.rehearsal.github.answers import RefusalError, cut_out, following, invalid, missing
from ci.rehearsal.github.shapes import Shapes
from ci.rehearsal.github.state import at

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from ci.rehearsal.github.people import Person
    from ci.rehearsal.github.state import State

    Answering = Callable[["Asked"], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who asks for what: the words of the path, the query, the body."""

    state: State
    person: Person
    base: str
    address: str
    words: Mapping[str, Any]
    query: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def shapes(self) -> Shapes:
        """The shapes of answers, with the addresses of this server in them."""
        return Shapes(self.state, self.base)

    def may_write(self) -> None:
        """Raise RefusalError where the token may only read."""
        if not self.person.may_write:
            raise RefusalError(HTTPStatus.FORBIDDEN, "Resource not accessible by personal access token")

    def text(self, name: str, *, resource: str, longest: int | None = None) -> str:
        """Return a text that must be there. Raises RefusalError."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise invalid(resource, name, "missing_field")
        if longest is not None and len(value) > longest:
            raise invalid(resource, name, "custom", f"{name} is too long (maximum is {longest} characters)")
        return value

    def perhaps(self, name: str, *, resource: str, longest: int | None = None) -> str | None:
        """Return a text that may be there. Raises RefusalError."""
        return None if self.body.get(name) in {None, ""} else self.text(name, resource=resource, longest=longest)

    def page(self, entries: Sequence[Any], write: Callable[[Any], Any], *, inside: str | None = None) -> Response:
        """Answer with a page of a list."""
        part, page, more = cut_out(entries, self.query)
        written = [write(entry) for entry in part]
        body: Any = written if inside is None else {"total_count": len(entries), inside: written}
        return JSONResponse(body, headers=following(self.address, self.query, page, more=more))

    def who(self, given: Any = None) -> dict[str, str]:
        """Return who makes a commit: as told, else the person now."""
        return {**identity(self.person), **(given if isinstance(given, dict) else {})}

    def issue(self) -> tuple[str, dict[str, Any]]:
        """Return the issue of the path by its number. Raises RefusalError."""
        number = str(self.words["number"])
        issue = self.state.issues.get(number)
        if issue is None:
            raise missing()
        return number, issue

    def pull(self) -> tuple[str, dict[str, Any]]:
        """Return the pull request of the path by its number. Raises RefusalError."""
        number = str(self.words["number"])
        pull = self.state.pulls.get(number)
        if pull is None:
            raise missing()
        return number, pull


def identity(person: Person) -> dict[str, str]:
    """Return who makes a commit now."""
    return {"name": person.login, "email": person.email, "date": at(time.time())}


def made(body: Any, status: int = HTTPStatus.CREATED) -> Response:
    """Answer with what was made."""
    return JSONResponse(body, status_code=status)


def nothing() -> Response:
    """Answer with no body."""
    return Response(status_code=HTTPStatus.NO_CONTENT)
