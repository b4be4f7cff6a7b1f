from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.stages import lint, preparation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ci.model import Plan
    from ci.stages.context import Context

    Workspace = Callable[..., Context]

OURS = ("--format", "json", "--output-file", "--reporter", "--max-diagnostics", "--colors", "--list-different", "${")


def manifest(name: str = "root", *, tools: str = "", **scripts: str) -> Mapping[str, Any]:
    versions = {"eslint": "9.39.5", "prettier": "3.10.1", "@biomejs/biome": "2.6.8", "oxlint": "1.94.0"}
    needed = {tool: versions[tool] for tool in tools.split()}
    return {
        "name": name,
        "scripts": {key.replace("_", ":"): line for key, line in scripts.items()},
        "devDependencies": needed,
    }


def commands(plan: Plan) -> dict[str, list[str]]:
    """Each check's commands, with where they run, without our report options."""
    return {
        check.id: [
            " ".join(
                (*([f"{step.cwd}:"] if step.cwd != "." else []), *(w for w in step.argv if not w.startswith(OURS)))
            )
            for step in check.steps
        ]
        for check in plan.checks
    }


def test_what_a_lint_script_runs_is_taken_apart_into_the_tools(context: Workspace) -> None:
    files = {"package.json": manifest(lint="eslint . --max-warnings 0 && biome ci . && pnpm lint:own", lint_own="knip")}
    assert commands(lint.plan(context(files))) == {
        "lint/eslint@.": ["eslint . --max-warnings 0"],
        "lint/biome@.": ["biome ci ."],
        "lint/knip@.": ["knip"],
    }


def test_a_script_that_writes_is_run_in_its_checking_form(context: Workspace) -> None:
    files = {"package.json": manifest(lint="eslint src --fix --cache", format="prettier --write src")}
    assert commands(lint.plan(context(files))) == {"lint/eslint@.": ["eslint src"], "lint/prettier@.": ["prettier src"]}


def test_a_script_that_checks_goes_before_one_that_writes(context: Workspace) -> None:
    scripts = {
        "format": "prettier --write '**/*'",
        "format_check": "prettier --check src",
        "lint_fix": "eslint . --fix",
    }
    files = {"package.json": manifest(**scripts, lint="eslint src")}
    assert commands(lint.plan(context(files))) == {"lint/eslint@.": ["eslint src"], "lint/prettier@.": ["prettier src"]}


def test_what_the_root_runs_is_not_run_again_in_the_packages(context: Workspace) -> None:
    files = {
        "package.json": manifest(lint="eslint ."),
        "packages/a/package.json": manifest("a", lint="eslint src", format_check="prettier --check ."),
    }
    assert commands(lint.plan(context(files))) == {
        "lint/eslint@.": ["eslint ."],
        "lint/prettier@packages/a": ["packages/a: prettier ."],
    }


@pytest.mark.parametrize("name", ["lint", "lint_scripts"])
def test_a_root_that_lints_a_part_leaves_the_packages_to_themselves(context: Workspace, name: str) -> None:
    files = {
        "package.json": manifest(**{name: "eslint scripts"}),
        "packages/a/package.json": manifest("a", lint="eslint src"),
        "packages/b/package.json": manifest("b", lint="eslint . --max-warnings 0"),
    }
    plan = lint.plan(context(files))
    assert commands(plan) == {
        "lint/eslint@.": ["eslint scripts"],
        "lint/eslint@packages/a": ["packages/a: eslint src"],
        "lint/eslint@packages/b": ["packages/b: eslint . --max-warnings 0"],
    }
    assert plan.notices == ()


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("eslint", False),
        ("eslint --ext .ts,.js . --max-warnings 0", False),
        ("eslint packages scripts", False),
        ("eslint 'packages/*/src/**/*.{ts,tsx}'", False),
        ("eslint 'packages/*/src'", False),
        ("eslint 'packages/*/src/*.js'", True),
        ("eslint packages/b", True),
        ("eslint --config packages", False),
    ],
)
def test_a_root_that_takes_a_packages_files_makes_its_own_lint_needless(
    context: Workspace, line: str, *, own: bool
) -> None:
    files = {
        "package.json": manifest(lint=line),
        "packages/a/package.json": manifest("a", lint="eslint src"),
        "packages/a/src/x.ts": "",
        "packages/a/src/data.json": "",
    }
    assert ("lint/eslint@packages/a" in commands(lint.plan(context(files)))) is own


def test_scripts_that_lint_a_part_each_are_all_run(context: Workspace) -> None:
    files = {
        "package.json": manifest(lint_src="eslint src --fix", lint_tests="eslint tests", lint_fix="eslint . --fix")
    }
    plan = lint.plan(context(files))
    assert commands(plan) == {"lint/eslint@.": ["eslint src", "eslint tests"]}
    assert plan.notices == ()


def test_what_the_decisive_script_leaves_out_is_named_or_run_where_the_ci_does(context: Workspace) -> None:
    files = {"package.json": manifest(lint="eslint src", lint_tests="eslint tests", lint_src="eslint src/a")}
    plan = lint.plan(context(files))
    assert commands(plan) == {"lint/eslint@.": ["eslint src"]}
    assert plan.notices == (
        "not covered: package.json scripts.lint:tests runs `eslint tests`, but another script comes first",
    )
    called = lint.plan(context({**files, ".github/workflows/ci.yml": "run: pnpm lint:tests\n"}))
    assert commands(called) == {"lint/eslint@.": ["eslint src", "eslint tests"]}


def test_a_package_that_the_roots_script_passes_over_is_named(context: Workspace) -> None:
    files = {
        "package.json": manifest(lint="pnpm --filter a lint"),
        "packages/a/package.json": manifest("a", lint="eslint ."),
        "packages/b/package.json": manifest("b", lint="eslint .", format_check="prettier --check ."),
    }
    plan = lint.plan(context(files))
    assert commands(plan) == {
        "lint/eslint@packages/a": ["packages/a: eslint ."],
        "lint/prettier@packages/b": ["packages/b: prettier ."],
    }
    told = "not covered: packages/b/package.json scripts.lint runs `eslint .`"
    assert plan.notices == (f"{told}, but the root's scripts pass over packages/b",)


def test_without_a_root_script_the_packages_lint_themselves(context: Workspace) -> None:
    files = {
        "packages/a/package.json": manifest("a", lint="eslint src && node check.mjs"),
        "packages/b/package.json": manifest("b", lint="oxlint"),
    }
    assert commands(lint.plan(context(files))) == {
        "lint/eslint@packages/a": ["packages/a: eslint src"],
        "lint/lint@packages/a": ["packages/a: node check.mjs"],
        "lint/oxlint@packages/b": ["packages/b: oxlint"],
    }


def test_packages_are_found_through_turbo(context: Workspace) -> None:
    files = {
        "package.json": manifest(lint="turbo run lint"),
        "turbo.json": {"tasks": {"lint": {}}},
        "packages/a/package.json": manifest("a", lint="eslint ."),
    }
    assert commands(lint.plan(context(files))) == {"lint/eslint@packages/a": ["packages/a: eslint ."]}


def test_a_biome_that_looks_at_everything_makes_the_packages_own_needless(context: Workspace) -> None:
    files = {
        "package.json": manifest(lint="pnpm -r lint", check="biome check --write", format="biome format --write ."),
        "packages/a/package.json": manifest("a", lint="biome lint ."),
    }
    assert commands(lint.plan(context(files))) == {"lint/biome@.": ["biome check"]}


def test_a_line_that_only_a_shell_understands_is_left_to_pnpm(context: Workspace) -> None:
    files = {"packages/a/package.json": manifest("a", lint="eslint $(git ls-files)")}
    (check,) = lint.plan(context(files)).checks
    assert (check.id, check.steps[0].argv) == ("lint/lint@packages/a", ("pnpm", "run", "lint"))
    assert check.repeat == "cd packages/a && pnpm run lint"


def test_what_a_check_script_does_beside_linting_is_for_other_stages(context: Workspace) -> None:
    files = {"package.json": manifest(check="tsc --noEmit && biome check . && vitest run && node build.mjs")}
    assert commands(lint.plan(context(files))) == {"lint/biome@.": ["biome check ."]}


def test_a_linter_that_no_script_runs_is_run_and_a_formatter_is_named(context: Workspace) -> None:
    files = {
        "package.json": manifest(tools="eslint prettier"),
        "eslint.config.js": "export default [];",
        ".prettierrc": "{}",
    }
    plan = lint.plan(context(files))
    assert commands(plan) == {"lint/eslint@.": ["eslint ."]}
    assert [skip.reason for skip in plan.skips] == [".prettierrc configures prettier, but no script runs it"]


def test_a_configuration_without_its_tool_is_not_run(context: Workspace) -> None:
    plan = lint.plan(context({"package.json": manifest(), ".eslintrc.json": "{}"}))
    assert plan.checks == ()


@pytest.mark.parametrize("script", ["echo nothing to lint yet", "pnpm -r lint", "lint-staged", "true"])
def test_a_lint_script_that_lints_nothing_is_no_lint(context: Workspace, script: str) -> None:
    plan = lint.plan(context({"package.json": manifest(lint=script)}))
    assert (plan.checks, [skip.name for skip in plan.skips]) == ((), [None])


def test_a_tool_whose_version_is_no_number_is_judged_by_its_exit_code(context: Workspace) -> None:
    url = "https://pkg.pr.new/@biomejs/biome@abc123"
    manifest = {"name": "root", "scripts": {"lint": "biome ci ."}, "devDependencies": {"@biomejs/biome": url}}
    (check,) = lint.plan(context({"package.json": manifest})).checks
    assert check.steps[0].argv == ("biome", "ci", ".")


def test_a_link_to_nowhere_among_the_ci_files_calls_no_script(context: Workspace, tmp_path: Path) -> None:
    made = context(
        {"package.json": {"name": "root", "scripts": {"lint:spelling": "cspell ."}}, ".github/workflows/ci.yml": ""}
    )
    (tmp_path / ".github/workflows/ci.yml").unlink()
    (tmp_path / ".github/workflows/ci.yml").symlink_to("gone.yml")
    assert lint.plan(made).checks


def test_a_biome_too_old_to_report_is_judged_by_its_exit_code(context: Workspace) -> None:
    files = {
        "package.json": {
            "name": "root",
            "scripts": {"lint": "biome ci ."},
            "devDependencies": {"@biomejs/biome": "1.5.3"},
        }
    }
    (check,) = lint.plan(context(files)).checks
    assert check.steps[0].argv == ("biome", "ci", ".")


def test_next_lint_is_eslint(context: Workspace) -> None:
    (check,) = lint.plan(context({"package.json": manifest(lint="next lint")})).checks
    assert check.id == "lint/eslint@."
    assert check.steps[0].argv[:4] == ("next", "lint", "--format", "json")


def test_each_check_says_why_and_how_to_repeat_it(context: Workspace) -> None:
    files = {"packages/a/package.json": manifest("a", lint="NODE_ENV=test npx eslint 'src/**/*.ts'")}
    (check,) = lint.plan(context(files)).checks
    assert check.why == "packages/a/package.json scripts.lint > NODE_ENV=test npx eslint 'src/**/*.ts'"
    assert check.repeat == "cd packages/a && NODE_ENV=test pnpm exec eslint 'src/**/*.ts'"
    assert dict(check.steps[0].environment) == {"NODE_ENV": "test"}


def test_other_tools_are_taken_from_the_lint_script_and_from_what_the_ci_calls(context: Workspace) -> None:
    files = {
        "package.json": manifest(lint="eslint .", lint_docs="markdownlint docs", lint_prune="ts-prune"),
        ".github/workflows/ci.yml": "jobs:\n  lint:\n    steps:\n      - run: pnpm run lint:docs\n",
    }
    assert commands(lint.plan(context(files))) == {
        "lint/eslint@.": ["eslint ."],
        "lint/markdownlint@.": ["markdownlint docs"],
    }


def test_a_formatter_that_checks_and_writes_at_once_only_checks(context: Workspace) -> None:
    files = {"package.json": manifest(format_ci='prettier -w "**/*" --check')}
    assert commands(lint.plan(context(files))) == {"lint/prettier@.": ["prettier **/*"]}


def test_only_what_follows_imports_waits_for_generated_code(context: Workspace) -> None:
    files = {"package.json": manifest(lint="eslint . && biome ci .", codegen="node gen.mjs")}
    whole = preparation.prepare(context(files))
    needs = {check.name: check.needs for check in lint.plan(whole).checks}
    assert needs == {"eslint": ("install/pnpm@.", "typecheck/codegen@."), "biome": ("install/pnpm@.",)}
