"""What an event may hold: as Relay does, what has another type than it should is dropped, and the event is taken."""

from __future__ import annotations

from typing import Any

TEXTS = ("release", "environment", "transaction", "level", "platform", "logger", "dist", "server_name")
OBJECTS = ("user", "sdk", "request", "extra", "modules")
FRAME = ("filename", "function", "module", "abs_path")
TAG = 2  # a name and a value


def tidied(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event without what has no meaning."""
    found = dict(event)
    for name in TEXTS:
        _only(found, name, str)
    for name in OBJECTS:
        _only(found, name, dict)
    if "user" in found:
        found["user"] = {key: value for key, value in found["user"].items() if isinstance(value, str | int)}
    if "contexts" in found:
        given = found["contexts"] if isinstance(found["contexts"], dict) else {}
        found["contexts"] = {name: value for name, value in given.items() if isinstance(value, dict)}
    if "tags" in found:
        found["tags"] = _tags(found["tags"])
    for name in ("logentry", "message"):
        if isinstance(found.get(name), dict):
            found[name] = {key: str(value) for key, value in found[name].items() if isinstance(value, str | int)}
    if "exception" in found:
        found["exception"] = _errors(found["exception"])
    return found


def _only(event: dict[str, Any], name: str, kind: type) -> None:
    if name in event and not isinstance(event[name], kind):
        del event[name]


def _tags(given: Any) -> list[list[str]]:
    """Return tags as pairs: SDKs send an object, or a list of pairs."""
    pairs = list(given.items()) if isinstance(given, dict) else given if isinstance(given, list) else []
    whole = [pair for pair in pairs if isinstance(pair, list | tuple) and len(pair) == TAG]
    return [[str(name), str(value)] for name, value in whole if isinstance(name, str) and value is not None]


def _errors(given: Any) -> dict[str, Any]:
    inner = given.get("values") if isinstance(given, dict) else given
    errors = [dict(each) for each in inner if isinstance(each, dict)] if isinstance(inner, list) else []
    for each in errors:
        _only(each, "mechanism", dict)
        _only(each, "stacktrace", dict)
        if "stacktrace" in each:
            each["stacktrace"] = {**each["stacktrace"], "frames": _frames(each["stacktrace"].get("frames"))}
    return {"values": errors}


def _frames(given: Any) -> list[dict[str, Any]]:
    frames = [dict(each) for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    for each in frames:
        for name in FRAME:
            _only(each, name, str)
        _only(each, "lineno", int)
    return frames
