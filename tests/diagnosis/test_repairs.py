"""Fixers: whose failures they take, what they run, which files come back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from ci.diagnosis.fixers import LINTERS, fixer_of
from ci.diagnosis.repairs import is_flake, mended, plan_of, repairs, second_runs
from ci.model import (
    Check,
    CheckRun,
    Execution,
    Failure,
    Network,
    Plan,
    Reuse,
    Status,
    Step,
    StepRun,
    Toolchain,
    Verdict,
)
from ci.stages.install import OUTDATED
from ci.stages.linting import REWRITTEN

if TYPE_CHECKING:
    from collections.abc import Mapping

TOOLS = Toolchain(name="pnpm", tools={"node": "24.19.0"})
INSTALL = "install/pnpm@."


def check(stage: str, name: str, *argvs: str, package: str = ".", needs: tuple[str, ...] = (INSTALL,)) -> Check:
    return Check(
        stage=stage,
        name=name,
        package=package,
        toolchain=TOOLS,
        steps=tuple(Step(argv=tuple(argv.split()), cwd=package) for argv in argvs),
        judge=lambda _: Verdict(status=Status.PASSED),
        needs=needs,
        secrets=(),
    )


def red(of: Check, *failures: Failure) -> CheckRun:
    return CheckRun(stage=of.stage, name=of.name, package=of.package, status=Status.FAILED, failures=failures)


INSTALLS = dataclasses.replace(
    check("install", "pnpm", "pnpm install --frozen-lockfile", needs=()),
    outputs=("**/node_modules",),
    network=Network.OUTSIDE,
    registry=True,
)
ESLINT = check("lint", "eslint", "eslint . --format json --output-file ${SHIPWAY_OUT}/eslint-0.json")
BIOME = check("lint", "biome", "biome ci . --reporter=json --max-diagnostics=none --colors=off")
STYLES = check("lint", "stylelint", "stylelint **/*.css", package="apps/web")
UNIT = check("unit", "vitest", "vitest run")
PLAN = Plan(checks=(INSTALLS, ESLINT, BIOME, STYLES, UNIT))
UNUSED = Failure(message="'x' is not used", file="src/a.ts", rule="no-unused-vars")
UGLY = Failure(message="is not formatted as configured", file="src/[b].ts", rule="format")


@pytest.mark.parametrize(
    ("tool", "asked", "writes"),
    [
        ("eslint", "eslint . --max-warnings 0 --format json --output-file ${SHIPWAY_OUT}/eslint-0.json",
         "eslint . --max-warnings 0 --fix"),
        ("eslint", "next lint --format json --output-file x", "next lint --fix"),
        ("oxlint", "oxlint src --format json", "oxlint src --fix"),
        ("biome", "biome ci . --reporter=json --max-diagnostics=none --colors=off", "biome check --write ."),
        ("biome", "biome lint --error-on-warnings src --reporter=json", "biome lint --write --error-on-warnings src"),
        ("biome", "node_modules/.bin/biome format src --colors=off", "node_modules/.bin/biome format --write src"),
        ("prettier", "prettier . --ignore-path x --list-different", "prettier . --ignore-path x --write"),
        ("oxfmt", "oxfmt src --list-different", "oxfmt src"),
        ("stylelint", "stylelint **/*.css", "stylelint **/*.css --fix"),
        ("dprint", "dprint check", "dprint fmt"),
    ],
)  # fmt: skip
def test_a_fixer_runs_the_checks_own_command_in_the_form_that_writes(tool: str, asked: str, writes: str) -> None:
    (step,) = LINTERS[tool].steps((Step(argv=tuple(asked.split()), cwd="apps/web", stdout="report.json"),))
    assert " ".join(step.argv) == writes
    assert (step.cwd, step.stdout, step.keep_going) == ("apps/web", None, True)


@pytest.mark.parametrize(
    ("of", "failure"),
    [
        (UNIT, Failure(message="expected 1 to be 2", file="src/a.ts")),
        (INSTALLS, Failure(message="no such package", rule="ERR_PNPM_FETCH_404")),
        (ESLINT, Failure(message="Unexpected token", file="src/a.ts", rule="parse")),
        (ESLINT, Failure(message="0 files were linted")),
        (check("lint", "eslint", "pnpm run lint"), UNUSED),
        (check("lint", "imports", "shipway-depcruise"), UNUSED),
        (check("typecheck", "tsc", "tsc -b"), UNUSED),
    ],
)
def test_no_tool_repairs_what_needs_a_thought(of: Check, failure: Failure) -> None:
    assert fixer_of(of, red(of, failure)) is None
    assert repairs(Plan(checks=(of,)), (red(of, failure),)) == ()


def test_linters_work_on_one_tree_and_formatters_come_last_even_those_that_were_green() -> None:
    (repair,) = repairs(PLAN, (red(ESLINT, UNUSED),))
    assert [" ".join(step.argv) for step in repair.check.steps] == ["eslint . --fix", "biome check --write ."]
    assert (repair.fixers, repair.proves, repair.files) == (("eslint --fix",), (ESLINT.id,), (r"src/a.ts",))
    assert (repair.check.needs, repair.check.network, repair.check.reuse) == ((INSTALL,), Network.LOOPBACK, Reuse.NEVER)
    both = repairs(PLAN, (red(BIOME, UGLY), red(ESLINT, UNUSED)))
    assert [each.fixers for each in both] == [("eslint --fix", "biome --write")]


def test_a_stale_lockfile_is_repaired_first_and_by_itself() -> None:
    stale = red(INSTALLS, Failure(message="not up to date", file="pnpm-lock.yaml", rule=OUTDATED))
    lock, lint = repairs(PLAN, (red(ESLINT, UNUSED), stale))
    assert lock.check.steps[0].argv[:4] == ("pnpm", "install", "--lockfile-only", "--no-frozen-lockfile")
    assert "--ignore-scripts" in lock.check.steps[0].argv
    assert (lock.files, lock.check.needs, lock.check.outputs) == (("pnpm-lock.yaml",), (), ())
    assert (lock.check.network, lock.check.registry) == (Network.OUTSIDE, True)
    assert lint.proves == (ESLINT.id,)


def test_a_lockfile_that_lost_an_entry_is_not_written_as_if_nobody_wanted_it() -> None:
    broken = red(INSTALLS, Failure(message="no entry", rule="ERR_PNPM_LOCKFILE_MISSING_DEPENDENCY"))
    (repair,) = repairs(PLAN, (broken,))
    assert repair.check.steps[0].argv[-1] == "--fix-lockfile"
    assert repair.fixers == ("pnpm install --fix-lockfile",)


def test_a_check_that_writes_is_run_as_it_is() -> None:
    (repair,) = repairs(PLAN, (red(STYLES, Failure(message=REWRITTEN, file="apps/web/src/a.css")),))
    assert repair.check.steps[0].argv == ("stylelint", "**/*.css")
    assert repair.files == ("apps/web/src/a.css",)


def back(repair_of: tuple[CheckRun, ...], files: Mapping[str, bytes]) -> Mapping[str, bytes] | None:
    (repair,) = repairs(PLAN, repair_of)
    before = {"src/a.ts": b"old", "src/[b].ts": b"old [redacted KEY]", "apps/web/a.css": b"old"}
    return mended(repair, files, before.get)


@pytest.mark.parametrize(
    ("files", "changed"),
    [
        ({"src/a.ts": b"new"}, {"src/a.ts": b"new"}),
        ({"src/a.ts": b"new", "src/c.ts": b"new", "eslint.config.js": b"off"}, {"src/a.ts": b"new"}),
        ({"src/a.ts": b"old"}, None),
        ({}, None),
        ({"src/[b].ts": b"new [redacted KEY]"}, {"src/[b].ts": b"new [redacted KEY]"}),
        ({"src/a.ts": b"new", "src/[b].ts": b"[redacted KEY] [redacted TOKEN]"}, None),
        ({"src/b.ts": b"new"}, None),
    ],
)
def test_only_named_files_that_changed_come_back_and_none_of_which_a_part_was_redacted(
    files: Mapping[str, bytes], changed: Mapping[str, bytes] | None
) -> None:
    assert back((red(ESLINT, UNUSED), red(BIOME, UGLY)), files) == changed


def test_of_a_linter_that_names_no_file_those_of_its_package_come_back_and_none_is_added() -> None:
    failed = (red(STYLES, Failure(message="stylelint: exit code 2")),)
    assert back(failed, {"apps/web/a.css": b"new", "src/a.ts": b"new", "apps/web/b.css": b"new"}) == {
        "apps/web/a.css": b"new"
    }


def test_the_judge_names_what_came_back_though_the_tool_still_complains() -> None:
    (repair,) = repairs(PLAN, (red(ESLINT, UNUSED),))
    steps = tuple(StepRun(argv=step.argv, cwd=".", seconds=1, exit_code=1) for step in repair.check.steps)
    told = repair.check.judge(Execution(steps=steps, files={"src/a.ts": b"new", "src/b.ts": b"new"}))
    assert (told.status, told.artifacts) == (Status.PASSED, ("src/a.ts",))
    gone = tuple(dataclasses.replace(step, exit_code=127) for step in steps)
    assert repair.check.judge(Execution(steps=gone)).status is Status.ERROR


def test_a_plan_holds_what_is_asked_for_behind_what_it_needs() -> None:
    (repair,) = repairs(PLAN, (red(ESLINT, UNUSED),))
    assert [each.id for each in plan_of(PLAN, repair.check, ESLINT).checks] == [INSTALL, "lint/repair@.", ESLINT.id]


def test_what_may_be_red_by_chance_is_run_again_as_a_whole_and_never_believed_from_before() -> None:
    lighthouse = check("audit", "lighthouse", "shipway-lighthouse")
    plan = dataclasses.replace(PLAN, checks=(*PLAN.checks, lighthouse))
    again = second_runs(plan, (red(ESLINT, UNUSED), red(UNIT), red(lighthouse)))
    assert [(each.id, each.reuse) for each in again] == [(UNIT.id, Reuse.NEVER), (lighthouse.id, Reuse.NEVER)]


def test_a_flake_is_proven_by_a_green_run_of_the_same_check_that_was_really_run() -> None:
    first = red(UNIT)
    green = dataclasses.replace(first, status=Status.PASSED)
    assert is_flake(first, green)
    assert is_flake(first, dataclasses.replace(first, status=Status.FLAKY))
    assert not is_flake(first, first)
    assert not is_flake(first, dataclasses.replace(green, cached_from="earlier"))
    assert not is_flake(first, dataclasses.replace(green, package="apps/web"))
    assert not is_flake(green, green)
