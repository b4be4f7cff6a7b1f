from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.stages import e2e, preparation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Check
    from ci.stages.context import Context

    Workspace = Callable[..., Context]

SPEC = 'import { test } from "@playwright/test";\ntest("works", async () => {});\n'
TAGGED = SPEC.replace('"works"', '"works @tier1"')
CONFIG = "export default {};\n"


def app(name: str = "web", **scripts: str) -> Mapping[str, Any]:
    return {"name": name, "scripts": scripts, "devDependencies": {"@playwright/test": "1.65.1"}}


def words(check: Check) -> tuple[str, ...]:
    """What is handed on to Playwright."""
    argv = check.steps[-1].argv
    return argv[argv.index("--") + 1 :]


def option(check: Check, name: str) -> str | None:
    argv = check.steps[-1].argv[: check.steps[-1].argv.index("--")]
    return argv[argv.index(name) + 1] if name in argv else None


def test_a_configuration_that_no_script_runs_is_run_all_the_same(context: Workspace) -> None:
    files = {
        "apps/web/package.json": app(),
        "apps/web/playwright.config.ts": CONFIG,
        "apps/web/e2e/a.spec.ts": SPEC,
    }
    (check,) = e2e.plan(context(files)).checks
    assert check.id == "e2e/playwright@apps/web"
    assert check.steps[-1].cwd == "apps/web"
    assert option(check, "--config") == "playwright.config.ts"
    assert "no script runs" in check.why
    assert check.repeat == "cd apps/web && pnpm exec playwright test"


def test_tier_1_is_what_has_its_tag_and_the_plan_says_so(context: Workspace) -> None:
    files = {
        "apps/web/package.json": app(e2e="playwright test"),
        "apps/web/playwright.config.ts": CONFIG,
        "apps/web/e2e/a.spec.ts": TAGGED,
    }
    (check,) = e2e.plan(context(files)).checks
    assert option(check, "--tags") == "@tier1,@critical"
    assert check.why.endswith("the tests with @tier1 or @critical")
    assert "--grep '@tier1|@critical'" in check.repeat


def test_a_longer_tag_is_another_tag(context: Workspace) -> None:
    files = {
        "apps/web/package.json": app(e2e="playwright test"),
        "apps/web/playwright.config.ts": CONFIG,
        "apps/web/e2e/a.spec.ts": TAGGED.replace("@tier1", "@tier10"),
    }
    (check,) = e2e.plan(context(files)).checks
    assert check.why.endswith("all of its tests, for none has a tag of tier 1")


def test_a_script_keeps_its_own_words_and_loses_those_that_wait_or_report(context: Workspace) -> None:
    script = "cross-env BASE_URL=http://localhost:1 playwright test -c e2e/pw.config.ts --project=chromium"
    script += " --reporter=html e2e/x"
    files = {
        "package.json": {**app("root", **{"test:e2e": script}), "packageManager": "pnpm@10.34.9"},
        "e2e/pw.config.ts": CONFIG,
        "e2e/a.spec.ts": TAGGED,
    }
    (check,) = e2e.plan(context(files)).checks
    assert check.id == "e2e/playwright@."
    assert words(check) == ("--project=chromium", "e2e/x")
    assert option(check, "--config") == "e2e/pw.config.ts"
    assert check.steps[-1].environment == {"BASE_URL": "http://localhost:1"}


def test_a_script_that_chooses_by_itself_needs_no_tag(context: Workspace) -> None:
    files = {
        "apps/web/package.json": app(e2e="playwright test --grep @smoke"),
        "apps/web/playwright.config.ts": CONFIG,
        "apps/web/e2e/a.spec.ts": TAGGED,
    }
    (check,) = e2e.plan(context(files)).checks
    assert option(check, "--tags") is None
    assert words(check) == ("--grep", "@smoke")


@pytest.mark.parametrize("script", ["playwright test --ui", "playwright test -u", "playwright codegen"])
def test_scripts_for_people_are_not_what_is_run(context: Workspace, script: str) -> None:
    files = {
        "apps/web/package.json": app(e2e=script),
        "apps/web/playwright.config.ts": CONFIG,
        "apps/web/e2e/a.spec.ts": SPEC,
    }
    (check,) = e2e.plan(context(files)).checks
    assert words(check) == ()


def test_two_configurations_of_a_package_are_two_checks_with_names_of_their_own(context: Workspace) -> None:
    files = {
        "apps/web/package.json": app(
            **{"test:e2e": "playwright test && playwright test -c playwright.embed.config.ts"}
        ),
        "apps/web/playwright.config.ts": CONFIG,
        "apps/web/playwright.embed.config.ts": CONFIG,
        "apps/web/e2e/a.spec.ts": SPEC,
    }
    ids = [check.id for check in e2e.plan(context(files)).checks]
    assert ids == ["e2e/playwright@apps/web", "e2e/playwright-embed@apps/web"]


def test_a_root_script_that_delegates_makes_no_second_check(context: Workspace) -> None:
    files = {
        "package.json": {"name": "root", "packageManager": "pnpm@10.34.9", "scripts": {"test:e2e": "pnpm -r test:e2e"}},
        "apps/web/package.json": app(**{"test:e2e": "playwright test"}),
        "apps/web/playwright.config.ts": CONFIG,
        "apps/web/e2e/a.spec.ts": SPEC,
    }
    assert [check.id for check in e2e.plan(context(files)).checks] == ["e2e/playwright@apps/web"]


def test_an_app_without_a_suite_is_named(context: Workspace) -> None:
    vite = {"scripts": {"build": "vite build"}, "devDependencies": {"vite": "8.3.8"}}
    files = {
        "apps/web/package.json": {**vite, "devDependencies": {"vite": "8.3.8", "@playwright/test": "1.65.1"}},
        "apps/web/index.html": "<!doctype html>",
        "apps/web/playwright.config.ts": CONFIG,
        "apps/web/e2e/a.spec.ts": SPEC,
        "apps/admin/package.json": vite,
        "apps/admin/index.html": "<!doctype html>",
        "packages/ui/package.json": vite,
    }
    assert e2e.plan(context(files)).notices == ("apps/admin has no e2e tests",)


def test_nothing_is_skipped_with_its_reason(context: Workspace) -> None:
    plan = e2e.plan(context({}))
    assert plan.checks == ()
    assert [skip.reason for skip in plan.skips] == ["no Playwright configuration is found"]


def test_a_database_comes_migrated_beside_the_tests(context: Workspace) -> None:
    files = {
        "package.json": {
            "name": "root",
            "packageManager": "pnpm@10.34.9",
            "scripts": {"db:migrate": "node migrate.mjs"},
        },
        "apps/web/package.json": app(),
        "apps/web/playwright.config.ts": CONFIG,
        "apps/web/e2e/a.spec.ts": SPEC,
    }
    settings = '[stages.e2e]\ndatabase = true\nenv = { MODE = "test" }\nsecrets = { KEY = "env://KEY" }\n'
    (check,) = e2e.plan(context(files, settings=settings)).checks
    assert [service.name for service in check.services] == ["postgres"]
    assert check.steps[0].argv == ("node", "migrate.mjs")
    assert dict(check.environment) == {"MODE": "test"}
    assert check.secrets == ("KEY",)
    assert {"chromium", "postgres"} <= check.toolchain.tools.keys()


@pytest.mark.parametrize(("database", "expected"), [("true", {"MODE"}), ("false", {"MODE", "DATABASE_URL"})])
def test_another_database_that_the_script_names_gives_way_to_ours(
    context: Workspace, database: str, expected: set[str]
) -> None:
    script = "DATABASE_URL=postgres://x/x MODE=test playwright test"
    files = {
        "apps/web/package.json": app(**{"test:e2e": script}),
        "apps/web/playwright.config.ts": CONFIG,
        "apps/web/e2e/a.spec.ts": SPEC,
    }
    (check,) = e2e.plan(context(files, settings=f"[stages.e2e]\ndatabase = {database}\n")).checks
    assert set(check.steps[-1].environment) == expected


def test_the_tests_build_of_their_own_is_made_only_where_it_differs(context: Workspace) -> None:
    files = {
        "apps/web/package.json": app(),
        "apps/web/playwright.config.ts": CONFIG,
        "apps/web/e2e/a.spec.ts": SPEC,
    }
    same = '[stages.e2e]\nbuild = ["pnpm", "build"]\n[stages.audit]\nbuild = ["pnpm", "build"]\n'
    made = preparation.prepare(context(files, settings=same))
    assert [check.name for check in e2e.plan(made).checks] == ["playwright"]
    assert made.build is not None
    assert made.build.id in e2e.plan(made).checks[0].needs
    made = preparation.prepare(context(files, settings=same.replace('"build"]', '"build:test"]', 1)))
    build, check = e2e.plan(made).checks
    assert (build.id, build.steps[0].argv) == ("e2e/build@.", ("pnpm", "build:test"))
    assert build.id in check.needs
    assert made.build is not None
    assert made.build.id not in check.needs


SITE: Mapping[str, str | Mapping[str, Any]] = {
    "apps/e2e/playwright.config.ts": 'export default { webServer: { command: "pnpm --dir ../site start" } };\n',
    "apps/e2e/a.spec.ts": SPEC,
    "apps/site/package.json": {"name": "e2e-site", "scripts": {"build": "next build", "start": "next start"}},
    "apps/other/package.json": {"name": "other", "scripts": {"build": "next build"}},
}


def site(**scripts: str) -> Mapping[str, Any]:
    own = {"build": "tsdown", "test:e2e": "playwright test -c apps/e2e/playwright.config.ts", **scripts}
    tools = {"@playwright/test": "1.65.1"}
    return {"name": "it", "packageManager": "pnpm@10.34.9", "scripts": own, "devDependencies": tools}


@pytest.mark.parametrize(
    ("scripts", "build"),
    [
        ({}, ("pnpm", "--filter", "{apps/site}", "run", "build")),
        ({"build:e2e": "pnpm --filter e2e-site build"}, ("pnpm", "run", "build:e2e")),
        ({"build": "pnpm --filter e2e-site build"}, None),
    ],
)
def test_an_app_that_the_tests_serve_and_the_build_leaves_out_is_built_for_them(
    context: Workspace, scripts: dict[str, str], build: tuple[str, ...] | None
) -> None:
    made = preparation.prepare(context({**SITE, "package.json": site(**scripts)}))
    checks = e2e.plan(made).checks
    assert [check.steps[0].argv for check in checks if check.name == "build"] == ([] if build is None else [build])
    assert made.build is not None
    assert made.build.id in checks[-1].needs
    assert build is None or checks[0].needs == made.built
    assert build is None or checks[0].id in checks[-1].needs


def test_an_app_elsewhere_is_built_for_the_tests_where_their_configuration_names_it(context: Workspace) -> None:
    config = {
        "packages/e2e/playwright.config.ts": "export default { webServer: { command: 'pnpm -F other start' } };\n",
        "packages/e2e/package.json": {"name": "tests", "devDependencies": {"@playwright/test": "1.65.1"}},
        "packages/e2e/a.spec.ts": SPEC,
        "apps/other/package.json": SITE["apps/other/package.json"],
        "apps/another/package.json": {"name": "another", "scripts": {"build": "next build"}},
    }
    root = {"name": "it", "packageManager": "pnpm@10.34.9", "scripts": {"build": "tsdown"}}
    build, _ = e2e.plan(preparation.prepare(context({**config, "package.json": root}))).checks
    assert build.steps[0].argv == ("pnpm", "--filter", "{apps/other}", "run", "build")
