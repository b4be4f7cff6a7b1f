"""The history of a product's runs, and what the last green run on main measured."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci import outcome
from ci.journal.tables import RUNS
from ci.model import HistoryEntry, Measure, RunReport, RunVerdict, written

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.engine import Row

    from ci.journal.store import Store

KEPT = 500
MAIN = ("main", "master")


class Runs:
    """All runs, of all environments. Only `record` takes the lock that keeps other runs waiting."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store

    def history(self, limit: int = 49) -> tuple[HistoryEntry, ...]:
        """Return the last runs, oldest first."""
        query = sql.select(RUNS).order_by(RUNS.c.started.desc(), RUNS.c.id.desc()).limit(limit)
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(map(_entry, reversed(rows)))

    def of_commits(self, commits: Collection[str]) -> Mapping[str, tuple[HistoryEntry, ...]]:
        """Return the clean runs of each commit, the newest first; a commit without any is left out."""
        query = (
            sql.select(RUNS)
            .where(RUNS.c.commit_sha.is_not(None), RUNS.c.dirty == sql.false())
            .order_by(RUNS.c.started.desc(), RUNS.c.id.desc())
        )
        with self._store.reading() as connection:  # 500 runs at most: fewer than a query may name commits
            rows = connection.execute(query).all()
        wanted = frozenset(commits)
        found: dict[str, list[HistoryEntry]] = {}
        for row in rows:
            if row.commit_sha in wanted:
                found.setdefault(row.commit_sha, []).append(_entry(row))
        return {commit: tuple(entries) for commit, entries in found.items()}

    def was_green(self, commit: str, *, since: float, like: str) -> bool:
        """Whether a clean run of a commit was green, or any since a moment on the branch where another one was run."""
        branches = sql.select(RUNS.c.branch).where(RUNS.c.commit_sha == like, RUNS.c.branch.is_not(None))
        later = RUNS.c.branch.in_(branches) & (RUNS.c.started >= written(since))
        green = (RUNS.c.verdict == RunVerdict.PASSED.value) & (RUNS.c.dirty == sql.false())
        with self._store.reading() as connection:
            query = sql.select(RUNS.c.id).where(green & ((RUNS.c.commit_sha == commit) | later))
            return connection.execute(query).first() is not None

    def baseline(self) -> Mapping[tuple[str, str, str], Measure]:
        """Return what green, clean runs of all stages on main measured last, by (kind, group, name).

        A run that measured less than those before it, for an app was not served, takes nothing away.
        """
        query = (
            sql.select(RUNS.c.measures)
            .where(
                RUNS.c.verdict == RunVerdict.PASSED.value,
                RUNS.c.dirty == sql.false(),
                RUNS.c.branch.in_(MAIN),
                RUNS.c.measures != "[]",
            )
            .order_by(RUNS.c.started.desc(), RUNS.c.id.desc())
        )
        with self._store.reading() as connection:
            rows = connection.execute(query).scalars().all()
        found: dict[tuple[str, str, str], dict[str, Any]] = {}
        for measure in (each for row in rows for each in json.loads(row)):
            found.setdefault((measure["kind"], measure["group"], measure["name"]), measure)
        return {key: Measure(**measure) for key, measure in found.items()}

    def record(self, report: RunReport, *, whole: bool = True) -> None:
        """Add a run, and forget those that are older than the last 500.

        One that was not asked for all stages (`whole`) is no baseline: what it did not look at may be red.
        """
        entry = outcome.entry(report)
        checks = [check for stage in report.stages for check in stage.checks]
        row = {
            "id": entry.id,
            "kind": report.kind,
            "started": entry.started,
            "verdict": entry.verdict,
            "seconds": entry.seconds,
            "commit_sha": entry.commit,
            "branch": None if report.pull_request else report.branch,  # a fork's main is not ours
            "dirty": report.dirty,
            "stages": json.dumps(dict(entry.stages)),
            "flaky": json.dumps(entry.flaky),
            "measures": json.dumps(
                [dataclasses.asdict(measure) for check in checks for measure in check.measures if whole]
            ),
        }
        kept = sql.select(RUNS.c.id).order_by(RUNS.c.started.desc()).limit(KEPT)
        with self._store.writing() as connection:
            connection.execute(sql.insert(RUNS).values(row))
            connection.execute(sql.delete(RUNS).where(RUNS.c.id.not_in(kept)))


def _entry(row: Row[Any]) -> HistoryEntry:
    return HistoryEntry(
        id=row.id,
        started=row.started,
        verdict=row.verdict,
        seconds=row.seconds,
        commit=row.commit_sha,
        stages=json.loads(row.stages),
        flaky=tuple(json.loads(row.flaky)),
    )
