"""[promotion], [migrations], [benchmarks] and [extraction]: what a promotion asks of a candidate beside the stages."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ci.fields import Command, Duration, Globs, Inside, Page, Text, Variable, complaint
from ci.settings.smoke import (
    GIVEN,
    SECRET,
    Fields,
    Headers,
    Identifier,
    Method,
    Request,
    Values,
    check_row,
    placeholders,
)
from ci.settings.tables import Table, nothing


class Promotion(Table):
    """How long things may be, and must be."""

    soak: Duration = Field(default=1800.0, description="How long staging is used with a commit before production.")
    repeat: Duration = Field(default=600.0, description="How often the tests are repeated in that time.")
    evidence_max_age: Duration = Field(
        default=86_400.0, description="How old a report of the seven stages may be that a promotion goes by."
    )
    hotfix_soak: Duration = Field(default=600.0, description="How long staging is used with a fix of an incident.")
    approval: Literal["none", "person"] = Field(
        default="none",
        description="Whether a person has to approve of a promotion to production: by `shipway approve`, or by a "
        "review of its pull request.",
    )
    dogfood: Duration | None = Field(
        default=None, description="How long the team uses a release at its own address before any customer gets it."
    )
    keep_unchanged: bool = Field(
        default=True,
        description="Whether an app of production that nothing changed of, as far as git tells, keeps what it serves.",
    )
    rollbacks_apart: Duration = Field(
        default=180.0, description="The shortest time between two rollbacks that no person asked for."
    )


class Migrations(Table):
    """How an environment's own database is migrated."""

    directory: Inside = Field(description="Where the migrations are: files of SQL, in the order of their names.")
    files: Globs = Field(default=("**/*.sql",), description="Which files below it are migrations, as globs.")
    command: Command | None = Field(
        default=None, description="The command that applies what is pending; without it, that of the integration stage."
    )
    url: Variable = Field(default="DATABASE_URL", description="The variable in which it gets the database's URL.")
    timeout: Duration = Field(default=600.0, description="The longest that it may take.")


class Route(Table):
    """A request whose time is measured."""

    name: Identifier = Field(description="What it is called.")
    method: Method = Field(default="GET", description="The method.")
    path: Page = Field(description="The path at the app's address.")
    headers: Headers = Field(default_factory=nothing, description="Headers to send.")


class Benchmarks(Table):
    """Routes that must not get slower, measured at the candidate and at what is served, side by side."""

    app: Identifier = Field(description="The app that is asked, by its name in [[apps]].")
    before: tuple[Request, ...] = Field(
        default=(), description="Requests that are made once at each address, as to sign in."
    )
    routes: tuple[Route, ...] = Field(min_length=1, description="What is measured.")
    pairs: Annotated[int, Field(ge=20, le=1000)] = Field(
        default=250, description="How often each is asked at both addresses."
    )
    allowed: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.1, description="The share by which it may be slower: 0.1 is ten percent."
    )

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        known = check_row(self.before, set(GIVEN), "before")
        names: set[str] = set()
        for place, route in enumerate(self.routes):
            if route.name in names:
                raise complaint("there is a route of this name before it", at=("routes", place, "name"))
            names.add(route.name)
            used = placeholders(route.path) | placeholders(route.headers)
            if unknown := sorted(name for name in used - known if not name.startswith(SECRET)):
                raise complaint(f"nothing is called {unknown[0]} here", at=("routes", place, "path"))
        return self

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that it needs."""
        return _secrets(self.before, *(part for route in self.routes for part in (route.path, route.headers)))

    @property
    def services(self) -> frozenset[str]:
        """The names of the services beside the app that it asks."""
        return frozenset(each.service for each in self.before if each.service is not None)


class Sample(Table):
    """A document, and what stands in it."""

    file: Inside = Field(description="The document, a file of the workspace.")
    expect: Values = Field(
        description="What must be read, by the names in `fields`: numbers are compared by their value, as text too "
        '(12.5 and "12.50" are the same), words whatever their case and spaces.'
    )


class Extraction(Table):
    """The product's AI, asked to read sample documents."""

    app: Identifier = Field(description="The app that is asked, by its name in [[apps]].")
    before: tuple[Request, ...] = Field(default=(), description="Requests that are made once, as to sign in.")
    path: Page = Field(description="The path to which a document is posted.")
    headers: Headers = Field(default_factory=nothing, description="Headers to send.")
    field: Text = Field(default="file", description="The form's field that the document is sent in.")
    fields: Fields = Field(description="Where each field stands in the JSON answer, as a dotted path, by its name.")
    cost: Text | None = Field(default=None, description="Where the cost in US dollars stands in it.")
    target: Duration = Field(default=10.0, description="Within how long 95 % of the documents must be read.")
    timeout: Duration = Field(default=60.0, description="The longest that one may take.")
    samples: tuple[Sample, ...] = Field(min_length=1, description="The documents.")

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        known = check_row(self.before, set(GIVEN), "before")
        used = placeholders(self.path) | placeholders(self.headers)
        if unknown := sorted(name for name in used - known if not name.startswith(SECRET)):
            raise complaint(f"nothing is called {unknown[0]} here", at=("path",))
        for place, sample in enumerate(self.samples):
            if unknown := sorted(set(sample.expect) - set(self.fields)):
                hint = "say in `fields` where it stands"
                raise complaint(f"there is no field {unknown[0]}", hint, at=("samples", place, "expect", unknown[0]))
        return self

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that it needs."""
        return _secrets(self.before, self.path, self.headers)

    @property
    def services(self) -> frozenset[str]:
        """The names of the services beside the app that it asks."""
        return frozenset(each.service for each in self.before if each.service is not None)


def _secrets(requests: tuple[Request, ...], *parts: Any) -> frozenset[str]:
    named = {name for request in requests for _, names in request.used for name in names}
    named |= {name for part in parts for name in placeholders(part)}
    return frozenset(name.removeprefix(SECRET) for name in named if name.startswith(SECRET))
