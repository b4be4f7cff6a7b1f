"""What Sentry knows, as values: issues, events, counts over time, releases and their deploys. Moments are in UTC."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Annotated

from pydantic import AliasChoices, AliasPath, BeforeValidator, Field

Count = Annotated[
    int, BeforeValidator(lambda value: int(value) if isinstance(value, str) and value.isdigit() else value)
]


@dataclass(frozen=True, kw_only=True)
class Organization:
    """An organization, and where its region answers."""

    slug: str
    name: str
    region: Annotated[str, Field(alias=AliasPath("links", "regionUrl"))]


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project; `sessions` says whether its SDK sends release health."""

    id: str
    slug: str
    sessions: Annotated[bool, Field(alias="hasSessions")] = False


@dataclass(frozen=True, kw_only=True)
class Issue:
    """Errors of one kind. `count`, `users` and the moments are of the environment and period that were asked for."""

    id: str
    short: Annotated[str, Field(alias="shortId")]
    title: str
    culprit: str | None
    link: Annotated[str, Field(alias="permalink")]
    level: str
    status: str
    substatus: str | None
    project: Annotated[str, Field(alias=AliasPath("project", "slug"))]
    count: Count
    users: Annotated[int, Field(alias="userCount")]
    first_seen: Annotated[datetime.datetime, Field(alias="firstSeen")]
    last_seen: Annotated[datetime.datetime, Field(alias="lastSeen")]


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A tag of an event."""

    key: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of an issue."""

    id: Annotated[str, Field(alias="eventID")]
    title: str
    message: str | None
    moment: Annotated[datetime.datetime, Field(alias="dateCreated")]
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One call in a stack trace. `own` says that it is the application's."""

    file: Annotated[str | None, Field(alias="filename")] = None
    line: Annotated[int | None, Field(alias="lineNo")] = None
    function: str | None = None
    own: Annotated[bool, Field(alias="inApp")] = False


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One exception of an event, its frames from the outermost to where it was raised."""

    type: str | None
    value: str | None
    frames: Annotated[tuple[Frame, ...], Field(validation_alias=AliasPath("stacktrace", "frames"))] = ()


@dataclass(frozen=True, kw_only=True)
class ErrorCount:
    """The errors of a release in a window: how many, and of how many users. `users` is an estimate of Sentry's."""

    release: str
    errors: int
    users: int


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Errors, of whatever was asked for, and of how many distinct users. `users` is an estimate of Sentry's."""

    errors: int
    users: int


@dataclass(frozen=True, kw_only=True)
class Point:
    """What was counted in one bucket. `whole` is false while ingestion may still add to it."""

    moment: datetime.datetime
    value: float
    whole: bool


@dataclass(frozen=True, kw_only=True)
class Health:
    """The sessions of a release. `crash_free` is a share, None where there were none."""

    release: str
    sessions: int
    crash_free: float | None


@dataclass(frozen=True, kw_only=True)
class Release:
    """A version that Sentry knows. `new_issues` were first seen in it."""

    version: str
    created: Annotated[datetime.datetime | None, Field(alias="dateCreated")]
    released: Annotated[datetime.datetime | None, Field(alias="dateReleased")]
    new_issues: Annotated[int, Field(alias="newGroups")]
    deploys: Annotated[int, Field(alias="deployCount")]
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit of a release; `id` is its hash."""

    id: str
    message: str | None = None
    author: Annotated[str | None, Field(validation_alias=AliasChoices("author_name", AliasPath("author", "name")))] = (
        None
    )


@dataclass(frozen=True, kw_only=True)
class Deploy:
    """A release that went to an environment. `name` is the caller's own word for it."""

    id: str
    environment: str
    name: str | None
    finished: Annotated[datetime.datetime, Field(alias="dateFinished")]


@dataclass(frozen=True, kw_only=True)
class Window:
    """From a moment until before another, both with a time zone."""

    since: datetime.datetime
    until: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which projects (slugs; none is all of them) and which environment (none is all of them)."""

    projects: tuple[str, ...] = ()
    environment: str | None = None


EVERYWHERE = Place()
