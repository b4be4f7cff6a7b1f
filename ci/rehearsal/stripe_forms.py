"""What Stripe is sent and what it says of it: forms with brackets in their names, and its errors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEEPEST = 8
MOST_METADATA, LONGEST_NAME, LONGEST_VALUE = 50, 40, 500
_STEP = re.compile(r"\[([^\[\]]*)\]")


class RefusedError(Exception):
    """What the real one would answer instead."""

    def __init__(
        self,
        message: str,
        *,
        status: int = HTTPStatus.BAD_REQUEST,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        """Keep what it says."""
        super().__init__(message)
        self.status = status
        words = {"message": message, "type": kind, "code": code, "param": param}
        self.error = {name: value for name, value in words.items() if value is not None}


def missing(kind: str, identity: str, param: str = "id") -> RefusedError:
    """Return what is said of an id that is not there: with 404 in a path, with 400 in a form."""
    return RefusedError(
        f"No such {kind}: '{identity}'",
        status=HTTPStatus.NOT_FOUND if param == "id" else HTTPStatus.BAD_REQUEST,
        code="resource_missing",
        param=param,
    )


def decoded(text: str) -> dict[str, Any]:
    """Return a form as nested values: `a[b][0][c]=1` and `a[]=1` are as they read. Raises RefusedError."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        top, _, _ = name.partition("[")
        steps = [top, *_STEP.findall(name[len(top) :])]
        if len(steps) > DEEPEST:
            raise RefusedError("Invalid request: the form is nested too deeply.")
        place = found
        for step in steps[:-1]:
            inner = place.setdefault(step or str(len(place)), {})
            if not isinstance(inner, dict):
                raise RefusedError(f"Invalid request: {top} is given twice.", param=top)
            place = inner
        place[steps[-1] or str(len(place))] = value
    return {name: _listed(value) for name, value in found.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


@dataclass(frozen=True, kw_only=True)
class Form:
    """What is given, read by name. All readers raise RefusedError; "" is as good as nothing."""

    given: Mapping[str, Any] = field(default_factory=dict)

    def allow(self, names: Iterable[str]) -> None:
        """Refuse what is not among these."""
        if unknown := sorted(set(self.given) - set(names)):
            message = f"Received unknown parameter: {unknown[0]}"
            raise RefusedError(message, code="parameter_unknown", param=unknown[0])

    def text(self, name: str, fallback: str | None = None) -> str | None:
        """Return a text."""
        value = self.given.get(name, fallback)
        if value is not None and not isinstance(value, str):
            raise RefusedError(f"Invalid string: {name}", param=name)
        return value or None

    def needed(self, name: str) -> str:
        """Return a text that must be there."""
        value = self.text(name)
        if value is None:
            raise RefusedError(f"Missing required param: {name}.", code="parameter_missing", param=name)
        return value

    def url(self, name: str) -> str | None:
        """Return an address that a browser can be led to."""
        value = self.text(name)
        if value is not None and urlsplit(value).scheme not in {"http", "https"}:
            message = "Not a valid URL. URLs must begin with http:// or https://."
            raise RefusedError(message, code="url_invalid", param=name)
        return value

    def integer(self, name: str, fallback: int | None = None, *, least: int = 0) -> int | None:
        """Return a whole number, `least` or more."""
        value = self.text(name)
        if value is None:
            return fallback
        if not re.fullmatch(r"-?\d{1,12}", value):
            raise RefusedError(f"Invalid integer: {value[:20]}", code="parameter_invalid_integer", param=name)
        if int(value) < least:
            raise RefusedError(f"This value must be greater than or equal to {least}.", param=name)
        return int(value)

    def truth(self, name: str, fallback: bool | None = None) -> bool | None:  # noqa: FBT001 - a value
        """Return a truth value."""
        value = self.text(name)
        if value not in {None, "true", "false"}:
            raise RefusedError(f"Invalid boolean: {str(value)[:20]}", param=name)
        return fallback if value is None else value == "true"

    def several(self, name: str) -> list[Any]:
        """Return a list, empty where there is none."""
        value = self.given.get(name) or []
        if not isinstance(value, list):
            raise RefusedError("Invalid array", param=name)
        return value

    def inner(self, name: str) -> Form:
        """Return a mapping as a form of its own."""
        value = self.given.get(name) or {}
        if not isinstance(value, dict):
            raise RefusedError("Invalid object", param=name)
        return Form(given=value)

    def metadata(self, known: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the metadata with what is known already; an empty value takes a name away."""
        if self.given.get("metadata") == "":
            return {}
        merged = {**(known or {}), **self.inner("metadata").given}
        for name, value in merged.items():
            if not isinstance(value, str) or len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE:
                message = f"Metadata values can have up to {LONGEST_VALUE} characters."
                raise RefusedError(message, param=f"metadata[{name[:LONGEST_NAME]}]")
        kept = {name: value for name, value in merged.items() if value != ""}
        if len(kept) > MOST_METADATA:
            raise RefusedError(f"You can only specify up to {MOST_METADATA} keys in metadata.", param="metadata")
        return kept
