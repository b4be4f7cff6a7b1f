"""Fixes: how far each proposal went, and what became of it. By them a fix earns that it goes further alone."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci.journal.tables import FIXES, REVERTS

if TYPE_CHECKING:
    from sqlalchemy.engine import Row

    from ci.journal.store import Store

DAY = 86_400.0
MODEL = "model"


class Fate(enum.StrEnum):
    """What became of a proposal."""

    NOTHING = "nothing to commit"
    REQUESTED = "pull request"
    DECLINED = "pull request closed"
    MERGED = "merged"  # what was requested
    COMMITTED = "committed"  # to main, by itself
    REVERTED = "reverted"
    ISSUE = "issue"


_SETTLED = frozenset({Fate.MERGED, Fate.COMMITTED, Fate.REVERTED})


@dataclass(frozen=True, kw_only=True)
class Fix:
    """`author` is "model" or the name of what needs none; `digest` is the same for the same change of files.

    `reference` leads to its pull request or issue; `commit` is what main has of it.
    """

    incident: str
    cycle: int
    tier: int
    author: str
    digest: str
    state: Fate
    reference: str = ""
    commit: str | None = None
    moment: float = 0.0


class Fixes:
    """Of all incidents."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def record(self, fix: Fix) -> Fix:
        """Note what became of a cycle's proposal; what was noted of it before is written over.

        One that was taken back stays so.
        """
        own = _own(fix)
        with self._store.writing() as connection:
            gone = own & (FIXES.c.state == Fate.REVERTED.value)
            if (row := connection.execute(sql.select(FIXES).where(gone)).one_or_none()) is not None:
                return _fix(row)
            connection.execute(sql.delete(FIXES).where(own))
            values = {**vars(fix), "state": fix.state.value, "moment": self._store.moment(connection)}
            values["commit_sha"] = values.pop("commit")
            connection.execute(sql.insert(FIXES).values(values))
            return _fix(connection.execute(sql.select(FIXES).where(own)).one())

    def take_back(self, fix: Fix, *, by: str, reference: str = "") -> None:
        """Note that a fix was taken back, `by` a commit of main; to note it again changes nothing."""
        with self._store.writing() as connection:
            now = self._store.moment(connection)
            known = sql.select(REVERTS.c.commit_sha).where(REVERTS.c.commit_sha == by)
            if connection.execute(known).one_or_none() is None:
                row = {"commit_sha": by, "incident": fix.incident, "cycle": fix.cycle, "moment": now}
                connection.execute(sql.insert(REVERTS).values(row))
            values = {"state": Fate.REVERTED.value, "moment": now, "reference": reference or fix.reference}
            standing = _own(fix) & (FIXES.c.state != Fate.REVERTED.value)
            connection.execute(sql.update(FIXES).where(standing).values(values))

    def of(self, incident: str) -> tuple[Fix, ...]:
        """Return the fixes of an incident, the first first."""
        return self._read(sql.select(FIXES).where(FIXES.c.incident == incident).order_by(FIXES.c.cycle))

    def by_commit(self, commit: str) -> Fix | None:
        """Return the fix that a commit of main is, None where it is none."""
        found = self._read(sql.select(FIXES).where(FIXES.c.commit_sha == commit).order_by(FIXES.c.moment))
        return found[0] if found else None

    def is_ours(self, commit: str) -> bool:
        """Whether we made a commit of main: a fix, or what took one back."""
        by_us = (sql.select(FIXES.c.commit_sha).where(FIXES.c.commit_sha == commit)).union(
            sql.select(REVERTS.c.commit_sha).where(REVERTS.c.commit_sha == commit)
        )
        with self._store.reading() as connection:
            return connection.execute(by_us).first() is not None

    def committed(self) -> tuple[Fix, ...]:
        """Return the fixes that went to main by themselves and are there still, the first first."""
        return self._read(sql.select(FIXES).where(FIXES.c.state == Fate.COMMITTED.value).order_by(FIXES.c.moment))

    def requested(self) -> tuple[Fix, ...]:
        """Return the fixes whose pull requests were open when somebody looked last, the first first."""
        return self._read(sql.select(FIXES).where(FIXES.c.state == Fate.REQUESTED.value).order_by(FIXES.c.moment))

    def with_digest(self, digest: str) -> tuple[Fix, ...]:
        """Return all fixes that changed files in the very same way."""
        return self._read(sql.select(FIXES).where(FIXES.c.digest == digest).order_by(FIXES.c.moment))

    def today(self) -> int:
        """Return how many commits went to main by themselves within the last 24 hours."""
        with self._store.writing() as connection:
            since = self._store.moment(connection) - DAY
            by_itself = FIXES.c.state.in_([Fate.COMMITTED.value, Fate.REVERTED.value])
            query = sql.select(sql.func.count()).select_from(FIXES).where(by_itself & (FIXES.c.moment >= since))
            return int(connection.execute(query).scalar_one())

    def earned(self) -> int:
        """Return how many of the model's fixes of tier 1 were merged since one was taken back: what it is trusted by.

        One that a person closed counts as one that was taken back.
        """
        of_model = (FIXES.c.author == MODEL) & (FIXES.c.tier == 1)
        count = 0
        for fix in self._read(sql.select(FIXES).where(of_model).order_by(FIXES.c.moment.desc())):
            if fix.state in {Fate.REVERTED, Fate.DECLINED}:
                break
            count += fix.state in {Fate.MERGED, Fate.COMMITTED}
        return count

    def is_on_probation(self) -> bool:
        """Whether one of the model's fixes was taken back, and none of them was merged since."""
        of_model = (FIXES.c.author == MODEL) & (FIXES.c.tier == 1)
        by_age = self._read(sql.select(FIXES).where(of_model).order_by(FIXES.c.moment.desc()))
        last = next((each.state for each in by_age if each.state in _SETTLED), None)
        return last is Fate.REVERTED

    def _read(self, query: sql.Select[Any]) -> tuple[Fix, ...]:
        with self._store.reading() as connection:
            return tuple(map(_fix, connection.execute(query).all()))


def _own(fix: Fix) -> sql.ColumnElement[bool]:
    return (FIXES.c.incident == fix.incident) & (FIXES.c.cycle == fix.cycle)


def _fix(row: Row[Any]) -> Fix:
    values = dict(row._mapping)  # noqa: SLF001 - its public name for a row as a mapping
    return Fix(commit=values.pop("commit_sha"), state=Fate(values.pop("state")), **values)
