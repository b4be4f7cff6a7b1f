"""What the areas of GitHub's API share: one repository, pages, reads that find nothing, writes that look first."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

import httpx

from ci.errors import Trouble, UsageError, VendorError
from ci.vendors.adapter import ensure
from ci.vendors.answers import Answer
from ci.vendors.exchange import Exchange, Query
from ci.vendors.github.dialect import DIALECT, MOVED

T = TypeVar("T")

PAGE = 100  # entries, the most that GitHub gives
MOST_PAGES = 100
ABSENT = (HTTPStatus.NOT_FOUND,)


class Area:
    """A part of the API of one repository."""

    def __init__(self, exchange: Exchange, repository: str) -> None:
        """Take the way there and the repository as owner/name."""
        self.exchange = exchange
        self.repository = repository
        self.place = f"/repos/{repository}"

    async def ask(self, method: str, path: str, **words: Any) -> Answer:
        """Ask below the repository, as Exchange.ask does. Raises VendorError."""
        try:
            return await self.exchange.ask(method, f"{self.place}{path}", **words)
        except VendorError as error:
            if error.status in MOVED:
                error.hint = "the repository was renamed or moved: name it as it is called now"
            raise

    async def find(
        self, path: str, kind: type[T], *, what: str, query: Query | None = None, absent: Sequence[int] = ABSENT
    ) -> T | None:
        """Read one thing; None where there is none, or where the token may not see it. Raises VendorError."""
        try:
            answer = await self.ask("GET", path, query=query)
        except VendorError as error:
            if error.status in absent:
                return None
            raise
        return self.exchange.read(answer, kind, what=what)

    async def every(
        self,
        path: str,
        kind: type[T],
        *,
        what: str,
        query: Query | None = None,
        inside: str | None = None,
        most: int | None = None,
    ) -> tuple[T, ...]:
        """Read all pages of a list, or the first `most` entries. `inside` names the list in an answer that is more.

        Of the way to the next page only the parameters are taken: the token goes nowhere else. Raises VendorError, also
        where it does not end.
        """
        found: list[T] = []
        wanted: Query = {**(query or {}), "per_page": PAGE}
        for _ in range(MOST_PAGES):
            answer = await self.ask("GET", path, query=wanted)
            entries = json.loads(answer.content or b"null")
            if inside is not None:
                entries = entries.get(inside) if isinstance(entries, dict) else None
            found.extend(self.exchange.value(entries, list[kind], what=what))  # type: ignore[valid-type]
            following = _following(answer)
            if following is None or (most is not None and len(found) >= most):
                return tuple(found[:most])
            wanted = {**wanted, **following}
        raise trouble(Trouble.UNREADABLE, f"{what} has more than {MOST_PAGES} pages")


async def once(look: Callable[[], Awaitable[T | None]], write: Callable[[], Awaitable[T]]) -> T:
    """Do what `ensure` does, and look again where GitHub refuses: somebody else may have been quicker."""
    try:
        return await ensure(look, write)
    except VendorError as error:
        if error.trouble is Trouble.REFUSING and (found := await look()) is not None:
            return found
        raise


def trouble(kind: Trouble, told: str, *, hint: str | None = None) -> VendorError:
    """Return an error about what GitHub answered, which it did not call one itself."""
    return VendorError(f"{DIALECT.vendor} {kind.value}: {told}", trouble=kind, hint=hint)


def path_of(name: str) -> str:
    """Return a reference's or a file's name as a part of a path, its slashes kept. Raises UsageError."""
    if not name or any(part in {"", ".", ".."} for part in name.split("/")):
        raise UsageError(f"{name!r} is no name on GitHub")
    return quote(name, safe="/")


def _following(answer: Answer) -> dict[str, str] | None:
    links = httpx.Response(HTTPStatus.OK, headers={"link": answer.headers.get("link", "")}).links
    address = links.get("next", {}).get("url")
    return dict(parse_qsl(urlsplit(address).query)) if address else None
