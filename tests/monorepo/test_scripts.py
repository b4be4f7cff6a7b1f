from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest

from ci.errors import UsageError
from ci.monorepo.scripts import Invocation, invocations
from ci.monorepo.workspace import Workspace

Build = Callable[..., Workspace]

FILES: dict[str, Any] = {
    "turbo.json": '{"tasks": {"lint": {}, "//#format": {}, /* a comment */ "typecheck": {"dependsOn": ["^build"],}}}',
    "nx.json": {},
    "src/index.ts": "",
    "packages/core/src/index.ts": "",
    "packages/core/package.json": {
        "name": "@acme/core",
        "scripts": {
            "lint": "eslint src",
            "typecheck": "tsc --noEmit",
            "test": "vitest run",
            "build": "tsdown",
            "with-env": "dotenv -e ../../.env --",
        },
    },
    "packages/db/package.json": {
        "name": "@acme/db",
        "scripts": {"lint": "biome check", "generate": "pnpm run client", "client": "prisma generate"},
        "dependencies": {"@acme/core": "workspace:*"},
    },
    "apps/web/package.json": {
        "name": "web",
        "scripts": {"lint": "eslint .", "test": "pnpm -w lint:all", "test:integration": "playwright test"},
        "dependencies": {"@acme/db": "workspace:*"},
    },
}
ROOT = {
    "lint": "turbo run lint",
    "lint:js": "eslint .",
    "lint:css": "stylelint .",
    "lint:css:fix": "stylelint . --fix",
    "lint:all": "run-s 'lint:*'",
    "format": "prettier --write .",
    "one": "echo one",
    "preone": "echo before",
    "postone": "echo after",
}
WEB, DB, CORE = ("apps/web", "eslint ."), ("packages/db", "biome check"), ("packages/core", "eslint src")

Row = tuple[str, list[tuple[str, str]]]

ROWS: list[Row] = [
    # programs, and what stands in front of them
    ("eslint . --fix", [(".", "eslint . --fix")]),
    ("eslint . && prettier --check .", [(".", "eslint ."), (".", "prettier --check .")]),
    ("npx eslint .", [(".", "eslint .")]),
    ("npx --yes --package eslint eslint .", [(".", "eslint .")]),
    ("pnpm exec eslint .", [(".", "eslint .")]),
    ("pnpm eslint .", [(".", "eslint .")]),
    ("npm exec -- eslint .", [(".", "eslint .")]),
    ("yarn eslint .", [(".", "eslint .")]),
    ("bunx eslint .", [(".", "eslint .")]),
    ("corepack pnpm exec eslint .", [(".", "eslint .")]),
    ("cross-env CI=1 NODE_ENV=test eslint .", [(".", "eslint .")]),
    ("CI=1 eslint .", [(".", "eslint .")]),
    ("dotenv -e .env -- eslint .", [(".", "eslint .")]),
    ("dotenvx run -f .env -- eslint .", [(".", "eslint .")]),
    ("env CI=1 npx cross-env A=1 dotenv -- eslint .", [(".", "eslint .")]),
    ("cross-env-shell 'eslint .'", [(".", "opaque: a shell (cross-env-shell)")]),
    ("bash scripts/lint.sh", [(".", "opaque: a shell (bash)")]),
    ("sh -c 'eslint .'", [(".", "opaque: a shell (sh)")]),
    # scripts of this package
    ("pnpm run lint:js", [(".", "eslint .")]),
    ("pnpm lint:js", [(".", "eslint .")]),
    ("npm run lint:js", [(".", "eslint .")]),
    ("npm run -s lint:js -- --fix", [(".", "eslint . --fix")]),
    ("yarn lint:js", [(".", "eslint .")]),
    ("yarn run lint:js --fix", [(".", "eslint . --fix")]),
    ("bun run lint:js", [(".", "eslint .")]),
    ("node --run lint:js -- --fix", [(".", "eslint . --fix")]),
    ("pnpm --silent run lint:js --fix", [(".", "eslint . --fix")]),
    ("pnpm lint:js 'a b'", [(".", "eslint . 'a b'")]),
    ("pnpm run one", [(".", "echo before"), (".", "echo one"), (".", "echo after")]),
    ('pnpm run "/^lint:(js|css)$/"', [(".", "eslint ."), (".", "stylelint .")]),
    ("pnpm run nothing", [(".", "opaque: no package has what it runs")]),
    ("pnpm install", [(".", "pnpm install")]),
    ("pnpm dlx sherif", [(".", "pnpm dlx sherif")]),
    ("npm ci", [(".", "npm ci")]),
    # scripts of other packages
    ("pnpm -r lint", [WEB, CORE, DB]),
    ("pnpm -r run lint", [WEB, CORE, DB]),
    ("pnpm run -r lint", [WEB, CORE, DB]),
    ("pnpm recursive run lint", [WEB, CORE, DB]),
    ("pnpm -r --parallel --workspace-concurrency 4 lint", [WEB, CORE, DB]),
    ("pnpm --filter @acme/core lint", [CORE]),
    ("pnpm --filter=@acme/* lint", [CORE, DB]),
    ("pnpm -F '@acme/*' -F web run lint", [WEB, CORE, DB]),
    ("pnpm --filter './packages/**' lint --quiet", [(CORE[0], "eslint src --quiet"), (DB[0], "biome check --quiet")]),
    ("pnpm --filter web... lint", [WEB, CORE, DB]),
    ("pnpm --filter web^... lint", [CORE, DB]),
    ("pnpm --filter ...@acme/core lint", [WEB, CORE, DB]),
    ("pnpm --filter '...^@acme/core' lint", [WEB, DB]),
    ("pnpm --filter '!web' -r lint", [CORE, DB]),
    ("pnpm --filter core lint", [CORE]),
    ("pnpm -C packages/core lint", [CORE]),
    ("pnpm --dir=packages/db run lint", [DB]),
    ("npm run lint --prefix packages/core", [CORE]),
    ("npm --prefix packages/core run lint", [CORE]),
    ("npm run lint --workspace=@acme/core", [CORE]),
    ("npm run lint -w packages/db", [DB]),
    ("npm run lint --workspaces", [WEB, CORE, DB]),
    ("yarn workspace @acme/core lint", [CORE]),
    ("yarn workspaces foreach -A run lint", [WEB, CORE, DB]),
    ("pnpm --filter web exec playwright install", [("apps/web", "playwright install")]),
    ("pnpm -r exec tsc", [("apps/web", "tsc"), ("packages/core", "tsc"), ("packages/db", "tsc")]),
    ("pnpm --filter @acme/db generate", [("packages/db", "prisma generate")]),
    ("pnpm --filter @acme/core with-env tsx x.ts", [("packages/core", "tsx x.ts")]),
    # task graphs
    ("turbo run lint", [WEB, CORE, DB]),
    ("turbo lint", [WEB, CORE, DB]),
    ("npx turbo run lint --filter=@acme/core... --concurrency 3", [CORE]),
    ("turbo run lint typecheck -F @acme/core", [CORE, ("packages/core", "tsc --noEmit")]),
    ("turbo run lint --filter=./packages/* -- --fix", [(CORE[0], "eslint src --fix"), (DB[0], "biome check --fix")]),
    ("turbo run web#lint", [WEB]),
    ("turbo run format", [(".", "prettier --write .")]),
    ("turbo run //#format", [(".", "prettier --write .")]),
    ("turbo run one", [(".", "opaque: no package has what it runs")]),
    ("turbo watch lint", [(".", "turbo watch lint")]),
    ("nx run-many -t lint typecheck", [WEB, CORE, DB, ("packages/core", "tsc --noEmit")]),
    ("nx run-many --target=lint --projects=@acme/core,web", [WEB, CORE]),
    ("nx run-many --targets=lint --exclude=web", [CORE, DB]),
    ("nx affected -t lint --exclude 'packages/**'", [WEB]),
    ("nx run @acme/core:lint", [CORE]),
    ("nx lint web", [WEB]),
    ("nx format:check", [(".", "nx format:check")]),
    ("lerna run lint --scope '@acme/*'", [CORE, DB]),
    # several at once
    ("run-s lint:js lint:css", [(".", "eslint ."), (".", "stylelint .")]),
    ("run-p 'lint:*'", [(".", "eslint ."), (".", "stylelint ."), *[(".", "eslint ."), (".", "stylelint .")]]),
    ("npm-run-all -p lint:css* -s 'lint:js -- --fix'", [(".", "stylelint ."), (".", "eslint . --fix")]),
    ("run-s 'lint:css:**'", [(".", "stylelint . --fix")]),
    (
        "concurrently -n a,b 'npm:lint:css*' 'tsc --noEmit'",
        [(".", "stylelint ."), (".", "stylelint . --fix"), (".", "tsc --noEmit")],
    ),
    ('concurrently --kill-others "pnpm:lint:js -- --fix"', [(".", "eslint . --fix")]),
    # directories
    (
        "cd packages/core && tsc -p . && cd ../db && prisma generate",
        [("packages/core", "tsc -p ."), ("packages/db", "prisma generate")],
    ),
    ("cd packages/core && pnpm lint", [CORE]),
    ("cd ../.. && ls", [(".", "opaque: a directory outside the workspace")]),
    # what a shell would expand
    ("eslint src/*.ts", [(".", "opaque: a glob for the shell (src/*.ts)")]),
    ("eslint src/*.js", [(".", "eslint 'src/*.js'")]),
    ("rm -rf dist/*", [(".", "opaque: a glob for the shell (dist/*)")]),
    ("vitest run --project unit*", [(".", "vitest run --project 'unit*'")]),
    ("eslint . > report.txt", [(".", "opaque: a redirection")]),
    ("eslint $FILES && tsc", [(".", "opaque: a variable or substitution")]),
]


def shown(invocation: Invocation) -> tuple[str, str]:
    return invocation.package, f"opaque: {invocation.opaque}" if invocation.opaque else shlex.join(invocation.argv)


@pytest.mark.parametrize(("line", "expected"), ROWS)
def test_a_line_leads_to_the_programs_it_runs(workspace_of: Build, line: str, expected: list[tuple[str, str]]) -> None:
    workspace = workspace_of(FILES, **{**ROOT, "asked": line})
    found = [shown(each) for each in invocations(workspace, ".", "asked")]
    assert found == expected


def test_a_chain_tells_the_way_and_the_line_as_written(workspace_of: Build) -> None:
    workspace = workspace_of(FILES, ci="pnpm lint", lint="turbo run lint --filter=web")
    (found,) = invocations(workspace, ".", "ci")
    assert found.chain == (
        "package.json scripts.ci",
        "package.json scripts.lint",
        "turbo run lint --filter=web",
        "apps/web/package.json scripts.lint",
    )
    assert (found.tool, found.package, found.cwd, found.script, found.line) == (
        "eslint",
        "apps/web",
        "apps/web",
        "lint",
        "eslint .",
    )


def test_assignments_are_gathered_along_the_way(workspace_of: Build) -> None:
    workspace = workspace_of(None, a="A=1 pnpm b", b="cross-env B=2 A=3 npx eslint .")
    (found,) = invocations(workspace, ".", "a")
    assert (found.argv, found.environment) == (("eslint", "."), {"A": "3", "B": "2"})


def test_cycles_end(workspace_of: Build) -> None:
    workspace = workspace_of(
        {"packages/a/package.json": {"scripts": {"lint": "pnpm -w lint", "x": "pnpm x && eslint ."}}},
        lint="pnpm -r lint && prettier --check .",
    )
    assert [each.tool for each in invocations(workspace, ".", "lint")] == ["prettier"]
    assert [each.tool for each in invocations(workspace, "packages/a", "x")] == ["eslint"]


def test_scripts_that_double_at_every_step_are_refused_and_not_followed_for_ever(workspace_of: Build) -> None:
    scripts = {f"s{number}": f"pnpm s{number + 1} && pnpm s{number + 1}" for number in range(40)} | {"s40": "eslint ."}
    with pytest.raises(UsageError, match=r"package.json scripts.s0: leads to more than 5000 commands"):
        invocations(workspace_of(None, **scripts), ".", "s0")


def test_a_failure_that_is_swallowed_anywhere_on_the_way_is_not_decisive(workspace_of: Build) -> None:
    workspace = workspace_of(None, lint="pnpm eslint-all || true", **{"eslint-all": "eslint . && tsc"})
    assert [each.decisive for each in invocations(workspace, ".", "lint")] == [False, False, False]


@pytest.mark.parametrize(
    ("line", "notice"),
    [
        ("pnpm --filter '[origin/main]' lint", "filter '[origin/main]' asks git for changes: all packages are taken"),
        ("pnpm --filter nobody --filter web lint", "filter 'nobody' selects no package"),
        ("nx affected -t lint", "nx affected asks git for changes: all packages are taken"),
        ("turbo run lint --affected", "turbo asks git for changes: all packages are taken"),
    ],
)
def test_what_cannot_be_evaluated_is_noticed(workspace_of: Build, line: str, notice: str) -> None:
    found = invocations(workspace_of(FILES, asked=line), ".", "asked")
    assert found
    assert all(notice in each.notices for each in found)


@pytest.mark.parametrize(
    ("line", "tool"),
    [
        ("./node_modules/.bin/eslint .", "eslint"),
        ("../../node_modules/.bin/tsc", "tsc"),
        ("node ./node_modules/vitest/vitest.mjs run", "vitest"),
        ("node --max-old-space-size=8192 node_modules/typescript/bin/tsc -b", "tsc"),
        ("npx @biomejs/biome@2.1.0 check", "biome"),
        ("eslint_d .", "eslint"),
        ("nuxi typecheck", "nuxt"),
        ("node --test", "node-test"),
        ("node --import tsx --test 'src/**.test.ts'", "node-test"),
        ("tsx --test", "node-test"),
        ("node scripts/check.js", "node"),
        ("tsc7 -b", "tsc7"),
        ("vue-tsc --noEmit", "vue-tsc"),
        ("echo no tests", "echo"),
    ],
)
def test_a_program_is_known_by_its_plain_name(workspace_of: Build, line: str, tool: str) -> None:
    (found,) = invocations(workspace_of(None, asked=line), ".", "asked")
    assert found.tool == tool


def test_a_package_of_turbo_alone_runs_in_that_package(workspace_of: Build) -> None:
    files = {
        **FILES,
        "packages/core/package.json": {"name": "c", "scripts": {"ci": "turbo run lint", "lint": "eslint"}},
    }
    assert [shown(each) for each in invocations(workspace_of(files), "packages/core", "ci")] == [
        ("packages/core", "eslint")
    ]


def test_nx_obeys_project_json_and_included_scripts(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "packages/a/package.json": {"name": "a", "scripts": {"test": "jest", "lint": "eslint a"}},
            "packages/a/project.json": {"targets": {"lint": {"command": "eslint packages/a"}}},
            "packages/b/package.json": {
                "name": "b",
                "scripts": {"test": "vitest", "lint": "eslint b"},
                "nx": {"includedScripts": ["lint"]},
            },
        },
        check="nx run-many -t lint,test",
        test="nx run-many -t test",
    )
    found = invocations(workspace, ".", "check")
    assert [(*shown(each), each.cwd) for each in found] == [
        ("packages/a", "eslint packages/a", "."),
        ("packages/b", "eslint b", "packages/b"),
        ("packages/a", "jest", "packages/a"),
    ]


def test_the_traps_of_names_are_seen_through(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "packages/a/package.json": {"name": "a", "scripts": {"test": "echo 'no tests' && exit 0"}},
            "packages/b/package.json": {
                "name": "b",
                "scripts": {"test": "vitest", "test:integration": "playwright test"},
            },
        },
        check="biome check . && pnpm typecheck",
        typecheck="pnpm -r typecheck && tsc -b",
        test="pnpm lint && pnpm -r test && pnpm -r test:integration",
        lint="eslint .",
        format="biome format --write .",
    )
    tools = {name: [each.tool for each in invocations(workspace, ".", name)] for name in workspace.packages[0].scripts}
    assert tools == {
        "check": ["biome", "", "tsc"],
        "typecheck": ["", "tsc"],
        "test": ["eslint", "echo", "exit", "vitest", "playwright"],
        "lint": ["eslint"],
        "format": ["biome"],
    }


def test_a_script_that_is_not_there_gives_nothing(workspace_of: Build) -> None:
    assert invocations(workspace_of(), ".", "lint") == ()
