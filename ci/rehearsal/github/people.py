"""Who may come, by which token, with which rights, and how many requests they have left."""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from ci.rehearsal.github.answers import RefusalError

if TYPE_CHECKING:
    from ci.rehearsal.memory import Memory

HOUR, MINUTE = 3600, 60


@dataclass(frozen=True, kw_only=True)
class Person:
    """An account of the rehearsal: a person, or an app where `app` says so. `role`: read, write, admin."""

    login: str
    id: int
    token: str
    role: str = "write"
    app: bool = False

    @property
    def email(self) -> str:
        """The address that GitHub gives to people's commits."""
        return f"{self.id}+{self.login}@users.noreply.github.com"

    @property
    def may_write(self) -> bool:
        """Whether the token may change anything."""
        return self.role in {"write", "admin"}


AUTHOR = Person(login="ada", id=101, token="token-of-ada-in-a-rehearsal", role="admin")  # noqa: S106 - opens a stand-in only
REVIEWER = Person(login="grace", id=102, token="token-of-grace-in-a-rehearsal")  # noqa: S106 - the same
APP = Person(login="shipway[bot]", id=103, token="token-of-the-app-in-a-rehearsal", app=True)  # noqa: S106 - the same
PEOPLE = (AUTHOR, REVIEWER, APP)


class Gate:
    """Knows people by their tokens, and counts their requests: `core` by the hour, `search` by the minute."""

    def __init__(self, people: tuple[Person, ...], memory: Memory) -> None:
        """Count on from where it was."""
        self.people = people
        self.limits = {"core": 5000, "search": 30}
        self._spans = {"core": HOUR, "search": MINUTE}
        self._counts = memory.shelf("rates")

    def known(self, login: str) -> Person | None:
        """Return a person by login."""
        return next((person for person in self.people if person.login.lower() == login.lower()), None)

    def of_header(self, header: str) -> Person | None:
        """Return whose token stands in an Authorization header, None where there is none. Raises RefusalError."""
        if not header:
            return None
        scheme, _, value = header.partition(" ")
        token = value.strip() if scheme.lower() in {"bearer", "token"} else _password(value)
        person = next((person for person in self.people if person.token == token), None)
        if person is None:
            raise RefusalError(HTTPStatus.UNAUTHORIZED, "Bad credentials")
        return person

    def count(self, person: Person, resource: str) -> dict[str, str]:
        """Count a request, and return the headers that tell of the budget. Raises RefusalError where it is used up."""
        rate = self.rate(person, resource)
        over = rate["remaining"] <= 0
        if not over:
            self._counts[f"{person.login} {resource}"] = [rate["reset"], rate["used"] + 1]
            rate = self.rate(person, resource)
        headers = {f"x-ratelimit-{name}": str(value) for name, value in rate.items()}
        headers["x-ratelimit-resource"] = resource
        if over:
            told = f"API rate limit exceeded for user ID {person.id}."
            raise RefusalError(HTTPStatus.FORBIDDEN, told, headers=headers)
        return headers

    def rate(self, person: Person, resource: str) -> dict[str, int]:
        """Return how a budget stands."""
        span = self._spans[resource]
        reset, used = self._counts.get(f"{person.login} {resource}", (0, 0))
        if reset <= time.time():
            reset, used = int(time.time()) + span, 0
        limit = self.limits[resource]
        return {"limit": limit, "remaining": max(0, limit - used), "reset": reset, "used": used}


def _password(value: str) -> str:
    try:
        return base64.b64decode(value).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def role_of(person: Person, owner: str) -> str:
    """Return what GitHub says of an author beside a text."""
    return "OWNER" if person.login == owner else ("COLLABORATOR" if not person.app else "NONE")
