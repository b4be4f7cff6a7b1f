from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.executors import reuse
from ci.model import Network, Status, StepRun
from ci.stages import integration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Check, Execution, Plan
    from ci.stages.context import Context

    Workspace = Callable[..., Context]

TEST = 'import { it } from "vitest";\nit("works", () => {});\n'
PROJECTS = "export default { test: { projects: [{ test: { name: 'unit' } }, { test: { name: 'integration' } }] } };"


def member(name: str, **scripts: str) -> Mapping[str, Any]:
    return {"name": name, "scripts": scripts, "devDependencies": {"vitest": "4.1.12"}}


def commands(check: Check) -> list[tuple[str, ...]]:
    """A check's commands without our report options."""
    ours = ("--reporter", "--outputFile", "--includeTaskLocation")
    return [tuple(word for word in step.argv if not word.startswith(ours)) for step in check.steps]


def only(plan: Plan) -> Check:
    (check,) = plan.checks
    return check


def test_a_script_called_so_runs_after_the_migration(context: Workspace) -> None:
    scripts = {
        "test:integration": "docker compose up -d && DATABASE_URL=postgres://x/x NODE_ENV=test vitest run -c int.ts",
        "db:migrate": "node migrate.ts",
    }
    check = only(integration.plan(context({"package.json": member("root", **scripts)})))
    assert check.id == "integration/vitest@."
    assert commands(check) == [("node", "migrate.ts"), ("vitest", "run", "-c", "int.ts")]
    assert check.steps[1].environment == {"NODE_ENV": "test"}
    assert check.why.endswith("migrated by package.json scripts.db:migrate")


def test_what_runs_before_the_tests_gets_our_database_too(context: Workspace) -> None:
    script = "DATABASE_URL=postgres://x/x MODE=test node seed.ts && vitest run"
    check = only(integration.plan(context({"package.json": member("root", **{"test:integration": script})})))
    assert commands(check) == [("node", "seed.ts"), ("vitest", "run")]
    assert check.steps[0].environment == {"MODE": "test"}


def test_without_a_script_the_vitest_project_called_so_runs(context: Workspace) -> None:
    files = {"package.json": member("root", test="vitest run --silent"), "vitest.config.ts": PROJECTS}
    check = only(integration.plan(context(files)))
    assert commands(check) == [("vitest", "run", "--silent", "--project=integration")]
    assert "the database is empty" in check.why


def test_without_a_project_the_files_called_so_run(context: Workspace) -> None:
    files = {
        "package.json": member("root", test="pnpm -r test"),
        "packages/a/package.json": member("a", test="vitest run"),
        "packages/a/x.test.ts": TEST,
        "packages/a/y.integration.test.ts": TEST,
    }
    check = only(integration.plan(context(files)))
    assert check.id == "integration/vitest@packages/a"
    assert commands(check) == [("vitest", "run", "y.integration.test.ts")]


def test_a_configuration_called_so_is_used(context: Workspace) -> None:
    files = {
        "package.json": member("root", test="vitest run"),
        "vitest.config.integration.ts": "export default { test: { include: ['**/*.int.test.ts'] } };",
        "x.int.test.ts": TEST,
    }
    check = only(integration.plan(context(files)))
    assert commands(check) == [("vitest", "run", "--config=vitest.config.integration.ts")]


def test_packages_with_integration_tests_are_one_check(context: Workspace) -> None:
    files = {
        "packages/a/package.json": member("a", **{"test:integration": "vitest run int"}),
        "packages/b/package.json": member("b", **{"test:integration": "vitest run int"}),
    }
    check = only(integration.plan(context(files)))
    assert check.id == "integration/vitest@."
    assert [step.cwd for step in check.steps] == ["packages/a", "packages/b"]
    assert "--outputFile.json=${SHIPWAY_OUT}/vitest-1.json" in check.steps[1].argv


def test_a_migration_in_the_script_runs_once(context: Workspace) -> None:
    scripts = {
        "test:integration": "pnpm db:migrate && vitest run",
        "db:migrate": "prisma migrate deploy",
    }
    check = only(integration.plan(context({"package.json": member("root", **scripts)})))
    assert commands(check) == [("prisma", "migrate", "deploy"), ("vitest", "run")]


def test_a_playwright_suite_called_integration_is_not_ours(context: Workspace) -> None:
    scripts = {"test:integration": "playwright test"}
    plan = integration.plan(context({"package.json": {"name": "root", "scripts": scripts}}))
    assert plan.checks == ()


def test_nothing_of_the_kind_is_a_skipped_stage_with_its_reason(context: Workspace) -> None:
    plan = integration.plan(context({"package.json": member("root", test="vitest run")}))
    assert plan.checks == ()
    assert plan.skips[0].name is None
    assert plan.skips[0].reason == "no integration tests: no script, Vitest project or file is called so"
    assert plan.skips[1].reason.startswith("not configured: set [stages.integration.rls]")


def test_settings_give_projects_variables_secrets_and_a_migration(context: Workspace) -> None:
    settings = """
[stages.integration]
projects = ["db"]
migrate = ["pnpm", "db:up"]
env = { MODE = "test" }
secrets = { API_KEY = "env://API_KEY" }
database_variables = { APP_DB = "role", OWNER_DB = "owner" }
rls = { role = "web", set_tenant = "select set_config('app.tenant', :tenant, true)" }
"""
    tests, policies = integration.plan(context({"package.json": member("root")}, settings=settings)).checks
    assert commands(tests) == [("pnpm", "db:up"), ("vitest", "run", "--project=db")]
    assert (tests.environment, tests.secrets) == ({"MODE": "test"}, ("API_KEY",))
    (service,) = tests.services
    assert service.roles == ("web",)
    assert service.environment["APP_DB"] == "postgres://web:{password}@{host}:{port}/app"
    assert service.environment["OWNER_DB"] == service.environment["DATABASE_URL"]
    assert service.environment["PGDATABASE"] == "app"
    assert policies.id == "integration/rls@."


NEON = """
[environments.development.neon]
project = "shiny-wind-028834"
token = "env://NEON_API_KEY"
"""
RLS = "[stages.integration.rls]\nrole = 'web'\nset_tenant = ':tenant'\n"


def test_with_neon_connected_each_check_has_a_branch_and_no_server_is_brought(context: Workspace) -> None:
    scripts = {"test:integration": "vitest run", "db:migrate": "DATABASE_URL=postgres://x/y node migrate.ts"}
    files = {"package.json": member("root", **scripts)}
    alone = integration.plan(context(files, settings=RLS))
    connected = integration.plan(context(files, settings=RLS + NEON))
    assert len(connected.checks) == 2
    for check, before in zip(connected.checks, alone.checks, strict=True):
        (service,) = check.services
        assert (service.name, service.roles, service.database) == ("neon", ("web",), "neondb")
        assert set(before.services[0].environment) < set(service.environment)
        assert (service.environment["DATABASE_URL"], service.environment["APP_DATABASE_URL"]) == (
            "{owner}",
            "{application}",
        )
        assert (check.network, before.network) == (Network.OUTSIDE, Network.LOOPBACK)
        assert "postgres" not in check.toolchain.tools
        assert check.steps == before.steps


def test_another_project_branch_or_role_is_another_result_and_another_token_is_not(context: Workspace) -> None:
    files = {"package.json": member("root", **{"test:integration": "vitest run"})}

    def key(settings: str) -> str:
        check = only(integration.plan(context(files, settings=settings)))
        return reuse.keys((dataclasses.replace(check, needs=()),), {})[check.id]

    more = ("", NEON, NEON.replace("028834", "1"), f'{NEON}parent = "tests"', f'{NEON}role = "other"')
    assert len({key(settings) for settings in more}) == len(more)
    assert key(NEON.replace("env://NEON_API_KEY", "file://key")) == key(NEON)


@pytest.fixture
def migrated(context: Workspace) -> Check:
    settings = '[stages.integration]\nrequire = ["metering"]\n'
    scripts = {"test:integration": "vitest run", "db:migrate": "node migrate.ts"}
    files = {"package.json": member("root", **scripts), "packages/db/migrations/0002_more.sql": ""}
    return only(integration.plan(context(files, settings=settings)))


def test_a_postgres_that_does_not_start_is_an_error(migrated: Check, executed: Callable[..., Execution]) -> None:
    server = StepRun(
        argv=("shipway-postgres", "--port", "5432"),
        cwd=".",
        seconds=1,
        exit_code=1,
        output="shipway-postgres: port 5432 of 127.0.0.1 cannot be had: Address already in use\n",
        background=True,
    )
    execution = executed(migrated, codes=())
    verdict = migrated.judge(type(execution)(steps=(server,)))
    assert verdict.status is Status.ERROR
    assert verdict.reason == "Postgres could not be had: port 5432 of 127.0.0.1 cannot be had: Address already in use"


def test_a_migration_that_fails_is_a_failure_at_its_line(migrated: Check, executed: Callable[..., Execution]) -> None:
    output = (
        'applying 0001_users.sql\nerror: relation "users" already exists\n'
        "    at /workspace/packages/db/migrations/0002_more.sql:7\n"
    )
    verdict = migrated.judge(executed(migrated, codes=(1,), outputs=(output,)))
    assert (verdict.status, verdict.reason) == (Status.FAILED, 'migration failed: relation "users" already exists')
    assert (verdict.failures[0].file, verdict.failures[0].line) == ("packages/db/migrations/0002_more.sql", 7)


def test_a_required_suite_must_have_run(migrated: Check, executed: Callable[..., Execution]) -> None:
    def report(block: str, status: str) -> bytes:
        test = {"ancestorTitles": [block], "title": "x", "status": status, "failureMessages": []}
        return json.dumps({"testResults": [{"name": "/workspace/a.ts", "assertionResults": [test]}]}).encode()

    for block, status, expected in (
        ("Metering", "passed", Status.PASSED),
        ("metering", "skipped", Status.FAILED),
        ("receipts", "passed", Status.FAILED),
    ):
        files = {"vitest-0.json": report(block, status)}
        assert migrated.judge(executed(migrated, files=files)).status is expected
