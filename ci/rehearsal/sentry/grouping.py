"""Which events are one issue: the fingerprint, else the error's type and the place in the application.

A reduced form of https://docs.sentry.io/concepts/data-management/event-grouping/: of a stack trace the frames of the
application count, of a message its template.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT = "{{ default }}"
LONGEST = 256


@dataclass(frozen=True, kw_only=True)
class Group:
    """What an event says of the issue that it belongs to."""

    hash: str
    title: str
    culprit: str
    kind: str
    metadata: Mapping[str, str]
    handled: bool


def group_of(event: Mapping[str, Any]) -> Group:
    """Return where an event belongs, and how it calls itself."""
    errors = list(values(event.get("exception")))
    frame = _own_frame(errors)
    place = _place(frame)
    if errors:
        last = errors[-1]
        name, said = str(last.get("type") or ""), _line(last.get("value"))
        title = f"{name}: {said}" if name and said else name or said or "<unknown>"
        metadata = {"type": name, "value": said}
        if frame:
            metadata |= {"filename": str(frame.get("filename", "")), "function": str(frame.get("function", ""))}
        # An error without a type is where a message was said: the message tells it from others, not the place.
        parts = [str(each.get("type")) for each in errors] + [(place if name else "") or said]
    else:
        said = _message(event)
        title, metadata, parts = said or "<unlabeled event>", {"title": said or "<unlabeled event>"}, [_template(event)]
    return Group(
        hash=_hash(_parts(event.get("fingerprint"), parts)),
        title=title[:LONGEST],
        culprit=str(event.get("transaction") or place),
        kind="error" if errors else "default",
        metadata=metadata,
        handled=all((each.get("mechanism") or {}).get("handled") is not False for each in errors),
    )


def _parts(fingerprint: Any, default: list[str]) -> list[str]:
    if not isinstance(fingerprint, list) or not fingerprint:
        return default
    found: list[str] = []
    for each in fingerprint:
        found += default if str(each).replace(" ", "") == DEFAULT.replace(" ", "") else [str(each)]
    return found


def _hash(parts: list[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def values(part: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the members of a list, which some SDKs wrap in `values`."""
    inner = part.get("values") if isinstance(part, dict) else part
    yield from (each for each in inner if isinstance(each, dict)) if isinstance(inner, list) else ()


def _own_frame(errors: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the innermost frame of the application, or of anything where none is marked as such."""
    for error in reversed(errors):
        frames = (error.get("stacktrace") or {}).get("frames") or []
        own = [each for each in frames if isinstance(each, dict) and each.get("in_app")]
        whole = own or [each for each in frames if isinstance(each, dict)]
        if whole:
            found: Mapping[str, Any] = whole[-1]
            return found
    return None


def _place(frame: Mapping[str, Any] | None) -> str:
    if frame is None:
        return ""
    module = frame.get("module") or frame.get("filename") or frame.get("abs_path") or "?"
    return f"{module} in {frame['function']}" if frame.get("function") else str(module)


def _message(event: Mapping[str, Any]) -> str:
    entry = event.get("logentry") or event.get("message")
    if isinstance(entry, dict):
        entry = entry.get("formatted") or entry.get("message")
    return _line(entry)


def _template(event: Mapping[str, Any]) -> str:
    entry = event.get("logentry") or event.get("message")
    return str(entry.get("message") or entry.get("formatted")) if isinstance(entry, dict) else str(entry)


def _line(text: Any) -> str:
    lines = str(text).strip().splitlines() if text is not None else []
    return lines[0] if lines else ""
