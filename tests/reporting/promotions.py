"""Sample reports of promotions, with the rulings that real gates make."""

from __future__ import annotations

from dataclasses import replace

from ci.gates import budget, error_rate, migrations, soak
from ci.model import (
    AppChange,
    FlowStepRun,
    NewCommit,
    NewMigration,
    ReleaseNotes,
    Ruling,
    RunReport,
    RunVerdict,
    Status,
)

EXPAND = "-- shipway: phase=expand\nalter table receipts add column note text;"


PAGE = "https://github.com/acme/receipts"
SERVED, NEW = "9d1e5a7c3b2f40418c6d7e8f9a0b1c2d3e4f5a6b", "3f2a1c9d7e4b8a6f5c0d1e2f3a4b5c6d7e8f9a0b"
NOTES = ReleaseNotes(
    since=(SERVED,),
    commits=(
        NewCommit(
            sha=NEW,
            subject="Receipts may carry a note (#218)",
            author="Grace Hopper",
            brings=4,
            link=f"{PAGE}/commit/{NEW}",
        ),
        NewCommit(
            sha="77" * 20,
            subject="The list of receipts is sorted by the day of the purchase, and by the moment of the upload "
            "where two were bought on one day",
            author="Ada Lovelace",
            link=f"{PAGE}/commit/{'77' * 20}",
        ),
    ),
    total=13,
    more=7,
    apps=(
        AppChange(app="api", since=SERVED, changed=True, reason="apps/api/src/receipts.ts changed"),
        AppChange(app="web", since=SERVED, changed=False, reason="nothing that it is built from changed"),
    ),
    migrations=(NewMigration(name="0007_note.sql", phase="expand"), NewMigration(name="0008_odd.sql")),
    link=f"{PAGE}/compare/{SERVED}...{NEW}",
)


def make_promotion() -> RunReport:
    """A promotion to production with its soak accepted and one step done before."""
    steps = (
        FlowStepRun(name="evidence", status=Status.PASSED, seconds=0.4),
        FlowStepRun(name="gates", status=Status.PASSED, seconds=3.2),
        FlowStepRun(name="build web", status=Status.SKIPPED, reason="done before"),
        FlowStepRun(name="migrate", status=Status.PASSED, seconds=1.3),
        FlowStepRun(name="flip web and api", status=Status.PASSED, seconds=2.8),
        FlowStepRun(name="watch", status=Status.PASSED, seconds=301.0),
    )
    rulings = (
        budget.rule(budget.BudgetObserved(seconds=312.4), environment="production"),
        migrations.rule(
            migrations.MigrationsObserved(pending=(migrations.Pending(name="0007_note.sql", sql=EXPAND),)),
            environment="production",
        ),
        soak.rule(
            soak.SoakObserved(
                commit="3f2a1c9d", now=900, servings=(soak.Serving(commit="3f2a1c9d", since=100, carries=True),)
            ),
            environment="staging",
        ),
        watched(errors=(0, 0, 1, 1, 1)),
    )
    return flow_report(steps, rulings)


def make_refused() -> RunReport:
    """A promotion that a gate ended after the flip: errors went up; the database was out of reach at the end."""
    rulings = (*make_promotion().rulings[:2], watched(errors=(3, 9, 17, 25, 41)))
    steps = (
        *make_promotion().steps[:5],
        FlowStepRun(name="watch", status=Status.FAILED, seconds=152.1, reason=f"error_rate: {rulings[-1].reason}"),
        FlowStepRun(name="roll back", status=Status.PASSED, seconds=4.1),
        FlowStepRun(name="tell everybody", status=Status.ERROR, seconds=30.0, reason="Resend cannot be reached"),
    )
    command = "shipway diagnose --env production"
    return flow_report(steps, rulings, verdict=RunVerdict.FAILED, seconds=197.0, command=command)


def watched(errors: tuple[int, ...]) -> Ruling:
    """Return the ruling on so many errors at each look, a minute apart."""
    looks = tuple(
        error_rate.Look(after=60.0 * n, errors=each, users=each, exposure=1.0 * n, requests=180 * n)
        for n, each in enumerate(errors, 1)
    )
    baseline = error_rate.Baseline(errors=12, exposure=60.0)
    observed = error_rate.ErrorRateObserved(source="Sentry spans", unit="minutes", baseline=baseline, looks=looks)
    return error_rate.rule(observed, environment="production")


def flow_report(steps: tuple[FlowStepRun, ...], rulings: tuple[Ruling, ...], **more: object) -> RunReport:
    """Return the report of a promotion to production, which runs no stages of its own."""
    made = RunReport(
        id="20261125-150411-90bc",
        kind="promotion",
        tool="shipway 0.1.0",
        repository="receipts",
        started="2026-11-25T15:04:11+00:00",
        verdict=RunVerdict.PASSED,
        seconds=309.0,
        executor="",
        executor_reason="",
        isolation=(),
        slots=0,
        stages=(),
        environment="production",
        commit=NEW,
        branch="main",
        command="shipway status",
        steps=steps,
        rulings=rulings,
        release_notes=NOTES,
    )
    return replace(made, **more)  # type: ignore[arg-type]
