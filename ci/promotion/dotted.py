"""What stands at a dotted path of a JSON answer; numbers in it count elements from 0."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ci.vendors.answers import Answer

_INDEX = re.compile("[0-9]{1,6}")


class AbsentError(LookupError):
    """There is nothing at the path, or no JSON at all: the message says which."""


def at(path: str, answer: Answer) -> Any:
    """Return what stands at a path. Raises AbsentError."""
    try:
        value = answer.json()
    except ValueError:
        raise AbsentError("the answer is not JSON") from None
    for part in path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and _INDEX.fullmatch(part) and int(part) < len(value):
            value = value[int(part)]
        else:
            raise AbsentError(f"there is nothing at {path}")
    return value
