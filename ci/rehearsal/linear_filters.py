"""Linear's filters over plain documents: https://linear.app/developers/filtering."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# What follows a name in a filter: the document, or the documents, that it leads to.
Follow = Callable[[Mapping[str, Any], str], Any]
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "neq": lambda value, wanted: value != wanted,
    "in": lambda value, wanted: value in wanted,
    "nin": lambda value, wanted: value not in wanted,
    "contains": lambda value, wanted: wanted in (value or ""),
    "containsIgnoreCase": lambda value, wanted: wanted.lower() in (value or "").lower(),
    "notContains": lambda value, wanted: wanted not in (value or ""),
    "notContainsIgnoreCase": lambda value, wanted: wanted.lower() not in (value or "").lower(),
    "startsWith": lambda value, wanted: (value or "").startswith(wanted),
    "endsWith": lambda value, wanted: (value or "").endswith(wanted),
    "neqIgnoreCase": lambda value, wanted: (value or "").lower() != wanted.lower(),
    "eqIgnoreCase": lambda value, wanted: (value or "").lower() == wanted.lower(),
    "null": lambda value, wanted: (value is None) is wanted,
}


def meets(document: Any, filters: Mapping[str, Any] | None, follow: Follow) -> bool:
    """Whether a document meets all that a filter says; a list meets it where one of its members does."""
    for name, wanted in (filters or {}).items():
        if name == "and":
            good = all(meets(document, each, follow) for each in wanted)
        elif name == "or":
            good = any(meets(document, each, follow) for each in wanted)
        elif name in COMPARISONS:
            good = COMPARISONS[name](document, wanted)
        elif isinstance(document, list):
            good = _of_many(document, name, wanted, follow)
        else:
            good = document is not None and meets(follow(document, name), wanted, follow)
        if not good:
            return False
    return True


def _of_many(documents: list[Any], name: str, wanted: Mapping[str, Any], follow: Follow) -> bool:
    if name in {"some", "every"}:
        quantity = any if name == "some" else all
        return quantity(meets(each, wanted, follow) for each in documents)
    return any(meets(each, {name: wanted}, follow) for each in documents)
