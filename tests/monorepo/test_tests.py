from __future__ import annotations

from collections.abc import Callable

import pytest

from ci.monorepo.tests import find_tests, playwright_configs, vitest_configs
from ci.monorepo.workspace import Workspace

Build = Callable[..., Workspace]


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("src/a.test.ts", "unit"),
        ("src/__tests__/a.spec.tsx", "unit"),
        ("test/a_test.js", "unit"),
        ("src/a.servertest.ts", "unit"),
        ("src/integration/slack.test.ts", "unit"),
        ("src/backend-integration.spec.ts", "unit"),
        ("src/a.integration.test.ts", "integration"),
        ("src/a.int.spec.ts", "integration"),
        ("src/a.db.test.ts", "integration"),
        ("src/integration.test.ts", "integration"),
        ("src/a.integration-test.ts", "integration"),
        ("tests/integration/a.test.ts", "integration"),
        ("src/__tests__/integration/deep/a.test.ts", "integration"),
        ("integration/a.test.ts", "integration"),
        ("src/integration-tests/a.test.ts", "integration"),
        ("e2e/a.spec.ts", "e2e"),
        ("src/__e2e__/a.test.ts", "e2e"),
        ("src/a.e2e.ts", "e2e"),
        ("src/a.e2e-spec.ts", "e2e"),
        ("src/a.e2e.test.ts", "e2e"),
        ("src/login.cy.ts", "e2e"),
        ("tests/integration/a.e2e.test.ts", "e2e"),
        ("src/a.test-d.ts", "types"),
        ("src/latest.ts", None),
        ("src/contest.ts", None),
        ("src/test.ts", None),
        ("vitest.config.e2e.ts", None),
        ("test/fixtures/a.test.ts", None),
        ("dist/a.test.js", None),
        ("src/a.test.ts.snap", None),
        ("src/a.test.md", None),
    ],
)
def test_a_test_is_known_by_its_name_and_folder(workspace_of: Build, file: str, kind: str | None) -> None:
    workspace = workspace_of({"packages/integration/package.json": {}, f"packages/integration/{file}": ""})
    found = [(test.path, test.kind) for test in find_tests(workspace)]
    assert found == ([] if kind is None else [(f"packages/integration/{file}", kind)])


def test_playwright_tells_of_its_folder_and_imports(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "apps/web/package.json": {},
            "apps/web/playwright.config.ts": "export default defineConfig({ testDir: './browser' })",
            "apps/web/browser/a.spec.ts": "",
            "apps/web/src/b.spec.ts": "import { test } from '@playwright/test'",
            "apps/web/src/c.spec.ts": "import { test } from 'vitest'",
            "packages/a/package.json": {},
            "packages/a/d.spec.ts": "import { test } from '@playwright/test'",
        }
    )
    assert [(test.path, test.kind) for test in find_tests(workspace)] == [
        ("apps/web/browser/a.spec.ts", "e2e"),
        ("apps/web/src/b.spec.ts", "e2e"),
        ("apps/web/src/c.spec.ts", "unit"),
        ("packages/a/d.spec.ts", "unit"),
    ]


PROJECTS = """
import { configDefaults, defineConfig, defineProject } from 'vitest/config'
// projects: [{ test: { name: 'commented' } }]
const alias = { test: { name: 'elsewhere' } }
export default defineConfig({
  test: {
    name: 'outer',
    coverage: { include: ['packages/*/src/**'] },
    projects: [
      'packages/*',
      "./apps/web/vitest.config.ts",
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts'],
          exclude: [...configDefaults.exclude, '**/e2e/**'],
        },
      },
      defineProject({ test: { name: { label: 'integration', color: 'red' }, coverage: { include: ['no'] } } }),
      { test: { name: "ui", include: ["src/**/*.db.test.ts"], browser: { enabled: true, instances: [] } } },
      { test: { name: 'off', browser: { enabled: false } } },
    ],
  },
})
"""


def test_vitest_projects_are_read_from_the_text(workspace_of: Build) -> None:
    (config,) = vitest_configs(workspace_of({"vitest.config.ts": PROJECTS}))
    assert (config.multiple, config.certain) == (True, True)
    assert config.places == ("packages/*", "./apps/web/vitest.config.ts")
    assert [(each.name, each.kind, each.browser, each.line) for each in config.projects] == [
        ("unit", "unit", False, 15),
        ("integration", "integration", False, 20),
        ("ui", "integration", True, 21),
        ("off", "unit", False, 22),
    ]
    assert config.projects[0].include == ("src/**/*.test.ts",)
    assert config.projects[0].exclude == ("**/e2e/**",)
    assert config.projects[1].include == ()


@pytest.mark.parametrize(
    "text",
    [
        "export default defineConfig({ test: { projects: [...matrix.map(x => ({ test: { name: x } }))] } })",
        "export default defineConfig({ test: { projects } })\nconst projects: unknown[] = []",
        "export default defineConfig({ test: { projects: projectsOf('x') } })",
        "export default defineConfig({ test: { projects: [{ test: { name: `a-${x}` } }] } })",
        "export default mergeConfig(shared, defineConfig({ test: {} }))",
        "import shared from '../vitest.shared'\nexport default shared",
        "export default { ...shared }",
    ],
)
def test_what_is_computed_is_not_certain(workspace_of: Build, text: str) -> None:
    (config,) = vitest_configs(workspace_of({"vitest.config.ts": text}))
    assert not config.certain


def test_a_configuration_without_projects_is_one_of_its_own(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "vitest.integration.config.ts": "export default defineConfig({ test: { include: ['src/**'] } })",
            "vite.config.ts": "export default defineConfig({ plugins: [react()] })",
            "packages/a/package.json": {},
            "packages/a/vite.config.ts": "const config = { test: { globals: true } }\nexport default config",
            "packages/b/package.json": {},
            "packages/b/vite.config.ts": "export default { plugins: [paths({ projects: ['./tsconfig.json'] })] }",
        }
    )
    assert [(config.path, config.multiple, config.certain) for config in vitest_configs(workspace)] == [
        ("vitest.integration.config.ts", False, True),
        ("packages/a/vite.config.ts", False, True),
    ]
    assert [config.projects[0].kind for config in vitest_configs(workspace)] == ["integration", "unit"]


def test_a_vitest_workspace_file_lists_its_places(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "vitest.workspace.ts": "export default defineWorkspace(['packages/*', { test: { name: 'e2e' } }])",
            "packages/a/package.json": {},
            "packages/a/vitest.workspace.json": '["x/*"]',
        }
    )
    first, second = vitest_configs(workspace)
    assert (first.places, [each.kind for each in first.projects]) == (("packages/*",), ["e2e"])
    assert second.places == ("x/*",)


def test_hostile_text_does_not_hang_the_reader(workspace_of: Build) -> None:
    text = "export default { test: { projects: [" + "[{(" * 20_000 + "'" + "/*" * 20_000
    (config,) = vitest_configs(workspace_of({"vitest.config.ts": text}))
    assert not config.certain


PLAYWRIGHT = """
import { defineConfig, devices } from '@playwright/test'
export default defineConfig({
  testDir: './specs',
  retries: process.env.CI ? 2 : 0,
  webServer: [{ command: 'pnpm build && pnpm preview', port: 4173 }, { command: "pnpm api" }],
  projects: [
    { name: 'desktop', use: { ...devices['Desktop Chrome'], channel: 'chrome' } },
    { name: 'phone', use: { ...devices['iPhone 15'] } },
    { name: 'fox', use: { browserName: 'firefox' } },
  ],
})
"""


def test_playwright_is_read_from_the_text(workspace_of: Build) -> None:
    (config,) = playwright_configs(
        workspace_of({"apps/web/package.json": {}, "apps/web/e2e/playwright.config.ts": PLAYWRIGHT})
    )
    assert (config.package, config.test_dir) == ("apps/web", "apps/web/e2e/specs")
    assert config.projects == ("desktop", "phone", "fox")
    assert config.browsers == ("firefox", "webkit", "chromium")
    assert config.channels == ("chrome",)
    assert (config.retries, config.server, config.certain) == (True, True, True)
    assert config.servers == ("pnpm build && pnpm preview", "pnpm api")


def test_a_bare_playwright_configuration_means_chromium_and_no_retries(workspace_of: Build) -> None:
    (config,) = playwright_configs(workspace_of({"playwright.config.ts": "export default { timeout: 1 }"}))
    assert (config.test_dir, config.browsers, config.retries, config.server) == (".", ("chromium",), False, False)
    (spread,) = playwright_configs(workspace_of({"playwright.config.ts": "export default { ...shared }"}))
    assert not spread.certain
