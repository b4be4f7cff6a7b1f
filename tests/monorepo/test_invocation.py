from __future__ import annotations

import shlex
from pathlib import PurePosixPath

import pytest

from ci.monorepo.invocation import Invocation
from ci.monorepo.programs import name_of
from ci.monorepo.scripts import checking, watching, writes


def invocation(line: str) -> Invocation:
    argv = tuple(shlex.split(line))
    return Invocation(
        tool=name_of(argv), argv=argv, package=".", cwd=str(PurePosixPath()), script="x", chain=(), line=line
    )


@pytest.mark.parametrize(
    ("line", "checked"),
    [
        ("eslint . --fix", "eslint ."),
        ("eslint --fix --fix-type problem .", "eslint ."),
        ("biome check --write .", "biome check ."),
        ("biome check --write --unsafe", "biome check"),
        ("biome check --apply .", "biome check ."),
        ("biome format --write", "biome format"),
        ("biome lint --fix src", "biome lint src"),
        ("prettier --write .", "prettier --check ."),
        ("prettier . -w --cache", "prettier --check . --cache"),
        ("oxfmt", "oxfmt --check"),
        ("oxfmt --write src", "oxfmt --check src"),
        ("oxlint --fix", "oxlint"),
        ("oxlint --fix-suggestions --fix", "oxlint"),
        ("stylelint '**/*.css' --fix", "stylelint '**/*.css'"),
        ("markdownlint docs --fix", "markdownlint docs"),
        ("next lint --fix", "next lint"),
        ("sort-package-json", "sort-package-json --check"),
        ("dprint fmt", "dprint check"),
        ("nx format:write --all", "nx format:check --all"),
        ("vitest run -u", "vitest run"),
        ("jest --updateSnapshot", "jest"),
        ("playwright test --update-snapshots", "playwright test"),
        ("sherif --fix", "sherif"),
    ],
)
def test_what_rewrites_files_is_known_and_has_a_checking_form(line: str, checked: str) -> None:
    asked = invocation(line)
    assert writes(asked)
    assert shlex.join(checking(asked).argv) == checked
    assert not writes(checking(asked))
    assert checking(asked).line == line


@pytest.mark.parametrize(
    "line",
    [
        "eslint . --cache --max-warnings 0",
        "eslint --fix-dry-run .",
        "eslint --fix=false .",
        "biome ci",
        "biome check",
        "prettier --check .",
        "prettier -w --check .",
        "prettier --list-different .",
        "prettier .",
        "oxfmt --check",
        "oxfmt --list-different src",
        "tsc --noEmit",
        "tsc -b",
        "vitest run",
        "playwright test",
        "dprint check",
        "nx format:check",
        "echo --x",
    ],
)
def test_what_only_checks_is_left_as_it_is(line: str) -> None:
    asked = invocation(line)
    assert not writes(asked)
    assert checking(asked).argv == asked.argv


@pytest.mark.parametrize("line", ["some-linter --fix .", "syncpack --write"])
def test_an_unknown_tool_is_taken_at_its_word_and_has_no_checking_form(line: str) -> None:
    asked = invocation(line)
    assert writes(asked)
    assert writes(checking(asked))
    assert checking(asked).argv == asked.argv


@pytest.mark.parametrize(
    ("line", "once"),
    [
        ("vitest", "vitest run"),
        ("vitest --coverage", "vitest run --coverage"),
        ("vitest src/a.test.ts", "vitest run src/a.test.ts"),
        ("vitest watch --project unit", "vitest run --project unit"),
        ("vitest dev", "vitest run"),
        ("vitest --ui", "vitest run"),
        ("vitest -w", "vitest run"),
        ("jest --watch", "jest"),
        ("jest --watchAll", "jest"),
        ("tsc --noEmit --watch", "tsc --noEmit"),
        ("tsc -b -w", "tsc -b"),
        ("playwright test --ui", "playwright test"),
    ],
)
def test_a_watcher_is_known_and_has_a_form_that_ends(line: str, once: str) -> None:
    asked = invocation(line)
    assert watching(asked)
    assert shlex.join(checking(asked).argv) == once
    assert not watching(checking(asked))


@pytest.mark.parametrize(
    "line",
    [
        "vite",
        "vite dev",
        "vite preview",
        "next dev",
        "next start",
        "astro dev",
        "nuxt dev",
        "nodemon x",
        "tsx watch x.ts",
        "turbo watch dev",
    ],
)
def test_a_server_does_not_end(line: str) -> None:
    assert watching(invocation(line))


@pytest.mark.parametrize(
    "line",
    [
        "vitest run",
        "vitest --run",
        "vitest related src/a.ts --run",
        "vitest --watch=false",
        "vitest --no-watch",
        "vitest bench",
        "jest",
        "jest --watch=false",
        "tsc -b",
        "vite build",
        "next build",
        "prettier -w .",
        "node --test",
        "playwright test",
    ],
)
def test_what_ends_by_itself_is_no_watcher(line: str) -> None:
    assert not watching(invocation(line))
