"""Conditions in Sentry's query language, with values that may be anything: https://docs.sentry.io/concepts/search/.

`TAG` marks Shipway's own test events; applications mark synthetic requests as `synthetic`. `REAL` leaves both out.
"""

from __future__ import annotations

TAG = "shipway"
REAL = f"!has:{TAG} !synthetic:true"
ERRORS = "level:[error, fatal]"  # what is captured as a warning or a note is no error


def term(key: str, *values: str, negated: bool = False) -> str:
    """Return the condition that the key has one of the values. Raises ValueError without one, or for an empty one."""
    if not values or not all(values):
        raise ValueError(f"{key} is asked for without a value")
    written = [_quoted(value) for value in values]
    said = written[0] if len(written) == 1 else f"[{', '.join(written)}]"
    return f"{'!' if negated else ''}{key}:{said}"


def every(*conditions: str) -> str:
    """Return the query by which all of the conditions hold; empty ones say nothing."""
    return " ".join(filter(None, conditions))


def _quoted(value: str) -> str:
    """Write a value so that it means itself: `*` is any text inside quotes too. A backslash cannot be written."""
    if "\\" in value:
        raise ValueError("Sentry's query language has no way to write a backslash")
    text = value.replace('"', '\\"').replace("*", "\\*")
    return f'"{text}"'
