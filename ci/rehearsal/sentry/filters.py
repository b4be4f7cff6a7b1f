"""A query made ready for rows: read, checked, its `latest` release named."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

from ci.rehearsal.sentry.asking import bad
from ci.rehearsal.sentry.columns import check, judge
from ci.rehearsal.sentry.search import Both, Either, Node, QueryError, Term, Words, holds, parse, terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.rehearsal.sentry.asking import Where
    from ci.rehearsal.sentry.columns import Row
    from ci.rehearsal.sentry.store import Store

NONE = "\0"  # no release has this version


def understood(store: Store, query: str, where: Where, *, boolean: bool = True) -> Node:
    """Read a query, with the newest release in the place of `latest`. Raises RefusalError."""
    try:
        return _named(parse(query, boolean=boolean), store.latest(where.projects) or NONE)
    except QueryError as error:
        raise bad(str(error)) from error


def wanted(store: Store, dataset: str, query: str, where: Where) -> Callable[[Row], bool]:
    """Return what says whether a row is one that a query asks for. Raises RefusalError."""
    return rows_that(dataset, understood(store, query, where))


def rows_that(dataset: str, node: Node) -> Callable[[Row], bool]:
    """The same for a query that was read already."""
    now = time.time()
    try:
        for condition in terms(node):
            check(dataset, condition)
    except QueryError as error:
        raise bad(str(error)) from error
    return lambda row: holds(node, lambda condition: judge(dataset, condition, row, now=now))


def _named(node: Node, latest: str) -> Node:
    if isinstance(node, Term):
        if node.key not in {"release", "firstRelease"} or "latest" not in node.values:
            return node
        return dataclasses.replace(node, values=tuple(latest if each == "latest" else each for each in node.values))
    if isinstance(node, Words):
        return node
    parts = tuple(_named(part, latest) for part in node.parts)
    return Both(parts=parts) if isinstance(node, Both) else Either(parts=parts)
