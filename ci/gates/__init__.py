"""Gates: each a pure ruling over recorded values. No clock, no network, no vendor: what they need is handed to them.

before a promotion
    evidence.py     a whole green report for exactly this commit
    budget.py       the pipeline's seconds
    isolation.py    environments share nothing that they may not share
    migrations.py   phases: expand, data, contract; whether a rollback can go back across them.
                    phases.py reads a whole migration, statements.py each statement (by Postgres' own parser),
                    tables.py the parts of an ALTER TABLE, rows.py what touches rows; effects.py: what
                    any of them does to served code
in it
    benchmarks.py   candidate beside current; paired.py: the interval of a ratio
    extraction.py   the product's AI on sample documents
    smoke.py        the seven points
    soak.py         how long staging was used with it
after it
    monitor.py      whether zero errors mean anything
    error_rate.py   errors against the baseline, exactly and literally
    new_errors.py   error types that are new
    slo.py          requests slower than their target; binomial.py: exact tails

of a fix
    tier.py         how far it may go; changes.py: what it does to each file. refusals.py: what none may do, places.py:
                    where it needs a person, dependencies.py: what it lets run at install, formatting.py: what changes
                    looks alone, lookalikes.py: names that look like others; contents.py: what changed lines are about,
                    reach.py: what new ones reach for beyond their program;
                    lexemes.py: code as the words it is made of, in one spelling
    integrity.py    whether it makes the code right; denials.py: what makes a check say less, numbers.py: limits,
                    patterns.py: patterns put together, silencing.py: what silences a tool, swallowing.py: an error,
                    knowing.py: source that knows that it is tested, judges.py: tests that are none by their names

recording.py    how an observation is written into a ruling
replay.py       a ruling made again from what was recorded

A gate is a frozen observation and `rule(observed, *, environment)`. The same observation gives the same ruling, always.
Limits that can be set are part of the observation, so that a report is replayed by those that it was ruled by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci.gates import (
    benchmarks,
    budget,
    error_rate,
    evidence,
    extraction,
    integrity,
    isolation,
    migrations,
    monitor,
    new_errors,
    slo,
    smoke,
    soak,
    tier,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Ruling

# What a gate looks at, and what it says to that.
GATES: Mapping[str, tuple[type[Any], Callable[..., Ruling]]] = {
    "benchmarks": (benchmarks.BenchmarksObserved, benchmarks.rule),
    "budget": (budget.BudgetObserved, budget.rule),
    "error_rate": (error_rate.ErrorRateObserved, error_rate.rule),
    "evidence": (evidence.EvidenceObserved, evidence.rule),
    "extraction": (extraction.ExtractionObserved, extraction.rule),
    "integrity": (integrity.IntegrityObserved, integrity.rule),
    "isolation": (isolation.IsolationObserved, isolation.rule),
    "migrations": (migrations.MigrationsObserved, migrations.rule),
    "monitor": (monitor.MonitorObserved, monitor.rule),
    "new_errors": (new_errors.NewErrorsObserved, new_errors.rule),
    "slo": (slo.SloObserved, slo.rule),
    "smoke": (smoke.SmokeObserved, smoke.rule),
    "soak": (soak.SoakObserved, soak.rule),
    "tier": (tier.TierObserved, tier.rule),
}
