"""What Neon tells, as values: https://api-docs.neon.tech/reference."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


class Source(enum.StrEnum):
    """What a new branch begins with. `SCHEMA` holds no row of the parent's, not even which migrations were applied."""

    DATA = "parent-data"
    SCHEMA = "schema-only"


@dataclass(frozen=True, kw_only=True)
class User:
    """Whose key it is."""

    id: str
    email: str


@dataclass(frozen=True, kw_only=True)
class Project:
    """A database with its branches. `version` is Postgres' major one."""

    id: str
    name: str
    version: Annotated[int, Field(alias="pg_version")]
    region: Annotated[str, Field(alias="region_id")]


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A copy of its parent's state at a moment. `state` is init, resetting, ready or archived."""

    id: str
    name: str
    state: Annotated[str, Field(alias="current_state")]
    created: Annotated[datetime.datetime, Field(alias="created_at")]
    expires: Annotated[datetime.datetime | None, Field(alias="expires_at")] = None
    parent: Annotated[str | None, Field(alias="parent_id")] = None
    is_default: Annotated[bool, Field(alias="default")]
    protected: bool


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A compute: `state` is init, active or idle. It wakes by itself when somebody connects."""

    id: str
    branch: Annotated[str, Field(alias="branch_id")]
    host: str
    kind: Annotated[str, Field(alias="type")]
    state: Annotated[str, Field(alias="current_state")]


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database of a branch."""

    name: str
    owner: Annotated[str, Field(alias="owner_name")]


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role that Neon itself made; its password is left where it is."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Pagination:
    """Where the next page begins."""

    next: str | None = None


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What is done, or still to be done, after an answer."""

    id: str
    action: str
    status: str
    branch_id: str | None = None
    error: str | None = None
