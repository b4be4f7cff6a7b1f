from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ci.monorepo.typescript import TypeScriptPackage, typescript_packages
from ci.monorepo.workspace import Workspace

Build = Callable[..., Workspace]


def by_path(workspace: Workspace) -> dict[str, TypeScriptPackage]:
    return {member.package: member for member in typescript_packages(workspace)}


def test_options_come_down_the_chain_and_the_nearest_wins(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "tsconfig.base.json": '{"compilerOptions": {"strict": true, "composite": true, /* c */ }, }',
            "packages/conf/package.json": {"name": "@acme/conf", "exports": {"./node": "./node.json"}},
            "packages/conf/node.json": {"extends": "../../tsconfig.base", "compilerOptions": {"composite": False}},
            "packages/a/package.json": {},
            "packages/a/tsconfig.json": {"extends": ["@acme/conf/node", "@tsconfig/node24/tsconfig.json"]},
            "packages/b/package.json": {},
            "packages/b/tsconfig.json": {"extends": "@acme/conf/node.json", "compilerOptions": {"strict": False}},
            "packages/c/package.json": {},
            "packages/c/tsconfig.json": {},
        }
    )
    packages = by_path(workspace)
    a, b, c = (packages[f"packages/{name}"].configs[0] for name in "abc")
    assert (a.strict, a.composite) == (True, False)
    assert a.extends == ("packages/conf/node.json", "tsconfig.base.json")
    assert (b.strict, b.extends) == (False, ("packages/conf/node.json", "tsconfig.base.json"))
    assert c.strict is None


def test_a_root_tsconfig_that_packages_build_on_is_only_a_base(workspace_of: Build) -> None:
    files: dict[str, Any] = {
        "tsconfig.json": {"compilerOptions": {"strict": True}},
        "packages/a/package.json": {},
        "packages/a/tsconfig.json": {"extends": "../../tsconfig.json"},
    }
    assert by_path(workspace_of(files))["."].main is None
    assert by_path(workspace_of(files))["packages/a"].main is not None
    main = by_path(workspace_of(files, typecheck="tsc --noEmit"))["."].main
    assert main is not None
    assert by_path(workspace_of(files, typecheck="tsc -p packages/a"))["."].main is None
    files["tsconfig.json"] = {"include": ["scripts"]}
    assert by_path(workspace_of(files))["."].main is not None


def test_references_lead_to_their_files_and_empty_files_make_a_solution(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "tsconfig.json": {
                "files": [],
                "references": [{"path": "./tsconfig.app.json"}, {"path": "packages/a"}, {"path": "packages/gone"}],
            },
            "tsconfig.app.json": {"include": ["src"]},
            "packages/a/package.json": {},
            "packages/a/tsconfig.json": {},
        }
    )
    main = by_path(workspace)["."].main
    assert main is not None
    assert main.solution
    assert main.references == ("tsconfig.app.json", "packages/a/tsconfig.json")


@pytest.mark.parametrize(
    ("text", "broken"),
    [("{,", "packages/a/tsconfig.json:1:2: invalid JSON"), ("[]", "packages/a/tsconfig.json:1: not an object")],
)
def test_a_broken_tsconfig_is_kept_with_what_is_wrong(workspace_of: Build, text: str, broken: str) -> None:
    member = by_path(workspace_of({"packages/a/package.json": {}, "packages/a/tsconfig.json": text}))["packages/a"]
    assert member.main is not None
    assert member.main.broken.startswith(broken)


def test_a_loop_of_extends_ends(workspace_of: Build) -> None:
    workspace = workspace_of(
        {"tsconfig.json": {"extends": "./tsconfig.b.json"}, "tsconfig.b.json": {"extends": "./tsconfig.json"}}
    )
    assert [config.extends for config in by_path(workspace)["."].configs] == [("tsconfig.json",), ("tsconfig.b.json",)]


@pytest.mark.parametrize(
    ("file", "dependency", "checker"),
    [
        ("src/App.vue", "vue-tsc", "vue"),
        ("src/App.vue", "vue", "vue"),
        ("src/App.svelte", "svelte", "svelte"),
        ("src/Page.astro", "astro", "astro"),
        ("src/app.ts", "vue", "plain"),
        ("src/App.vue", "react", "plain"),
    ],
)
def test_files_that_tsc_cannot_read_ask_for_their_own_checker(
    workspace_of: Build, file: str, dependency: str, checker: str
) -> None:
    workspace = workspace_of(
        {
            "packages/a/package.json": {"dependencies": {dependency: "*"}},
            f"packages/a/{file}": "",
            "packages/a/x.ts": "",
        }
    )
    assert by_path(workspace)["packages/a"].checker == checker


def test_sources_without_a_tsconfig_are_seen_and_declarations_are_no_sources(workspace_of: Build) -> None:
    workspace = workspace_of(
        {"packages/a/package.json": {}, "packages/a/x.mts": "", "packages/b/package.json": {}, "packages/b/y.d.ts": ""}
    )
    packages = by_path(workspace)
    assert (packages["packages/a"].main, packages["packages/a"].sources) == (None, 1)
    assert "packages/b" not in packages
