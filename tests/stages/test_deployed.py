from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Network, Reuse, Status
from ci.stages import database, deployed, preparation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Check, Execution, Plan
    from ci.stages.context import Context

    Workspace = Callable[..., Context]
    Recorded = Callable[[str], bytes]

SPEC = 'import { test } from "@playwright/test";\ntest("counts", { tag: "@tier2" }, async () => {});\n'
ADDRESS = "https://candidate.example"


def files(script: str = "playwright test", spec: str = SPEC) -> Mapping[str, Any]:
    return {
        "apps/site/package.json": {
            "name": "site",
            "scripts": {"test:e2e": script, "build": "vite build"},
            "devDependencies": {"@playwright/test": "1.65.1", "vite": "7.0.0"},
        },
        "apps/site/playwright.config.ts": 'export default { testDir: "e2e" };\n',
        "apps/site/e2e/counter.spec.ts": spec,
        "packages/db/package.json": {"name": "db", "scripts": {"db:migrate": "node migrate.js"}},
    }


def tier(context: Context, *, require: tuple[str, ...] = ()) -> Plan:
    return deployed.tier(context, "tier-2", variable="BASE_URL", address=ADDRESS, tags=("@tier2",), require=require)


def test_tests_of_a_tier_go_to_the_address_and_nothing_is_built_or_served_for_them(context: Workspace) -> None:
    plan = tier(context(files(), settings='[stages.e2e]\ndatabase = true\nenv = { MODE = "x" }\n'))
    check = plan.checks[-1]
    assert [each.name for each in plan.checks] == ["pnpm", "tier-2"]
    assert check.environment == {"MODE": "x", "BASE_URL": ADDRESS}
    assert (check.network, check.reuse, check.services) == (Network.OUTSIDE, Reuse.NEVER, ())
    argv = check.steps[-1].argv
    assert argv[argv.index("--tags") + 1] == "@tier2"


def test_a_script_that_chooses_its_own_tests_does_not_choose_those_of_a_tier(context: Workspace) -> None:
    (*_, check) = tier(context(files("playwright test --grep @tier1 --project=chromium -g x"))).checks
    argv = check.steps[-1].argv
    assert argv[argv.index("--") + 1 :] == ("--project=chromium",)
    assert argv[argv.index("--tags") + 1] == "@tier2"


def test_where_no_test_has_the_tag_nothing_is_run_and_it_is_said(context: Workspace) -> None:
    plan = tier(context(files(spec=SPEC.replace("@tier2", "@slow"))))
    assert (plan.checks, plan.skips[0].reason) == ((), "no test has the tag @tier2")


@pytest.mark.parametrize(("require", "status"), [(("counter",), Status.PASSED), (("metering",), Status.FAILED)])
def test_a_required_suite_must_have_run_a_test(
    context: Workspace,
    executed: Callable[..., Execution],
    recorded: Recorded,
    require: tuple[str, ...],
    status: Status,
) -> None:
    (*_, check) = tier(context(files()), require=require).checks
    done = executed(check, files={"playwright.json": recorded("playwright-green.json")}, codes=(0,))
    verdict = check.judge(done)
    assert verdict.status is status
    assert (verdict.reason or "").endswith("ran no test") is (status is Status.FAILED)


def migration(context: Context, command: tuple[str, ...] | None = None) -> Plan:
    return deployed.migration(
        context, variable="DATABASE_URL", command=command, timeout=7, environment={"PGOPTIONS": "-c x=1"}
    )


def test_a_migration_gets_the_url_as_a_secret_and_is_never_taken_from_cache(context: Workspace) -> None:
    check: Check = migration(context(files()), ("node", "migrate.js")).checks[-1]
    assert (check.secrets, check.reuse, check.network) == (("DATABASE_URL",), Reuse.NEVER, Network.OUTSIDE)
    assert [(step.argv, step.timeout) for step in check.steps] == [(("node", "migrate.js"), 7)]
    assert "DATABASE_URL" not in check.environment


def test_a_migration_that_fails_says_what_the_database_said(
    context: Workspace, executed: Callable[..., Execution]
) -> None:
    check = migration(context(files()), ("node", "migrate.js")).checks[-1]
    done = executed(check, codes=(1,), outputs=("error: canceling statement due to lock timeout",))
    verdict = check.judge(done)
    assert (verdict.status, verdict.reason) == (
        Status.FAILED,
        "migration failed: canceling statement due to lock timeout",
    )
    assert check.judge(executed(check, codes=(0,))).status is Status.PASSED


def test_where_no_command_is_found_nothing_is_run_and_it_is_said(context: Workspace) -> None:
    some = {name: value for name, value in files().items() if not name.startswith("packages/db")}
    plan = migration(context(some))
    assert plan.checks == ()
    assert plan.skips[0].reason.startswith("no migration command is found")


def test_a_database_that_is_migrated_already_is_not_migrated_again(context: Workspace) -> None:
    made = preparation.prepare(context(files()))
    assert database.find_migration(made).steps
    assert database.find_migration(dataclasses.replace(made, migrated=True)).steps == ()
