"""Reports and refusals made into facts: what is broken, where it points, since when."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from ci import outcome
from ci.diagnosis.bounds import UNKNOWN, Since, bounds
from ci.diagnosis.facts import FACTS
from ci.diagnosis.places import Tree
from ci.diagnosis.triage import of_refusal, of_report
from ci.gates import new_errors, smoke
from ci.model import CheckRun, Failure, HistoryEntry, RunReport, RunVerdict, Status

if TYPE_CHECKING:
    from ci.diagnosis.facts import Facts

TREE = Tree(
    files=frozenset({
        "package.json", "apps/api/src/routes/receipts.ts", "apps/api/test/receipts.test.ts", "apps/web/src/App.tsx",
        "packages/db/src/receipts.ts", "packages/db/migrations/0003_receipts.sql", "packages/core/src/money.ts",
        "packages/core/test/money.test.ts", "apps/api/src/(group)/[id]/page.tsx",
    }),
    packages=(".", "apps/api", "apps/web", "packages/core", "packages/db"),
)  # fmt: skip


def red(*failures: Failure, stage: str = "unit", name: str = "vitest", package: str = ".") -> CheckRun:
    return CheckRun(
        stage=stage, name=name, package=package, status=Status.FAILED, reason="1 test failed", failures=failures
    )


def report(*checks: CheckRun) -> RunReport:
    return RunReport(
        id="r",
        kind="run",
        tool="shipway 0",
        repository="receipts",
        started="2026-11-28T00:00:00Z",
        verdict=RunVerdict.FAILED,
        seconds=1,
        executor="host",
        executor_reason="",
        isolation=(),
        slots=1,
        stages=outcome.stage_runs(checks, ()),
        commit="c" * 40,
    )


def facts(*checks: CheckRun, since: Since = UNKNOWN) -> Facts:
    return of_report(report(*checks), incident="main-cccccccccccc", tree=TREE, since=since)


ADDS = Failure(
    message="expected 3 to be 4",
    file="packages/core/src/money.ts",
    line=7,
    test="adds",
    test_id="packages/core/test/money.test.ts > adds",
    detail="AssertionError\n at sum (packages/core/src/money.ts:7:3)\n at packages/core/test/money.test.ts:3:1",
)


def test_a_failed_test_is_told_by_its_id_and_points_at_its_sources_first() -> None:
    told = facts(red(ADDS))
    assert (told.what, told.commit, told.environment) == ("unit", "c" * 40, "main")
    assert told.broken[0].tests == ("packages/core/test/money.test.ts > adds",)
    assert told.files == ("packages/core/src/money.ts", "packages/core/test/money.test.ts")
    assert (told.packages, told.owner) == (("packages/core",), "packages/core")


def test_facts_come_back_from_the_journal_as_they_were() -> None:
    told = facts(red(ADDS))
    assert FACTS.validate_json(FACTS.dump_json(told)) == told


def test_what_waits_for_something_red_is_not_broken() -> None:
    waiting = CheckRun(stage="unit", name="vitest", package=".", status=Status.SKIPPED, blocked=True)
    told = facts(red(ADDS, stage="typecheck", name="tsc"), waiting)
    assert [each.check for each in told.broken] == ["typecheck/tsc@."]


@pytest.mark.parametrize(
    ("said", "files"),
    [
        ("packages/db/src/receipts.ts(3,7): error TS2339", ("packages/db/src/receipts.ts",)),
        ("at /packages/db/src/receipts.ts:3:7", ("packages/db/src/receipts.ts",)),
        ("imported from ./packages/db/src/receipts.ts", ("packages/db/src/receipts.ts",)),
        ("src/routes/receipts.ts: unused", ("apps/api/src/routes/receipts.ts",)),
        ("0003_receipts.sql failed; packages/db/migrations/0003_receipts.sql:9", (
            "packages/db/migrations/0003_receipts.sql",
        )),
        ("at page (apps/api/src/(group)/[id]/page.tsx:1:1)", ("apps/api/src/(group)/[id]/page.tsx",)),
        ("packages/db/src/gone.ts and node_modules/x/index.js and ../../etc/passwd", ()),
    ],
)  # fmt: skip
def test_files_are_found_in_what_is_said_where_the_repository_has_them(said: str, files: tuple[str, ...]) -> None:
    for failure in (Failure(message=said), Failure(message="it failed", detail=said)):
        assert facts(red(failure, package="apps/api")).files == files


def test_a_failure_that_names_no_file_belongs_to_the_package_of_its_check() -> None:
    told = facts(red(Failure(message="exit code 1"), package="apps/web"))
    assert (told.files, told.packages, told.owner) == ((), ("apps/web",), "apps/web")
    assert facts(red(Failure(message="exit code 1"))).packages == (".",)


def test_the_owner_is_whose_files_changed_even_where_the_failure_does_not_name_it() -> None:
    failure = dataclasses.replace(
        ADDS, file="apps/api/test/receipts.test.ts", test_id="apps/api/test/receipts.test.ts > a", detail=None
    )
    told = facts(red(failure), since=Since(good="a" * 40, changed=("packages/db/src/receipts.ts", "package.json")))
    assert (told.packages, told.owner) == (("apps/api",), "packages/db")
    assert told.suspects == ("packages/db/src/receipts.ts", "package.json")


def test_a_signature_stays_at_another_line_and_on_another_day_and_in_any_order() -> None:
    again = dataclasses.replace(ADDS, message="expected 5 to be 6", line=70, detail="other")
    beside = dataclasses.replace(ADDS, test="zero", test_id="packages/core/test/money.test.ts > zero")
    assert facts(red(ADDS)).signature == facts(red(again)).signature
    assert facts(red(ADDS, beside)).signature == facts(red(beside, again)).signature


def test_a_signature_is_another_one_for_another_test_rule_file_and_stage() -> None:
    rule = Failure(message="'x' is not used", file="apps/web/src/App.tsx", rule="no-unused-vars")
    elsewhere = dataclasses.replace(rule, file="packages/core/src/money.ts")
    told = [
        facts(red(ADDS)),
        facts(red(ADDS, stage="integration")),
        facts(red(dataclasses.replace(ADDS, test_id="packages/core/test/money.test.ts > takes"))),
        facts(red(rule, stage="lint", name="eslint")),
        facts(red(elsewhere, stage="lint", name="eslint")),
        facts(red(dataclasses.replace(rule, rule="eqeqeq"), stage="lint", name="eslint")),
    ]
    assert len({each.signature for each in told}) == len(told)


def refused(observed: smoke.SmokeObserved) -> Facts:
    return of_refusal(
        incident="f",
        environment="staging",
        commit="c" * 40,
        step="smoke",
        reason="no",
        rulings=(smoke.rule(observed, environment="staging"),),
        tree=TREE,
    )


def test_of_a_refused_smoke_each_failed_probe_is_told() -> None:
    probes = (
        smoke.Probe(name="closed", passed=False, expected=401, status=200),
        smoke.Probe(name="sign-in", passed=True, expected=200, status=200),
    )
    told = refused(smoke.SmokeObserved(points=(smoke.Point(name="auth", probes=probes),)))
    (broken,) = told.broken
    assert (told.what, broken.check, broken.stage) == ("smoke", "smoke", "smoke")
    assert [(each.test, each.message) for each in broken.failures] == [
        ("auth: closed", "answered 200, expected 401"),
    ]
    assert [ruling.gate for ruling in told.rulings] == ["smoke"]


def test_new_kinds_of_errors_are_told_by_their_titles_and_where_they_point() -> None:
    title = "TypeError: total is undefined at apps/api/src/routes/receipts.ts"
    kinds = tuple(
        new_errors.ErrorType(title=each, first_seen=9, release="c", events=events, users=3)
        for each, events in ((title, 5), ("rare", 1))
    )
    observed = new_errors.NewErrorsObserved(deployed=1, release="c", types=kinds)
    told = of_refusal(
        incident="f",
        environment="production",
        commit="c" * 40,
        step="watch",
        reason="no",
        rulings=(new_errors.rule(observed, environment="production"),),
        tree=TREE,
    )
    assert [each.message for each in told.broken[0].failures] == [title]
    assert told.packages == ("apps/api",)


def test_a_gate_that_says_yes_is_no_fact_and_a_red_run_of_tests_comes_first() -> None:
    observed = smoke.SmokeObserved(points=())
    told = of_refusal(
        incident="f",
        environment="staging",
        commit="c" * 40,
        step="tier 2",
        reason="1 test failed",
        rulings=(smoke.rule(observed, environment="staging"),),  # NODATA
        tree=TREE,
        report=report(red(ADDS, stage="e2e", name="tier-2", package="apps/web")),
    )
    assert [each.check for each in told.broken] == ["e2e/tier-2@apps/web"]
    assert told.rulings == ()


def ran(commit: str, **stages: str) -> HistoryEntry:
    verdict = "failed" if "failed" in stages.values() else "passed"
    return HistoryEntry(id=commit, started="", verdict=verdict, seconds=1, commit=commit, stages=stages)


MAIN = ("e", "d", "c", "b", "a")


@pytest.mark.parametrize(
    ("runs", "good", "bad"),
    [
        ({"e": "failed", "d": "failed", "b": "passed"}, "b", "d"),
        ({"e": "failed", "d": "passed"}, "d", "e"),
        ({"e": "failed"}, None, None),
        ({"e": "failed", "d": "failed", "c": "flaky", "b": "failed", "a": "passed"}, "c", "d"),
        ({"e": "failed", "d": "skipped", "c": "passed"}, "c", "e"),
        ({"d": "failed", "a": "passed"}, "a", "d"),
        ({"a": "passed"}, "a", None),
    ],
)
def test_the_last_good_commit_and_the_first_bad_one_are_those_that_runs_speak_of(
    runs: dict[str, str], good: str | None, bad: str | None
) -> None:
    looked = {commit: (ran(commit, lint="passed", unit=status),) for commit, status in runs.items()}
    assert bounds("e", "unit", MAIN, looked) == Since(good=good, first_bad=bad)


def test_of_two_runs_of_a_commit_the_newer_one_counts_and_what_lies_behind_is_not_asked() -> None:
    looked = {"e": (ran("e", unit="failed"),), "d": (ran("d", unit="passed"), ran("d", unit="failed"))}
    assert bounds("e", "unit", MAIN, looked) == Since(good="d", first_bad="e")
    assert bounds("d", "unit", MAIN, looked | {"e": (ran("e", unit="passed"),)}) == Since()
    assert bounds("x", "unit", MAIN, looked) == Since()


def test_where_no_stage_said_no_a_whole_run_counts() -> None:
    looked = {"e": (ran("e", unit="passed", lint="failed"),), "d": (ran("d", unit="passed"),)}
    assert bounds("e", "smoke", MAIN, looked) == Since(good="d", first_bad="e")
