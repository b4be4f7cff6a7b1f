from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.executors.reuse import select
from ci.stages import typecheck

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Plan
    from ci.stages.context import Context

    Workspace = Callable[..., Context]

STRICT = {"compilerOptions": {"strict": True}, "include": ["src"]}
OURS = frozenset({"--pretty", "false", "--listFiles"})


def manifest(name: str = "root", *, tools: str = "typescript", needs: str = "", **scripts: str) -> Mapping[str, Any]:
    return {
        "name": name,
        "scripts": scripts,
        "devDependencies": dict.fromkeys(tools.split(), "6.0.3"),
        "dependencies": dict.fromkeys(needs.split(), "workspace:*"),
    }


def commands(plan: Plan) -> dict[str, list[str]]:
    """Each check's commands, with where they run, without our options; the one of strictness left out."""
    return {
        check.id: [f"{step.cwd}: {' '.join(word for word in step.argv if word not in OURS)}" for step in check.steps]
        for check in plan.checks
        if check.name != "strict"
    }


def package(path: str, config: Mapping[str, Any] | None = None, **scripts: str) -> dict[str, Any]:
    files: dict[str, Any] = {f"{path}/package.json": manifest(path.rpartition("/")[2], **scripts)}
    return files | {f"{path}/tsconfig.json": STRICT if config is None else config, f"{path}/src/index.ts": ""}


def test_a_root_script_defines_the_set_and_what_it_leaves_out_is_named(context: Workspace) -> None:
    files = {
        "package.json": manifest(typecheck="pnpm -r typecheck"),
        **package("packages/a", typecheck="tsc --noEmit"),
        **package("packages/b"),
    }
    plan = typecheck.plan(context(files))
    assert commands(plan) == {"typecheck/tsc@packages/a": ["packages/a: tsc --noEmit"]}
    assert plan.notices == ("not covered: nothing checks the types of packages/b",)


def test_one_project_with_references_is_one_check_that_covers_all_it_refers_to(context: Workspace) -> None:
    solution = {"files": [], "references": [{"path": "packages/a"}, {"path": "packages/b"}]}
    files = {
        "package.json": manifest(typecheck="tsc -b"),
        "tsconfig.json": solution,
        **package("packages/a"),
        **package("packages/b"),
    }
    plan = typecheck.plan(context(files))
    assert commands(plan) == {"typecheck/tsc@.": [".: tsc -b --force"]}
    assert plan.notices == ()


def test_without_a_root_script_the_packages_own_scripts_count(context: Workspace) -> None:
    files = {
        "package.json": manifest(test="vitest"),
        **package("packages/a", None, **{"check-types": "tsc -p tsconfig.json --pretty"}),
        **package("packages/b", lint="eslint . && tsc --noEmit"),
        **package("packages/c", build="tsc"),
    }
    assert commands(typecheck.plan(context(files))) == {
        "typecheck/tsc@packages/a": ["packages/a: tsc -p tsconfig.json"],
        "typecheck/tsc@packages/b": ["packages/b: tsc --noEmit"],
    }


def test_without_any_script_the_compiler_runs_where_there_is_a_tsconfig(context: Workspace) -> None:
    files = {
        "package.json": manifest(),
        "tsconfig.json": {"compilerOptions": {"strict": True}},
        **package("packages/a", {"extends": "../../tsconfig.json", "include": ["src"]}),
        **package("packages/b", {"extends": "../../tsconfig.json", "references": [{"path": "../a"}]}),
        **package("packages/c"),
    }
    assert commands(typecheck.plan(context(files))) == {
        "typecheck/tsc@packages/b": ["packages/b: tsc -b --force"],
        "typecheck/tsc@packages/c": ["packages/c: tsc --noEmit -p tsconfig.json"],
    }


def test_frameworks_get_the_checker_that_reads_their_files(context: Workspace) -> None:
    files = {
        "package.json": manifest(),
        **package("packages/a"),
        "packages/a/package.json": manifest("a", tools="typescript vue vue-tsc"),
        "packages/a/src/A.vue": "",
        **package("packages/b"),
        "packages/b/package.json": manifest("b", tools="typescript svelte"),
        "packages/b/src/B.svelte": "",
    }
    plan = typecheck.plan(context(files))
    assert commands(plan) == {"typecheck/vue-tsc@packages/a": ["packages/a: vue-tsc --noEmit"]}
    (skip,) = plan.skips
    assert skip.package == "packages/b"
    assert "svelte-check would have to be installed" in skip.reason


def test_what_a_script_runs_before_its_compiler_runs_before_it(context: Workspace) -> None:
    line = "node gen.mjs && tsc --noEmit && tsc -p tsconfig.test.json"
    files = {"package.json": manifest(), **package("packages/a", typecheck=line)}
    assert commands(typecheck.plan(context(files))) == {
        "typecheck/tsc@packages/a": [
            "packages/a: node gen.mjs",
            "packages/a: tsc --noEmit",
            "packages/a: tsc -p tsconfig.test.json",
        ]
    }


def test_a_watcher_ends_by_itself_and_an_old_pretty_is_dropped(context: Workspace) -> None:
    files = {"package.json": manifest(), **package("packages/a", typecheck="tsc --noEmit --watch --pretty true")}
    assert commands(typecheck.plan(context(files))) == {"typecheck/tsc@packages/a": ["packages/a: tsc --noEmit"]}


def test_a_line_that_only_a_shell_understands_is_left_to_pnpm(context: Workspace) -> None:
    files = {"package.json": manifest(typecheck="for p in packages/*; do tsc -p $p; done"), **package("packages/a")}
    assert commands(typecheck.plan(context(files))) == {"typecheck/typecheck@.": [".: pnpm run typecheck"]}


def test_without_typescript_the_stage_is_skipped(context: Workspace) -> None:
    plan = typecheck.plan(context({"package.json": manifest(), "packages/a/package.json": {"name": "a"}}))
    assert plan.checks == ()
    assert [skip.name for skip in plan.skips] == [None]


def test_every_tsconfig_that_is_used_is_asked_for_its_strictness(context: Workspace) -> None:
    files = {
        "package.json": manifest(typecheck="pnpm -r typecheck"),
        **package("packages/a", typecheck="tsc --noEmit && tsc -p tsconfig.node.json"),
        **package("packages/b", typecheck="tsc --build"),
    }
    (check,) = (check for check in typecheck.plan(context(files)).checks if check.name == "strict")
    assert check.id == "typecheck/strict@."
    assert check.steps[0].argv[-1] == (
        '[{"config": "packages/a/tsconfig.json", "build": false}, '
        '{"config": "packages/a/tsconfig.node.json", "build": false}, '
        '{"config": "packages/b/tsconfig.json", "build": true}]'
    )


@pytest.mark.parametrize("name", ["typecheck", "type-check", "types:check", "check-types", "test:types", "tsc"])
def test_the_usual_names_are_known(context: Workspace, name: str) -> None:
    files = {"package.json": manifest(), **package("packages/a", None, **{name: "tsc"})}
    assert list(commands(typecheck.plan(context(files)))) == ["typecheck/tsc@packages/a"]


def test_a_check_sees_what_its_package_depends_on_and_not_the_others(context: Workspace) -> None:
    files = {
        "package.json": manifest(),
        **package("packages/a", typecheck="tsc"),
        **package("packages/b", typecheck="tsc"),
        **package("packages/c", typecheck="tsc"),
    }
    files["packages/b/package.json"] = manifest("b", needs="a", typecheck="tsc")
    (check,) = (check for check in typecheck.plan(context(files)).checks if check.package == "packages/b")
    assert "!packages/c/**" in check.inputs
    assert "!packages/a/**" not in check.inputs


def test_strictness_is_verified_anew_when_a_source_comes_that_a_configuration_selects(context: Workspace) -> None:
    files = {"package.json": manifest(), **package("packages/a", typecheck="tsc")}
    (check,) = (check for check in typecheck.plan(context(files)).checks if check.name == "strict")
    paths = ("README.md", "packages/a/src/new.ts", "packages/a/tsconfig.json")
    assert select(paths, check.inputs) == ("packages/a/src/new.ts", "packages/a/tsconfig.json")


def test_scripts_that_check_a_part_each_count_together(context: Workspace) -> None:
    scripts = {"typecheck-packages": "pnpm -r typecheck", "typecheck:site": "tsc -p site"}
    files = {"package.json": manifest(**scripts), **package("packages/a", typecheck="tsc --noEmit")}
    assert commands(typecheck.plan(context(files))) == {
        "typecheck/tsc@packages/a": ["packages/a: tsc --noEmit"],
        "typecheck/tsc@.": [".: tsc -p site"],
    }
