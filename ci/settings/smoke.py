"""[[smoke]]: what is asked of what is about to serve or serves, as data; and what an environment adds to it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ci.fields import Duration, Page, Reasons, Secrets, Size, Text, Vendor, complaint, frozen
from ci.settings.tables import Table, nothing

PLACEHOLDER = re.compile(r"\{((?:secret:)?[A-Za-z_][A-Za-z0-9_]*)\}")
SECRET = "secret:"  # noqa: S105 - what names one
RANDOM, ORIGIN, SHA256 = "random", "origin", "sha256"
GIVEN = frozenset({RANDOM, ORIGIN})
BODILESS = frozenset({"GET", "HEAD"})
LARGEST_UPLOAD = 8_000_000
_SOURCE = re.compile(r"(?:json|header|cookie):\S.*")
_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _check_plain(value: Any) -> Any:
    if isinstance(value, dt.date | dt.time):
        raise complaint("expected what JSON has: a date is text in quotes")
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ():
        _check_plain(each)
    return value


def _flat(value: Any) -> Any:
    """Write what is expected as one value for each dotted path: tables of TOML mean the same."""
    return MappingProxyType(dict(_leaves(value, ""))) if isinstance(value, Mapping) else value


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and (value or not path):
        for name, each in value.items():
            yield from _leaves(each, f"{path}.{name}" if path else name)
    elif isinstance(value, str | int | float):  # a bool is an int
        yield path, value
    else:
        at = tuple(path.split("."))
        raise complaint("expected text, a number, true or false", "ask for one value: its path may hold numbers", at=at)


def _check_source(value: str) -> str:
    if not _SOURCE.fullmatch(value):
        raise complaint(
            "expected where the value is taken from", 'write "json:data.id", "header:location" or "cookie:session"'
        )
    return value


def _check_header(value: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", value):
        raise complaint("expected the name of a header: letters, digits and -")
    return value


Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
Plain = Annotated[Any, AfterValidator(_check_plain)]
Values = Annotated[Mapping[str, str | int | float | bool], BeforeValidator(_flat), AfterValidator(frozen)]
Headers = Annotated[Mapping[Annotated[str, AfterValidator(_check_header)], str], AfterValidator(frozen)]
Fields = Annotated[Mapping[str, str], AfterValidator(frozen)]
Source = Annotated[str, AfterValidator(_check_source)]
Captures = Annotated[Mapping[Annotated[str, Field(pattern=_NAME)], Source], AfterValidator(frozen)]
Beside = Annotated[Mapping[Identifier, Vendor], AfterValidator(frozen)]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def placeholders(value: Any) -> frozenset[str]:
    """Return the names that stand in { } in a text, or anywhere in a JSON value."""
    if isinstance(value, str):
        return frozenset(PLACEHOLDER.findall(value))
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ()
    return frozenset(name for each in inner for name in placeholders(each))


class Upload(Table):
    """A file of random bytes."""

    field: Text | None = Field(
        default=None, description="The form's field that it is sent in; without it, the file is the whole body."
    )
    name: Text = Field(default="smoke.bin", description="The name of the file.")
    type: Text = Field(default="application/octet-stream", description="Its media type.")
    size: Annotated[Size, Field(gt=0, le=LARGEST_UPLOAD)] = Field(
        default=2000, description="How many bytes it has, 8 MB at most."
    )
    starts: str = Field(default="", description="What it begins with, for who looks at that: `%PDF-1.7`.")


class Request(Table):
    """One request of a probe, and what is expected of its answer."""

    method: Method = Field(default="GET", description="The method.")
    path: Page = Field(description="The path at the app's address.")
    service: Identifier | None = Field(
        default=None, description="A service beside the app that is asked in its place, by its name in `services`."
    )
    headers: Headers = Field(default_factory=nothing, description="Headers to send.")
    json_: Plain = Field(default=None, alias="json", description="A body in JSON.")
    form: Fields = Field(default_factory=nothing, description="A body of a form's fields.")
    upload: Upload | None = Field(default=None, description="A file of random bytes.")
    status: Annotated[int, Field(ge=200, le=599)] = Field(default=200, description="The status that is expected.")
    expect: Values = Field(
        default_factory=nothing, description="Values that are expected in the JSON answer, by their dotted paths."
    )
    expect_headers: Headers = Field(
        default_factory=nothing, description="Headers that are expected; `*` stands for anything."
    )
    capture: Captures = Field(
        default_factory=nothing,
        description="Values to keep for later requests, each from `json:PATH`, `header:NAME` or `cookie:NAME`.",
    )
    returns_upload: bool = Field(
        default=False, description="Whether the answer must be the bytes that were uploaded, by their SHA-256."
    )
    follow: bool = Field(default=False, description="Whether redirects are followed, within the environment.")
    timeout: Duration = Field(default=15.0, description="The longest that its answer may take.")

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.json_ is not None and (self.form or self.upload):
            raise complaint("expected one body: `json`, or a `form` and an `upload`", at=("json",))
        if self.form and self.upload and self.upload.field is None:
            raise complaint("a form's file needs the name of its `field`", at=("upload",))
        if self.method in BODILESS and (self.json_ is not None or self.form or self.upload):
            raise complaint(f"{self.method} has no body", "POST, PUT and PATCH have one", at=("method",))
        return self

    @property
    def used(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield the names in { }, by the setting in which they stand."""
        for setting in ("path", "headers", "json", "form", "expect", "expect_headers"):
            yield setting, placeholders(getattr(self, "json_" if setting == "json" else setting))


class Cleaning(Table):
    """One request that takes away what a probe made."""

    method: Method = Field(default="DELETE", description="The method.")
    path: Page = Field(description="The path at the app's address.")
    service: Identifier | None = Field(
        default=None, description="A service beside the app that is asked in its place, by its name in `services`."
    )
    headers: Headers = Field(default_factory=nothing, description="Headers to send.")
    json_: Plain = Field(default=None, alias="json", description="A body in JSON.")


def check_row(requests: Sequence[Request], known: set[str], setting: str) -> set[str]:
    """Return all names that are known after requests that are made in a row. Raises a complaint for one that is not."""
    for place, request in enumerate(requests):
        at = (setting, place)
        for each, names in request.used:
            later = {SHA256} if request.upload and each.startswith("expect") else set()
            if unknown := sorted(name for name in names - known - later if not name.startswith(SECRET)):
                hint = f"known here: {', '.join(sorted(known))}, and secret:NAME"
                raise complaint(f"nothing is called {unknown[0]} here", hint, at=(*at, each))
        if taken := sorted((GIVEN | {SHA256}) & set(request.capture)):
            raise complaint(f"{taken[0]} is another value already", at=(*at, "capture", taken[0]))
        known |= {*request.capture, *({SHA256} if request.upload else ())}
        if request.returns_upload and SHA256 not in known:
            raise complaint("nothing was uploaded before", at=(*at, "returns_upload"))
    return known


class Smoke(Table):
    """One probe: requests in a row, with cookies of its own."""

    name: Identifier = Field(description="What it is called.")
    point: Literal["health", "auth", "database", "files", "ai", "email", "payments"] = Field(
        description="Which of the seven points it belongs to."
    )
    app: Identifier | None = Field(default=None, description="The app that it asks, by its name in [[apps]].")
    requests: tuple[Request, ...] = Field(default=(), description="What is asked, one after the other.")
    cleanup: tuple[Cleaning, ...] = Field(
        default=(), description="What is asked after each try, well or not, as far as what it needs was captured."
    )
    within: Duration = Field(default=90.0, description="Until when it is tried again, from the start of all probes.")
    absent: Text | None = Field(
        default=None, description="In place of requests: why the product has nothing to ask here."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.absent is None) is not bool(self.requests):
            raise complaint("expected `requests`, or `absent` with the reason why there is nothing to ask")
        if self.requests and self.app is None:
            raise complaint("`app` is missing", "name the app of [[apps]] that it asks")
        known = check_row(self.requests, set(GIVEN), "requests")
        for place, cleaning in enumerate(self.cleanup):
            names = placeholders(cleaning.path) | placeholders(cleaning.headers) | placeholders(cleaning.json_)
            if unknown := sorted(name for name in names - known if not name.startswith(SECRET)):
                raise complaint(f"nothing is called {unknown[0]} here", at=("cleanup", place, "path"))
        return self

    @property
    def services(self) -> frozenset[str]:
        """The names of the services beside the app that it asks."""
        asked: tuple[Request | Cleaning, ...] = (*self.requests, *self.cleanup)
        return frozenset(each.service for each in asked if each.service is not None)

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that it needs."""
        texts = [names for request in self.requests for _, names in request.used]
        texts += [placeholders(part) for each in self.cleanup for part in (each.path, each.headers, each.json_)]
        return frozenset(name.removeprefix(SECRET) for names in texts for name in names if name.startswith(SECRET))


class Smoking(Table):
    """What an environment adds to the probes."""

    secrets: Secrets = Field(default_factory=nothing, description="Secrets that probes name, by reference.")
    headers: Headers = Field(
        default_factory=nothing,
        description="Headers of every request to an app; `X-Synthetic` is `1` where it is not among them.",
    )
    services: Beside = Field(default_factory=nothing, description="Addresses of services that probes ask beside apps.")
    without: Reasons = Field(default_factory=nothing, description="Probes that are left out here, with the reason.")

    @model_validator(mode="after")
    def _secrets_are_there(self) -> Self:
        for name in sorted(placeholders(self.headers)):
            if not name.startswith(SECRET):
                raise complaint(f"nothing is called {name} here", "a header may hold {secret:NAME}", at=("headers",))
            if name.removeprefix(SECRET) not in self.secrets:
                hint = "name it in `secrets`"
                raise complaint(f"there is no secret {name.removeprefix(SECRET)}", hint, at=("headers",))
        return self
