"""What builds say, line by line: of those that go on in mind, of those that ended in the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ci.rehearsal.vercel.account import Account

SAID = 50  # lines of a build that may be lost when we are killed


class Logs:
    """The logs of all deployments."""

    def __init__(self, account: Account) -> None:
        """Know those of before."""
        self._account = account
        self._going_on: dict[str, list[dict[str, Any]]] = {}

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a build, of one that goes on too."""
        return list(self._going_on.get(name) or self._account.logs.get(name, []))

    def say(self, name: str, line: str, *, kind: str = "stdout") -> None:
        """Add a line."""
        log = self._going_on.setdefault(name, list(self._account.logs.get(name, [])))
        log.append({"type": kind, "created": self._account.now(), "text": line})
        if len(log) % SAID == 0:
            self._account.logs[name] = log

    def keep(self, name: str) -> None:
        """Put a whole log into the memory."""
        self._account.logs[name] = self._going_on.pop(name, self._account.logs.get(name, []))
