from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.executors.reuse import select
from ci.stages import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.stages.context import Context

    Workspace = Callable[..., Context]

ROOT = {
    "name": "root",
    "packageManager": "pnpm@10.34.9",
    "scripts": {"lint": "eslint . && prettier --check . && cspell .", "typecheck": "tsc", "test": "vitest run"},
    "devDependencies": {"eslint": "9.0.0", "prettier": "3.0.0", "typescript": "5.9.0", "vitest": "4.0.0"},
}
FILES: dict[str, Any] = {
    "package.json": ROOT,
    "eslint.config.js": "export default [];\n",
    "tsconfig.json": "{}\n",
    "src/a.test.ts": "export {};\n",
    "packages/a/README.md": "a\n",
}


def readers(context: Context) -> set[str]:
    """Return the names of the checks that an edit of the package's README runs again."""
    files, checks = context.workspace.files, catalogue.plan(context).checks
    return {check.name for check in checks if "packages/a/README.md" in select(files, check.inputs)}


def test_prose_is_read_by_formatters_and_by_what_nobody_knows(context: Workspace) -> None:
    assert readers(context(FILES)) == {"prettier", "cspell"}


@pytest.mark.parametrize(
    "more",
    [
        {"src/a.test.ts": "readFileSync('packages/a/README.md')"},
        {"eslint.config.js": "import markdown from '@eslint/markdown';"},
        {"vite.config.ts": "import.meta.glob('./**/*.MD')"},
        {"package.json": {**ROOT, "devDependencies": {**ROOT["devDependencies"], "vitepress": "1.0.0"}}},  # type: ignore[dict-item]
    ],
)
def test_where_something_speaks_of_it_everything_may_read_it(context: Workspace, more: dict[str, Any]) -> None:
    assert {"prettier", "cspell", "eslint", "vitest"} <= readers(context({**FILES, **more}))


def test_other_files_are_read_by_all_that_could(context: Workspace) -> None:
    files = (*context(FILES).workspace.files, "docs/guide.md", "src/readme.ts")
    vitest = next(check for check in catalogue.plan(context(FILES)).checks if check.name == "vitest")
    assert {"docs/guide.md", "src/readme.ts"} <= set(select(files, vitest.inputs))
