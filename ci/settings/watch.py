"""[watch]: how production is watched once users are moved to a release, and what says that it is bad."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ci.fields import Duration, Page, Text, complaint
from ci.settings.smoke import GIVEN, SECRET, Headers, Identifier, Method, Request, check_row, placeholders
from ci.settings.tables import Table, nothing

SINCE, UNTIL, TARGET = "since", "until", "target"
COUNTED = frozenset({SINCE, UNTIL, TARGET})


class Counter(Table):
    """An app that counts requests by itself, in the place of Sentry's spans."""

    app: Identifier = Field(description="The app that is asked, by its name in [[apps]].")
    path: Page = Field(
        description="The path of an answer in JSON. `{since}` and `{until}` in it are moments in seconds since 1970, "
        "between which real requests are to be counted; `{target}` is the SLO's, in seconds."
    )
    headers: Headers = Field(default_factory=nothing, description="Headers to send.")
    requests: Text = Field(default="requests", description="Where their number stands in it, as a dotted path.")
    slow: Text = Field(default="slow", description="Where the number of those stands that took longer than `target`.")
    users: Text | None = Field(default=None, description="Where the number of distinct users stands.")

    @model_validator(mode="after")
    def _window_is_named(self) -> Self:
        used = placeholders(self.path)
        if lacking := sorted({SINCE, UNTIL} - used):
            hint = "counts that begin anew with each instance of an app tell nothing"
            raise complaint(f"expected {{{lacking[0]}}} in the path", hint, at=("path",))
        known = GIVEN | COUNTED
        for setting, names in (("path", used), ("headers", placeholders(self.headers))):
            if unknown := sorted(name for name in names - known if not name.startswith(SECRET)):
                raise complaint(f"nothing is called {unknown[0]} here", at=(setting,))
        return self


class Visit(Table):
    """A request of Shipway's own, where too few real ones come."""

    name: Identifier = Field(description="What it is called.")
    app: Identifier | None = Field(default=None, description="The app that is asked, where it is not that of [watch].")
    method: Method = Field(default="GET", description="The method.")
    path: Page = Field(description="The path at the app's address.")
    headers: Headers = Field(default_factory=nothing, description="Headers to send.")


class Watch(Table):
    """How production is watched once users are moved to a release, and what says that it is bad."""

    warm_up: Duration = Field(default=60.0, description="How long nothing counts after users were moved.")
    window: Duration = Field(default=300.0, description="How long it is watched from then on.")
    extended: Duration = Field(default=900.0, description="How long where that tells too little.")
    looks: Annotated[int, Field(ge=2, le=100)] = Field(
        default=10, description="How many looks are spread over the window."
    )
    armed: Duration = Field(default=3600.0, description="Until when after that move the armed watch goes on.")
    every: Duration = Field(default=300.0, description="How often it looks.")
    lag: Duration = Field(default=90.0, description="How long errors and spans take until Sentry can tell of them.")
    alive: Duration = Field(default=180.0, description="Within how long a test event must come back from Sentry.")
    baseline: Duration = Field(default=3600.0, description="The time before that move that errors are compared with.")
    mode: Literal["exact", "literal"] = Field(
        default="exact",
        description='"literal" takes "50 % more errors" as it stands, which rolls back healthy releases too.',
    )
    new_errors: Literal["confirmed", "strict", "notify"] = Field(
        default="confirmed",
        description='Which new error types are bad: those with 3 events of 2 users, "strict": any, "notify": none.',
    )
    inconclusive: Literal["accept", "hold"] = Field(
        default="accept", description="What becomes of a release of which too little can be told in the end."
    )
    target: Duration = Field(default=1.0, description="Within how long 95 % of the requests must be answered.")
    spans: bool = Field(
        default=True, description="Whether requests are counted by Sentry's spans: not where apps send none."
    )
    counter: Counter | None = Field(default=None, description="An app that counts them by itself.")
    app: Identifier | None = Field(
        default=None, description="The app that `before` and `routes` ask, by its name in [[apps]]."
    )
    before: tuple[Request, ...] = Field(default=(), description="Requests that are made once, as to sign in.")
    routes: tuple[Visit, ...] = Field(default=(), description="What is asked where too few real requests come.")

    @model_validator(mode="after")
    def _times_follow_one_another(self) -> Self:
        if self.extended < self.window:
            raise complaint("expected no less than `window`", at=("extended",))
        if self.armed < self.warm_up + self.window:
            raise complaint("expected no less than `warm_up` and `window` together", at=("armed",))
        return self

    @model_validator(mode="after")
    def _visits_are_whole(self) -> Self:
        known = check_row(self.before, set(GIVEN), "before")
        if self.before and self.app is None:
            raise complaint("`app` is missing", "name the app of [[apps]] that `before` asks")
        names: set[str] = set()
        for place, route in enumerate(self.routes):
            if route.name in names:
                raise complaint("there is a route of this name before it", at=("routes", place, "name"))
            names.add(route.name)
            app = route.app or self.app
            if app is None:
                raise complaint("`app` is missing", "name the app of [[apps]] that it asks", at=("routes", place))
            mine = known if app == self.app else GIVEN  # what was captured at one app is not told to another
            used = placeholders(route.path) | placeholders(route.headers)
            if unknown := sorted(name for name in used - mine if not name.startswith(SECRET)):
                raise complaint(f"nothing is called {unknown[0]} here", at=("routes", place, "path"))
        return self

    @property
    def apps(self) -> frozenset[str]:
        """The names of the apps that are asked."""
        asked = {self.app, *(route.app for route in self.routes), self.counter.app if self.counter else None}
        return frozenset(name for name in asked if name is not None)

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that it needs."""
        named = {name for request in self.before for _, names in request.used for name in names}
        parts = [part for route in self.routes for part in (route.path, route.headers)]
        parts += [self.counter.path, self.counter.headers] if self.counter else []
        named |= {name for part in parts for name in placeholders(part)}
        return frozenset(name.removeprefix(SECRET) for name in named if name.startswith(SECRET))

    @property
    def services(self) -> frozenset[str]:
        """The names of the services beside the apps that it asks."""
        return frozenset(each.service for each in self.before if each.service is not None)
