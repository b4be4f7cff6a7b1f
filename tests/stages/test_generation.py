from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Status
from ci.stages import catalogue, preparation

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.model import Check, Execution
    from ci.stages.context import Context

    Workspace = Callable[..., Context]


def member(name: str, *needs: str, **more: Any) -> dict[str, Any]:
    """Make the manifest of a package that is tested."""
    scripts = {"test": "vitest", **more.pop("scripts", {})}
    return {"name": name, "scripts": scripts, "dependencies": dict.fromkeys(needs, "workspace:*"), **more}


def prepared(context: Context) -> dict[str, Check]:
    return {check.id: check for check in preparation.prepare(context).generation}


def test_generated_code_is_made_before_types_are_checked_and_shown_there(context: Workspace) -> None:
    files = {
        "packages/a/package.json": member("a", scripts={"codegen": "node gen.mjs", "typecheck": "tsc"}),
        "packages/b/package.json": member("b", "a", scripts={"typecheck": "tsc"}),
        "packages/c/package.json": member("c", scripts={"typecheck": "tsc"}),
    }
    checks = {check.id: check for check in catalogue.plan(context(files), only=("typecheck",)).checks}
    made = checks["typecheck/codegen@packages/a"]
    assert (made.steps[0].argv, made.steps[0].cwd, made.outputs) == (
        ("pnpm", "run", "codegen"),
        "packages/a",
        ("packages/a/**",),
    )
    assert made.id in checks["typecheck/tsc@packages/a"].needs
    assert made.id in checks["typecheck/tsc@packages/b"].needs
    assert made.id not in checks["typecheck/tsc@packages/c"].needs


def test_one_generation_comes_behind_that_of_the_packages_it_depends_on(context: Workspace) -> None:
    files = {
        "packages/a/package.json": member("a", "z", scripts={"codegen": "node gen.mjs"}),
        "packages/z/package.json": member("z", scripts={"codegen": "node gen.mjs"}),
    }
    made = prepared(context(files))
    assert list(made) == ["typecheck/codegen@packages/z", "typecheck/codegen@packages/a"]
    assert made["typecheck/codegen@packages/a"].needs == ("install/pnpm@.", "typecheck/codegen@packages/z")


def test_nothing_is_generated_for_an_example_that_nothing_looks_at(context: Workspace) -> None:
    files = {"packages/a/package.json": {"name": "a", "scripts": {"codegen": "node gen.mjs"}}}
    assert prepared(context(files)) == {}


def test_packages_whose_types_only_a_build_writes_are_built_for_those_that_use_them(context: Workspace) -> None:
    built = {"types": "./dist/index.d.ts", "scripts": {"build": "tsup"}}
    files = {
        "packages/a/package.json": member("a", **built),
        "packages/b/package.json": member("b", "a"),
        "packages/lonely/package.json": member("lonely", **built),
    }
    made = prepared(context(files))
    assert list(made) == ["typecheck/build@packages/a"]
    assert made["typecheck/build@packages/a"].outputs == ("packages/a/dist/**",)


def test_where_a_path_alias_leads_to_the_sources_nothing_is_built(context: Workspace) -> None:
    files = {
        "packages/a/package.json": member("a", types="./dist/index.d.ts", scripts={"build": "tsup"}),
        "packages/b/package.json": member("b", "a"),
        "packages/b/tsconfig.json": {"compilerOptions": {"paths": {"a": ["../a/src/index.ts"]}}},
        "packages/b/x.ts": "",
    }
    assert prepared(context(files)) == {}


@pytest.fixture
def judged(context: Workspace, executed: Callable[..., Execution]) -> Callable[..., tuple[Status, str]]:
    """Judge a generation that ended with `code` and said `output`."""

    def run(code: int, output: str, **scripts: str) -> tuple[Status, str]:
        needed = {"packages/user/package.json": member("user", "a")} if "build" in scripts else {}
        files = {"packages/a/package.json": member("a", scripts=scripts, types="dist/a.d.ts"), **needed}
        (check,) = prepared(context(files)).values()
        verdict = check.judge(executed(check, codes=(code,), outputs=(output,)))
        return verdict.status, verdict.reason or " ".join(verdict.notices)

    return run


def test_a_generation_that_fails_says_why(judged: Callable[..., tuple[Status, str]]) -> None:
    said = "> a@ codegen /workspace/packages/a\n/workspace/packages/a/gen.mjs:1\nError: no schema\n"
    status, reason = judged(1, said.replace("codegen", "build"), build="node gen.mjs")
    assert (status, reason) == (Status.FAILED, "pnpm run build: exit code 1: Error: no schema")


@pytest.mark.parametrize(
    ("code", "output", "told"),
    [
        (1, "Error: connect ECONNREFUSED 127.0.0.1:5432", "could not reach what it needs: ECONNREFUSED"),
        (1, "> a@ generate /workspace/packages/a\nError: no DATABASE_URL\n", "exit code 1: Error: no DATABASE_URL"),
        (127, "sh: 1: protoc: not found", "exit code 127: sh: 1: protoc: not found"),
    ],
)
def test_one_that_only_its_name_speaks_for_may_fail(
    judged: Callable[..., tuple[Status, str]], code: int, output: str, told: str
) -> None:
    status, notice = judged(code, output, generate="node gen.mjs")
    assert (status, notice) == (Status.PASSED, f"pnpm run generate was tried for its name's sake: {told}")


def test_one_that_turbo_puts_before_the_types_has_failed_when_it_fails(
    context: Workspace, executed: Callable[..., Execution]
) -> None:
    files = {
        "turbo.json": {"tasks": {"typecheck": {"dependsOn": ["generate"]}, "generate": {}}},
        "packages/a/package.json": member("a", scripts={"generate": "node gen.mjs", "typecheck": "tsc"}),
    }
    (check,) = prepared(context(files)).values()
    verdict = check.judge(executed(check, codes=(1,), outputs=("Error: no DATABASE_URL",)))
    assert (verdict.status, verdict.reason) == (
        Status.FAILED, "pnpm run generate: exit code 1: Error: no DATABASE_URL",
    )  # fmt: skip


def test_a_known_generator_that_could_not_reach_what_it_needs_is_an_error(
    context: Workspace, executed: Callable[..., Execution]
) -> None:
    files = {
        "packages/a/package.json": member("a", devDependencies={"prisma": "6.0.0"}),
        "packages/a/prisma/schema.prisma": "",
    }
    (check,) = prepared(context(files)).values()
    verdict = check.judge(executed(check, codes=(1,), outputs=("Error: getaddrinfo ENOTFOUND binaries.prisma.sh",)))
    assert verdict.status is Status.ERROR
