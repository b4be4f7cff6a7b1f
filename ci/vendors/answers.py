"""What a vendor answers, and how to read it: the words of an error, the time that it asks to wait."""

from __future__ import annotations

import datetime
import email.utils
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from ci.errors import Trouble

# The vendor says that it did nothing.
UNDONE = frozenset({HTTPStatus.TOO_MANY_REQUESTS})
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a vendor answered; header names in lower case. `whole` is false where nobody waited for its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    whole: bool = True

    def json(self) -> Any:
        """The body as JSON, None where it is empty. Raises ValueError."""
        try:
            return json.loads(self.content) if self.content.strip() else None
        except RecursionError:
            raise ValueError("it is nested too deeply") from None


def said(answer: Answer) -> tuple[str, str | None]:
    """Return what an error's body says, and its code, in the shapes that most vendors use."""
    try:
        body = answer.json()
    except ValueError:
        return "", None
    inner = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(inner, str):
        inner = {"message": inner, **body}
    if not isinstance(inner, dict):
        return "", None
    message = next((inner[key] for key in ("message", "detail") if isinstance(inner.get(key), str)), "")
    code = next((inner[key] for key in ("code", "name", "type") if isinstance(inner.get(key), str)), None)
    return message, code


def number(text: str) -> float | None:
    """Return the number that a header holds, None where it holds none. `isdigit` would take "²" for one."""
    return float(text) if _NUMBER.fullmatch(text) else None


def pause(answer: Answer) -> float | None:
    """Return the seconds that `retry-after` asks for: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3."""
    value = answer.headers.get("retry-after", "").strip()
    if (seconds := number(value)) is not None:
        return seconds
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # the second one is of an offset that no clock has
        return None
    if moment.tzinfo is None:  # "-0000": it is meant as UTC
        moment = moment.replace(tzinfo=datetime.UTC)
    return max(0.0, (moment - datetime.datetime.now(datetime.UTC)).total_seconds())


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What is a vendor's own: its name, the headers of every request, and how to read its errors.

    `said` gives an error's message and code, `pause` the seconds that it asks to wait. `undone` are the statuses by
    which it says that it did nothing and that the same request may be welcome later; `undone_by` finds others by the
    answer. `final` finds answers after which it does not want the same request again soon. `trouble` is what its own
    words mean where the status does not tell it: an error under 200, a limit under 400.
    """

    vendor: str
    headers: Mapping[str, str] = field(default_factory=dict)
    said: Callable[[Answer], tuple[str, str | None]] = said
    pause: Callable[[Answer], float | None] = pause
    undone: frozenset[int] = UNDONE
    undone_by: Callable[[Answer], bool] = lambda _answer: False
    final: Callable[[Answer], bool] = lambda _answer: False
    trouble: Callable[[Answer], Trouble | None] = lambda _answer: None
