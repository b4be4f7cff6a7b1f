"""The failures that the mail server can be told to have, for the next mails of a kind.

    POST   /_stand-in/smtp-faults {"kind": "refuse", "at": "RCPT", "to": "@full", "code": 552}
    DELETE /_stand-in/smtp-faults

refuse    the command is refused with `code`: from 500 on for good, below for now
hang      nothing is said for `seconds`, then the connection is cut
reset     the connection is cut before the mail is taken
lose      the mail is taken, and the connection is cut before that is said; at DATA only
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.rehearsal.faults import check_numbers, check_texts
from ci.rehearsal.planned import Planned

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = ("refuse", "hang", "reset", "lose")
PLACES = ("MAIL", "RCPT", "DATA")
RANGES = {"after": (0, 10**9), "times": (1, 10**9), "code": (400, 599), "seconds": (0, 86_400)}


@dataclass(frozen=True, kw_only=True)
class MailFault:
    """One failure at a command, for the next `times` mails that match, once `after` of them were let through.

    `to` is an expression, found in the address that the command is about: the sender's at MAIL, the recipient's at
    RCPT, any recipient's at DATA.
    """

    kind: str
    at: str = "DATA"
    to: str = ""
    after: int = 0
    times: int = 1
    code: int = 451
    seconds: float = 3600.0

    def __post_init__(self) -> None:
        """Refuse what could never match or happen. Raises ValueError, TypeError."""
        if self.kind not in KINDS or self.at not in PLACES:
            raise ValueError(f"{self.kind} at {self.at}: there is {', '.join(KINDS)} at {', '.join(PLACES)}")
        if self.kind == "lose" and self.at != "DATA":
            raise ValueError("a mail is taken, and so lost, at DATA only")
        check_texts(self, ("to",))
        check_numbers(self, RANGES)
        try:
            re.compile(self.to)
        except re.error as error:
            raise ValueError(f"to is no expression: {error}") from error


class MailFaults(Planned[MailFault]):
    """The failures that are still to come."""

    def __init__(self) -> None:
        """Have none."""
        super().__init__(MailFault, "smtp-faults")

    def at(self, place: str, addresses: Sequence[str]) -> MailFault | None:
        """Return what fails now, at a command about these addresses."""
        return self.next(lambda each: each.at == place and any(re.search(each.to, address) for address in addresses))
