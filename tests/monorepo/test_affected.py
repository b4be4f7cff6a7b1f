from __future__ import annotations

import pytest

from ci.monorepo.affected import without_question


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        ("nx affected -t build", ["pnpm exec nx run-many -t build"]),
        ("nx affected --target=build --base=main --head HEAD", ["pnpm exec nx run-many --target=build"]),
        ("pnpm nx affected -t build --uncommitted", ["pnpm exec nx run-many -t build"]),
        ("npx nx affected -t build --files a.ts", ["pnpm exec nx run-many -t build"]),
        ("turbo run build --affected", ["pnpm exec turbo run build"]),
        ("turbo build --filter=...[origin/main] --filter=web", ["pnpm exec turbo build --filter=web"]),
        ("turbo run build --since main", ["pnpm exec turbo run build"]),
        (
            "nx affected --targets=build --exclude=examples/** && size-limit && pnpm run copy",
            [
                "pnpm exec nx run-many --targets=build --exclude=examples/**",
                "pnpm exec size-limit",
                "pnpm run copy",
            ],
        ),
    ],
)
def test_all_packages_are_taken_instead_of_those_that_git_says_changed(script: str, commands: list[str]) -> None:
    found = without_question(script)
    assert found is not None
    assert [" ".join(words) for words in found] == commands


@pytest.mark.parametrize(
    "script",
    [
        "nx run-many -t build",
        "turbo run build --filter=web",
        "pnpm -r build",
        "vite build",
        "nx affected -t build || true",
        "nx affected -t build > log.txt",
        "NX_DAEMON=false nx affected -t build",
        "echo nx affected",
    ],
)
def test_a_script_that_takes_all_or_that_needs_a_shell_stays_as_it_is(script: str) -> None:
    assert without_question(script) is None
