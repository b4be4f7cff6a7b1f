from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Check, Skip, Status
from ci.stages import rls

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.model import Execution, Verdict
    from ci.stages.context import Context

SETTINGS = """
[stages.integration]
migrate = "make db"
[stages.integration.rls]
role = "web"
tenant_column = "org"
set_tenant = "select set_config('app.org', :tenant, true)"
seed = "db/seed.sql"
tenants = ["a", "b"]
exempt = { plans = "the same for all" }
"""
FILES = {"db/migrations/1.sql": "\ncreate table notes (org text);\n", "package.json": {"name": "root"}}


@pytest.fixture
def check(context: Callable[..., Context]) -> Check:
    planned = rls.plan(context(FILES, settings=SETTINGS), ())
    assert isinstance(planned, Check)
    return planned


@pytest.fixture
def judge(check: Check, executed: Callable[..., Execution]) -> Callable[..., Verdict]:
    def judged(**report: Any) -> Verdict:
        parts = ("tables", "role", "views", "functions", "problems", "errors", "notes")
        whole = {**{part: [] for part in parts}, **report}
        return check.judge(executed(check, files={"rls.json": json.dumps(whole).encode()}))

    return judged


def test_the_program_is_told_the_settings_and_nothing_else(check: Check) -> None:
    migrate, verify = check.steps
    assert migrate.argv == ("make", "db")
    assert json.loads(verify.environment["SHIPWAY_RLS_CONFIG"]) == {
        "role": "web",
        "tenant_column": "org",
        "set_tenant": "select set_config('app.org', :tenant, true)",
        "seed": "db/seed.sql",
        "tenants": ["a", "b"],
        "exempt": {"plans": "the same for all"},
    }
    assert check.services[0].roles == ("web",)


def test_unconfigured_is_skipped_and_says_what_to_set(context: Callable[..., Context]) -> None:
    skip = rls.plan(context(FILES), ())
    assert isinstance(skip, Skip)
    assert (skip.stage, skip.name) == ("integration", "rls")
    assert "[stages.integration.rls]" in skip.reason


def test_a_hole_is_a_failure_at_the_statement_that_made_the_table(judge: Callable[..., Verdict]) -> None:
    hole = {
        "table": "public.notes",
        "problem": "public.notes: A sees a row of B",
        "kind": "select",
        "command": "SELECT",
    }
    verdict = judge(problems=[hole], errors=["public.x: no row"])
    assert (verdict.status, verdict.reason) == (Status.FAILED, "1 hole in 1 table: public.notes: A sees a row of B")
    (failure, beside) = verdict.failures
    assert (failure.file, failure.line, failure.rule) == ("db/migrations/1.sql", 2, "rls/select")
    assert beside.message == "public.x: no row"


def test_a_hole_that_is_in_no_table_names_none(judge: Callable[..., Verdict]) -> None:
    hole = {"table": None, "problem": "set_tenant outlives its transaction", "kind": "session", "command": None}
    verdict = judge(problems=[hole])
    assert (verdict.status, verdict.reason) == (Status.FAILED, "1 hole: set_tenant outlives its transaction")


def test_a_view_that_leaks_is_told_once(judge: Callable[..., Verdict]) -> None:
    hole = {"table": "public.v", "problem": "public.v, a view, shows B", "kind": "view", "command": "SELECT"}
    verdict = judge(problems=[hole], views=[{"view": "public.v", "leaks": True, "message": "shows B"}])
    assert [failure.message for failure in verdict.failures] == ["public.v, a view, shows B"]
    assert verdict.notices == ()


def test_what_could_not_be_tried_is_an_error(judge: Callable[..., Verdict]) -> None:
    verdict = judge(errors=["public.notes: no row can be made to try it with: why"])
    assert verdict.status is Status.ERROR
    assert verdict.reason == "could not be verified: public.notes: no row can be made to try it with: why"


def test_green_names_what_is_exempt_and_was_seen_beside(judge: Callable[..., Verdict]) -> None:
    exempt = {"name": "exempt", "ok": True, "message": "exempt: the same for all"}
    verdict = judge(
        tables=[
            {"table": "public.notes", "checks": [{"name": "rls", "ok": True, "message": "enabled"}]},
            {"table": "public.plans", "checks": [exempt]},
        ],
        views=[{"view": "public.v", "leaks": False, "message": "a view: shows nothing"}],
        functions=[{"function": "public.f(x int)", "leaks": None, "message": "it takes arguments"}],
        notes=["web may TRUNCATE public.notes, which no policy holds back: revoke it"],
    )
    assert verdict.status is Status.PASSED
    assert verdict.notices == (
        "public.plans: exempt: the same for all",
        "public.v: a view: shows nothing",
        "public.f(x int): it takes arguments",
        "web may TRUNCATE public.notes, which no policy holds back: revoke it",
    )


def test_a_refusal_is_an_error_with_its_reason(check: Check, executed: Callable[..., Execution]) -> None:
    output = 'shipway-rls: the seed db/seed.sql cannot be used: relation "notes" does not exist\n'
    verdict = check.judge(executed(check, codes=(0, 1), outputs=("", output)))
    assert verdict.status is Status.ERROR
    assert verdict.reason == 'not verified: the seed db/seed.sql cannot be used: relation "notes" does not exist'
    assert verdict.failures[0].file == "db/seed.sql"


def test_exit_0_without_a_report_is_an_error(check: Check, executed: Callable[..., Execution]) -> None:
    assert check.judge(executed(check)).status is Status.ERROR


def test_a_migration_that_fails_is_a_failure(check: Check, executed: Callable[..., Execution]) -> None:
    verdict = check.judge(executed(check, codes=(2,), outputs=("ERROR: no such type",)))
    assert (verdict.status, verdict.reason) == (Status.FAILED, "migration failed: no such type")
