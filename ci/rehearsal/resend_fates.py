"""What becomes of mails on demand: they bounce, are late, fail, or never arrive.

    POST   /_stand-in/fates {"to": "@slow", "event": "delivery_delayed", "seconds": 5}
    DELETE /_stand-in/fates

`to` is an expression, found in any address that a mail goes to; the first fate that fits counts, for `times` mails
where that is said. `event` is where the mail stays: "sent" is one that never arrives. With `seconds` it stays there so
long after it was taken, and is delivered then.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.rehearsal.faults import check_numbers, check_texts
from ci.rehearsal.planned import told

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from starlette.routing import Route

EVENTS = ("queued", "sent", "delivery_delayed", "bounced", "complained", "failed", "suppressed")


@dataclass(frozen=True, kw_only=True)
class Fate:
    """Where mails to these addresses end, or stay for `seconds`."""

    to: str
    event: str
    seconds: float | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could never happen. Raises ValueError, TypeError."""
        check_texts(self, ("to",))
        if self.event not in EVENTS:
            raise ValueError(f"{self.event}: there is {', '.join(EVENTS)}")
        given = {"seconds": (0, 86_400), "times": (1, 10**9)}
        check_numbers(self, {name: range_ for name, range_ in given.items() if getattr(self, name) is not None})
        try:
            re.compile(self.to)
        except re.error as error:
            raise ValueError(f"to is no expression: {error}") from error


class Fates:
    """The fates, in the order in which they were asked for, on a shelf of a stand-in's memory."""

    def __init__(self, shelf: MutableMapping[str, Any]) -> None:
        """Know those of before."""
        self._shelf = shelf

    @property
    def known(self) -> list[Fate]:
        """What is asked for."""
        return [Fate(**each) for each in self._shelf.get("fates", [])]

    def add(self, **words: Any) -> None:
        """Ask for one. Raises ValueError, TypeError."""
        self._keep([*self.known, Fate(**words)])

    def clear(self) -> None:
        """Let all mails be delivered."""
        self._keep([])

    def of(self, addresses: Iterable[str]) -> Fate | None:
        """Return what becomes of a mail to these addresses, whose fate it is from now on."""
        known, found = self.known, list(addresses)
        for place, fate in enumerate(known):
            if any(re.search(fate.to, each) for each in found):
                if fate.times is not None:
                    left = [dataclasses.replace(fate, times=fate.times - 1)] if fate.times > 1 else []
                    self._keep([*known[:place], *left, *known[place + 1 :]])
                return fate
        return None

    def routes(self) -> list[Route]:
        """Return the addresses at which all this is told."""
        return told("fates", self.add, self.clear)

    def _keep(self, fates: list[Fate]) -> None:
        self._shelf["fates"] = [dataclasses.asdict(each) for each in fates]
