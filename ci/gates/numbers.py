"""Numbers that a check is held against: limits that a fix may not loosen.

Of each name the numbers before and after are compared, so that a line that moved is nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict

_UNITS = {
    "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0,
    "b": 1.0, "kb": 1e3, "kib": 1024.0, "mb": 1e6, "mib": 1024.0**2, "%": 1.0,
}  # fmt: skip
_NUMBER = r"(-?\d[\d_]{0,20}(?:\.\d{1,20})?)\s*((?i:ms|s|min|m|kb|kib|mb|mib|b|%))?(?![\w.])"
_PRODUCT = rf"[\"']?{_NUMBER}(?:\s*\*\s*(\d[\d_]{{0,20}}))?(?:\s*\*\s*(\d[\d_]{{0,20}}))?"
_WITH_A_SCORE = r"(?:\[\s*[\"']\w{1,10}[\"']\s*,\s*\{\s*[\"']?minScore[\"']?\s*:\s*)?"


def _named(words: str, *, between: str, before: str = "") -> re.Pattern[str]:
    """Return what finds a number behind a name that has one of the words in it."""
    return re.compile(rf"[\"']?\b(\w{{0,40}}(?:{words})\w{{0,40}})[\"']?\s*{between}\s*{before}{_PRODUCT}")


# Longer or more of these is looser, wherever they stand.
_LONGER = _named("[tT]imeout|TIMEOUT|[rR]etries|RETRIES|[rR]etry|[rR]epeats", between=r"[:=(]")
# A number behind the function of a test: its time limit.
_BEHIND = re.compile(rf"(\}})\s*,\s*{_PRODUCT}\s*\)")
# In settings: more of these is looser,
_BUDGET = _named(
    "[bB]udget|[lL]imit|max[A-Z-]?|warnings|[tT]olerance|[sS]ize|[bB]undle|[dD]eadline|slowTest|bail|complexity",
    between="[:= ]",
)
# less of these is.
_FLOOR = _named(
    "[tT]hreshold|lines|branches|functions|statements|min[A-Z-]?|[sS]core|performance|accessibility|coverage",
    between="[:=]",
    before=_WITH_A_SCORE,
)


def loosened(before: str, after: str, *, settings: bool) -> list[str]:
    """Say which time limits, retries, thresholds and budgets are looser afterwards; the last two are in settings."""
    found = []
    for pattern, words in ((_LONGER, "a longer timeout, or more retries"), (_BEHIND, "a longer timeout")):
        was, now = _numbers(pattern, before), _numbers(pattern, after)
        if any(_higher(was.get(name, []), numbers) for name, numbers in now.items()):
            found.append(f"adds {words}")
    if settings:
        was, now = _numbers(_BUDGET, before), _numbers(_BUDGET, after)
        if any(
            _higher(numbers, now.get(name, [])) or len(now.get(name, [])) < len(numbers)
            for name, numbers in was.items()
        ):
            found.append("raises a limit, or takes one away")
        was, now = _numbers(_FLOOR, before), _numbers(_FLOOR, after)
        if any(_lower(numbers, now.get(name, [])) for name, numbers in was.items()):
            found.append("lowers a threshold, or takes one away")
    return found


def _numbers(pattern: re.Pattern[str], text: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for name, number, unit, *factors in pattern.findall(text):
        value = float(number.replace("_", "")) * _UNITS.get(unit.lower(), 1.0)
        for factor in factors:
            value *= float(factor.replace("_", "")) if factor else 1.0
        found[name].append(value)
    return found


def _higher(was: list[float], now: list[float]) -> bool:
    """Whether one of the numbers, in order, is more than the one that stood for it, or is there for the first time."""
    one, other = sorted(was, reverse=True), sorted(now, reverse=True)
    return len(other) > len(one) or any(new > old for old, new in zip(one, other, strict=False))


def _lower(was: list[float], now: list[float]) -> bool:
    one, other = sorted(was), sorted(now)
    return len(other) < len(one) or any(new < old for old, new in zip(one, other, strict=False))
