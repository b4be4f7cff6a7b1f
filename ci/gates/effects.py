"""What a statement of a migration does to code that was written before it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Node = Mapping[str, Any]  # a node of Postgres' own parser, as JSON

_UNQUALIFIED = frozenset({"public", "pg_catalog"})


class Effect(enum.StrEnum):
    """Whether served code goes on working."""

    NEUTRAL = "neutral"  # it cannot tell
    EXPAND = "expand"  # there is more than it knows
    DATA = "data"  # rows change, their shape does not
    CONTRACT = "contract"  # what it reads or writes may be refused or gone
    UNDECIDED = "undecided"  # SQL alone does not tell


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one statement, or one part of it, does.

    `removed` are names that are gone after it; `warning` is what a person should know though nothing breaks.
    """

    effect: Effect
    what: str
    removed: tuple[str, ...] = ()
    warning: str = ""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the migration itself has made so far: nobody uses it yet.

    `perhaps` are made IF NOT EXISTS: they may be old, and so may not be dropped, but are mostly new.
    """

    made: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)

    def forget(self) -> None:
        """Take everything for old from here on."""
        self.made.clear()
        self.perhaps.clear()

    def is_new(self, name: str) -> bool:
        """Whether it was made here, as far as can be told."""
        return name in self.made or name in self.perhaps


def neutral(what: str, *, warning: str = "") -> Finding:
    """Nothing that served code could tell."""
    return Finding(effect=Effect.NEUTRAL, what=what, warning=warning)


def expand(what: str, *, warning: str = "") -> Finding:
    """Something more."""
    return Finding(effect=Effect.EXPAND, what=what, warning=warning)


def contract(what: str, *removed: str) -> Finding:
    """Something less, or a new rule that old writes may break."""
    return Finding(effect=Effect.CONTRACT, what=what, removed=removed)


def undecided(what: str) -> Finding:
    """Something that SQL alone does not decide."""
    return Finding(effect=Effect.UNDECIDED, what=what)


def named(node: Any) -> str:
    """Return a node's name as people write it: without the schema where it is the usual one."""
    if isinstance(node, list):
        return ".".join(part for part in map(named, node) if part and part not in _UNQUALIFIED)
    if not isinstance(node, Mapping):
        return ""
    if "relname" in node:
        schema = node.get("schemaname", "")
        return node["relname"] if schema in {"", *_UNQUALIFIED} else f"{schema}.{node['relname']}"
    if "sval" in node:
        return str(node["sval"])
    for key in ("String", "List", "TypeName", "ObjectWithArgs", "RangeVar", "items", "names", "objname"):
        if key in node:
            return named(node[key])
    return ""


def of_kind(node: Any, *kinds: str) -> list[Node]:
    """Return all nodes of these kinds in this one, however deep."""
    found: list[Node] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            found += [one[kind] for kind in kinds if kind in one]
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found
