"""GitHub's own: the headers of every request, how it tells of errors, how long it asks to wait.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: over a limit it answers 403 or 429. The
secondary limits ask for `retry-after`; without it a minute is the least that one is to wait. The primary one says when
its hour ends.
"""

from __future__ import annotations

import time
from http import HTTPStatus

from ci.vendors.answers import Answer, Dialect, number, pause

VERSION = "2022-11-28"
LIMITED = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
SECONDARY = ("secondary rate limit", "abuse detection")
SECONDARY_WAIT = 60.0  # seconds
MOVED = frozenset(
    {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT}
)


def _said(answer: Answer) -> tuple[str, str | None]:
    """Return the message with what `errors` add to it, which is where the reason often stands alone."""
    try:
        body = answer.json()
    except ValueError:
        return "", None
    if not isinstance(body, dict):
        return "", None
    message = body["message"] if isinstance(body.get("message"), str) else ""
    errors = body.get("errors")
    parts = errors if isinstance(errors, list) else [errors]
    code = next((part["code"] for part in parts if isinstance(part, dict) and isinstance(part.get("code"), str)), None)
    more = "; ".join(filter(None, map(_detail, parts)))
    # Rules of a branch are told under each other; the first line alone would say that there are any.
    return " ".join(": ".join(filter(None, (message, more))).split()), code


def _detail(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    if isinstance(part.get("message"), str) and part["message"]:
        return str(part["message"])
    return " ".join(str(part[name]) for name in ("resource", "field", "code") if part.get(name))


def _pause(answer: Answer) -> float | None:
    asked = pause(answer)
    if asked is not None:
        return asked
    reset = number(answer.headers.get("x-ratelimit-reset", ""))
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        return max(0.0, reset - time.time())
    message = _said(answer)[0].lower()
    return SECONDARY_WAIT if any(words in message for words in SECONDARY) else None


def _is_limit(answer: Answer) -> bool:
    """Whether a 403 is no denial: it says the same with and without a right."""
    if answer.status not in LIMITED:
        return False
    if "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0":
        return True
    message = _said(answer)[0].lower()
    return "rate limit" in message or any(words in message for words in SECONDARY)


DIALECT = Dialect(
    vendor="GitHub",
    headers={"accept": "application/vnd.github+json", "x-github-api-version": VERSION},
    said=_said,
    pause=_pause,
    undone_by=_is_limit,
)
