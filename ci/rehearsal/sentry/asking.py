"""What all questions have in common: which period, which projects and environments, which page of the answer."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse

from ci.rehearsal.sentry.columns import SPAN_OF
from ci.rehearsal.sentry.store import RETENTION, moment_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ci.rehearsal.sentry.store import Store

MOST = 100  # rows of a page
PERIOD = frozenset({"start", "end", "statsPeriod"})
SCOPE = frozenset({"project", "environment"})
PAGED = frozenset({"cursor", "per_page"})


class RefusalError(Exception):
    """An answer that is no 2xx, in Sentry's form."""

    def __init__(self, status: int, body: Any) -> None:
        """Keep what is to be answered; a text is the `detail` of most of Sentry's errors."""
        super().__init__(str(body))
        self.status = status
        self.body = {"detail": body} if isinstance(body, str) else body


def bad(detail: str) -> RefusalError:
    """Return the refusal of a question that cannot be answered as it is put."""
    return RefusalError(HTTPStatus.BAD_REQUEST, detail)


def missing() -> RefusalError:
    """Return the answer for what is not there."""
    return RefusalError(HTTPStatus.NOT_FOUND, "The requested resource does not exist")


def only(request: Request, *known: str) -> None:
    """Raise RefusalError for a parameter that is not known here, and would be passed over."""
    for name in request.query_params:
        if name not in known:
            raise bad(f"This stand-in does not know the parameter {name}")


@dataclass(frozen=True, kw_only=True)
class Where:
    """Which rows are meant: from `since` until before `until`, of these projects, of these environments if any."""

    since: float
    until: float
    projects: frozenset[str]
    environments: frozenset[str]

    def has(self, row: dict[str, Any], *, moment: str = "timestamp") -> bool:
        """Whether the row is one of them."""
        return self.since <= row[moment] < self.until and self.around(row)

    def around(self, row: dict[str, Any]) -> bool:
        """The same for a row of any time."""
        return row["project"] in self.projects and (
            not self.environments or (row["environment"] or "") in self.environments
        )


def where(store: Store, request: Request) -> Where:
    """Read the parameters that say which rows are meant. Raises RefusalError."""
    since, until = _period(request)
    projects = set()
    for name in request.query_params.getlist("project"):
        if name == "-1":
            projects |= set(store.projects)
        elif (found := store.project(name)) is not None:
            projects.add(found["slug"])
        else:
            raise RefusalError(HTTPStatus.FORBIDDEN, "You do not have permission to perform this action.")
    environments = frozenset(request.query_params.getlist("environment"))
    if not environments <= set(store.environments):
        raise missing()  # as the real one has it: an environment that no event ever named
    return Where(
        since=since,
        until=until,
        projects=frozenset(projects or store.projects),
        environments=environments,
    )


def _period(request: Request) -> tuple[float, float]:
    now = time.time()
    asked = request.query_params
    if period := asked.get("statsPeriod"):
        found = re.fullmatch(r"(\d+)([smhdw])", period)
        if found is None:
            raise bad(f"Invalid statsPeriod: {period!r}")
        return now - int(found[1]) * SPAN_OF[found[2]], now
    if not asked.get("start") and not asked.get("end"):
        return now - RETENTION, now + SPAN_OF["m"]
    since, until = moment_of(asked.get("start")), moment_of(asked.get("end"))
    if not asked.get("start") or not asked.get("end"):
        raise bad("start and end are both required")
    if since is None or until is None:
        raise bad("Invalid date format: start and end are ISO 8601")
    if since >= until:
        raise bad("start must be before end")
    return since, until


def count_of(request: Request, name: str = "per_page") -> int:
    """Return how many rows a page has. Raises RefusalError."""
    given = request.query_params.get(name, str(MOST))
    if not given.isdigit() or not 1 <= int(given) <= MOST:
        raise bad(f"Invalid {name} value. Must be between 1 and {MOST}.")
    return int(given)


def page(request: Request, rows: Sequence[Any], *, size: int) -> tuple[list[Any], dict[str, str]]:
    """Return the rows of the page that is asked for, and the header that leads to the others. Raises RefusalError."""
    given = request.query_params.get("cursor", "0:0:0")
    found = re.fullmatch(r"(\d+):(\d+):([01])", given)
    if found is None:
        raise bad("Invalid cursor parameter.")
    at = int(found[2]) * size
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    address = f"{str(request.url).partition('?')[0]}?{urlencode(others)}"
    before, after = f"0:{max(0, int(found[2]) - 1)}:1", f"0:{int(found[2]) + 1}:0"
    links = [
        _link(address, before, "previous", there=at > 0),
        _link(address, after, "next", there=len(rows) > at + size),
    ]
    return list(rows[at : at + size]), {"link": ", ".join(links)}


def _link(address: str, cursor: str, name: str, *, there: bool) -> str:
    results = "true" if there else "false"
    return f'<{address}&cursor={cursor}>; rel="{name}"; results="{results}"; cursor="{cursor}"'


def paged(request: Request, rows: Sequence[Any], *, size: int | None = None) -> Response:
    """Answer with a page of rows."""
    found, headers = page(request, rows, size=size or count_of(request))
    return JSONResponse(found, headers=headers)
