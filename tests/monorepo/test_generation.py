from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ci.monorepo.generation import builds, generations
from ci.monorepo.workspace import Workspace

Build = Callable[..., Workspace]


@pytest.mark.parametrize(
    ("dependency", "file", "argv", "output"),
    [
        ("prisma", "prisma/schema.prisma", ("prisma", "generate"), "node_modules/.pnpm/@prisma+client*/**"),
        ("astro", "astro.config.mjs", ("astro", "sync"), "packages/a/.astro/**"),
        ("nuxt", "nuxt.config.ts", ("nuxt", "prepare"), "packages/a/.nuxt/**"),
        ("@sveltejs/kit", "svelte.config.js", ("svelte-kit", "sync"), "packages/a/.svelte-kit/**"),
        ("@react-router/dev", "react-router.config.ts", ("react-router", "typegen"), "packages/a/.react-router/**"),
        (
            "@inlang/paraglide-js",
            "project.inlang/settings.json",
            ("paraglide-js", "compile", "--project", "project.inlang", "--outdir", "src/paraglide"),
            "packages/a/src/paraglide/**",
        ),
    ],
)
def test_a_known_generator_is_found_by_dependency_and_file(
    workspace_of: Build, dependency: str, file: str, argv: tuple[str, ...], output: str
) -> None:
    manifest = {"devDependencies": {dependency: "*"}}
    (found,) = generations(workspace_of({"packages/a/package.json": manifest, f"packages/a/{file}": ""}))
    assert (found.package, found.argv, found.certain, found.at_install) == (
        "packages/a",
        ("pnpm", "exec", *argv),
        True,
        False,
    )
    assert found.outputs[0] == output
    assert f"packages/a/{file}" in found.why
    assert generations(workspace_of({"packages/a/package.json": {}, f"packages/a/{file}": ""})) == ()


def test_the_packages_own_script_is_taken_and_a_hook_is_seen(workspace_of: Build) -> None:
    manifest = {
        "scripts": {"db:generate": "prisma generate", "postinstall": "pnpm db:generate", "generate": "echo other"},
        "devDependencies": {"prisma": "*"},
    }
    schema = 'generator client {\n  provider = "prisma-client"\n  output = "../src/generated"\n}\n'
    first, second = generations(
        workspace_of({"packages/db/package.json": manifest, "packages/db/prisma/schema.prisma": schema})
    )
    assert (first.argv, first.at_install) == (("pnpm", "run", "db:generate"), True)
    assert first.outputs == ("packages/db/src/generated/**",)
    assert (second.argv, second.certain) == (("pnpm", "run", "generate"), False)


@pytest.mark.parametrize(
    "line",
    [
        "nuxt generate",
        "drizzle-kit generate",
        "plop",
        "turbo gen",
        "pnpm dlx x",
        "changeset",
        "curl https://x.dev -o y",
    ],
)
def test_a_generate_that_is_something_else_is_left_alone(workspace_of: Build, line: str) -> None:
    manifest = {"scripts": {"generate": line}, "dependencies": {"nuxt": "*"}}
    assert generations(workspace_of({"packages/a/package.json": manifest})) == ()


def test_a_root_script_that_leads_to_packages_is_left_to_them_in_order(workspace_of: Build) -> None:
    files: dict[str, Any] = {
        "packages/a/package.json": {
            "name": "a",
            "scripts": {"codegen": "node gen.mjs"},
            "dependencies": {"z": "workspace:*"},
        },
        "packages/z/package.json": {"name": "z", "scripts": {"codegen": "node gen.mjs"}},
    }
    found = generations(workspace_of(files, codegen="pnpm -r codegen"))
    assert [(each.package, each.argv) for each in found] == [
        ("packages/z", ("pnpm", "run", "codegen")),
        ("packages/a", ("pnpm", "run", "codegen")),
    ]


def test_what_turbo_puts_before_the_types_is_certain(workspace_of: Build) -> None:
    files: dict[str, Any] = {
        "turbo.json": {
            "tasks": {"typecheck": {"dependsOn": ["^build", "messages"]}, "build": {"dependsOn": ["assets"]}}
        },
        "packages/a/package.json": {"scripts": {"messages": "node m.mjs", "assets": "node a.mjs", "build": "tsc"}},
    }
    assert [(each.argv[-1], each.certain) for each in generations(workspace_of(files))] == [("messages", True)]


def test_packages_whose_types_only_a_build_writes_are_built_in_order(workspace_of: Build) -> None:
    def package(needs: list[str], **more: Any) -> dict[str, Any]:
        return {"dependencies": dict.fromkeys(needs, "workspace:*"), "scripts": {"build": "tsc"}, **more}

    workspace = workspace_of(
        {
            "packages/b/package.json": package(["c", "src"], name="b", types="./dist/index.d.ts"),
            "packages/c/package.json": package(
                [], name="c", exports={".": {"types": "./dist/i.d.ts", "default": "./dist/i.js"}, "./x": "./src/x.ts"}
            ),
            "packages/src/package.json": package([], name="src", exports={".": "./src/index.ts"}),
            "packages/src/src/index.ts": "",
            "packages/unused/package.json": package([], name="unused", main="dist/i.js"),
            "apps/web/package.json": package(["b"], name="web"),
        }
    )
    assert [(each.package, each.outputs, each.certain) for each in builds(workspace)] == [
        ("packages/c", ("packages/c/dist/**",), False),
        ("packages/b", ("packages/b/dist/**",), False),
    ]


def test_a_script_that_runs_another_command_of_the_generator_does_not_stand_for_it(workspace_of: Build) -> None:
    manifest = {"scripts": {"generate": "nuxt generate"}, "dependencies": {"nuxt": "*"}}
    (found,) = generations(workspace_of({"packages/a/package.json": manifest, "packages/a/nuxt.config.ts": ""}))
    assert found.argv == ("pnpm", "exec", "nuxt", "prepare")
