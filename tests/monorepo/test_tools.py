from __future__ import annotations

from collections.abc import Callable

import pytest

from ci.monorepo.tools import configured
from ci.monorepo.workspace import Workspace

Build = Callable[..., Workspace]


@pytest.mark.parametrize(
    ("file", "name", "flavour"),
    [
        ("eslint.config.js", "eslint", "flat"),
        ("eslint.config.mts", "eslint", "flat"),
        (".eslintrc.cjs", "eslint", "legacy"),
        (".eslintrc", "eslint", "legacy"),
        (".eslintrc.yml", "eslint", "legacy"),
        ("biome.json", "biome", ""),
        (".biome.jsonc", "biome", ""),
        (".prettierrc", "prettier", ""),
        (".prettierrc.json5", "prettier", ""),
        ("prettier.config.mjs", "prettier", ""),
        (".oxlintrc.json", "oxlint", ""),
        (".oxfmtrc.jsonc", "oxfmt", ""),
        ("vitest.config.ts", "vitest", ""),
        ("vitest.config.e2e.ts", "vitest", ""),
        ("vitest.integration.config.ts", "vitest", ""),
        ("vitest.workspace.json", "vitest", ""),
        ("jest.config.js", "jest", ""),
        ("playwright.config.ts", "playwright", ""),
        ("playwright.ct.config.ts", "playwright", ""),
        ("astro.config.mjs", "astro", ""),
        ("svelte.config.js", "svelte", ""),
        ("next.config.ts", "next", ""),
        ("nuxt.config.ts", "nuxt", ""),
        ("prisma/schema.prisma", "prisma", ""),
        ("drizzle.config.ts", "drizzle", ""),
        ("turbo.json", "turbo", ""),
        ("nx.json", "nx", ""),
        (".size-limit.json", "size-limit", ""),
        ("lighthouserc.cjs", "lighthouse", ""),
    ],
)
def test_a_file_tells_of_its_tool_in_every_package(workspace_of: Build, file: str, name: str, flavour: str) -> None:
    tools = configured(workspace_of({file: "", f"packages/a/{file}": "", "packages/a/package.json": {}}))
    assert [(tool.name, tool.flavour, tool.config, tool.package) for tool in tools] == [
        (name, flavour, file, "."),
        (name, flavour, f"packages/a/{file}", "packages/a"),
    ]


@pytest.mark.parametrize(
    "file", ["eslint.config.js.bak", "my.eslintrc.js", "biome.yaml", "docs/a/b/c/vitest.config.ts"]
)
def test_a_file_of_another_name_tells_nothing(workspace_of: Build, file: str) -> None:
    assert configured(workspace_of({file: ""})) == ()


def test_a_part_of_package_json_tells_too(workspace_of: Build) -> None:
    manifest = {"prettier": "@acme/prettier", "eslintConfig": {}, "size-limit": []}
    tools = configured(workspace_of({"package.json": manifest}))
    assert {(tool.name, tool.config, tool.flavour) for tool in tools} == {
        ("prettier", "package.json", ""),
        ("eslint", "package.json", "legacy"),
        ("size-limit", "package.json", ""),
    }


def test_a_dependency_alone_tells_where_no_file_does(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "eslint.config.js": "",
            "packages/a/package.json": {"devDependencies": {"eslint": "^9", "vitest": "^4"}},
            "pnpm-lock.yaml": "lockfileVersion: '9.0'\nimporters:\n"
            "  packages/a: {devDependencies: {vitest: {version: 4.1.0(x@1)}, eslint: {version: 9.1.0}}}\n",
        }
    )
    found = [(tool.name, tool.config, tool.package, tool.version) for tool in configured(workspace)]
    assert found == [("eslint", "eslint.config.js", ".", None), ("vitest", None, "packages/a", "4.1.0")]


def test_typescript_is_told_by_its_purpose(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "tsconfig.base.json": {"compilerOptions": {"strict": True}},
            "tsconfig.json": {"files": [], "references": [{"path": "packages/a"}]},
            "packages/a/package.json": {},
            "packages/a/tsconfig.json": {"extends": "../../tsconfig.base.json", "include": ["src"]},
        }
    )
    assert [(tool.config, tool.flavour) for tool in configured(workspace)] == [
        ("tsconfig.base.json", "base"),
        ("tsconfig.json", "solution"),
        ("packages/a/tsconfig.json", "package"),
    ]
