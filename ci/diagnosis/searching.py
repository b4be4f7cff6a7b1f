"""Lines of a checkout that a pattern matches, within a time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.diagnosis.checkout import OutsideError
from ci.diagnosis.patterns import fitting, matching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.diagnosis.checkout import Checkout
    from ci.redact import Redactor

MOST_FOUND = 100
WIDEST = 1000  # characters of a line that are searched
LONGEST = 5.0  # seconds
_SHOWN = 200  # characters of a line that was found


@dataclass(frozen=True, kw_only=True)
class Found:
    """Lines, as `path:number: text`, and whether there may be more."""

    lines: tuple[str, ...]
    more: bool


def search(checkout: Checkout, redactor: Redactor, *, pattern: str, glob: str) -> Found:
    """Return the lines that match once secrets are taken out: or a pattern could ask for one letter by letter.

    Raises PatternError.
    """
    holds, fits = matching(pattern), fitting(glob)
    until = time.monotonic() + LONGEST
    found: list[str] = []
    for path in checkout.paths():
        if time.monotonic() > until:
            return Found(lines=tuple(found), more=True)
        if not fits(path):
            continue
        try:
            text = checkout.read(path)
        except OutsideError:
            continue
        if not any(holds(line) or time.monotonic() > until for line in _lines(text)):
            continue
        for number, line in enumerate(_lines(redactor.text(text)), 1):
            if time.monotonic() > until or len(found) == MOST_FOUND:
                return Found(lines=tuple(found), more=True)
            if holds(line):
                found.append(f"{path}:{number}: {line[:_SHOWN].strip()}")
    return Found(lines=tuple(found), more=False)


def _lines(text: str) -> Iterator[str]:
    return (line[:WIDEST] for line in text.split("\n"))
