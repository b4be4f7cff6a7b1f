from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.stages import preparation, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ci.model import Plan
    from ci.stages.context import Context

    Workspace = Callable[..., Context]

TEST = 'import { it } from "vitest";\nit("works", () => {});\n'


def member(name: str, *, version: str = "4.1.12", **scripts: str) -> Mapping[str, Any]:
    return {"name": name, "scripts": scripts, "devDependencies": {"vitest": version}}


def commands(plan: Plan) -> dict[str, list[tuple[str, ...]]]:
    """Each check's commands without our report options."""
    ours = ("--reporter", "--outputFile", "--includeTaskLocation")
    return {
        check.id: [tuple(word for word in step.argv if not word.startswith(ours)) for step in check.steps]
        for check in plan.checks
    }


def test_a_root_script_defines_the_set(context: Workspace) -> None:
    files = {
        "package.json": member("root", test="vitest run --silent"),
        "packages/a/package.json": member("a", test="vitest run"),
        "packages/a/x.test.ts": TEST,
    }
    assert commands(unit.plan(context(files))) == {"unit/vitest@.": [("vitest", "run", "--silent")]}


def test_packages_are_found_through_the_root_script(context: Workspace) -> None:
    files = {
        "package.json": {"name": "root", "scripts": {"test": "pnpm -r test"}},
        "packages/a/package.json": member("a", test="eslint . && vitest"),
        "packages/b/package.json": member("b", test="vitest --run --coverage"),
    }
    assert commands(unit.plan(context(files))) == {
        "unit/vitest@packages/a": [("vitest", "run")],
        "unit/vitest@packages/b": [("vitest", "--run", "--coverage")],
    }


def test_without_scripts_vitest_runs_where_there_are_tests(context: Workspace) -> None:
    files = {
        "packages/a/package.json": {"name": "a", "devDependencies": {"vitest": "4.1.12"}},
        "packages/a/x.test.ts": TEST,
        "packages/b/package.json": {"name": "b", "devDependencies": {"vitest": "4.1.12"}},
    }
    assert list(commands(unit.plan(context(files)))) == ["unit/vitest@packages/a"]


def test_a_placeholder_is_no_test_and_is_named(context: Workspace) -> None:
    files = {
        "packages/a/package.json": {"name": "a", "scripts": {"test": 'echo "Error: no test specified" && exit 1'}},
        "packages/b/package.json": member("b", test="vitest run"),
        "packages/b/x.test.ts": TEST,
    }
    plan = unit.plan(context(files))
    assert list(commands(plan)) == ["unit/vitest@packages/b"]
    assert any("packages/a" in notice and "placeholder" in notice for notice in plan.notices)
    alone = unit.plan(
        context({"package.json": {"name": "x", "scripts": {"test": "echo none"}}, "packages/b/package.json": {}})
    )
    assert alone.checks == ()
    assert "test" in alone.skips[0].reason


@pytest.mark.parametrize(
    ("version", "certain", "expected"),
    [
        ("4.1.12", True, ("vitest", "run", "--project=unit", "--project=types")),
        ("1.6.1", True, ("vitest", "run", "--project=unit", "--project=types")),
        ("4.1.12", False, ("vitest", "run", "--project=!db integration")),
    ],
)
def test_projects_of_other_stages_are_left_out(
    context: Workspace, version: str, *, certain: bool, expected: tuple[str, ...]
) -> None:
    more = "" if certain else ", ...more"
    files = {
        "package.json": member("root", version=version, test="vitest run"),
        "vitest.config.ts": "export default { test: { projects: ["
        "{ test: { name: 'unit' } }, { test: { name: 'db integration' } }, { test: { name: 'types' } }"
        + more
        + "] } };",
    }
    assert commands(unit.plan(context(files)))["unit/vitest@."] == [expected]


def test_an_old_vitest_that_cannot_leave_projects_out_is_named(context: Workspace) -> None:
    files = {
        "package.json": member("root", version="1.6.1", test="vitest run"),
        "vitest.config.ts": "export default { test: { projects: [{ test: { name: 'integration' } }, ...more] } };",
    }
    plan = unit.plan(context(files))
    assert commands(plan)["unit/vitest@."] == [("vitest", "run")]
    assert any("cannot leave out" in notice for notice in plan.notices)


def test_files_of_other_stages_are_left_out_of_a_mixed_project(context: Workspace) -> None:
    files = {
        "package.json": member("root", test="vitest run"),
        "src/a.test.ts": TEST,
        "src/b.integration.test.ts": TEST,
        "src/(group)/[id]/c.integration.test.ts": TEST,
        "e2e/flow.test.ts": TEST,
    }
    assert commands(unit.plan(context(files)))["unit/vitest@."] == [
        ("vitest", "run", "--exclude={e2e/**,**/*.integration.test.ts}")
    ]


def test_what_is_left_out_never_takes_a_unit_test_of_another_package_along(context: Workspace) -> None:
    files = {
        "package.json": member("root", test="vitest run"),
        "vitest.config.ts": "export default { test: { projects: ['packages/*'] } };",
        "packages/a/package.json": member("a"),
        "packages/a/test/e2e/x.test.ts": TEST,
        "packages/a/test/integration/y.test.ts": TEST,
        "packages/b/package.json": member("b"),
        "packages/b/test/y.test.ts": TEST,
    }
    assert commands(unit.plan(context(files)))["unit/vitest@."] == [
        ("vitest", "run", "--exclude={**/test/e2e/**,**/test/integration/**}")
    ]


def test_projects_that_the_script_names_are_taken_as_they_are(context: Workspace) -> None:
    files = {
        "package.json": member("root", test="vitest run --project unit"),
        "src/b.integration.test.ts": TEST,
    }
    assert commands(unit.plan(context(files)))["unit/vitest@."] == [("vitest", "run", "--project", "unit")]


def test_scripts_of_other_stages_are_not_run(context: Workspace) -> None:
    scripts = {
        "test": "pnpm test:unit && pnpm test:integration && pnpm test:e2e",
        "test:unit": "vitest run",
        "test:integration": "vitest run --config vitest.integration.config.ts",
        "test:e2e": "playwright test",
    }
    files = {"package.json": member("root", **scripts)}
    assert commands(unit.plan(context(files)))["unit/vitest@."] == [("vitest", "run")]


def test_several_commands_of_one_runner_are_one_check_with_a_report_each(context: Workspace) -> None:
    files = {"package.json": member("root", test="vitest run -c a.config.ts && vitest run -c b.config.ts")}
    plan = unit.plan(context(files))
    assert [len(check.steps) for check in plan.checks] == [2]
    assert "--outputFile.json=${SHIPWAY_OUT}/vitest-1.json" in plan.checks[0].steps[1].argv


def test_builds_before_the_tests_of_a_script_run_first(context: Workspace) -> None:
    files = {"package.json": {"name": "root", "scripts": {"pretest": "tsc -p .", "test": "node --test dist/"}}}
    plan = unit.plan(context(files))
    assert [step.argv[0] for step in plan.checks[0].steps] == ["tsc", "node"]
    assert plan.checks[0].id == "unit/node-test@."


def test_jest_and_other_runners_are_run_too(context: Workspace) -> None:
    files = {
        "packages/a/package.json": {"name": "a", "scripts": {"test": "jest"}, "devDependencies": {"jest": "30.5.2"}},
        "packages/b/package.json": {"name": "b", "scripts": {"test": "mocha test"}},
        "packages/c/package.json": {"name": "c", "scripts": {"test": "for x in *; do node $x; done"}},
        "packages/d/package.json": {"name": "d", "scripts": {"test": "node run.js | tap-spec"}},
        "packages/e/package.json": {"name": "e", "scripts": {"test": "node run.js || true"}},
    }
    plan = unit.plan(context(files))
    assert {check.id: check.steps[0].argv[:3] for check in plan.checks} == {
        "unit/jest@packages/a": ("jest", "--ci", "--json"),
        "unit/script@packages/b": ("mocha", "test"),
        "unit/script@packages/c": ("pnpm", "run", "test"),
        "unit/script@packages/d": ("node", "run.js"),
    }


def test_an_environment_file_is_read_as_the_script_reads_it(context: Workspace) -> None:
    files = {"package.json": member("root", test="dotenv -e .env.test -- vitest run")}
    plan = unit.plan(context(files))
    assert plan.checks[0].steps[0].argv[:6] == ("dotenv", "-e", ".env.test", "--", "vitest", "run")


def test_a_package_is_reused_by_itself_and_what_it_depends_on(context: Workspace) -> None:
    files = {
        "packages/a/package.json": member("a", test="vitest run"),
        "packages/b/package.json": {**member("b", test="vitest run"), "dependencies": {"a": "workspace:*"}},
        "packages/c/package.json": {"name": "c"},
    }
    inputs = {check.package: check.inputs for check in unit.plan(context(files)).checks}
    assert inputs == {
        "packages/a": ("**", "!packages/b/**", "!packages/c/**"),
        "packages/b": ("**", "!packages/c/**"),
    }


def test_what_the_root_hands_on_to_a_package_is_part_of_what_it_is_reused_by(context: Workspace) -> None:
    files = {
        "package.json": {"name": "root", "scripts": {"test": "pnpm -r test --config=../c/vitest.config.ts"}},
        "packages/a/package.json": member("a", test="vitest run"),
        "packages/b/package.json": {"name": "b"},
        "packages/c/package.json": {"name": "c"},
    }
    (check,) = unit.plan(context(files)).checks
    assert check.inputs == ("**", "!packages/b/**")


def test_settings_name_the_projects_and_ask_for_coverage(context: Workspace) -> None:
    settings = '[stages.unit]\nprojects = ["core", "web"]\ncoverage = true\ntimeout = 42\n'
    plan = unit.plan(context({"package.json": member("root")}, settings=settings))
    (step,) = plan.checks[0].steps
    assert step.argv[:4] == ("vitest", "run", "--project=core", "--project=web")
    assert "--coverage.enabled=true" in step.argv
    assert step.timeout == 42


def test_tests_that_nothing_runs_are_named(context: Workspace) -> None:
    files = {
        "packages/a/package.json": member("a", test="vitest run"),
        "packages/b/package.json": {"name": "b", "scripts": {"build": "tsc"}},
        "packages/b/x.test.ts": TEST,
    }
    assert "packages/b has 1 test file that no test script runs" in unit.plan(context(files)).notices


@pytest.mark.parametrize(
    ("scripts", "expected"),
    [
        ({"pretest": "node make.mjs", "test": "vitest run"}, [("node", "make.mjs"), ("vitest", "run")]),
        ({"test": "pnpm build && vitest run", "build": "node build.mjs"}, [("node", "build.mjs"), ("vitest", "run")]),
        ({"test": "pnpm build && vitest run", "build": "node $X"}, [("pnpm", "run", "build"), ("vitest", "run")]),
        ({"test": "next lint && prisma migrate deploy && vitest run"}, [("vitest", "run")]),
        (
            {"test": "vitest run && pnpm test:flows", "test:flows": "node setup.js && playwright test"},
            [("vitest", "run")],
        ),
        ({"test": "vitest run --reporter tap | tap-spec"}, [("vitest", "run")]),
        ({"test": "vite build && vitest run"}, [("vite", "build"), ("vitest", "run")]),
    ],
)
def test_preparation_is_told_from_tests(
    context: Workspace, scripts: dict[str, str], expected: list[tuple[str, ...]]
) -> None:
    assert commands(unit.plan(context({"package.json": member("root", **scripts)}))) == {"unit/vitest@.": expected}


def test_an_unknown_command_behind_the_tests_is_a_test_of_its_own(context: Workspace) -> None:
    files = {"package.json": member("root", test="vitest run && node check-sizes.mjs")}
    assert commands(unit.plan(context(files))) == {
        "unit/vitest@.": [("vitest", "run")],
        "unit/script@.": [("node", "check-sizes.mjs")],
    }


def test_a_project_in_a_browser_gets_the_browsers_of_its_own_playwright(context: Workspace) -> None:
    manifest = {"name": "root", "scripts": {"test": "vitest run"}}
    browser = "export default { test: { browser: { enabled: true, instances: [{ browser: 'chromium' }] } } };"
    files = {
        "package.json": {**manifest, "devDependencies": {"vitest": "4.1.12", "playwright": "1.65.1"}},
        "vitest.config.ts": browser,
    }
    (check,) = unit.plan(context(files)).checks
    place = check.environment["PLAYWRIGHT_BROWSERS_PATH"]
    assert check.steps[0].argv == ("shipway-browsers", ".", place)
    assert "chromium" in check.toolchain.tools


def test_a_build_is_waited_for_where_tests_import_what_one_writes(context: Workspace) -> None:
    files = {
        "package.json": {"name": "root", "scripts": {"test": "pnpm -r test", "build": "pnpm -r build"}},
        "packages/a/package.json": member("a", test="vitest run"),
        "packages/a/vitest.config.ts": "export default { test: {} };",
        "packages/b/package.json": {"name": "b", "main": "./dist/index.js", "scripts": {"build": "tsup"}},
    }
    dependent = {**member("a", test="vitest run"), "dependencies": {"b": "workspace:*"}}
    made = preparation.prepare(context({**files, "packages/a/package.json": dependent}))
    (check,) = unit.plan(made).checks
    assert any("build" in need for need in check.needs)
    (free,) = unit.plan(preparation.prepare(context(files))).checks
    assert not any("@." in need and "build" in need for need in free.needs)


def test_test_files_of_any_content_can_be_planned(context: Workspace, tmp_path: Path) -> None:
    made = context({"package.json": member("root", test="vitest run"), "x.test.ts": TEST})
    (tmp_path / "x.test.ts").write_bytes(b"\xff\xfe it.only(")
    (check,) = unit.plan(made).checks
    assert check.id == "unit/vitest@."
