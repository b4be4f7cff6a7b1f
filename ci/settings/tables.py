"""What all tables of shipway.toml have in common."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from ci.fields import complaint

if TYPE_CHECKING:
    from collections.abc import Mapping


def nothing() -> Mapping[str, Any]:
    """Return an empty mapping, as a default."""
    return MappingProxyType({})


def refuse_twice(**tables: Mapping[str, str]) -> None:
    """Raise a complaint where two tables name the same variable."""
    seen: dict[str, str] = {}
    for table, names in tables.items():
        for name in names:
            if name in seen:
                raise complaint(f"{name} is set twice: in {seen[name]} and in {table}")
            seen[name] = table


class Table(BaseModel):
    """One that is frozen, and takes no setting that it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, populate_by_name=False
    )
